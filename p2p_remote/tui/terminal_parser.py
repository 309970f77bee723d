"""Bytes of the terminal -> Textual events, with what Textual's own parser leaves out.

- Key repeat and release, and the key of the base layout, by the kitty protocol's event
  types and alternate keys (https://sw.kovidgoyal.net/kitty/keyboard-protocol/).
- Mouse buttons 8 to 11 are no left or middle button.
- F3 with modifiers is no cursor report.
- Alt is kept with keys whose names are longer than a letter, and an Alt key is known at
  once: Textual waits for the rest of a sequence, and when the terminal answers or the
  next key comes meanwhile, it takes the ESC for a "^".
- ESC inside a paste, which comes masked (`p2p_remote.terminal.pastes`): Textual takes
  it for the beginning of a key, and tells of that before the paste.
"""

import re
from collections.abc import Callable, Generator, Iterable

from textual import events
from textual._parser import Peek1, Read1
from textual._xterm_parser import XTermParser
from textual.keys import Keys
from textual.message import Message

from p2p_remote.terminal.pastes import unmasked

# CSI code[:shifted[:base]] [; modifiers[:event] [; text]] final, with a colon in it:
# forms without one are read by Textual, which takes none of those with one.
_EXTENDED_KEY = re.compile(
    r"\x1b\[(?=[\d;]*:)(?P<code>\d*)(?::\d*)?(?::(?P<base>\d*))?"
    r"(?:;(?P<modifiers>\d*)(?::(?P<event>\d))?(?:;(?P<text>[\d:]*))?)?"
    r"(?P<final>[u~ABCDEFHPQRS])"
)
# ESC and a character other than those that begin a sequence.
_ALT_KEY = re.compile(r"\x1b([^\x1b\[O])", re.DOTALL)
_UNKNOWN_KEY = re.compile(r"\x1b\[[\d;]*:[\d:;]*[u~ABCDEFHPQRS]")
_EXTRA_BUTTON = 128  # bit of the SGR mouse code: buttons 8 to 11
_SHORTCUT_MODIFIERS = 0b1110  # alt, ctrl and super; beyond them a key types text
_F3_MODIFIERS = ("shift", "alt", "ctrl", "super")
_MAX_CODE_POINT = 0x10FFFF

TokenCallback = Callable[[Message], None]


class RepeatedKey(events.Key):
    """A key that is held down and repeats; for Textual a key press like others."""


RepeatedKey.handler_name = events.Key.handler_name


class ReleasedKey(events.Key):
    """A key that was let go. Never reaches Textual's bindings: the driver takes it."""


_EVENT_KINDS = {"2": RepeatedKey, "3": ReleasedKey}


class RemoteParser(XTermParser):
    """Parser for `RemoteDriver`."""

    def __init__(self, debug: bool = False) -> None:  # noqa: FBT001, FBT002
        self._after_escape = False
        super().__init__(debug)

    def feed(self, data: str) -> Iterable[Message]:
        """Parse what the terminal sent in one piece.

        A piece that ends with ESC was the Escape key: what follows later does not
        belong to it, unless it goes on like a sequence.
        """
        is_waiting = self._timeout_time is not None  # else `tick` has told of the key
        if self._after_escape and is_waiting and data and data[0] not in "\x1b[O":
            self._timeout_time = 0.0
            yield from self.tick()
        self._after_escape = data.endswith("\x1b")
        start = 0
        for match in _ALT_KEY.finditer(data):
            if match.start() > start:
                yield from super().feed(data[start : match.start()])
            yield from self._sequence_to_key_events(match[1], alt=True)
            start = match.end()
        if start < len(data) or not data:
            yield from super().feed(data[start:])

    def parse(
        self, token_callback: TokenCallback
    ) -> Generator[Read1 | Peek1, str, None]:
        """Parse as Textual does and put right what it got wrong."""

        def corrected(token: Message) -> None:
            if isinstance(token, events.CursorPosition):
                token = _f3_or_report(token)
            elif isinstance(token, events.Paste):
                token = events.Paste(unmasked(token.text))
            token_callback(token)

        return super().parse(corrected)

    def parse_mouse_code(self, code: str) -> Message | None:
        """Read a mouse report; None for buttons beyond the third."""
        report = self._re_sgr_mouse.match(code)
        if report is not None and int(report[1]) & _EXTRA_BUTTON:
            return None
        return super().parse_mouse_code(code)

    def _sequence_to_key_events(
        self,
        sequence: str,
        alt: bool = False,  # noqa: FBT001, FBT002
    ) -> Iterable[events.Key]:
        """Key events of an escape sequence or a character."""
        match = _EXTENDED_KEY.fullmatch(sequence)
        if match is not None:
            return self._extended_key_events(match)
        if _UNKNOWN_KEY.fullmatch(sequence):
            return [events.Key(Keys.Ignore, sequence)]
        keys = list(super()._sequence_to_key_events(sequence, alt))
        if alt:
            keys = [_with_alt(key) for key in keys]
        return keys

    def _extended_key_events(self, match: re.Match[str]) -> list[events.Key]:
        """Key events of the kitty protocol, one for each character of the text.

        The sequence is rebuilt in the form that Textual reads, so names of keys are
        the same with and without alternate keys and event types.
        """
        code, base, modifiers, event, text, final = (
            match[name] or ""
            for name in ("code", "base", "modifiers", "event", "text", "final")
        )
        # An empty list would make the caller wait for the rest of the sequence.
        ignored = [events.Key(Keys.Ignore, match[0])]
        points = (code, base, *text.split(":"))
        if any(int(point or 0) > _MAX_CODE_POINT for point in points):
            return ignored
        bits = int(modifiers or 1) - 1
        if base and not text and bits & _SHORTCUT_MODIFIERS and int(code or 0) > 127:
            code = base  # Ctrl and a Cyrillic letter is Ctrl and the Latin one
        plain = f"\x1b[{code};{modifiers}{';' + text if text else ''}{final}"
        kind = _EVENT_KINDS.get(event, events.Key)
        keys = self._parse_extended_key(plain) or []
        return [kind(key.key, key.character) for key in keys] or ignored


def _f3_or_report(position: events.CursorPosition) -> Message:
    """F3 with modifiers looks like a report of the first row: `CSI 1 ; modifiers R`.

    Our own questions are asked with the cursor on the second row.
    """
    bits = position.x  # the parameter is one more than the modifiers, x one less
    if position.y != 0 or not 1 <= bits <= 15:
        return position
    names = [name for bit, name in enumerate(_F3_MODIFIERS) if bits >> bit & 1]
    return events.Key("+".join([*sorted(names), "f3"]), None)


def _with_alt(key: events.Key) -> events.Key:
    """The key with Alt, which Textual drops for names longer than a letter."""
    if key.key.startswith("alt+") or key.key in ("escape", Keys.Ignore):
        return key
    return events.Key(f"alt+{key.key}", key.character)
