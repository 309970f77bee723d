"""The customer's session: who sees this screen, what they may do, how to stop it."""

import datetime as dt
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Center, Container, Horizontal, Vertical
from textual.widgets import Button, Static

from p2p_remote.tui import words
from p2p_remote.tui.customer_state import CustomerState, Stage
from p2p_remote.tui.safe_text import duration, quoted, safe
from p2p_remote.tui.screens.base import BaseScreen
from p2p_remote.tui.screens.call_panes import CLOCK
from p2p_remote.tui.screens.facts import facts
from p2p_remote.tui.widgets.key_line import KeyLine
from p2p_remote.tui.widgets.share_strip import ShareStrip
from p2p_remote.wire.control import PERMISSIONS

_WIDE = 64  # cells from which the long words fit
_LABELS = {
    True: ("Stop control (F11)", "Give control (F9)", "End session (F12)"),
    False: ("Stop", "Control", "End"),
}
_ALWAYS_LISTED = PERMISSIONS[:2]  # others are listed when they are granted


class SharingScreen(BaseScreen):
    """Shows the running session, and its end."""

    AUTO_FOCUS: ClassVar[str | None] = ""  # a stray Enter is no command
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Close this page", key_display="Esc")
    ]

    def __init__(self, state: CustomerState) -> None:
        """Show this session."""
        super().__init__()
        self._state = state
        self.over = False

    def compose(self) -> ComposeResult:
        """The strip and a place for the session or its end."""
        yield ShareStrip()
        with Container(id="phase"):
            yield RunningPane(self._state)
        yield KeyLine()

    def on_resize(self) -> None:
        """Use the words that fit, once the new size is known everywhere."""
        self.call_after_refresh(self.refresh_times)

    def tick(self) -> None:
        """Bring times and grants up to date."""
        super().tick()
        for pane in self.query(RunningPane):
            pane.show(self.remote_app.links.clock())

    async def show_end(self) -> None:
        """The session is over."""
        self.over = True
        place = self.query_one("#phase")
        await place.remove_children()
        await place.mount(
            SharingEndPane(self._state, self.remote_app.links.wall_clock())
        )
        self.query_one("#close").focus()

    @on(Button.Pressed, "#stop")
    def on_stop(self) -> None:
        """Take control back."""
        self.remote_app.action_stop_control()

    @on(Button.Pressed, "#give")
    def on_give(self) -> None:
        """Give control."""
        self.remote_app.action_give_control()

    @on(Button.Pressed, "#remember")
    def on_remember(self) -> None:
        """Know this technician the next time."""
        self.remote_app.action_remember()

    @on(Button.Pressed, "#stop-files")
    def on_stop_files(self) -> None:
        """Stop every file that is on its way, and ask about each one again."""
        if self.remote_app.customer is not None:
            self.remote_app.customer.stop_files()

    @on(Button.Pressed, "#end")
    def on_end(self) -> None:
        """End the session."""
        self.remote_app.action_end_sharing()

    @on(Button.Pressed, "#close")
    def action_leave(self) -> None:
        """Go back; while the session runs the strip stays on every screen."""
        self.dismiss()


class RunningPane(Vertical):
    """The session while it runs."""

    def __init__(self, state: CustomerState) -> None:
        """Show this session."""
        super().__init__(classes="card sharing")
        self._state = state

    def compose(self) -> ComposeResult:
        """Facts, grants, three large buttons."""
        seen = self._state.is_seen
        self.border_title = (
            "Somebody sees your screen" if seen else "Somebody is here for files"
        )
        yield Static(id="who", classes="line")
        yield Static(id="grants", classes="line")
        yield Static(id="files", classes="line")
        yield Static(id="notice", classes="line warning")
        with Horizontal(classes="buttons"):
            yield Button("Stop", id="stop", variant="warning")
            yield Button("Control", id="give")
            yield Button("Remember", id="remember")
            yield Button("Stop files", id="stop-files")
            yield Button("End", id="end", variant="error")
        yield Static(
            "Esc closes only this page: the session goes on, and the red line stays.",
            markup=False,
            classes="line muted roomy",
        )

    def _label(self) -> None:
        labels = _LABELS[self.app.size.width >= _WIDE]
        for name, label in zip(("#stop", "#give", "#end"), labels, strict=True):
            button = self.query_one(name, Button)
            if str(button.label) != label:
                button.label = label

    def show(self, now: float) -> None:
        """Bring everything up to date."""
        state = self._state
        if state.stage is not Stage.SHARING:
            return
        self._label()
        self.query_one("#who", Static).update(self._facts(now))
        self.query_one("#grants", Static).update(self._grants())
        files = state.file_lines()
        self.query_one("#files", Static).update(
            Text("\n").join(safe(line) for line in files)
        )
        self.query_one("#files").display = bool(files)
        self.query_one("#stop-files").display = state.takes_files
        self.query_one("#notice", Static).update(self._notice())
        self.query_one("#stop").display = state.control
        may_more = not state.control and state.verified and state.is_seen
        self.query_one("#give").display = may_more
        # Not while others could press it with their pointer.
        self.query_one("#remember").display = not state.control and state.verified

    def _facts(self, now: float) -> Table:
        state = self._state
        since = now - state.started if state.started is not None else 0.0
        limit = ""
        if state.expires is not None and state.started is not None:
            limit = f", at most {duration(state.expires - state.started)}"
        rtt = "" if state.rtt_ms is None else f" ({state.rtt_ms:.0f} ms)"
        checked = (
            f"{words.GOOD} verified"
            if state.verified
            else f"{words.WARN} not verified: they can only look"
        )
        path = words.PATH_SENTENCES.get(state.path_kind, "").rstrip(".")
        rows = (
            ("Who", f"{state.who}   ID {state.peer_id}"),
            ("Checked", checked),
            ("They see", f"{state.shared} (F7 changes it)" if state.is_seen else "—"),
            ("Time", f"{duration(since)}{limit}"),
            ("Path", f"{path}{rtt}"),
        )
        return facts(rows)

    def _grants(self) -> Text:
        text = Text("They may\n", "bold")
        listed = [
            name
            for name in PERMISSIONS
            if name in _ALWAYS_LISTED or name in self._state.grants
        ]
        for name in listed:
            given = name in self._state.grants
            sign, word = (words.GOOD, "yes") if given else (words.OFF, "no ")
            label = words.permission_words(name)
            text.append(f"  {sign} {word}  {label}\n", "" if given else "dim")
        text.rstrip()
        return text

    def _notice(self) -> Text:
        state = self._state
        if state.silent_s:
            return Text(f"{words.WARN} They are silent. Nothing is being controlled.")
        if state.paused:
            return Text(f"{words.GOOD} Your mouse and keyboard win at the moment.")
        if state.problem:
            return safe(f"{words.WARN} {state.problem}")
        if state.revoked_by and not state.control:
            return Text(f"{words.GOOD} Control is yours again.")
        return Text("")


class SharingEndPane(Vertical):
    """Who it was, how long, how it ended; nobody sees anything any more."""

    def __init__(self, state: CustomerState, ended_at: dt.datetime) -> None:
        """Show the end of this session at the local time `ended_at`."""
        super().__init__(classes="card")
        self._state = state
        self._ended_at = ended_at

    def compose(self) -> ComposeResult:
        """The record, and Close."""
        self.border_title = "The session is over"
        state, ended = self._state, self._state.ended or {}
        seconds = float(ended.get("duration_s") or 0)
        began = self._ended_at - dt.timedelta(seconds=seconds)
        reason = str(ended.get("reason") or "")
        how = words.customer_end(reason, by_peer=bool(ended.get("by_peer")))
        rows = (
            ("With", f"{quoted(state.name)}, ID {state.peer_id}"),
            ("Time", f"{began:{CLOCK}} to {self._ended_at:{CLOCK}}"),
            ("Duration", duration(seconds)),
            ("How", how),
        )
        yield Static(facts(rows), classes="line")
        yield Static(
            f"{words.GOOD} Nobody can see or control this machine now.",
            markup=False,
            classes="line strong",
        )
        yield Static(
            "Did something feel wrong? Disconnect, change your passwords from another "
            "device, and call your bank if you opened its pages.",
            markup=False,
            classes="line muted roomy",
        )
        with Center():
            yield Button("Close", id="close", variant="primary")
