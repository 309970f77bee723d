"""What a customer shares: the screen, the way input gets in, the keys that stop it."""

import threading
from collections.abc import Callable

from p2p_remote.desktop import choose
from p2p_remote.desktop.base import Hotkey, InputSink, ScreenSource
from p2p_remote.desktop.blank import BlankScreen
from p2p_remote.desktop.ledger import InjectionLedger
from p2p_remote.desktop.selection import (
    EVERYTHING,
    Monitor,
    Selection,
    SelectionGoneError,
    Window,
)
from p2p_remote.errors import MissingCapabilityError
from p2p_remote.services.events import Shared

__all__ = [
    "EVERYTHING",
    "Desk",
    "Monitor",
    "Selection",
    "Window",
    "list_monitors",
    "list_windows",
]

HOTKEY_LOST = "hotkey_lost"  # told like a key: F11 is no longer heard


list_monitors = choose.list_monitors
list_windows = choose.list_windows


class Desk:
    """Screen, input sink and hotkeys of this machine."""

    def __init__(self, screen: str, selection: Selection = EVERYTHING) -> None:
        """Open what is `selection` of the screen: auto, x11, mss or synthetic.

        Raises:
            MissingCapabilityError: there is nothing to share.

        """
        self._screen = screen
        self._selection = selection
        self._following: ScreenSource | None = None  # takes the place of `source`
        self._lock = threading.Lock()  # of what follows
        self._on_event: Callable[[str], None] | None = None
        self._is_source_closed = False
        self.listeners: list[Callable[[Shared], None]] = []
        """Told what is shared from now on, in any thread."""
        self.is_hotkey_lost = False
        """F11 was heard at the start and no longer is."""
        ledger = InjectionLedger()
        chosen = choose.choose_screen(screen, selection=selection)
        self.source: ScreenSource = chosen.chosen
        self.shared = self._describe()
        reasons = list(chosen.reasons)
        self.sink: InputSink | None = None
        try:
            sink = choose.choose_input(self.source, ledger=ledger)
            self.sink = sink.chosen
            reasons += sink.reasons
        except MissingCapabilityError as error:
            reasons.append(str(error))
        hotkey = choose.choose_hotkey(ledger=ledger, on_lost=self._on_hotkey_lost)
        self._hotkey: Hotkey | None = hotkey.chosen
        if screen != "synthetic":  # a practice desktop has no other windows
            reasons += hotkey.reasons
        self.reasons: tuple[str, ...] = tuple(reasons)

    @property
    def has_hotkey(self) -> bool:
        """Whether F11 is heard from everywhere on this machine."""
        return self._hotkey is not None and not self.is_hotkey_lost

    def start_hotkey(self, on_event: Callable[[str], None]) -> None:
        """Hear F11, F12 and local input; `on_event` is called in another thread."""
        self._on_event = on_event
        if self._hotkey is not None:
            self._hotkey.start(on_event)

    def monitors(self) -> list[Monitor]:
        """Return the monitors that could be shared, the primary one first.

        Raises:
            MissingCapabilityError: the screen is gone.

        """
        return choose.list_monitors(self._screen)

    def windows(self) -> list[Window]:
        """Return the windows that could be shared, the topmost first.

        Raises:
            MissingCapabilityError: the screen is gone.

        """
        return choose.list_windows(self._screen)

    def share(self, selection: Selection) -> None:
        """Share something else from now on, also in the middle of a session.

        Raises:
            SelectionGoneError: it is not there; what was shared stays shared.

        """
        opened = choose.choose_screen(self._screen, selection=selection).chosen
        with self._lock:
            self._selection = selection
            before, self._following = self._following, opened
            self.source.retire()
        if before is not None:
            before.close()
        self._tell(opened)

    def reopen_source(self) -> ScreenSource:
        """Open the screen again: its size has changed, or something else is shared.

        What is gone is never replaced by more: then there is only grey to be seen.

        Raises:
            MissingCapabilityError: the screen is gone; the next call tries again.

        """
        self._keep_windows()
        self._is_source_closed = True
        opened, why = None, ""
        if self._following is None:
            try:
                opened = self._open_selected()
            except SelectionGoneError as error:
                self._keep_windows()  # which are none: the source is closed
                opened = BlankScreen(self.source.width, self.source.height)
                why = str(error)
        with self._lock:
            # Whatever has been chosen meanwhile stands over what was opened here.
            following, self._following = self._following, None
            self.source = taken = following or opened or self._open_selected()
            self._is_source_closed = False
        if following is None:
            self._tell(taken, why)
        elif opened is not None:
            opened.close()
        return taken

    def open_source(self) -> ScreenSource:
        """Return the screen, opened again if it was lost in an earlier session.

        Raises:
            MissingCapabilityError: there is nothing to share any more.

        """
        following = self._take_following()
        if following is not None:
            if not self._is_source_closed:
                self.source.close()
        elif self._is_source_closed or isinstance(self.source, BlankScreen):
            self._keep_windows()
            following = self._open_selected()
            self._tell(following)
        if following is not None:
            self.source, self._is_source_closed = following, False
        return self.source

    def _take_following(self) -> ScreenSource | None:
        with self._lock:
            taken, self._following = self._following, None
        return taken

    def _keep_windows(self) -> None:
        """Forget windows that are closed: their numbers may be those of others now.

        Nobody knows of windows that a source lost sight of when it was closed itself.
        """
        with self._lock:
            if self._following is not None or self._selection.windows is None:
                return
            none: frozenset[int] = frozenset()
            left = getattr(self.source, "remaining", none)
            self._selection = Selection(
                windows=none if self._is_source_closed else left
            )

    def _open_selected(self) -> ScreenSource:
        return choose.choose_screen(self._screen, selection=self._selection).chosen

    def _tell(self, opened: ScreenSource, why: str = "") -> None:
        self.shared = self._describe(opened, why)
        for listener in tuple(self.listeners):
            listener(self.shared)

    def _describe(self, opened: ScreenSource | None = None, why: str = "") -> Shared:
        source = opened or self.source
        names: tuple[str, ...] = ()
        if isinstance(source, BlankScreen):
            what = "nothing"
        elif self._selection.monitor:
            what, names = "monitor", (self._selection.monitor,)
        elif self._selection.windows is not None:
            what, names = "windows", getattr(source, "titles", ())
        else:
            what = "everything"
        return Shared(what, names, source.width, source.height, why)

    def locate(self, x: int, y: int) -> tuple[int, int] | None:
        """Return the sink's position for a pixel of the picture; None: not shared."""
        try:
            return self.source.locate(x, y)
        except MissingCapabilityError:  # closed: something else takes its place
            return None

    def takes_keys(self) -> bool:
        """Whether what is typed now goes where it is shared."""
        try:
            return self.source.takes_keys()
        except MissingCapabilityError:
            return False

    def hear(self) -> None:
        """Act on each stop key that the system has told of until now. Any thread.

        Raises:
            MissingCapabilityError: the stop keys are not heard any more.

        """
        if self._hotkey is not None:
            self._hotkey.hear()

    @property
    def guards_shortcuts(self) -> bool:
        """Whether keys for all of the desktop need a permission of their own."""
        return self._selection.windows is not None

    def expect_change(self) -> None:
        """Input was injected: look at the screen soon. Any thread."""
        self.source.expect_change()

    def close(self) -> None:
        """Let go of everything."""
        if self._hotkey is not None:
            self._hotkey.close()
        if self.sink is not None:
            self.sink.close()
        self.source.close()
        following = self._take_following()
        if following is not None:
            following.close()

    def _on_hotkey_lost(self) -> None:
        """Nobody may control a machine whose stop key no longer works."""
        self.is_hotkey_lost = True
        if self._on_event is not None:
            self._on_event(HOTKEY_LOST)
