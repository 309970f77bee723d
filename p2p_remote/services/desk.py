"""What a customer shares: the screen, the way input gets in, the keys that stop it."""

from collections.abc import Callable

from p2p_remote.desktop import choose
from p2p_remote.desktop.base import Hotkey, InputSink, ScreenSource
from p2p_remote.desktop.ledger import InjectionLedger
from p2p_remote.errors import MissingCapabilityError

HOTKEY_LOST = "hotkey_lost"  # told like a key: F11 is no longer heard


class Desk:
    """Screen, input sink and hotkeys of this machine."""

    def __init__(self, screen: str) -> None:
        """Open the screen called `screen`: auto, x11, mss or synthetic.

        Raises:
            MissingCapabilityError: there is nothing to share.

        """
        self._screen = screen
        self._on_event: Callable[[str], None] | None = None
        self._is_source_closed = False
        self.is_hotkey_lost = False
        """F11 was heard at the start and no longer is."""
        ledger = InjectionLedger()
        chosen = choose.choose_screen(screen)
        self.source: ScreenSource = chosen.chosen
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

    def reopen_source(self) -> ScreenSource:
        """Open the screen again after its size has changed.

        Raises:
            MissingCapabilityError: it is gone; the next call tries again.

        """
        self._is_source_closed = True
        self.source = choose.choose_screen(self._screen).chosen
        self._is_source_closed = False
        return self.source

    def open_source(self) -> ScreenSource:
        """Return the screen, opened again if it was lost in an earlier session.

        Raises:
            MissingCapabilityError: there is nothing to share any more.

        """
        return self.reopen_source() if self._is_source_closed else self.source

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

    def _on_hotkey_lost(self) -> None:
        """Nobody may control a machine whose stop key no longer works."""
        self.is_hotkey_lost = True
        if self._on_event is not None:
            self._on_event(HOTKEY_LOST)
