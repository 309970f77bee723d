"""The reader of fixed layouts."""

import pytest

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire.fixed import FixedReader, pack_name


def test_fields_are_read_in_order():
    """Integers are little endian; the rest must be zero."""
    reader = FixedReader(b"\x41\x01\x02abc\0\0", 8)
    reader.expect(b"\x41")
    assert reader.integer(2) == 0x0201
    assert reader.take(3) == b"abc"
    reader.finish()


def test_what_does_not_fit_is_malformed():
    """Another length, another constant, reading past the end, rubbish at the end."""
    with pytest.raises(MalformedMessageError):
        FixedReader(b"ab", 3)
    with pytest.raises(MalformedMessageError):
        FixedReader(b"ab", 2).expect(b"b")
    with pytest.raises(MalformedMessageError):
        FixedReader(b"ab", 2).take(3)
    with pytest.raises(MalformedMessageError):
        FixedReader(b"ab", 2).finish()


def test_name_fields():
    """Length, text, zeros."""
    field = pack_name("Ann", 8)
    assert field == b"\3Ann\0\0\0\0\0"
    assert FixedReader(field, 9).name(8) == "Ann"
    assert FixedReader(pack_name("", 8), 9).name(8) == ""
    assert FixedReader(b"\2\xff\xfe" + bytes(6), 9).name(8) == "\ufffd\ufffd"
