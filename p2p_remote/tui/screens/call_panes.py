"""What the technician sees before and after a session."""

import datetime as dt

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Center, Horizontal, Vertical
from textual.widgets import Button, Static

from p2p_remote.errors import AuthenticationFailedError
from p2p_remote.tui import words
from p2p_remote.tui.call_state import CallState
from p2p_remote.tui.safe_text import duration, safe
from p2p_remote.tui.screens.facts import facts
from p2p_remote.tui.widgets.big_number import BigNumber
from p2p_remote.wire import peer_id

CLOCK = "%H:%M"


class CallingPane(Vertical):
    """The call has left; nobody has answered yet."""

    def __init__(self, state: CallState) -> None:
        """Show this call."""
        super().__init__(classes="card")
        self._state = state

    def compose(self) -> ComposeResult:
        """Whom we call, and a way out."""
        self.border_title = "Calling"
        yield BigNumber(peer_id.plain(self._state.target))
        yield Static(
            f"{words.OFF} Looking for this machine …", markup=False, classes="line"
        )
        yield Static(
            "Nothing is shown before the customer says yes.",
            markup=False,
            classes="line muted",
        )
        with Center():
            yield Button("Cancel", id="leave")


class RingingPane(Vertical):
    """The prompt is on the customer's screen; the digits are to be read out."""

    def __init__(self, state: CallState, note: str) -> None:
        """Show this call; `note` is one more line for the technician."""
        super().__init__(classes="card")
        self._state = state
        self._note = note

    def compose(self) -> ComposeResult:
        """Who answered, the digits, what to do with them."""
        self.border_title = "It rings"
        state = self._state
        yield Static(
            Text.assemble(
                f"{words.GOOD} ",
                (peer_id.grouped(state.target), "bold"),
                f"  calls itself {state.who}",
            ),
            classes="line",
        )
        if state.digits_expected:
            yield from self._digits(state.digits)
            yield Static("", markup=False, id="wrong", classes="line warning")
        else:
            yield Static(
                "They know you: no digits are asked for, only a yes.",
                markup=False,
                classes="line strong",
            )
        if self._note:
            yield Static(safe(self._note), classes="line muted")
        with Center():
            yield Button("Cancel", id="leave")

    def on_mount(self) -> None:
        """Nothing has gone wrong yet, or it has while another screen was shown."""
        self.show()

    def show(self) -> None:
        """Tell of digits that were typed and do not match."""
        for line in self.query("#wrong").results(Static):
            line.update(self._state.wrong_digits)
            line.display = bool(self._state.wrong_digits)

    @staticmethod
    def _digits(digits: str) -> ComposeResult:
        yield BigNumber(digits, id="digits")
        # Once more as text: large digits say nothing to a screen reader.
        spoken = f"{digits[:3]} {digits[3:]}"
        yield Static(
            f"Read these digits to the customer: {spoken}. They type them.",
            markup=False,
            classes="line strong",
        )
        yield Static(
            "Without the digits they can only let you look. If their machine refuses "
            "digits read right, somebody is in between: cancel.",
            markup=False,
            classes="line muted",
        )


class FailedPane(Vertical):
    """No session came about: what happened, and what to do next."""

    def __init__(self, state: CallState, leave: str) -> None:
        """Show this failure; `leave` is the word on the way out."""
        super().__init__(classes="card failed")
        self._state = state
        self._leave = leave

    def compose(self) -> ComposeResult:
        """Title, what happened, the next step, two ways on."""
        failure = self._state.failure or words.failure(1, "")
        self.border_title = "No session"
        yield Static(
            f"{words.BAD} {failure.title}", markup=False, classes="line strong"
        )
        yield Static(
            Text.assemble("ID ", (peer_id.grouped(self._state.target), "bold")),
            classes="line",
        )
        yield Static(safe(failure.text), classes="line")
        yield Static(failure.next_step, markup=False, classes="line accent")
        for trouble in self._state.troubles[-2:]:
            yield Static(safe(f"{words.WARN} {trouble}"), classes="line muted")
        again = Button("Try again", id="again")
        leave = Button(self._leave, id="leave")
        # Enter takes the first: never back into a call that was not genuine.
        is_genuine = failure.exit_code != AuthenticationFailedError.exit_code
        first, second = (again, leave) if is_genuine else (leave, again)
        first.variant = "primary"
        with Horizontal(classes="buttons"):
            yield first
            yield second


class EndPane(Vertical):
    """The session is over: who, from when to when, and how it ended."""

    def __init__(self, state: CallState, ended_at: dt.datetime) -> None:
        """Show this session, which ended at the local time `ended_at`."""
        super().__init__(classes="card")
        self._state = state
        self._ended_at = ended_at

    def compose(self) -> ComposeResult:
        """The record, and Close."""
        state, ended = self._state, self._state.ended
        self.border_title = "The session is over"
        if ended is None:
            return
        began = self._ended_at - dt.timedelta(seconds=ended.duration_s)
        how = words.technician_end(ended.reason, by_peer=ended.by_peer)
        rows = (
            ("With", f"{state.who}, ID {peer_id.grouped(state.target)}"),
            ("Time", f"{began:{CLOCK}} to {self._ended_at:{CLOCK}}"),
            ("Duration", duration(ended.duration_s)),
            ("How", how),
        )
        yield Static(facts(rows), classes="line")
        yield Static(
            "You see nothing of their screen any more, and nothing is sent.",
            markup=False,
            classes="line muted",
        )
        with Center():
            yield Button("Close", id="leave", variant="primary")
