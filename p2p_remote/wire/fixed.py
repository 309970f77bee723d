"""Readers of fixed-size layouts: all that is parsed before a caller is verified."""

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire import text


class FixedReader:
    """Reads fields one after another from bytes of exactly one allowed length."""

    __slots__ = ("_data", "_offset")

    def __init__(self, data: bytes, length: int) -> None:
        """Read from `data`, which must have `length` bytes.

        Raises:
            MalformedMessageError: it has not.

        """
        if len(data) != length:
            raise MalformedMessageError(f"{length} bytes expected, not {len(data)}")
        self._data = data
        self._offset = 0

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes.

        Raises:
            MalformedMessageError: so many are not left.

        """
        end = self._offset + count
        if end > len(self._data):
            raise MalformedMessageError("message too short")
        part = self._data[self._offset : end]
        self._offset = end
        return part

    def integer(self, size: int) -> int:
        """Read an unsigned little-endian integer of `size` bytes."""
        return int.from_bytes(self.take(size), "little")

    def expect(self, value: bytes) -> None:
        """Skip bytes that must be `value`.

        Raises:
            MalformedMessageError: they are not.

        """
        if self.take(len(value)) != value:
            raise MalformedMessageError("unexpected constant")

    def name(self, limit: int) -> str:
        """Read a display name: length u8, then `limit` bytes, UTF-8 padded with zeros.

        The text comes back cleaned (`wire.text`), at most `limit` characters.

        Raises:
            MalformedMessageError: length beyond `limit`, or padding not zero.

        """
        length = self.integer(1)
        field = self.take(limit)
        if length > limit or any(field[length:]):
            raise MalformedMessageError("malformed name field")
        return text.clean_bytes(field[:length], limit)

    def finish(self) -> None:
        """Check that all that is left is zero padding.

        Raises:
            MalformedMessageError: it is not.

        """
        if any(self._data[self._offset :]):
            raise MalformedMessageError("padding is not zero")


def pack_name(name: str, limit: int) -> bytes:
    """Layout that `FixedReader.name` reads; cut at a character's end if too long."""
    encoded = name.encode("utf-8", "replace")[:limit]
    encoded = encoded.decode("utf-8", "ignore").encode()
    return bytes([len(encoded)]) + encoded.ljust(limit, b"\0")
