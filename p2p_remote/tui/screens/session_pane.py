"""The remote screen with its line, its toolbar and what lies over the picture."""

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical
from textual.widgets import Static

from p2p_remote.terminal.capabilities import Capabilities
from p2p_remote.terminal.renderer import choose_depth, choose_renderer
from p2p_remote.tui import words
from p2p_remote.tui.call_state import CallState
from p2p_remote.tui.widgets.command_menu import CommandMenu
from p2p_remote.tui.widgets.part_shown import part_shown
from p2p_remote.tui.widgets.remote_view import RemoteView
from p2p_remote.tui.widgets.status_line import StatusLine, session_parts
from p2p_remote.tui.widgets.tool_button import Toolbar, ToolButton


class SessionPane(Vertical):
    """Shows a session; all decisions are made by the screen."""

    def __init__(self, state: CallState, capabilities: Capabilities) -> None:
        """Show this session on a terminal with these capabilities."""
        super().__init__(classes="session")
        self._state = state
        self.view = RemoteView(
            renderer=choose_renderer("auto", capabilities),
            depth=choose_depth("auto", capabilities),
            capabilities=capabilities,
            id="view",
        )
        self._status = StatusLine(id="status")
        self._banner = Static("", markup=False, id="banner")
        self._menu = CommandMenu(id="command-menu")
        self._toolbar = Toolbar(id="toolbar")

    def compose(self) -> ComposeResult:
        """Line, toolbar, picture, and over the picture banner and menu."""
        with Horizontal(id="top"):
            yield self._status
            yield ToolButton("≡", "toolbar", "Fold the toolbar away, or out", "tool")
        yield self._toolbar
        with Container(id="stage"):
            yield self.view
            yield self._banner
            yield self._menu

    def on_mount(self) -> None:
        """The picture gets every key."""
        self._menu.display = False
        self._banner.display = False
        self.view.focus()

    def show(self, now: float, *, keep_local: frozenset[str]) -> None:
        """Bring everything up to date; `keep_local` are keys that stay with the App."""
        state, view = self._state, self.view
        view.control_enabled = state.control
        view.input.local_keys = keep_local
        view.show_stale(state.silent(now) if state.silent_since is not None else None)
        self._status.show(session_parts(state, now, self._picture_words()))
        self._status.tooltip = Text(
            words.PATH_HELP.get(state.path_kind, "") + "\n" + state.path_why
        )
        banner = state.warning(now)
        self._banner.display = bool(banner)
        self._banner.update(banner)

    def show_menu(self, *, active: bool) -> None:
        """Show what the next key does, or hide it again."""
        self._menu.display = active

    def fold_toolbar(self) -> None:
        """Fold the toolbar away, or out."""
        self._toolbar.display = not self._toolbar.display

    def toggle_follow(self) -> bool:
        """Whether a zoomed picture goes with typing and the pointer, from now on."""
        self.view.follows = not self.view.follows
        return self.view.follows

    def _picture_words(self) -> tuple[str, str]:
        """Renderer, and zoom with the part that is shown."""
        viewport = self.view.viewport
        zoom = ""
        if viewport is not None and viewport.is_fit:
            zoom = "fit"
        elif viewport is not None:
            zoom = f"{1 / viewport.zoom:.0%} {part_shown(viewport)}"
        return self.view.picture.renderer.name, zoom
