"""What a customer shares, and what happens when it changes or goes."""

from typing import Any

import pytest

from p2p_remote.desktop import choose
from p2p_remote.desktop.base import ScreenResizedError
from p2p_remote.desktop.blank import GREY
from p2p_remote.desktop.choose import Choice
from p2p_remote.desktop.selection import Selection, SelectionGoneError
from p2p_remote.services.desk import EVERYTHING, Desk

LEFT = Selection(monitor="LEFT")


class Source:
    """A screen that can be chosen."""

    def __init__(self, selection: Selection) -> None:
        self.selection = selection
        self.width, self.height = 640, 480
        self.remaining = selection.windows
        self.retired = self.closed = False

    def retire(self) -> None:
        """Something else is shared from now on."""
        self.retired = True

    def close(self) -> None:
        """It is not used any more."""
        self.closed = True


class Screens:
    """What can be chosen; `gone` cannot be."""

    def __init__(self) -> None:
        self.gone: set[str] = set()
        self.opened: list[Source] = []

    def choose(self, _name: str, selection: Selection = EVERYTHING) -> Choice[Any]:
        """Open one."""
        if selection.monitor in self.gone:
            raise SelectionGoneError(f"There is no monitor {selection.monitor}.")
        if selection.windows == frozenset():
            raise SelectionGoneError("The windows are closed.")
        self.opened.append(Source(selection))
        return Choice(self.opened[-1])


@pytest.fixture
def screens(monkeypatch: pytest.MonkeyPatch) -> Screens:
    """Replace the choice of screens; there is neither input nor hotkey."""
    made = Screens()
    monkeypatch.setattr(choose, "choose_screen", made.choose)
    monkeypatch.setattr(choose, "choose_input", lambda *_, **__: Choice(None))
    monkeypatch.setattr(choose, "choose_hotkey", lambda **_: Choice(None))
    return made


def test_something_else_is_shared_from_the_next_capture_on(screens: Screens) -> None:
    """The old source is retired at once; the new one is taken when it is asked for."""
    desk, told = Desk("x11"), []
    desk.listeners.append(told.append)
    desk.share(LEFT)
    old, new = screens.opened
    assert old.retired
    assert desk.source is old
    assert desk.reopen_source() is new
    assert [(one.what, one.names) for one in told] == [("monitor", ("LEFT",))]
    desk.close()
    assert new.closed


def test_before_a_session_the_new_source_is_opened_and_the_old_one_closed(
    screens: Screens,
) -> None:
    """The size that is approved is that of what is shared."""
    desk = Desk("x11")
    desk.share(LEFT)
    desk.share(EVERYTHING)
    first, second, third = screens.opened
    assert desk.open_source() is third
    assert first.closed
    assert second.closed
    assert not third.closed


def test_a_choice_while_the_screen_is_opened_anew_holds(
    screens: Screens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The resolution changes at the moment in which less is chosen to be shared."""
    desk = Desk("x11")
    plainly = screens.choose

    def choose_and_interrupt(name: str, selection: Selection = EVERYTHING) -> Any:
        choice = plainly(name, selection)
        if selection == EVERYTHING:
            desk.share(LEFT)
        return choice

    monkeypatch.setattr(choose, "choose_screen", choose_and_interrupt)
    taken: Any = desk.reopen_source()
    assert taken.selection == LEFT
    assert desk.source is taken
    assert screens.opened[1].closed
    assert desk.shared.names == ("LEFT",)


def test_what_is_not_there_changes_nothing(screens: Screens) -> None:
    """The customer is told, and what was shared stays shared."""
    desk = Desk("x11", LEFT)
    screens.gone = {"RIGHT"}
    with pytest.raises(SelectionGoneError, match="RIGHT"):
        desk.share(Selection(monitor="RIGHT"))
    assert not screens.opened[0].retired
    assert desk.shared.names == ("LEFT",)


def test_what_goes_is_never_replaced_by_more(screens: Screens) -> None:
    """Grey until the customer chooses again, also at the next request."""
    desk, told = Desk("x11", LEFT), []
    desk.listeners.append(told.append)
    screens.gone = {"LEFT"}
    blank: Any = desk.reopen_source()
    assert (blank.width, blank.height) == (640, 480)
    capture = blank.capture()
    assert capture.frame.min() == capture.frame.max() == GREY
    assert blank.locate(1, 1) is None
    assert not blank.takes_keys()
    assert told[-1].what == "nothing"
    assert "LEFT" in told[-1].why
    with pytest.raises(SelectionGoneError):
        desk.open_source()
    desk.share(EVERYTHING)
    with pytest.raises(ScreenResizedError):
        blank.capture()
    assert desk.reopen_source() is screens.opened[-1]
    assert told[-1].what == "everything"


def test_the_number_of_a_closed_window_is_not_shared_again(screens: Screens) -> None:
    """The system may give it to another window."""
    desk = Desk("x11", Selection(windows=frozenset({1, 2})))
    screens.opened[0].remaining = frozenset({2})
    left: Any = desk.reopen_source()
    assert left.selection.windows == {2}
    left.remaining = frozenset()
    assert desk.reopen_source().locate(1, 1) is None
    with pytest.raises(SelectionGoneError):
        desk.open_source()


def test_a_monitor_that_is_back_is_shared_at_the_next_request(
    screens: Screens,
) -> None:
    """What the customer chose still holds."""
    desk = Desk("x11", LEFT)
    screens.gone = {"LEFT"}
    desk.reopen_source()
    screens.gone = set()
    assert desk.open_source() is screens.opened[-1]
    assert desk.shared.what == "monitor"
