"""The one question that decides everything: whether somebody is let in, and for what.

What they say they want decides which answers there are; it is only a claim, and no
answer gives more than it says. No is where the focus is, what Enter and Escape mean,
and what happens when nobody answers. A yes is never one key: the field has to be
filled, or a button reached first; and no yes is taken before the hands have been at
rest for a moment, since clicks and keys may have been meant for what was here before.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from p2p_remote.services.wishes import SUPPORT, VIEW, Wish
from p2p_remote.tui import words
from p2p_remote.tui.customer_state import CustomerState, Request
from p2p_remote.tui.safe_text import safe
from p2p_remote.tui.screens.prompt import PromptScreen
from p2p_remote.tui.widgets.countdown import Countdown
from p2p_remote.tui.widgets.grouped_input import GroupedInput
from p2p_remote.tui.widgets.tool_button import ToolButton

CODE_DIGITS = 6
TELL_AGAIN_AFTER = 2.0  # s between two signs that the person is at it
_WIDE = 72  # cells from which the long words fit
_LABELS = {  # wide, narrow
    "look": ("Let them look", "Look only"),
    "control": ("Let them see and control", "See and control"),
    "files": ("Go on to the file", "To the file"),
}
_GRANTS = {"look": VIEW, "control": SUPPORT, "files": ()}
_ASKED = "Type the six digits\nthat they read to you"
_COMPLETE = "Press Enter to go on\nto the answers"
_ANSWERS = {
    "look": "Press Enter again:\nthey look, no more",
    "control": "Press Enter again:\nthey see and control",
    "files": "Press Enter again:\nthe file is next",
}


class ApproveScreen(PromptScreen[None]):
    """Sends the answer by `send` and stays until the session begins or is refused."""

    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 -- as Textual declares it
        (0, "-low"),
        (22, "-high"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "no", "No", show=False),
        Binding("ctrl+q", "app.quit", "Quit", show=False),
        Binding("f7", "choose", "Share less", show=False, priority=True),
        # With priority they arrive in the order typed, wherever the focus is.
        *(
            Binding(digit, f"digit('{digit}')", show=False, priority=True)
            for digit in "0123456789"
        ),
    ]

    def __init__(
        self,
        state: CustomerState,
        request: Request,
        send: Callable[..., Any],
        clock: Callable[[], float],
        choose: Callable[[], None],
    ) -> None:
        """Ask about `request`; `send(do, **fields)` carries the answer.

        `choose` opens the choice of what they would see.
        """
        super().__init__()
        self._state = state
        self._request = request
        self._send = send
        self._clock = clock
        self._choose = choose
        self._offered = _offered(request.wish)
        self._sent = ""
        self._told_at = float("-inf")

    def compose(self) -> ComposeResult:
        """Who, the warning, what it means, the digits, the answers."""
        request = self._request
        with Vertical(classes="dialog approve"):
            yield Static(self._who(), classes="line")
            yield Static(self._warning(), classes="line warning")
            yield Static(self._meaning(), id="meaning", classes="line muted roomy")
            if not request.wish.is_for_files:
                less = "Share less than that (F7)"
                yield ToolButton(less, "choose", "One monitor, or windows", "tool")
            with Horizontal(classes="code-row"):
                yield Static(_ASKED, id="next", markup=False)
                yield GroupedInput(CODE_DIGITS, "six digits", id="code")
                yield Static("", id="problem")
            yield Countdown(request.seconds, self._clock)
            with Horizontal(classes="buttons"):
                yield Button("No", id="no")
                for name in self._offered:
                    label = _label(name, self.app.size.width)
                    yield Button(label, id=name, disabled=True, classes="yes")

    def on_mount(self) -> None:
        """No has the focus."""
        asks = self._request.wish.asks
        self.query_one(".dialog").border_title = f"Somebody {asks}"
        self.query_one(".code-row").display = self._request.digits_expected
        self.set_focus(self.query_one("#no"))

    def on_resize(self, event: events.Resize) -> None:
        """Words that fit."""
        for button in self.query(".yes").results(Button):
            button.label = _label(button.id or "", event.size.width)

    def _who(self) -> Text:
        request = self._request
        text = Text.assemble((request.who, "bold"), "   ID ", (request.peer_id, "bold"))
        text.append("\n")
        if request.verified == "password":
            text.append(f"{words.GOOD} They know your session password.\n")
        elif request.verified:
            known = safe(f"{words.GOOD} You know this machine: {request.verified}.")
            text.append_text(known).append("\n")
        else:
            text.append(
                f"{words.WARN} First contact: anybody can choose any name.\n", "bold"
            )
        text.append(words.PATH_SENTENCES.get(request.path_kind, ""))
        return text

    def _meaning(self) -> Text:
        wish, shared = self._request.wish, self._state.shared
        if wish.is_for_files:
            return Text(
                "They would see nothing of your screen. Before a file moves you are "
                "asked about it by name. F12 ends it all."
            )
        if wish.mode == "view":
            return Text(
                f"They would see {shared}, no more; F12 ends it. Looking needs no "
                "digits, but only with them you can allow more later."
            )
        return Text(
            f"They would see {shared}. With control they also use your "
            "mouse and keyboard; F11 takes that back, F12 ends it all."
        )

    @staticmethod
    def _warning() -> Text:
        return Text.assemble(
            ("Did YOU call them? ", "bold"),
            "Banks, police and Microsoft never ask for this. "
            "If somebody called you: No, and hang up.",
        )

    # What may be pressed.

    def take_yes(self) -> None:
        """The hands are at rest."""
        self.refresh_state()

    def refresh_state(self) -> None:
        """Show what went wrong, and which answers are possible now."""
        waiting = bool(self._sent) and not self._state.problem
        code = self.query_one("#code", GroupedInput)
        for button in self.query(".yes").results(Button):
            if self._request.digits_expected and button.id != "look":
                # Typed on purpose, and compared before it counts: no guard is needed.
                button.disabled = waiting or not code.complete
            else:
                button.disabled = waiting or self.guarded
        shown = f"{words.OFF} Checking …" if waiting else self._state.problem
        self.query_one("#problem", Static).update(safe(shown))
        self.query_one("#meaning", Static).update(self._meaning())
        self.query_one("#next", Static).update(self._next())

    def _next(self) -> str:
        """What to do about the digits now."""
        if self._sent or not self.query_one("#code", GroupedInput).complete:
            return _ASKED
        focused = (self.focused.id if self.focused is not None else None) or ""
        return _ANSWERS[focused] if focused == self._offered[-1] else _COMPLETE

    def on_descendant_focus(self) -> None:
        """What Enter does depends on where the focus is."""
        self.query_one("#next", Static).update(self._next())

    def note_activity(self) -> None:
        """Whoever presses keys is there: that leaves them more time to answer."""
        now = self._clock()
        if not self._finished and now - self._told_at >= TELL_AGAIN_AFTER:
            self._told_at = now
            self._reply("typing")

    def on_customer_changed(self) -> None:
        """An event came in: an answer that did not work frees the field again."""
        if self._finished:
            return
        self.query_one(Countdown).run_until(self._state.answer_by)
        if self._state.problem and self._sent:
            self._sent = ""
            code = self.query_one("#code", GroupedInput)
            code.value = ""
            if self._request.digits_expected:
                self.set_focus(code)
        self.refresh_state()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Digits are taken while they are wanted."""
        del parameters
        if action == "digit":
            return self._request.digits_expected and not self._sent
        return True

    def action_digit(self, digit: str) -> None:
        """A digit typed anywhere goes into the field."""
        self._fill(digit)

    def on_paste(self, event: events.Paste) -> None:
        """So does what is pasted."""
        event.stop()
        if self._request.digits_expected and not self._sent:
            self._fill(event.text)

    def _fill(self, text: str) -> None:
        code = self.query_one("#code", GroupedInput)
        self.set_focus(code)
        code.replace(text, *code.selection)

    @on(GroupedInput.Changed)
    def on_code_changed(self) -> None:
        """Six digits open the way to control."""
        self.note_activity()
        self.refresh_state()

    @on(GroupedInput.Completed)
    def on_code_completed(self) -> None:
        """Enter in the field moves on; the button still has to be pressed."""
        button = self.query_one(f"#{self._offered[-1]}")
        if not button.disabled:
            self.set_focus(button)

    # Answers.

    @on(Button.Pressed, "#no")
    def action_no(self) -> None:
        """Refuse."""
        self._reply("deny")
        self.finish(None)

    @on(Countdown.Expired)
    def on_silence(self) -> None:
        """Take no answer any more: the customer's half itself makes it a No.

        Saying so here would make it a refusal, for which callers have to wait.
        """
        self.finish(None)

    @on(ToolButton.Pressed)
    def action_choose(self) -> None:
        """Choose what they would see, before any answer."""
        if not (self._sent or self._request.wish.is_for_files):
            self._choose()

    @on(Button.Pressed, ".yes")
    def on_yes(self, event: Button.Pressed) -> None:
        """Give what the button says."""
        self._approve(_GRANTS[event.button.id or ""])

    def _reply(self, do: str, **fields: Any) -> None:
        """Answer this request and no other that may have come since."""
        if self._request.number is not None:
            fields["request"] = self._request.number
        self._send(do, **fields)

    def _approve(self, grants: tuple[str, ...]) -> None:
        code = self.query_one("#code", GroupedInput)
        self._sent, self._state.problem = "approve", ""
        self.refresh_state()
        self.set_focus(self.query_one("#no"))
        digits = code.digits if code.complete else ""
        self._reply("approve", grants=list(grants), digits=digits)


def _offered(wish: Wish) -> tuple[str, ...]:
    """Buttons of a yes; the last one gives all that is asked for."""
    if wish.is_for_files:
        return ("files",)
    return ("look",) if wish.mode == "view" else ("look", "control")


def _label(name: str, width: int) -> str:
    long, short = _LABELS[name]
    return long if width >= _WIDE else short
