"""Bounded msgpack with a table-driven schema."""

from dataclasses import dataclass
from typing import ClassVar

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire import control, screen
from p2p_remote.wire import input as wire_input
from p2p_remote.wire.codec import Blob, Field, Int, Ints, Label, Rows, Schema, Text


@dataclass(frozen=True, slots=True)
class Everything:
    """One message with every kind of field."""

    TYPE: ClassVar[int] = 7
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Int(-5, 5),
        Blob(4, 1),
        Label(8),
        Text(8),
        Rows((Int(0, 9), Blob(2)), 2),
        Ints(0, 3, 3),
    )
    number: int
    blob: bytes
    label: str
    text: str
    rows: tuple[tuple[int, bytes], ...]
    numbers: tuple[int, ...]


SCHEMA = Schema((Everything,), max_bytes=128, max_blob=4, max_text=8, max_list=8)
GOOD = Everything(3, b"ab", "name", "a\nb", ((1, b"x"),), (0, 3))


def test_message_round_trip() -> None:
    """A message survives encoding and decoding unchanged."""
    assert SCHEMA.decode(SCHEMA.encode(GOOD)) == GOOD


@pytest.mark.parametrize(
    "fields",
    [
        (),
        (8, 3, b"ab", "", "", (), ()),
        (True, 3, b"ab", "", "", (), ()),
        (7, 3, b"ab", "", "", ()),
        (7, 3, b"ab", "", "", (), (), 0),
        (7, True, b"ab", "", "", (), ()),
        (7, 6, b"ab", "", "", (), ()),
        (7, 3.0, b"ab", "", "", (), ()),
        (7, 3, b"", "", "", (), ()),
        (7, 3, b"abcde", "", "", (), ()),
        (7, 3, "ab", "", "", (), ()),
        (7, 3, b"ab", b"", "", (), ()),
        (7, 3, b"ab", "", "123456789", (), ()),
        (7, 3, b"ab", "", "", ((1, b""), (1, b""), (1, b"")), ()),
        (7, 3, b"ab", "", "", ((1,),), ()),
        (7, 3, b"ab", "", "", (5,), ()),
        (7, 3, b"ab", "", "", ((10, b""),), ()),
        (7, 3, b"ab", "", "", (), (4,)),
        (7, 3, b"ab", "", "", (), (0, 0, 0, 0)),
        (7, 3, b"ab", "", "", (), {}),
    ],
)
def test_wrong_shapes_are_refused(fields: tuple[object, ...]) -> None:
    """Everything that does not match the table exactly is malformed."""
    with pytest.raises(MalformedMessageError):
        SCHEMA.decode(msgpack.packb(fields))


@dataclass(frozen=True, slots=True)
class Short:
    """A message whose last two fields have defaults."""

    TYPE: ClassVar[int] = 1
    FIELDS: ClassVar[tuple[Field, ...]] = (Int(0, 9), Blob(4), Int(0, 9))
    number: int
    blob: bytes = b"x"
    more: int = 2


SHORT = Schema((Short,), max_bytes=16, max_blob=4)


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        (Short(2), (1, 2)),
        (Short(2, b"y"), (1, 2, b"y")),
        (Short(2, b"x", 3), (1, 2, b"x", 3)),
        (Short(2, b"y", 2), (1, 2, b"y")),
    ],
)
def test_defaults_at_the_end_are_left_out(
    message: Short, fields: tuple[object, ...]
) -> None:
    """They take no bytes; the receiver puts them in again."""
    data = SHORT.encode(message)
    assert data == msgpack.packb(fields)
    assert SHORT.decode(data) == message


@pytest.mark.parametrize(
    "fields", [(1,), (1, 2, b"x", 2, 2), (1, 2, 3), (1, 2, b"x", 10)]
)
def test_only_defaults_may_be_left_out(fields: tuple[object, ...]) -> None:
    """Fields without a default are needed, others are checked where they stand."""
    with pytest.raises(MalformedMessageError):
        SHORT.decode(msgpack.packb(fields))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x00",
        b"\x91",
        b"\x80",
        b"\x91\x07\x00",
        b"\xdd\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\x91" * 127,
        b"\xd9\x02\xff\xfe",
        b"x" * 129,
    ],
)
def test_wrong_bytes_are_refused(data: bytes) -> None:
    """Broken, nested, huge and trailing bytes are malformed, and cost nothing."""
    with pytest.raises(MalformedMessageError):
        SCHEMA.decode(data)


def test_labels_are_cleaned_and_texts_are_kept() -> None:
    """What is shown is made printable; what is typed stays as it is."""
    packed = msgpack.packb((7, 0, b"a", "a\x1b[2J", "\t\x1bß", (), ()))
    decoded = SCHEMA.decode(packed)
    assert decoded.label == "a\N{REPLACEMENT CHARACTER}[2J"
    assert decoded.text == "\t\x1bß"


def test_own_mistakes_are_not_blamed_on_the_peer() -> None:
    """Encoding a foreign or oversized message is a ValueError."""
    with pytest.raises(ValueError, match="does not belong"):
        SCHEMA.encode(control.KeyFrameRequest())
    with pytest.raises(ValueError, match="too large"):
        SCHEMA.encode(Everything(0, b"x" * 200, "", "", (), ()))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_give_a_message_or_an_error(data: bytes) -> None:
    """No bytes raise anything but MalformedMessageError, in any schema."""
    for schema in (
        SCHEMA,
        control.CONTROL,
        wire_input.INPUT,
        screen.SCREEN,
        screen.CURSOR,
    ):
        try:
            schema.decode(data)
        except MalformedMessageError:
            continue


def test_every_schema_message_has_unique_types_and_fields() -> None:
    """The tables of all schemas are consistent (the constructor checks them)."""
    for schema in (control.CONTROL, wire_input.INPUT, screen.SCREEN, screen.CURSOR):
        kinds = [message.TYPE for message in schema.messages]
        assert len(set(kinds)) == len(kinds)
