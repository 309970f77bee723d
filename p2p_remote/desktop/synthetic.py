"""A desktop that is only drawn: for machines without a display, for tests and demos.

It is screen source and input sink in one. What is drawn depends on the input and on
the clock that is given, on nothing else.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from p2p_remote.desktop.base import Capture, CursorImage, PointerState
from p2p_remote.desktop.synthetic_scene import (
    HEIGHT,
    LOG_LINES,
    SHADOW,
    TITLE_HEIGHT,
    WIDTH,
    Scene,
    background,
    paint_clock,
    paint_counter,
    paint_log,
    paint_notes,
)
from p2p_remote.errors import MissingCapabilityError
from p2p_remote.input.held_keys import HeldKeys, KeyStep
from p2p_remote.input.keysyms import (
    BACKSPACE,
    DELETE,
    DOWN,
    END,
    HOME,
    LEFT,
    RETURN,
    RIGHT,
    TAB,
    UP,
    character_of,
    is_known,
    keysym_of,
    name_of,
)
from p2p_remote.screen.geometry import Rect
from p2p_remote.wire.input import (
    BUTTON_LEFT,
    MODIFIER_ALT,
    MODIFIER_CONTROL,
    MODIFIER_SHIFT,
    MODIFIER_SUPER,
)

MAX_TEXT: Final = 20_000  # characters kept; the oldest go first
_SCROLL_LINES: Final = 3  # of one wheel step
_MODIFIER_NAMES: Final = {
    MODIFIER_CONTROL: "Ctrl",
    MODIFIER_ALT: "Alt",
    MODIFIER_SUPER: "Super",
    MODIFIER_SHIFT: "Shift",
}
_SHORTCUT: Final = MODIFIER_CONTROL | MODIFIER_ALT | MODIFIER_SUPER
# An arrow: "#" is black, "." is white.
_ARROW: Final = """
#
##
#.#
#..#
#...#
#....#
#.....#
#......#
#.......#
#........#
#.....#####
#..#..#
#.# #..#
##  #..#
#    #..#
     #..#
      ##
"""


def local_seconds() -> float:
    """Return the seconds since midnight on this machine's clock."""
    now = time.time()
    local = time.localtime(now)
    return local.tm_hour * 3600 + local.tm_min * 60 + local.tm_sec + now % 1


class SyntheticDesktop:
    """Windows to type, click and scroll in; `clock` gives the seconds of the day.

    All methods may be called by any thread.
    """

    name = "practice desktop"

    def __init__(self, clock: Callable[[], float] = local_seconds) -> None:
        self._clock = clock
        self._scene = Scene(seconds=int(clock()))
        self._empty = background()
        self._frame = self._empty.copy()
        self._shown = self._frame.view()
        self._shown.flags.writeable = False
        self._dirty = {"all"}
        self._changed = threading.Condition()
        self._woken = False
        self._held = HeldKeys()
        self._pointer = PointerState(WIDTH // 2, HEIGHT // 2, True, 1)
        self._pointer_moved = False
        self._buttons = 0
        self._dragged: tuple[int, int] | None = None  # grip on the notes' title
        self._closed = False

    @property
    def width(self) -> int:
        return WIDTH

    @property
    def height(self) -> int:
        return HEIGHT

    @property
    def typed_text(self) -> str:
        """What stands in the text field."""
        return self._scene.text

    @property
    def clicks(self) -> int:
        """How often the button was clicked."""
        return self._scene.clicks

    @property
    def last_key(self) -> str:
        """The key that was pressed last, as in "Ctrl+Alt+Delete"."""
        return self._scene.last_key

    @property
    def scrolled(self) -> int:
        """Lines that the list has been scrolled down."""
        return self._scene.scrolled

    @property
    def held_keys(self) -> tuple[int, ...]:
        """Keysyms that are down now."""
        return self._held.held

    @property
    def held_buttons(self) -> int:
        """Pointer buttons that are down now."""
        return self._buttons

    @property
    def button(self) -> Rect:
        """Where to click."""
        return self._scene.button

    @property
    def list_area(self) -> Rect:
        """Where to scroll."""
        return self._scene.log

    # The screen

    def wait(self, timeout_s: float) -> bool:
        """Block until something changed; the clock changes each second."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not self._something_new():
                remaining = deadline - time.monotonic()
                if remaining <= 0 or self._closed or self._woken:
                    self._woken = False
                    return False
                self._changed.wait(min(remaining, 1.0 - self._clock() % 1.0 + 0.005))
        return True

    def capture(self) -> Capture:
        with self._changed:
            if self._closed:
                raise MissingCapabilityError("The practice desktop is closed.")
            self._something_new()
            damage = self._paint()
            self._pointer_moved = False
            return Capture(self._shown, damage, self._pointer)

    def cursor_shape(self) -> CursorImage | None:
        rows = _ARROW.strip("\n").split("\n")
        width = max(map(len, rows))
        colours = {
            "#": b"\0\0\0\xff",
            ".": b"\xff\xff\xff\xff",
            " ": bytes(4),
        }
        pixels = b"".join(colours[sign] for row in rows for sign in row.ljust(width))
        return CursorImage(1, width, len(rows), 0, 0, pixels)

    def wake(self) -> None:
        """End the present or the next `wait` at once. Any thread."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def locate(self, x: int, y: int) -> tuple[int, int] | None:
        """Return the same position: the desktop is its own sink."""
        return x, y

    def takes_keys(self) -> bool:
        """All of it is shared."""
        return True

    def retire(self) -> None:
        """There is nothing else that could be shared."""

    def expect_change(self) -> None:
        """Changes tell of themselves."""

    def close(self) -> None:
        """Close the desktop: from now on nothing can be seen or done."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    # Input

    def guard(self, permit: Callable[[], None]) -> None:
        """Nothing here has to be waited for, so asking before a call is enough."""

    def text(self, text: str) -> None:
        with self._changing("notes"):
            for character in text.replace("\r\n", "\n").replace("\r", "\n"):
                if keysym_of(character) is not None:
                    self._insert(character)

    def key(self, keysym: int, modifiers: int, action: int) -> None:
        if not is_known(keysym):
            return
        with self._changing("notes"):
            if KeyStep(keysym, down=True) in self._held.apply(
                keysym, modifiers, action
            ):
                self._scene.last_key = _combination(keysym, modifiers)
                if not modifiers & _SHORTCUT:
                    self._edit(keysym)

    def pointer(self, x: int, y: int, buttons: int) -> None:
        with self._changing():
            self._move(x, y)
            pressed = buttons & ~self._buttons
            released = self._buttons & ~buttons
            self._buttons = buttons
            if pressed & BUTTON_LEFT:
                self._press()
            if released & BUTTON_LEFT:
                self._let_go()

    def scroll(self, x: int, y: int, dx: int, dy: int) -> None:
        with self._changing():
            self._move(x, y)
            scene = self._scene
            if _hit(scene.log, x, y):
                last = LOG_LINES - scene.log_rows
                lines = scene.scrolled + dy * _SCROLL_LINES
                scene.scrolled = min(max(lines, 0), last)
                self._dirty.add("log")

    def release_all(self) -> None:
        with self._changing("counter"):
            self._held.release_all()
            self._buttons = 0
            self._scene.pressed = False
            self._dragged = None

    @contextlib.contextmanager
    def _changing(self, *windows: str) -> Iterator[None]:
        """Hold the lock while the scene changes, then wake the capturing thread."""
        with self._changed:
            if self._closed:
                raise MissingCapabilityError("The practice desktop is closed.")
            yield
            self._dirty.update(windows)
            self._changed.notify_all()

    def _move(self, x: int, y: int) -> None:
        x, y = min(max(x, 0), WIDTH - 1), min(max(y, 0), HEIGHT - 1)
        self._pointer = PointerState(x, y, visible=True, shape_serial=1)
        self._pointer_moved = True
        if self._dragged is not None:
            grip_x, grip_y = self._dragged
            old = self._scene.notes
            self._scene.notes = Rect(
                min(max(x - grip_x, 0), WIDTH - old.width - SHADOW),
                min(max(y - grip_y, 32), HEIGHT - old.height - SHADOW),
                old.width,
                old.height,
            )
            self._dirty.add("all")

    def _press(self) -> None:
        scene, x, y = self._scene, self._pointer.x, self._pointer.y
        title = Rect(scene.notes.x, scene.notes.y, scene.notes.width, TITLE_HEIGHT)
        if _hit(scene.notes, x, y):
            if _hit(title, x, y):
                self._dragged = (x - scene.notes.x, y - scene.notes.y)
        elif _hit(scene.button, x, y):
            scene.pressed = True
            self._dirty.add("counter")

    def _let_go(self) -> None:
        scene = self._scene
        self._dragged = None
        if scene.pressed:
            scene.pressed = False
            scene.clicks += _hit(scene.button, self._pointer.x, self._pointer.y)
            self._dirty.add("counter")

    def _edit(self, keysym: int) -> None:
        """Do in the text field what a key does there."""
        scene = self._scene
        start = scene.text.rfind("\n", 0, scene.caret) + 1
        end = scene.text.find("\n", scene.caret)
        end = len(scene.text) if end < 0 else end
        moves = {
            LEFT: scene.caret - 1,
            RIGHT: scene.caret + 1,
            HOME: start,
            END: end,
            UP: start - 1,
            DOWN: end + 1,
        }
        character = {RETURN: "\n", TAB: "\t"}.get(keysym) or character_of(keysym)
        if keysym in moves:
            scene.caret = min(max(moves[keysym], 0), len(scene.text))
        elif keysym == BACKSPACE:
            self._remove(scene.caret - 1)
        elif keysym == DELETE:
            self._remove(scene.caret)
        elif character is not None:
            self._insert(character)

    def _insert(self, character: str) -> None:
        scene = self._scene
        text = scene.text[: scene.caret] + character + scene.text[scene.caret :]
        surplus = max(len(text) - MAX_TEXT, 0)
        scene.text = text[surplus:]
        scene.caret = max(scene.caret + 1 - surplus, 0)

    def _remove(self, index: int) -> None:
        scene = self._scene
        if 0 <= index < len(scene.text):
            scene.text = scene.text[:index] + scene.text[index + 1 :]
            scene.caret = index

    def _something_new(self) -> bool:
        seconds = int(self._clock())
        if seconds != self._scene.seconds:
            self._scene.seconds = seconds
            self._dirty.add("clock")
        return bool(self._dirty) or self._pointer_moved

    def _paint(self) -> list[Rect]:
        """Paint what changed and return where; later windows cover earlier ones."""
        dirty, self._dirty = self._dirty, set()
        frame, scene = self._frame, self._scene
        everything = "all" in dirty
        # The windows may lie over each other and over the clock after a drag.
        if dirty and not everything and self._notes_cover():
            everything = True
        if everything:
            frame[:] = self._empty
            dirty = {"clock", "counter", "log", "notes"}
        damage = []
        if "clock" in dirty:
            damage.append(paint_clock(frame, scene, self._empty))
        if "counter" in dirty:
            damage.append(paint_counter(frame, scene))
        if "log" in dirty:
            damage.append(paint_log(frame, scene))
        if "notes" in dirty:
            damage.append(paint_notes(frame, scene))
        return [Rect(0, 0, WIDTH, HEIGHT)] if everything else damage

    def _notes_cover(self) -> bool:
        scene = self._scene
        return any(
            scene.notes.distance(other) < SHADOW
            for other in (scene.clock, scene.counter, scene.log)
        )


def _hit(area: Rect, x: int, y: int) -> bool:
    return area.contains(Rect(x, y, 1, 1))


def _combination(keysym: int, modifiers: int) -> str:
    names = [name for bit, name in _MODIFIER_NAMES.items() if modifiers & bit]
    return "+".join([*names, name_of(keysym)])
