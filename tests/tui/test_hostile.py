"""Names and texts of others: whatever they hold, they stay text in their place."""

from p2p_remote.errors import RefusedError
from p2p_remote.services import events as se
from p2p_remote.tui.safe_text import quoted, safe
from tests.support.tui import (
    OTHER_ID,
    OWN_ID,
    REQUEST,
    STARTED,
    Stage,
    calling_start,
    settle,
    text_of,
)

NAMES = {
    "escape and bidi": "\x1b]0;owned\x07\x1b[31mred\x1b[2J "
    "\u202egnilbmug\u202c \u2066x\u2069",
    "markup and lines": "[bold red]Bank[/] [@click=app.quit]x[/] [link=file:///]y[/"
    "a\nb\r\nc\u2028d\x85e",
    "marks and wide": "Z\u0301\u0302\u0303\u0304\u0305\u0306\u0307" * 20 + "日本" * 40,
    "quotes": "x” ID 123 456 789 ● verified “y",
}
CONTROL = {chr(code) for code in (*range(32), *range(0x7F, 0xA0))} - {"\n"}
OVERRIDES = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")


def check(stage: Stage) -> str:
    """Nothing on the screen commands the terminal; every line has its width."""
    shown = text_of(stage.app)
    assert not (CONTROL | OVERRIDES) & set(shown)
    assert len(shown.splitlines()) == stage.app.size.height
    return shown


async def test_a_hostile_caller_stays_in_his_quotes() -> None:
    """In the question, on the page of the session, and at its end."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        stage.share.event("ready", id=str(OWN_ID), rendezvous=True, lan=True)
        for name in NAMES.values():
            stage.share.event("request", **{**REQUEST, "name": name})
            await settle(pilot)
            shown = check(stage)
            assert "First contact" in shown
            assert "Did YOU call them?" in shown
            assert "No" in shown
            peer = {"id": str(OTHER_ID), "name": name}
            stage.share.event("started", **{**STARTED, "peer": peer})
            await settle(pilot)
            assert "F12 end" in check(stage)
            stage.share.event("asked", permission=name, seconds=60)
            await settle(pilot)
            check(stage)
            stage.share.event("ended", reason=name, text=name, duration_s=1.0)
            await settle(pilot)
            assert "Nobody can see or control" in check(stage)
            await pilot.press("enter")
            await settle(pilot)


async def test_a_hostile_customer_stays_in_his_quotes() -> None:
    """While it rings, in the status line, and at the end."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        for name in NAMES.values():
            stage.app.call(OTHER_ID)
            await settle(pilot)
            stage.technician.notify(se.Ringing("482913", name))
            await settle(pilot)
            assert "Read these digits" in check(stage)
            grants = ("view", "control")
            stage.technician.notify(
                se.Started(name, OTHER_ID, grants, "direct", name, 128, 96, True, 3600)
            )
            await settle(pilot)
            line = check(stage).splitlines()[0]
            assert "● control" in line
            stage.technician.notify(se.Trouble(name))
            stage.technician.notify(
                se.Ended("connection_lost", name, 1.0, by_peer=True, exit_code=8)
            )
            await settle(pilot)
            assert "The session is over" in check(stage)
            await pilot.press("enter")
            await settle(pilot)


async def test_the_text_of_an_error_is_only_text() -> None:
    """Markup in it neither styles nor acts."""
    stage = Stage(calling_start())
    async with stage.app.run_test() as pilot:
        await settle(pilot)
        stage.technician.notify(se.Failed(RefusedError(NAMES["markup and lines"])))
        await settle(pilot)
        assert "[bold red]Bank[/]" in check(stage)


def test_safe_text_has_no_styles_and_an_end() -> None:
    """However long and however formatted."""
    text = safe("[b]x[/b]" * 1000)
    assert not text.spans
    assert len(text.plain) <= 200
    assert quoted("") == "somebody without a name"
