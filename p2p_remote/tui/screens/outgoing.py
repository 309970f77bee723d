"""An outgoing call from the first ring to the end of the session.

One screen for all of it: what is shown changes with the phase, whatever lies on top at
that moment (an approval of our own, a list, the palette).
"""

import asyncio
from pathlib import Path
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Button

from p2p_remote.services import events as se
from p2p_remote.tui.actions import SESSION, SHARING, Action, by_key
from p2p_remote.tui.call_state import CallState, Phase
from p2p_remote.tui.links import TechnicianLink
from p2p_remote.tui.messages import TechnicianEvent
from p2p_remote.tui.screens.base import BaseScreen
from p2p_remote.tui.screens.call_panes import (
    CallingPane,
    EndPane,
    FailedPane,
    RingingPane,
)
from p2p_remote.tui.screens.files import GET, SEND, FileScreen
from p2p_remote.tui.screens.help import HelpScreen
from p2p_remote.tui.screens.path import PathScreen
from p2p_remote.tui.screens.question import Question, QuestionScreen, Reply
from p2p_remote.tui.screens.session_pane import SessionPane
from p2p_remote.tui.screens.special_keys import SpecialKeysScreen
from p2p_remote.tui.screens.text import TextScreen
from p2p_remote.tui.special_keys import SPECIAL_KEYS, SpecialKey
from p2p_remote.tui.widgets import remote_messages as rm
from p2p_remote.tui.widgets.key_line import KeyLine
from p2p_remote.tui.widgets.share_strip import ShareStrip
from p2p_remote.wire import control
from p2p_remote.wire import input as wire_input

CANCELLED = 130  # exit code of a call that was given up here
LARGE_PASTE = 1000  # characters; more is asked about first
_PANS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
_LOCAL_KEYS = frozenset(by_key(SHARING))


class OutgoingScreen(BaseScreen):
    """Calls one ID and shows what comes of it."""

    AUTO_FOCUS: ClassVar[str | None] = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Cancel or back", key_display="Esc")
    ]

    def __init__(self, target: int, password: str) -> None:
        """Prepare to call `target`."""
        super().__init__()
        self._password = password
        self._call = 0
        self._link: TechnicianLink | None = None
        self._goodbyes: set[asyncio.Task[None]] = set()
        self._session: SessionPane | None = None
        self.state = CallState(target)

    @property
    def actions(self) -> tuple[Action, ...]:
        """What can be done at the moment."""
        return SESSION if self.state.phase is Phase.ACTIVE else ()

    @property
    def exit_code(self) -> int:
        """Exit code if this is left now."""
        if self.state.phase in (Phase.CALLING, Phase.RINGING):
            return CANCELLED
        return self.state.exit_code

    def compose(self) -> ComposeResult:
        """A place for what belongs to the phase."""
        yield ShareStrip()
        yield Container(id="phase")
        yield KeyLine()

    @on(events.Mount)
    async def begin(self) -> None:
        """Call."""
        await self._begin()

    async def close(self) -> None:
        """End the call or the session; returns when the goodbye is said."""
        self._close_link()
        await asyncio.gather(*self._goodbyes, return_exceptions=True)

    # The call.

    async def _begin(self) -> None:
        """Begin a call of its own, with a link of its own."""
        self._close_link()
        self._call += 1
        own_view_only = self.remote_app.start.view_only
        self.state = CallState(self.state.target, own_view_only=own_view_only)
        prepared = self.remote_app.take_link()
        prepared.call, self._link = self._call, prepared.link
        await self._show_phase()
        self._link.call(self.state.target, password=self._password)

    def _close_link(self) -> None:
        """Say goodbye beside the loop: that waits for the network."""
        link, self._link = self._link, None
        if link is not None:
            task = asyncio.create_task(asyncio.to_thread(link.close))
            self._goodbyes.add(task)
            task.add_done_callback(self._goodbyes.discard)

    async def take(self, message: TechnicianEvent) -> None:
        """Take an event of the service."""
        if message.call != self._call or self._link is None:
            return
        event, before = message.event, self.state.phase
        if isinstance(event, se.Frame):
            self._show_frame()
            return
        if isinstance(event, se.Pointer):
            if self._session is not None:
                self._session.view.update_pointer(
                    event.x, event.y, event.shape, visible=event.visible
                )
            return
        self.state.apply(event, self.remote_app.links.clock())
        on_digits = self.remote_app.start.on_digits
        if isinstance(event, se.Ringing) and on_digits is not None:
            on_digits(event.digits)
        if self.state.phase is not before:
            await self._show_phase()
        self.refresh_times()

    async def _show_phase(self) -> None:
        """Put the pane of the phase in its place."""
        phase, state, start = self.state.phase, self.state, self.remote_app.start
        self._session = None
        pane: Widget
        match phase:
            case Phase.CALLING:
                pane = CallingPane(state)
            case Phase.RINGING:
                pane = RingingPane(state, start.note)
            case Phase.ACTIVE:
                pane = self._session = SessionPane(state, self.remote_app.capabilities)
            case Phase.FAILED:
                pane = FailedPane(state, "Close" if start.target else "Back")
            case Phase.ENDED:
                pane = EndPane(state, self.remote_app.links.wall_clock())
        if phase in (Phase.FAILED, Phase.ENDED):
            self._close_link()
        place = self.query_one("#phase")
        self.set_class(phase is Phase.ACTIVE, "-active")
        await place.remove_children()
        await place.mount(pane)
        if phase is Phase.ACTIVE:
            if start.note:
                state.say(start.note, self.remote_app.links.clock())
            self._show_frame()
        elif self._link is None:
            # A call is not to be cancelled by a stray Enter; its end may be closed.
            pane.query(Button).first().focus()
        self.refresh_bindings()

    def tick(self) -> None:
        """Bring the session up to date."""
        super().tick()
        for pane in self.query(RingingPane):
            pane.show()
        if self._session is not None:
            keep = _LOCAL_KEYS if self.remote_app.is_sharing else frozenset[str]()
            self._session.show(self.remote_app.links.clock(), keep_local=keep)

    def _show_frame(self) -> None:
        if self._session is None or self._link is None:
            return
        damage = self._link.take_damage()
        if damage:
            self._session.view.update_frame(self._link.framebuffer, damage)

    # Buttons and keys.

    @on(Button.Pressed, "#again")
    async def on_again(self) -> None:
        """Call once more."""
        await self._begin()

    @on(Button.Pressed, "#leave")
    async def on_leave(self) -> None:
        """Cancel, go back or close."""
        await self.action_leave()

    async def action_leave(self) -> None:
        """Leave this screen, unless a session is running."""
        if self.state.phase is not Phase.ACTIVE:
            code = self.exit_code
            self._close_link()
            await self.remote_app.leave_outgoing(code)

    # Input for the other side.

    def _send(self, *messages: wire_input.InputMessage) -> None:
        if self.state.control and self._link is not None:
            self._link.send_input(messages)

    def on_remote_text(self, message: rm.RemoteText) -> None:
        """Type what was typed."""
        self._type(message.text)

    def on_remote_key(self, message: rm.RemoteKey) -> None:
        """Press what was pressed."""
        self._send(
            wire_input.KeyInput(0, message.keysym, message.modifiers, message.action)
        )

    def on_remote_pointer(self, message: rm.RemotePointer) -> None:
        """Move or click."""
        self._send(wire_input.PointerInput(0, message.x, message.y, message.buttons))

    def on_remote_scroll(self, message: rm.RemoteScroll) -> None:
        """Turn the wheel."""
        self._send(
            wire_input.ScrollInput(0, message.x, message.y, message.dx, message.dy)
        )

    def on_release_all(self) -> None:
        """Let go of everything; also when control has just ended on this side."""
        if self._link is not None and self.state.control_granted:
            self._link.send_input([wire_input.ReleaseAll(0)])

    def on_remote_paste(self, message: rm.RemotePaste) -> None:
        """Type a paste; a long one is asked about."""
        self._type_after_question(message.text)

    def _type(self, text: str) -> None:
        """Send text in pieces that fit into messages."""
        size = wire_input.MAX_TEXT
        self._send(
            *(
                wire_input.TextInput(0, text[at : at + size])
                for at in range(0, len(text), size)
            )
        )

    def _type_after_question(self, text: str) -> None:
        if len(text) <= LARGE_PASTE:
            self._type(text)
            return
        question = Question(
            "Type a long text?",
            f"{len(text):,} characters would be typed on the other side.",
            "Type them",
        )

        def answered(reply: Reply | None) -> None:
            if reply:
                self._type(text)

        self.app.push_screen(QuestionScreen(question), answered)

    # What the view wishes.

    def on_viewport_changed(self, message: rm.ViewportChanged) -> None:
        """Tell the other side what is shown."""
        region = message.region
        if self._link is not None and region:
            self._link.send_viewport(
                control.Viewport(
                    region.x,
                    region.y,
                    region.width,
                    region.height,
                    max(message.output_width, 1),
                    max(message.output_height, 1),
                )
            )

    def on_command_mode(self, message: rm.CommandMode) -> None:
        """Show what the next key does."""
        if self._session is not None:
            self._session.show_menu(active=message.active)

    async def on_prefix_key(self, message: rm.PrefixKey) -> None:
        """Run the command of a key."""
        action = by_key(SESSION).get(message.key)
        if action is not None:
            await self.perform(action.name)
        else:
            self.state.say(
                "This key has no command. Ctrl+] h shows all.",
                self.remote_app.links.clock(),
            )
        self.tick()

    # Actions, see `actions.SESSION`.

    def action_session_help(self) -> None:
        self.app.push_screen(HelpScreen())

    def action_zoom(self) -> None:
        if self._session is not None:
            self._session.view.next_zoom()
            self.tick()

    def action_zoom_in(self) -> None:
        if self._session is not None:
            self._session.view.zoom_in()

    def action_zoom_out(self) -> None:
        if self._session is not None:
            self._session.view.zoom_out()

    def action_pan(self, where: str) -> None:
        if self._session is not None:
            self._session.view.pan(*_PANS[where])

    def action_follow(self) -> None:
        if self._session is not None:
            follows = self._session.toggle_follow()
            text = "goes with typing and the pointer" if follows else "stays"
            self.state.say(f"○ A zoomed picture {text}.", self.remote_app.links.clock())
        self.tick()

    def action_toolbar(self) -> None:
        if self._session is not None:
            self._session.fold_toolbar()

    def action_ask_control(self) -> None:
        now = self.remote_app.links.clock()
        if self.state.control_granted:
            already = "" if self.state.own_view_only else " already"
            self.state.own_view_only = False
            self.state.say(f"● You have control{already}.", now)
        elif self._link is not None:
            self.state.say("○ Asked for control; the customer decides.", now)
            self._link.request("control")
        self.tick()

    def action_view_only(self) -> None:
        self.state.own_view_only = not self.state.own_view_only
        self.tick()

    def action_special_keys(self) -> None:
        def chosen(key: SpecialKey | None) -> None:
            if key is not None:
                self._send(key.message())

        self.app.push_screen(SpecialKeysScreen(SPECIAL_KEYS), chosen)

    def action_send_text(self) -> None:
        def written(text: str | None) -> None:
            if text:
                self._type(text)

        self.app.push_screen(TextScreen(), written)

    def action_send_file(self) -> None:
        def chosen(values: tuple[str, ...] | None) -> None:
            if values is not None and self._link is not None:
                self._link.send_file(Path(values[0]).expanduser())

        self.app.push_screen(FileScreen(SEND), chosen)

    def action_get_file(self) -> None:
        def chosen(values: tuple[str, ...] | None) -> None:
            if values is not None and self._link is not None:
                path, to = values
                self._link.get_file(path, Path(to).expanduser())

        self.app.push_screen(FileScreen(GET), chosen)

    def action_stop_files(self) -> None:
        if self._link is not None:
            self._link.stop_files()

    def action_path(self) -> None:
        self.app.push_screen(PathScreen(self.state))

    def action_literal(self) -> None:
        self._send(SPECIAL_KEYS[-1].message())

    def action_end_session(self) -> None:
        if self._link is not None:
            self._link.end()
