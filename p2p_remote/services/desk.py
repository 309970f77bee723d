"""What a customer shares: the screen, the way input gets in, the keys that stop it."""

from collections.abc import Callable

from p2p_remote.desktop import choose
from p2p_remote.desktop.base import HOTKEY_REVOKE, Hotkey, InputSink, ScreenSource
from p2p_remote.desktop.ledger import InjectionLedger
from p2p_remote.errors import MissingCapabilityError


class Desk:
    """Screen, input sink and hotkeys of this machine."""

    def __init__(self, screen: str) -> None:
        """Open the screen called `screen`: auto, x11, mss or synthetic.

        Raises:
            MissingCapabilityError: there is nothing to share.

        """
        self._screen = screen
        self._on_event: Callable[[str], None] | None = None
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
        self.reasons: tuple[str, ...] = (*reasons, *hotkey.reasons)

    @property
    def has_hotkey(self) -> bool:
        """Whether F11 is heard from everywhere on this machine."""
        return self._hotkey is not None

    def start_hotkey(self, on_event: Callable[[str], None]) -> None:
        """Hear F11, F12 and local input; `on_event` is called in another thread."""
        self._on_event = on_event
        if self._hotkey is not None:
            self._hotkey.start(on_event)

    def reopen_source(self) -> ScreenSource:
        """Open the screen again after its size has changed."""
        self.source = choose.choose_screen(self._screen).chosen
        return self.source

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
        if self._on_event is not None:
            self._on_event(HOTKEY_REVOKE)
