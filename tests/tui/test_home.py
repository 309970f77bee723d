"""The first screen."""

import pytest

from p2p_remote.services import events as se
from p2p_remote.services.running_node import NodeOptions
from p2p_remote.tui.app import Start
from p2p_remote.tui.screens.help import HelpScreen
from p2p_remote.tui.screens.home import HomeScreen
from p2p_remote.tui.screens.outgoing import OutgoingScreen
from p2p_remote.tui.widgets.id_input import NOT_AN_ID
from p2p_remote.tui.widgets.key_line import KeyLine
from tests.support.tui import IDENTITY, OTHER_ID, OWN_ID, Stage, settle, text_of

SIZES = [(80, 24), (120, 40)]


@pytest.mark.parametrize("size", SIZES)
async def test_the_own_id_is_large_and_its_use_is_said(size: tuple[int, int]) -> None:
    """Who opens the program knows what to read out."""
    stage = Stage()
    async with stage.app.run_test(size=size) as pilot:
        stage.share.event("ready", id=str(OWN_ID), rendezvous=True, lan=True)
        await pilot.pause()
        shown = text_of(stage.app)
        assert "┗━┫┣━┫┏━┛   ┗━┫ ┃  ━┫   ┃ ┃  ┃┃ ┃" in shown
        assert "Read this number to the person" in shown
        assert "● ready: nobody is connected" in shown
        assert "Closing this window means nobody can reach you." in shown


async def test_a_small_screen_shows_the_id_as_text() -> None:
    """Below 60 columns the ID is still there, in one line."""
    stage = Stage()
    async with stage.app.run_test(size=(50, 16)) as pilot:
        await pilot.pause()
        assert "482 913 070" in text_of(stage.app)


async def test_enter_calls_the_id_in_the_field() -> None:
    """Typing and Enter is all that is needed."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        await pilot.press(*str(OTHER_ID), "enter")
        await pilot.pause()
        assert isinstance(stage.app.screen, OutgoingScreen)
        assert stage.technician.called == [(OTHER_ID, "")]
        assert not stage.technician.options.listed


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (str(OWN_ID), "This is your own ID"),
        ("4829", "5 more digits"),
    ],
)
async def test_what_cannot_be_called_is_refused_kindly(typed: str, words: str) -> None:
    """No call is made, and the field says why until something is typed."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        await pilot.press(*typed, "enter")
        await pilot.pause()
        assert words in text_of(stage.app)
        assert not any(link.called for link in stage.technicians)
        await pilot.press("backspace")
        await pilot.pause()
        assert words not in text_of(stage.app)


async def test_what_is_no_part_of_an_id_is_said_at_once() -> None:
    """The field says what it takes, until something that it does take is typed."""
    stage = Stage()
    async with stage.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4", "x")
        await settle(pilot)
        assert NOT_AN_ID.split(",")[0] in text_of(stage.app)
        await pilot.press("8")
        await settle(pilot)
        assert NOT_AN_ID.split(",")[0] not in text_of(stage.app)


async def test_a_machine_on_the_network_is_called_with_enter() -> None:
    """The list is in reach of the keyboard."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        stage.lan.on_change([123456789, OTHER_ID])
        await pilot.pause()
        assert "771 204 556" in text_of(stage.app)
        await pilot.press("tab", "tab", "down", "enter")
        await pilot.pause()
        assert stage.technician.called == [(OTHER_ID, "")]


async def test_a_network_that_cannot_be_searched_says_why() -> None:
    """No empty list without a word."""
    options = NodeOptions(IDENTITY, server=None, lan=False)
    stage = Stage(Start(options, share_arguments=()))
    async with stage.app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert "switched off" in text_of(stage.app)


@pytest.mark.parametrize("size", [*SIZES, (50, 16)])
async def test_a_machine_that_cannot_share_can_still_help(
    size: tuple[int, int],
) -> None:
    """Helping comes first, the reason is one plain line, and calling works."""
    stage = Stage()
    async with stage.app.run_test(size=size) as pilot:
        text = "No display found. Share the practice desktop with --screen synthetic."
        stage.share.event("stopped", code=7, text=text)
        await settle(pilot)
        shown = text_of(stage.app)
        assert "✖ this machine cannot be helped from here" in shown
        assert "--screen" not in shown
        assert "Read this number" not in shown
        assert "482 913 070" not in shown
        halves = stage.app.screen.query_one("#halves").children
        assert [half.id for half in halves] == ["other", "own"]
        assert "Try again" in shown
        await pilot.press(*str(OTHER_ID), "enter")
        await pilot.pause()
        assert stage.technicians


@pytest.mark.parametrize("size", [(80, 24), (50, 16)])
async def test_a_half_that_stopped_is_started_again(size: tuple[int, int]) -> None:
    """The button is there only then, and what the old half says no longer counts."""
    stage = Stage()
    async with stage.app.run_test(size=size) as pilot:
        button = stage.app.screen.query_one("#restart")
        stage.share.event("ready", id=str(OWN_ID), rendezvous=True, lan=True)
        await settle(pilot)
        assert not button.display
        before = stage.share
        before.event("stopped", code=7, text="There is no display.")
        await settle(pilot)
        assert button.display
        await pilot.click("#restart")
        await settle(pilot)
        assert stage.share is not before
        assert before.closed
        assert not button.display
        halves = stage.app.screen.query_one("#halves").children
        assert [half.id for half in halves] == ["own", "other"]
        stage.share.event("ready", id=str(OWN_ID), rendezvous=True, lan=True)
        await settle(pilot)
        shown = text_of(stage.app)
        assert "ready: nobody is connected" in shown
        assert "Read this number" in shown


async def test_quitting_ends_everything() -> None:
    """Ctrl+Q leaves with 0, and nothing runs on."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        await pilot.press(*str(OTHER_ID), "enter")
        await pilot.pause()
        await pilot.press("escape")
        await pilot.pause()
        await pilot.press("ctrl+q")
        await pilot.pause()
    assert stage.app.return_value == 0
    assert stage.share.closed
    assert stage.lan.closed
    assert stage.technician.closed


async def test_help_lists_every_action() -> None:
    """The help screen is made from the table of actions."""
    stage = Stage()
    async with stage.app.run_test(size=(120, 80)) as pilot:
        await pilot.press("f1")
        await pilot.pause()
        shown = text_of(stage.app)
        for word in ("F11", "Stop control", "Ctrl+Q", "Special keys", "Copy ID"):
            assert word in shown
        await pilot.press("escape")
        await pilot.pause()
        assert "Your ID" in text_of(stage.app)


async def test_the_palette_offers_the_actions_of_the_screen() -> None:
    """Every action is found by its name, too."""
    stage = Stage()
    async with stage.app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        titles = {
            command.title for command in stage.app.get_system_commands(stage.app.screen)
        }
        assert {"Connect", "Copy ID", "Help", "Quit", "Theme"} <= titles
        assert "Stop control" not in titles


async def test_the_theme_that_was_chosen_is_kept() -> None:
    """The next start begins with it; a name that nobody knows does no harm."""
    kept: list[str] = []
    options = Stage().start.options
    stage = Stage(Start(options, share_arguments=(), on_theme=kept.append))
    async with stage.app.run_test() as pilot:
        assert kept == []
        stage.app.theme = "p2p-light"
        await settle(pilot)
    assert kept == ["p2p-light"]
    assert Stage(Start(options, theme="p2p-light")).app.theme == "p2p-light"
    assert Stage(Start(options, theme="no such")).app.theme == "p2p-dark"


async def test_the_network_is_ready_when_the_id_is_complete() -> None:
    """The first digit makes the link that the call then uses; leaving closes it."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        await pilot.press(*str(OTHER_ID))
        await settle(pilot)
        (link,) = stage.technicians
        assert link.prepared == 1
        assert link.called == []
        link.notify(se.Trouble("nobody has called yet"))
        await pilot.press("enter")
        await settle(pilot)
        assert stage.technicians == [link]
        assert link.called == [(OTHER_ID, "")]
        link.notify(se.Ringing("482913", "PC2"))
        await settle(pilot)
        assert "“PC2”" in text_of(stage.app)
        await pilot.press("escape")
        await settle(pilot)
        await pilot.press("backspace")
        await settle(pilot)
        assert stage.technicians == [link]
        await pilot.press("6")
        await settle(pilot)
        unused = stage.technician
        assert unused is not link
        await pilot.press("ctrl+q")
    assert unused.closed


async def test_the_keys_at_the_bottom_are_those_that_work() -> None:
    """They follow the screen, and a click on one presses it."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        await settle(pilot)
        *_, line = text_of(stage.app).splitlines()
        assert line.rstrip() == (
            " F2 Copy ID  F5 Connect  F1 Help  Ctrl+P Commands  Ctrl+Q Quit"
        )
        await pilot.click(KeyLine, offset=(line.index("Help"), 0))
        await settle(pilot)
        assert isinstance(stage.app.screen, HelpScreen)
        await pilot.press("escape", *str(OTHER_ID), "enter")
        await settle(pilot)
        *_, line = text_of(stage.app).splitlines()
        assert line.rstrip() == (
            " Esc Cancel or back  F1 Help  Ctrl+P Commands  Ctrl+Q Quit"
        )
        await pilot.click(KeyLine, offset=(70, 0))
        await pilot.click(KeyLine, offset=(line.index("Esc"), 0))
        await settle(pilot)
        assert isinstance(stage.app.screen, HomeScreen)
