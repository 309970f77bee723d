"""Which screen, input and hotkey this machine gets, and why not a better one.

Libraries and the modules that need them are imported here, in the functions.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from p2p_remote.desktop.base import Hotkey, InputSink, ScreenSource, WaylandError
from p2p_remote.desktop.ledger import InjectionLedger
from p2p_remote.desktop.selection import (
    EVERYTHING,
    Monitor,
    Selection,
    SelectionGoneError,
    Window,
)
from p2p_remote.errors import MissingCapabilityError, UsageError

T_co = TypeVar("T_co", covariant=True)

SCREEN_NAMES: Final = ("auto", "x11", "mss", "synthetic")

_NO_DISPLAY: Final = (
    "No display found. Start this in a graphical session, or share the practice "
    "desktop with --screen synthetic."
)


@dataclass(frozen=True, slots=True)
class Choice(Generic[T_co]):
    """What was chosen, and one line for each thing that is less than it could be."""

    chosen: T_co
    reasons: tuple[str, ...] = ()


def choose_screen(
    name: str = "auto",
    *,
    display: str | None = None,
    selection: Selection = EVERYTHING,
) -> Choice[ScreenSource]:
    """Open a screen by its name in SCREEN_NAMES; `display` replaces $DISPLAY.

    Raises MissingCapabilityError with the next step for the person when there is no
    screen that can be shared, SelectionGoneError when what is selected is not there,
    UsageError for an unknown name.
    """
    _check_name(name)
    if name == "synthetic":
        from p2p_remote.desktop.synthetic import SyntheticDesktop

        if selection != EVERYTHING:
            raise SelectionGoneError("The practice desktop is shared as a whole.")
        return Choice(SyntheticDesktop())
    if not _is_x11_system():
        if name == "x11":
            raise MissingCapabilityError("X11 screens exist on Linux and BSD only.")
        return Choice(_mss_screen(None, selection))
    _require_x11(display)
    if name == "mss":
        return Choice(_mss_screen(display, selection))
    return _x11_screen(name, display, selection)


def list_monitors(name: str = "auto", *, display: str | None = None) -> list[Monitor]:
    """Return the monitors of a screen, the primary one first.

    Raises as `choose_screen`.
    """
    _check_name(name)
    if name == "synthetic":
        return []
    if not _is_x11_system():
        return _mss_monitors(None)
    _require_x11(display)
    if name == "mss":
        return _mss_monitors(display)
    from p2p_remote.desktop.x11_connection import X11Connection
    from p2p_remote.desktop.x11_monitors import X11Monitors

    with contextlib.closing(X11Connection(display)) as connection:
        connection.refuse_wayland()
        return X11Monitors(connection).list()


def list_windows(name: str = "auto", *, display: str | None = None) -> list[Window]:
    """Return the windows that can be shared alone, the topmost first.

    Raises as `choose_screen`.
    """
    _check_name(name)
    if name in ("synthetic", "mss") or not _is_x11_system():
        return []
    _require_x11(display)
    from p2p_remote.desktop.x11_connection import X11Connection
    from p2p_remote.desktop.x11_windows import X11Windows

    with contextlib.closing(X11Connection(display)) as connection:
        connection.refuse_wayland()
        return X11Windows(connection).named()


def _mss_monitors(display: str | None) -> list[Monitor]:
    from p2p_remote.desktop.mss_screen import list_monitors, open_mss

    try:
        with open_mss(display)() as grabber:
            return list_monitors(grabber)
    except Exception as error:  # whatever the library's backends raise
        raise MissingCapabilityError(f"No list of monitors: {error}") from error


def _check_name(name: str) -> None:
    if name not in SCREEN_NAMES:
        raise UsageError(
            f"There is no screen {name!r}. Try: {', '.join(SCREEN_NAMES)}."
        )


def choose_input(
    screen: ScreenSource,
    *,
    display: str | None = None,
    ledger: InjectionLedger | None = None,
) -> Choice[InputSink]:
    """Open the input sink that belongs to a screen.

    The practice desktop is its own. Raises MissingCapabilityError where nothing can
    be injected.
    """
    from p2p_remote.desktop.synthetic import SyntheticDesktop

    if isinstance(screen, SyntheticDesktop):
        return Choice(screen)
    if _is_x11_system():
        from p2p_remote.desktop.x11_input import X11Input

        _require_x11(display)
        return Choice(X11Input(display, ledger))
    from p2p_remote.desktop.pynput_input import PynputInput

    keyboard, mouse = _pynput()
    return Choice(PynputInput(keyboard, mouse, ledger=ledger))


def choose_hotkey(
    *,
    display: str | None = None,
    ledger: InjectionLedger | None = None,
    on_lost: Callable[[], None] | None = None,
) -> Choice[Hotkey | None]:
    """Open the global hotkey; None with the reason where there cannot be one.

    `ledger` must be the one of the input sink. `on_lost` is called from the listening
    thread if the hotkey stops working later.
    """
    try:
        if _is_x11_system():
            from p2p_remote.desktop.hotkey import X11Hotkey

            _require_x11(display)
            return Choice(X11Hotkey(display, ledger, on_lost))
        if sys.platform == "darwin":
            # pynput reads the keyboard layout from its listening thread, for which
            # macOS 14 and later end the process.
            return _no_hotkey("macOS ends programs that listen the way we would.")
        from p2p_remote.desktop.pynput_input import PynputHotkey

        return Choice(PynputHotkey(*_pynput(), ledger))
    except MissingCapabilityError as error:
        return _no_hotkey(str(error))


def _no_hotkey(why: str) -> Choice[Hotkey | None]:
    return Choice(None, (f"F11 and F12 are not heard in other windows: {why}",))


def _x11_screen(
    name: str, display: str | None, selection: Selection
) -> Choice[ScreenSource]:
    from p2p_remote.desktop.x11_screen import X11Screen

    if selection.windows is not None:
        from p2p_remote.desktop.x11_window_screen import X11WindowScreen

        return Choice(X11WindowScreen(selection.windows, display))
    try:
        screen = X11Screen(display, selection.monitor)
    except (WaylandError, SelectionGoneError):
        raise
    except MissingCapabilityError as error:
        if name == "x11":
            raise
        try:
            return Choice(
                _mss_screen(display, selection), (f"No damage reports: {error}",)
            )
        except MissingCapabilityError:
            raise error from None
    slow = screen.slow_reason
    return Choice(screen, (f"No shared memory: {slow}",) if slow else ())


def _mss_screen(display: str | None, selection: Selection) -> ScreenSource:
    from p2p_remote.desktop.mss_screen import (
        MssScreen,
        open_mss,
        pynput_position,
        x11_position,
    )

    if selection.windows is not None:
        raise SelectionGoneError("Single windows can be shared on X11 only.")
    monitor = selection.monitor
    if not _is_x11_system():
        return MssScreen(open_mss(None), pynput_position(), monitor=monitor)
    from p2p_remote.desktop.x11_connection import X11Connection

    connection = X11Connection(display)
    try:
        connection.refuse_wayland()
        position = x11_position(connection)
        return MssScreen(open_mss(display), position, connection.close, monitor)
    except BaseException:
        connection.close()
        raise


def _is_x11_system() -> bool:
    return sys.platform not in {"win32", "darwin", "cygwin"}


def _require_x11(display: str | None) -> None:
    """Raise unless the environment names an X11 display of an X11 desktop."""
    if display:
        return
    if os.environ.get("WAYLAND_DISPLAY"):
        raise WaylandError
    if not os.environ.get("DISPLAY"):
        raise MissingCapabilityError(_NO_DISPLAY)


def _pynput() -> tuple[Any, Any]:
    """Import pynput's modules; they open the display or ask for permissions."""
    if (
        sys.platform == "darwin"
        and threading.current_thread() is not threading.main_thread()
    ):
        raise MissingCapabilityError("macOS lets only a main thread prepare control.")
    try:
        from pynput import keyboard, mouse
    except Exception as error:  # the library raises what its backend does
        raise MissingCapabilityError(f"No keyboard and pointer: {error}") from error
    return keyboard, mouse
