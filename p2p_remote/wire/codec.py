"""Bounded msgpack: arrays `[type, field, ...]` checked against a table.

Fields at the end of a message that have the defaults of its class are left out.

No maps (duplicate keys pass silently), no floats, no extension types, bool is not an
int. A `Schema` is a table of message classes; a message class is a frozen dataclass
with `TYPE` and `FIELDS`. Everything wrong with the bytes of a peer becomes
`MalformedMessageError`, and nothing is allocated beyond the schema's limits.
"""

from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, Protocol

import msgpack

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire import text as wire_text


class Field(Protocol):
    """How one field is checked."""

    def check(self, value: Any) -> Any:
        """Return the value to keep; raise `MalformedMessageError` otherwise."""


@dataclass(frozen=True, slots=True)
class Int:
    """Integer in `low..high`, both included."""

    low: int
    high: int

    def check(self, value: Any) -> int:
        """Refuse everything but an int within bounds."""
        if type(value) is not int or not self.low <= value <= self.high:
            raise MalformedMessageError("integer field out of bounds")
        return value


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes, at most `limit` of them, at least `minimum`."""

    limit: int
    minimum: int = 0

    def check(self, value: Any) -> bytes:
        """Refuse everything but bytes within bounds."""
        if type(value) is not bytes or not self.minimum <= len(value) <= self.limit:
            raise MalformedMessageError("bytes field out of bounds")
        return value


@dataclass(frozen=True, slots=True)
class Label:
    """Text to be shown: cut and made printable (see `wire.text`)."""

    limit: int

    def check(self, value: Any) -> str:
        """Return the text cleaned."""
        if type(value) is not str:
            raise MalformedMessageError("text field expected")
        return wire_text.clean(value, self.limit)


@dataclass(frozen=True, slots=True)
class Text:
    """Text kept as it is (to be typed or put on a clipboard), never shown raw."""

    limit: int

    def check(self, value: Any) -> str:
        """Refuse everything but a string within bounds."""
        if type(value) is not str or len(value) > self.limit:
            raise MalformedMessageError("text field out of bounds")
        return value


@dataclass(frozen=True, slots=True)
class Rows:
    """A list of at most `limit` rows, each a tuple checked by `fields`."""

    fields: tuple[Field, ...]
    limit: int

    def check(self, value: Any) -> tuple[tuple[Any, ...], ...]:
        """Check every row."""
        if type(value) is not tuple or len(value) > self.limit:
            raise MalformedMessageError("list field out of bounds")
        rows = []
        for row in value:
            if type(row) is not tuple or len(row) != len(self.fields):
                raise MalformedMessageError("list row of wrong shape")
            rows.append(
                tuple(f.check(v) for f, v in zip(self.fields, row, strict=True))
            )
        return tuple(rows)


@dataclass(frozen=True, slots=True)
class Ints:
    """A list of at most `limit` integers in `low..high`."""

    low: int
    high: int
    limit: int

    def check(self, value: Any) -> tuple[int, ...]:
        """Check every integer."""
        if type(value) is not tuple or len(value) > self.limit:
            raise MalformedMessageError("list field out of bounds")
        for item in value:
            if type(item) is not int or not self.low <= item <= self.high:
                raise MalformedMessageError("integer in list out of bounds")
        return value


class Schema:
    """A closed table of messages that may appear at one place."""

    def __init__(
        self,
        messages: Sequence[type[Any]],
        *,
        max_bytes: int,
        max_blob: int = 4096,
        max_text: int = 4096,
        max_list: int = 64,
    ) -> None:
        """Limits are in bytes and items; they bind before anything is allocated."""
        self._classes: dict[int, type[Any]] = {}
        for message in messages:
            if message.TYPE in self._classes:
                raise ValueError(f"message type {message.TYPE} twice")
            if len(message.FIELDS) != len(fields(message)):
                raise ValueError(f"{message.__name__}: FIELDS do not match")
            self._classes[message.TYPE] = message
        self._names = {
            message: tuple(field.name for field in fields(message))
            for message in messages
        }
        self._defaults = {message: _defaults(message) for message in messages}
        self.max_bytes = max_bytes
        self._limits: dict[str, Any] = {
            "max_array_len": max_list,
            "max_map_len": 0,
            "max_str_len": max_text * 4,
            "max_bin_len": max_blob,
            "max_ext_len": 0,
            "use_list": False,
            "raw": False,
        }

    @property
    def messages(self) -> tuple[type[Any], ...]:
        """The message classes, for documentation and tests."""
        return tuple(self._classes.values())

    def encode(self, message: Any) -> bytes:
        """Bytes of `message`. Our own mistakes raise ValueError, not a peer's error."""
        kind = type(message)
        names = self._names.get(kind)
        if names is None:
            raise ValueError(f"{kind.__name__} does not belong to this schema")
        values = [getattr(message, name) for name in names]
        for default in reversed(self._defaults[kind]):
            if values[-1] != default:
                break
            values.pop()
        data: bytes = msgpack.packb((kind.TYPE, *values))
        if len(data) > self.max_bytes:
            raise ValueError(f"{kind.__name__} of {len(data)} bytes is too large")
        return data

    def decode(self, data: bytes) -> Any:
        """Message in `data`.

        Raises:
            MalformedMessageError: anything else than exactly one valid message.

        """
        if len(data) > self.max_bytes:
            raise MalformedMessageError("message too large")
        try:
            values = msgpack.unpackb(data, **self._limits)
        except (ValueError, msgpack.exceptions.UnpackException) as error:
            raise MalformedMessageError("not msgpack") from error
        if type(values) is not tuple or not values or type(values[0]) is not int:
            raise MalformedMessageError("not a message")
        kind = self._classes.get(values[0])
        if kind is None:
            raise MalformedMessageError("unknown message")
        left_out = len(kind.FIELDS) - (len(values) - 1)
        if not 0 <= left_out <= len(self._defaults[kind]):
            raise MalformedMessageError("wrong number of fields")
        # What is left out is a default of ours, which needs no check.
        checked = (f.check(v) for f, v in zip(kind.FIELDS, values[1:], strict=False))
        return kind(*checked)


def _defaults(message: type[Any]) -> tuple[Any, ...]:
    """Defaults of the last fields, which may be left out, in their order."""
    values = (field.default for field in fields(message))
    return tuple(value for value in values if value is not MISSING)
