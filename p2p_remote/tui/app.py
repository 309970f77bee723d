"""The terminal application: both halves in one. It only composes."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.screen import Screen

from p2p_remote.errors import SessionAbortedError
from p2p_remote.services.running_node import NodeOptions
from p2p_remote.terminal.capabilities import Capabilities
from p2p_remote.terminal.probe import probe_terminal
from p2p_remote.tui.actions import ANYWHERE, SHARING, bindings
from p2p_remote.tui.customer_half import CustomerHalf
from p2p_remote.tui.customer_state import Stage
from p2p_remote.tui.frame_driver import choose_driver_class
from p2p_remote.tui.links import LanLink, Links
from p2p_remote.tui.messages import CustomerEvent, LanChanged, TechnicianEvent
from p2p_remote.tui.prepared_link import PreparedLink
from p2p_remote.tui.quiet_terminal import quiet_terminal
from p2p_remote.tui.screens.base import BaseScreen
from p2p_remote.tui.screens.help import HelpScreen
from p2p_remote.tui.screens.home import HomeScreen
from p2p_remote.tui.screens.outgoing import OutgoingScreen
from p2p_remote.tui.screens.prompt import PromptScreen
from p2p_remote.tui.themes import DARK, THEMES

LEAVE_SECONDS = 6  # s to leave in good order after a signal
UNWIND_SECONDS = 2  # s more to give the terminal back
_SHARING_ACTIONS = frozenset(action.name for action in SHARING)


@dataclass(frozen=True, slots=True)
class Start:
    """What the application begins with.

    Args:
        options: this machine's node, for calls.
        target: call this ID at once and leave after it; None for the home screen.
        password: session password for `target`.
        view_only: send no input until that is switched off.
        share_arguments: be reachable as well, with these arguments for `share`.
        on_digits: told the comparison digits of a call, for the demo.
        note: a line for the technician.
        theme: name of the colours to begin with.
        on_theme: told when others are chosen.

    """

    options: NodeOptions
    target: int | None = None
    password: str = field(default="", repr=False)
    view_only: bool = False
    share_arguments: tuple[str, ...] | None = None
    on_digits: Callable[[str], None] | None = None
    note: str = ""
    theme: str = ""
    on_theme: Callable[[str], None] = lambda _: None


class RemoteApp(App[int], inherit_bindings=False):
    """Passes events to the half they belong to, and leaves cleanly."""

    TITLE = "p2p-remote"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(SHARING),
        *bindings(ANYWHERE),
        Binding("ctrl+c", "how_to_quit", "Quit?", show=False),
    ]
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 -- as Textual declares it
        (0, "-narrow"),
        (60, "-normal"),
        (100, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-low"),
        (20, "-high"),
        (34, "-tall"),
    ]

    def __init__(
        self,
        start: Start,
        capabilities: Capabilities | None = None,
        links: Links | None = None,
        driver_class: type[Driver] | None = None,
    ) -> None:
        """Prepare; tests give `links` of their own."""
        super().__init__(driver_class=driver_class)
        self.start = start
        self.links = links or Links()
        self.capabilities = capabilities or Capabilities()
        self.customer: CustomerHalf | None = None
        self._outgoing: OutgoingScreen | None = None
        self._prepared: PreparedLink | None = None
        self._home: HomeScreen | None = None
        self._lan: LanLink | None = None
        self._leaving = False
        self.last_key = 0.0
        for theme in THEMES:
            self.register_theme(theme)
        self._kept_theme = start.theme
        known = start.theme in self.available_themes
        self.theme = start.theme if known else DARK.name
        self._css_variables = self.get_css_variables()
        self.stylesheet.set_variables(self._css_variables)

    @property
    def is_sharing(self) -> bool:
        """Whether somebody sees this machine's screen."""
        return self.customer is not None and self.customer.state.stage is Stage.SHARING

    def get_default_screen(self) -> Screen[None]:
        """Begin at home, or with the call that was asked for."""
        if self.start.target is None:
            self._home = HomeScreen(self.start.options.peer_id)
            return self._home
        self._outgoing = OutgoingScreen(self.start.target, self.start.password)
        return self._outgoing

    def watch_theme(self, theme: str) -> None:
        """Keep the choice for the next time."""
        if self.is_running and theme != self._kept_theme:
            self._kept_theme = theme
            self.start.on_theme(theme)

    def refresh_css(self, animate: bool = True) -> None:  # noqa: FBT001, FBT002 -- Textual's
        """Parse the style sheets anew, except where no colour has changed.

        Textual asks for it at every start, when all is parsed and nothing shown.
        """
        variables = self.get_css_variables()
        if variables == self._css_variables:
            self.stylesheet.update(self, animate=animate)
            return
        self._css_variables = variables
        super().refresh_css(animate=animate)

    async def on_mount(self) -> None:
        """Be reachable, if asked to, and look around on the local network."""
        self._leave_on_signals()
        options = self.start.options
        if self.start.share_arguments is not None:
            self.customer = CustomerHalf(self, self.start.share_arguments, options)
            await self.customer.start()
        if self._home is not None and not options.lan:
            self._home.show_lan((), "The local network is switched off here.")
        elif self._home is not None:
            self._lan = self.links.lan(self._on_lan, options.peer_id)
            self.run_worker(self._look_around(self._lan, self._home))

    async def restart_customer(self) -> None:
        """Start the customer's half again after it has stopped."""
        before, arguments = self.customer, self.start.share_arguments
        if (
            before is None
            or arguments is None
            or before.state.stage is not Stage.STOPPED
        ):
            return
        self.customer = CustomerHalf(self, arguments, self.start.options)
        await before.close()
        await self.customer.start()
        self.refresh_times()

    async def _look_around(self, lan: LanLink, home: HomeScreen) -> None:
        """Search the local network beside the first picture."""
        problem = await lan.start()
        if problem:
            home.show_lan((), problem)

    async def on_event(self, event: events.Event) -> None:
        """Note when keys are pressed; see `PromptScreen` and `ApproveScreen`."""
        if isinstance(event, events.Key):
            self.last_key = asyncio.get_running_loop().time()
            if self.customer is not None:
                self.customer.note_key()
        await super().on_event(event)

    # Events from outside.

    def _on_lan(self, peers: list[int]) -> None:
        self.post_message(LanChanged(peers))

    async def on_technician_event(self, message: TechnicianEvent) -> None:
        """Pass an event to the outgoing call."""
        if self._outgoing is not None:
            await self._outgoing.take(message)

    async def on_customer_event(self, message: CustomerEvent) -> None:
        """Pass an event to the customer's half."""
        if self.customer is not None and not self._leaving:
            await self.customer.take(message.event)
            self.refresh_bindings()

    def on_lan_changed(self, message: LanChanged) -> None:
        """Show who is on the local network."""
        if self._home is not None:
            self._home.show_lan(message.peers, "")

    def refresh_times(self) -> None:
        """Bring the screen on top up to date at once."""
        if isinstance(self.screen, BaseScreen):
            self.screen.refresh_times()

    def _leave_on_signals(self) -> None:
        """A closed terminal or a kill ends every session in good order."""
        if self.is_headless or sys.platform == "win32":
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal)

    def _on_signal(self) -> None:
        """Leave; a terminal that is gone must not keep the program from ending."""
        signal.signal(signal.SIGALRM, _give_up)
        signal.alarm(LEAVE_SECONDS)
        self.call_later(self.action_quit)

    # Outgoing calls.

    def prepare_call(self) -> None:
        """Somebody types an ID: be registered when it is complete."""
        if self._prepared is None:
            self._prepared = self._new_link()
            self._prepared.link.prepare()

    def take_link(self) -> PreparedLink:
        """Return a link for one call."""
        prepared, self._prepared = self._prepared, None
        return prepared or self._new_link()

    def _new_link(self) -> PreparedLink:
        return PreparedLink(self.links, self.start.options, self.post_message)

    def call(self, target: int) -> None:
        """Call an ID."""
        self._outgoing = OutgoingScreen(target, "")
        self.push_screen(self._outgoing)

    async def leave_outgoing(self, code: int) -> None:
        """An outgoing call is over: home, or out if there is none."""
        outgoing, self._outgoing = self._outgoing, None
        if self._home is None:
            await self.leave(code, outgoing)
        elif outgoing is not None:
            await outgoing.close()
            self.pop_screen()

    # Actions; see `actions.ANYWHERE` and `actions.SHARING`.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Sharing keys work while sharing; nothing opens over a question."""
        del parameters
        if action in _SHARING_ACTIONS:
            return self.is_sharing
        if action in ("help", "command_palette"):
            return not isinstance(self.screen, PromptScreen)
        return True

    def action_help(self) -> None:
        self.push_screen(HelpScreen())

    def action_how_to_quit(self) -> None:
        self.notify("Ctrl+Q leaves; then nobody can reach you.", markup=False)

    async def action_quit(self) -> None:
        code = self._outgoing.exit_code if self._outgoing and not self._home else 0
        await self.leave(code, self._outgoing)

    def action_stop_control(self) -> None:
        self._tell_customer("revoke", permission="control")

    def action_give_control(self) -> None:
        if self.customer is not None:
            self.customer.offer_control()

    def action_choose_shared(self) -> None:
        if self.customer is not None:
            self.customer.choose_shared()

    def action_remember(self) -> None:
        if self.customer is not None:
            self.customer.offer_memory()

    def action_end_sharing(self) -> None:
        self._tell_customer("end")

    def action_show_sharing(self) -> None:
        if self.customer is not None:
            self.customer.show_session()

    def _tell_customer(self, do: str, **fields: str) -> None:
        if self.customer is not None:
            self.customer.state.problem = ""
            self.customer.send(do, **fields)

    def get_system_commands(self, screen: Screen[None]) -> Iterable[SystemCommand]:
        """Commands of the palette: those of the screen, then those of the App."""
        own = screen.actions if isinstance(screen, BaseScreen) else ()
        sharing = SHARING if self.is_sharing else ()
        for action in (*own, *sharing, *ANYWHERE):
            if action.name != "command_palette":
                target = screen if action in own else self
                yield SystemCommand(
                    action.label, action.help, partial(target.run_action, action.name)
                )
        yield SystemCommand("Theme", "Other colours", self.action_change_theme)

    async def leave(self, code: int, outgoing: OutgoingScreen | None) -> None:
        """End everything, then the program."""
        if self._leaving:
            return
        self._leaving = True
        parts = [part for part in (outgoing, self.customer, self._lan) if part]
        closing = [part.close() for part in parts]
        if self._prepared is not None:
            closing.append(asyncio.to_thread(self._prepared.link.close))
        await asyncio.gather(*closing, return_exceptions=True)
        self.exit(code)


def _give_up(number: int, frame: object) -> None:
    """Unwind; a part that does not let go even of that is left behind."""
    del number, frame
    signal.signal(signal.SIGALRM, _drop_all)
    signal.alarm(UNWIND_SECONDS)
    raise SystemExit(SessionAbortedError.exit_code)


def _drop_all(number: int, frame: object) -> None:
    del number, frame
    os._exit(SessionAbortedError.exit_code)


def run(start: Start) -> int:
    """Run the application; returns the exit code of the command line."""
    capabilities = probe_terminal()
    # What the terminal answered stands over what its name lets one guess.
    os.environ.update(capabilities.color_variables())
    driver = choose_driver_class(capabilities)
    app = RemoteApp(start, capabilities, driver_class=driver)
    with quiet_terminal():
        code = app.run()
    return app.return_code or 0 if code is None else code
