"""From keysyms to the keys of an X11 keyboard, with borrowed keys for the rest.

Signs that the active layout cannot type are put on keycodes that no key uses. Programs
read the new layout only when they come to it, so a borrowed keycode keeps its sign for
a while after its last press, and all of them are given back at the end.
"""

import struct
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final, NamedTuple

from p2p_remote.desktop.x11_connection import (
    MAPPING_NOTIFY,
    X11Connection,
    request,
)
from p2p_remote.input.keysyms import canonical

POOL: Final = 24  # keycodes borrowed at most
_BATCH: Final = POOL // 2  # new signs in one run, so that none replaces another of it
SETTLE: Final = 0.012  # s for programs to hear of a new sign
_REST: Final = 0.15  # s after its last press before a keycode gets another sign
_LEVELS: Final = 4  # columns that carry the sign: both levels of two groups
_LEFTOVER_PROPERTY: Final = b"_P2P_REMOTE_KEYCODES"
_CARDINAL: Final = 6
CORE_KEYBOARD: Final = 0x100  # device of XKB requests
_MAP_EVENTS: Final = 0b11  # NewKeyboardNotify, MapNotify


class KeyPlace(NamedTuple):
    """Where a keysym is on the keyboard."""

    keycode: int
    shift: bool


class X11Keyboard:
    """Keyboard map of the server behind a connection; belongs to its thread."""

    def __init__(self, connection: X11Connection) -> None:
        self._connection = connection
        self._first = connection.setup.min_keycode
        self._count = connection.setup.max_keycode - self._first + 1
        self._property = self._intern(_LEFTOVER_PROPERTY)
        self._xkb = connection.required("XKEYBOARD")
        # Who speaks XKB is told of a new layout by XKB alone.
        connection.call(request(self._xkb.opcode, 0, struct.pack("<HH", 1, 0)))
        connection.send(
            request(
                self._xkb.opcode,
                1,  # SelectEvents
                struct.pack(
                    "<HHHHHH", CORE_KEYBOARD, _MAP_EVENTS, 0, _MAP_EVENTS, 0xFF, 0xFF
                ),
            )
        )
        # Keycode: when it was last pressed; the one longest unused comes first.
        self._pool: OrderedDict[int, float] = OrderedDict()
        self._signs: dict[int, int] = {}  # borrowed keycode: canonical keysym
        self._places: dict[int, dict[int, KeyPlace]] = {}  # group: keysym: place
        self._give_back_leftovers()
        self._read()

    def update(self) -> None:
        """Read the map anew if the layout was changed since the last call."""
        arrived = {event[0] for event in self._connection.events()}
        if arrived & {MAPPING_NOTIFY, self._xkb.first_event}:
            self._read()

    def find(self, keysym: int, group: int) -> KeyPlace | None:
        """Return where a keysym is in the active group, None if it is nowhere."""
        keysym = canonical(keysym)
        return self._places[min(group, 2)].get(keysym)

    def runs(
        self, keysyms: list[int], group: int, wake: threading.Event
    ) -> Iterator[list[KeyPlace]]:
        """Yield the places of keysyms in runs, borrowing keycodes before each run.

        Each run must be pressed before the next one is asked for. Keysyms are left out
        when there is no keycode to borrow; `wake` cuts the waiting short.
        """
        run: list[int] = []
        missing: dict[int, None] = {}
        for keysym in (*map(canonical, keysyms), None):
            new = (
                keysym is not None
                and keysym not in missing
                and self.find(keysym, group) is None
            )
            if run and (keysym is None or (new and len(missing) >= self._batch)):
                self._borrow(list(missing), wake)
                places = (self.find(one, group) for one in run)
                yield [place for place in places if place is not None]
                run, missing = [], {}
            if keysym is not None:
                run.append(keysym)
                if new:
                    missing[keysym] = None

    def pressed(self, keycode: int) -> None:
        """Note the press of a keycode, so that a borrowed one keeps its sign."""
        if keycode in self._pool:
            self._pool[keycode] = time.monotonic()
            self._pool.move_to_end(keycode)

    def give_back(self) -> None:
        """Empty all borrowed keycodes."""
        for keycode in self._signs:
            self._assign(keycode, 0)
        self._signs.clear()
        self._connection.send(
            request(
                19,  # DeleteProperty
                0,
                struct.pack("<II", self._connection.root, self._property),
            )
        )
        self._connection.sync()

    @property
    def _batch(self) -> int:
        return max(min(_BATCH, len(self._pool) // 2), 1)

    def _borrow(self, keysyms: list[int], wake: threading.Event) -> None:
        """Put keysyms on keycodes and wait until programs may know of it."""
        chosen = list(self._pool)[: len(keysyms)]
        if not chosen:
            return
        rested = max(self._pool[keycode] for keycode in chosen) + _REST
        wake.wait(max(rested - time.monotonic(), 0.0))
        for keycode, keysym in zip(chosen, keysyms, strict=False):
            self._assign(keycode, keysym)
            self._forget(keycode)
            self._signs[keycode] = keysym
            self.pressed(keycode)
            for places in self._places.values():
                places.setdefault(keysym, KeyPlace(keycode, shift=False))
        self._note_leftovers()
        self._connection.sync()
        wake.wait(SETTLE)

    def _forget(self, keycode: int) -> None:
        old = self._signs.pop(keycode, None)
        for places in self._places.values():
            if old is not None and places.get(old, (0,))[0] == keycode:
                del places[old]

    def _assign(self, keycode: int, keysym: int) -> None:
        # The same sign on each level: neither Shift nor the group changes it.
        self._connection.send(
            request(
                100,  # ChangeKeyboardMapping
                1,
                struct.pack("<BBxx", keycode, _LEVELS)
                + struct.pack("<I", keysym) * _LEVELS,
            )
        )

    def _read(self) -> None:
        """Read the whole map from the server."""
        answer = self._connection.call(
            request(101, 0, struct.pack("<BBxx", self._first, self._count))
        )
        width = answer[1]
        values = struct.unpack_from(f"<{width * self._count}I", answer, 32)
        self._rows = {
            self._first + index: values[index * width : (index + 1) * width]
            for index in range(self._count)
        }
        self._signs = {
            keycode: keysym
            for keycode, keysym in self._signs.items()
            if self._rows[keycode][0:1] and canonical(self._rows[keycode][0]) == keysym
        }
        self._places = {group: self._index(group) for group in (0, 1, 2)}
        self._choose_pool()

    def _index(self, group: int) -> dict[int, KeyPlace]:
        """Map keysyms to places in a group; 2 stands for all groups but the first two.

        The core map has columns for two groups. In the others only keys are certain
        that are the same in both.
        """
        plain: dict[int, KeyPlace] = {}
        shifted: dict[int, KeyPlace] = {}
        for keycode, row in self._rows.items():
            first, second = row[0:2], row[2:4]
            if not any(first):
                continue
            if group and any(second) and second != first:
                if group == 2:
                    continue
                first = second
            plain.setdefault(canonical(first[0]), KeyPlace(keycode, shift=False))
            if len(first) > 1 and first[1] != first[0]:
                shifted.setdefault(canonical(first[1]), KeyPlace(keycode, shift=True))
        places = shifted | plain
        places.pop(0, None)
        return places

    def _choose_pool(self) -> None:
        free = [
            keycode
            for keycode, row in self._rows.items()
            if keycode in self._signs or not any(row)
        ]
        # From the top: the lower ones are more likely to be real keys of a keyboard.
        chosen = sorted(free, key=lambda one: (one in self._signs, one))[-POOL:]
        times = {keycode: self._pool.get(keycode, 0.0) for keycode in chosen}
        self._pool = OrderedDict(sorted(times.items(), key=lambda item: item[1]))

    # Keycodes that an ended program could not give back are listed on the root window.

    def _note_leftovers(self) -> None:
        keycodes = bytes(self._signs)
        self._connection.send(
            request(
                18,  # ChangeProperty, replacing
                0,
                struct.pack(
                    "<IIIBxxxI",
                    self._connection.root,
                    self._property,
                    _CARDINAL,
                    8,
                    len(keycodes),
                )
                + keycodes,
            )
        )

    def _give_back_leftovers(self) -> None:
        answer = self._connection.call(
            request(
                20,  # GetProperty
                0,
                struct.pack(
                    "<IIIII",
                    self._connection.root,
                    self._property,
                    _CARDINAL,
                    0,
                    POOL,
                ),
            )
        )
        (length,) = struct.unpack_from("<I", answer, 16)
        if answer[1] != 8:
            return
        for keycode in answer[32 : 32 + length]:
            if self._first <= keycode < self._first + self._count:
                self._assign(keycode, 0)

    def _intern(self, name: bytes) -> int:
        answer = self._connection.call(
            request(16, 0, struct.pack("<HH", len(name), 0) + name)  # InternAtom
        )
        atom: int = struct.unpack_from("<I", answer, 8)[0]
        return atom
