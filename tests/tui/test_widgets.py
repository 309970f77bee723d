"""Small widgets, without the rest of the application."""

import pytest
from rich.cells import cell_len
from textual import events
from textual.app import App, ComposeResult

from p2p_remote.tui.widgets.countdown import Countdown
from p2p_remote.tui.widgets.grouped_input import GroupedInput
from p2p_remote.tui.widgets.id_input import IdInput, problem_of
from p2p_remote.tui.widgets.status_line import Part, fit_parts, shorten
from tests.support.tui import OWN_ID


class FieldApp(App[None]):
    """One field."""

    def __init__(self) -> None:
        super().__init__()
        self.completed: list[str] = []
        self.refused = 0

    def compose(self) -> ComposeResult:
        yield IdInput()

    def on_id_input_refused(self) -> None:
        self.refused += 1

    def on_grouped_input_completed(self, message: GroupedInput.Completed) -> None:
        self.completed.append(message.digits)


async def test_digits_are_grouped_while_typing() -> None:
    """Letters are refused, the tenth digit is ignored."""
    app = FieldApp()
    async with app.run_test() as pilot:
        await pilot.press(*"48x29")
        field = app.query_one(IdInput)
        assert field.value == "482 9"
        assert field.cursor_position == 5
        assert app.refused == 1
        await pilot.press(*"130701", "enter")
        assert field.value == "482 913 070"
        assert app.completed == ["482913070"]


async def test_a_digit_put_into_the_middle_moves_the_groups() -> None:
    """The cursor stays behind the digit that was typed."""
    app = FieldApp()
    async with app.run_test() as pilot:
        await pilot.press(*"482913", "home", "right", "9")
        field = app.query_one(IdInput)
        assert field.value == "498 291 3"
        assert field.cursor_position == 2


async def test_backspace_takes_digits_across_groups() -> None:
    """Every digit can be deleted again from the end."""
    app = FieldApp()
    async with app.run_test() as pilot:
        await pilot.press(*"4829")
        await pilot.press(*["backspace"] * 4)
        assert app.query_one(IdInput).value == ""


@pytest.mark.parametrize(
    "text",
    ["482-913-070", " 482.913.070\n", "482\u2013913 070", "482\u202f913\u202f070"],
)
async def test_a_paste_may_have_any_separators(text: str) -> None:
    """What comes out of a mail is understood."""
    app = FieldApp()
    async with app.run_test() as pilot:
        app.query_one(IdInput).post_message(events.Paste(text))
        await pilot.pause()
        assert app.query_one(IdInput).digits == "482913070"


@pytest.mark.parametrize("text", ["aG48Vs29bG8h13QQ070", "482913070;", "٤٨٢٩١٣٠٧٠"])
async def test_a_paste_that_is_no_id_is_refused_as_a_whole(text: str) -> None:
    """Nobody is called under digits picked out of something else."""
    app = FieldApp()
    async with app.run_test() as pilot:
        await pilot.press("5")
        app.query_one(IdInput).post_message(events.Paste(text))
        await pilot.pause()
        assert app.query_one(IdInput).digits == "5"
        assert app.refused == 1


@pytest.mark.parametrize(
    ("digits", "words"),
    [
        ("", "nine digits"),
        ("48291307", "1 more digit:"),
        ("482", "6 more digits:"),
        ("082913070", "never begins with 0"),
        (str(OWN_ID), "your own ID"),
        ("771204556", ""),
    ],
)
def test_an_id_that_cannot_be_called_is_explained(digits: str, words: str) -> None:
    """Kindly, and only if something is wrong."""
    problem = problem_of(digits, OWN_ID)
    assert words in problem
    assert bool(problem) == bool(words)


class CountdownApp(App[None]):
    """A countdown on a clock that the test moves."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.expired = 0

    def compose(self) -> ComposeResult:
        yield Countdown(60, lambda: self.now)

    def on_countdown_expired(self) -> None:
        self.expired += 1


async def test_a_countdown_expires_once() -> None:
    """Not a second early, and never twice."""
    app = CountdownApp()
    async with app.run_test() as pilot:
        countdown = app.query_one(Countdown)
        for now, expired in ((59.9, 0), (60.0, 1), (61.0, 1)):
            app.now = now
            countdown.tick()
            await pilot.pause()
            assert app.expired == expired
        assert "0 s, no answer is a No" in countdown.render().plain


def test_a_narrow_line_keeps_what_matters() -> None:
    """Less important parts are left out, in place of cutting all."""
    parts = [Part("first", 2), Part("most important", 0), Part("last", 1)]
    assert fit_parts(parts, 40).plain == " first  most important  last"
    assert fit_parts(parts, 24).plain == " most important  last"
    for width in range(60):
        assert cell_len(fit_parts(parts, width).plain) <= width


@pytest.mark.parametrize("width", range(2, 12))
def test_shortened_text_fits(width: int) -> None:
    """Wide characters count as two cells."""
    assert cell_len(shorten("日本語のなまえ", width)) <= width
