"""Somebody who presses F11 on a display and watches what still happens on it.

    python -m tests.bench.hotkey_person DISPLAY

A process of its own, so that nothing of the program under test delays it. At a first
line on stdin it presses F11 and prints an empty line; at the next, when the program
says that it is done, it prints a line of JSON. By the server's clock and in its order:
`delay` (s from just before the press to the last motion that it carried out), `ours` (s
of that since it took F11) and `after` (how many motions it carried out after F11).
"""

import json
import struct
import sys
import time

from p2p_remote.desktop.x11_connection import X11Connection, request
from p2p_remote.desktop.x11_keyboard import X11Keyboard
from p2p_remote.desktop.x11_raw_input import RAW_KEY_PRESS, RAW_MOTION, RawInput
from p2p_remote.input.keysyms import F11

TICK = 0.001  # s, the server's clock, which is the system's monotonic one
KEY_PRESS, KEY_RELEASE = 2, 3
AT_TIME = 12  # bytes into a raw event, where its time is


class Person:
    """A keyboard of its own (XTEST's, through a connection of its own) and eyes."""

    def __init__(self, display: str) -> None:
        self._connection = X11Connection(display)
        self._raw = RawInput(self._connection)
        xtest = self._connection.required("XTEST").opcode
        place = X11Keyboard(self._connection).find(F11, 0)
        if place is None:
            sys.exit("this keyboard has no F11")
        self._keycode = place.keycode
        self._pressed = 0.0
        self._tap = [
            request(xtest, 2, struct.pack("<BB30x", kind, place.keycode))
            for kind in (KEY_PRESS, KEY_RELEASE)
        ]

    def press(self) -> None:
        """Press F11, and note when."""
        connection = self._connection
        self._raw.select((RAW_KEY_PRESS, RAW_MOTION))
        connection.sync()
        for tap in self._tap:
            connection.send(tap)
        self._pressed = time.monotonic()
        connection.flush()

    def look(self) -> dict[str, float]:
        """Return what has followed the press until now."""
        last, taken, after = 0.0, 0.0, 0
        self._raw.select(())
        self._connection.sync()
        for event in self._connection.events():
            raw = self._raw.parse(event)
            if raw is None:
                continue
            (milliseconds,) = struct.unpack_from("<I", event, AT_TIME)
            if raw.kind == RAW_MOTION:
                last = milliseconds / 1000
                after += taken > 0
            elif raw.detail == self._keycode:
                taken = milliseconds / 1000
        if not taken:
            sys.exit("F11 never came")
        return {
            "delay": max(0.0, last + TICK - self._pressed),
            "ours": max(0.0, last - taken),
            "after": after,
        }


def main() -> None:
    """Press F11 and look, by turns, whenever told to."""
    person = Person(sys.argv[1])
    while sys.stdin.readline():
        person.press()
        print(flush=True)
        sys.stdin.readline()
        print(json.dumps(person.look()), flush=True)


if __name__ == "__main__":
    main()
