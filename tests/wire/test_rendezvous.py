"""Layouts of the messages between clients and the rendezvous server."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire import rendezvous as wire
from p2p_remote.wire.address import Endpoint

DOCUMENT = Path(__file__).parents[2] / "docs" / "protocol" / "rendezvous.md"

T = bytes.fromhex("0102030405060708")
KEY = bytes([0xAA]) * 32
COOKIE = bytes([0xC0]) * 16
MASKED = bytes([0xED]) * 18
SIGNATURE = bytes([0x5A]) * 64
SEALED = bytes([0x5E]) * 64
M1 = bytes([0x41]) * 119
ID = 482_913_070
HEAD = "01" + T.hex()
ID_HEX = "2eabc81c"  # little endian

# name, bytes in front of the MAC, message
ROWS = [
    ("10" + HEAD + "aa" * 32 + "00" * 22, wire.Hello(T, KEY)),
    ("11" + HEAD + "c0" * 16 + "ed" * 18, wire.Challenge(T, COOKIE, MASKED)),
    (
        "12"
        + HEAD
        + "c0" * 16
        + "aa" * 32
        + "07"
        + ID_HEX
        + "01"
        + "04030201"
        + "ed" * 18
        + "5a" * 64,
        wire.Register(T, COOKIE, KEY, 7, ID, 1, 0x01020304, MASKED, SIGNATURE),
    ),
    (
        "13" + HEAD + "04030201" + "4100" + "1400" + "5e" * 64 + "ed" * 18,
        wire.Registered(T, 0x01020304, 65, 20, SEALED, MASKED),
    ),
    ("14" + HEAD + "aa" * 32 + "07", wire.IdTaken(T, KEY, 7)),
    ("15" + HEAD + "04030201" + "05000000", wire.Keepalive(T, 0x01020304, 5)),
    ("16" + HEAD + "ed" * 18, wire.KeepaliveAck(T, MASKED)),
    ("17" + HEAD + "c0" * 16, wire.AddressChallenge(T, COOKIE)),
    (
        "18" + HEAD + "04030201" + "05000000" + "c0" * 16,
        wire.Rebind(T, 0x01020304, 5, COOKIE),
    ),
    ("19" + HEAD, wire.UnknownRegistration(T)),
    ("1a" + HEAD + "04030201" + "05000000", wire.Unregister(T, 0x01020304, 5)),
    (
        "1b"
        + HEAD
        + "04030201"
        + "05000000"
        + "0807060504030201"
        + ID_HEX
        + "41" * 119,
        wire.Call(T, 0x01020304, 5, 0x0102030405060708, ID, M1),
    ),
    (
        "1c" + HEAD + "0807060504030201" + "0d0c0b0a",
        wire.Called(T, 0x0102030405060708, 0x0A0B0C0D),
    ),
    (
        "1d" + HEAD + "0807060504030201" + "2c01",
        wire.Unavailable(T, 0x0102030405060708, 300),
    ),
    ("1e" + HEAD + "0d0c0b0a" + "41" * 119, wire.Ring(T, 0x0A0B0C0D, M1)),
    (
        "1f" + HEAD + "04030201" + "05000000" + "0d0c0b0a",
        wire.Rung(T, 0x01020304, 5, 0x0A0B0C0D),
    ),
    (
        "20" + HEAD + "04030201" + "05000000" + "0d0c0b0a",
        wire.Agree(T, 0x01020304, 5, 0x0A0B0C0D),
    ),
    ("21" + HEAD + "0d0c0b0a" + "ed" * 18, wire.Punch(T, 0x0A0B0C0D, MASKED)),
    (
        "22" + HEAD + "04030201" + "05000000" + "0d0c0b0a",
        wire.Punched(T, 0x01020304, 5, 0x0A0B0C0D),
    ),
    (
        "23" + HEAD + "04030201" + "05000000" + "0d0c0b0a",
        wire.HangUp(T, 0x01020304, 5, 0x0A0B0C0D),
    ),
    (
        "26" + HEAD + "04030201" + "05000000" + "77" * 16,
        wire.Rejoin(T, 0x01020304, 5, b"w" * 16),
    ),
    (
        "27" + HEAD + "0d0c0b0a" + "78" * 18,
        wire.Rejoined(T, 0x0A0B0C0D, b"x" * 18),
    ),
]

# What each question is answered by, to an address that is not proven.
ANSWERS = {
    wire.Hello: (wire.Challenge,),
    wire.Register: (wire.Registered, wire.IdTaken),
    wire.Keepalive: (
        wire.KeepaliveAck,
        wire.AddressChallenge,
        wire.UnknownRegistration,
    ),
    wire.Rebind: (wire.KeepaliveAck, wire.UnknownRegistration),
    wire.Unregister: (wire.AddressChallenge, wire.UnknownRegistration),
    wire.Call: (
        wire.Called,
        wire.Unavailable,
        wire.AddressChallenge,
        wire.UnknownRegistration,
    ),
    wire.Rung: (wire.AddressChallenge, wire.UnknownRegistration),
    wire.Agree: (wire.AddressChallenge, wire.UnknownRegistration),
    wire.Punched: (wire.AddressChallenge, wire.UnknownRegistration),
    wire.HangUp: (wire.AddressChallenge, wire.UnknownRegistration),
    wire.Rejoin: (wire.Rejoined, wire.AddressChallenge, wire.UnknownRegistration),
}


def on_the_wire(message: wire.Message) -> bytes:
    """Datagram with an arbitrary MAC where one belongs."""
    mac = bytes(wire.MAC_LENGTH) if message.AUTHENTICATED else b""
    return message.encode() + mac


@pytest.mark.parametrize(
    ("hexadecimal", "message"), ROWS, ids=[type(m).__name__ for _, m in ROWS]
)
def test_every_message_has_its_bytes(hexadecimal, message):
    """A message encodes to these bytes, and they decode to it."""
    assert message.encode().hex() == hexadecimal
    assert wire.decode(on_the_wire(message)) == message
    assert len(on_the_wire(message)) == message.size()


def test_the_table_is_complete():
    """Every message has a row above and a type of its own in the range 0x10..0x2F."""
    assert [type(message) for _, message in ROWS] == list(wire.MESSAGES)
    types = [message.TYPE for message in wire.MESSAGES]
    assert len(set(types)) == len(types)
    assert all(0x10 <= number <= 0x2F for number in types)


def documented_messages():
    """Type, size and sum of the fields of every row of the table in the document."""
    row = re.compile(r"\| (0x[12].) \| (\w+) \| (\w+) \| (\d+) \| (.*?) ?\|")
    matches = map(row.fullmatch, DOCUMENT.read_text().splitlines())
    for match in filter(None, matches):
        number, name, sender, size, fields = match.groups()
        lengths = [int(field.split()[-1]) for field in fields.split(",") if field]
        yield int(number, 16), name, sender, int(size), sum(lengths)


def test_the_document_says_the_same():
    """The table of messages in it has these types, names, senders and sizes."""
    rows = list(documented_messages())
    assert [row[0] for row in rows] == [message.TYPE for message in wire.MESSAGES]
    for message, (_, name, sender, size, fields) in zip(
        wire.MESSAGES, rows, strict=True
    ):
        assert name.replace("_", "").lower() == message.__name__.lower()
        assert (sender == "client") is (message in ANSWERS)
        assert size == message.size() == 10 + fields


def test_a_keepalive_has_32_bytes():
    """The message that is sent most is small."""
    assert wire.Keepalive.size() == 32


@pytest.mark.parametrize("question", ANSWERS, ids=lambda kind: kind.__name__)
def test_no_answer_is_larger_than_its_question(question):
    """A forged source address cannot be used to amplify."""
    for answer in ANSWERS[question]:
        assert answer.size() <= question.size()


@pytest.mark.parametrize(
    "message", [m for _, m in ROWS], ids=lambda m: type(m).__name__
)
def test_wrong_lengths_and_versions_are_refused(message):
    """A byte too few, a byte too many and another version do not parse."""
    data = on_the_wire(message)
    for bad in (data[:-1], data + b"\0", data[:1] + b"\x02" + data[2:]):
        with pytest.raises(MalformedMessageError):
            wire.decode(bad)


@pytest.mark.parametrize("number", [0, 99_999_999, 1_000_000_000, 2**32 - 1])
def test_numbers_that_are_no_ids_are_refused(number):
    """REGISTER and CALL carry nine digits, the first not 0."""
    for message in (
        wire.Register(T, COOKIE, KEY, 7, number, 1, 0, MASKED, SIGNATURE),
        wire.Call(T, 1, 5, 9, number, M1),
    ):
        with pytest.raises(MalformedMessageError):
            wire.decode(on_the_wire(message))


@settings(max_examples=300, derandomize=True)
@given(st.binary(max_size=200), st.integers(0x0F, 0x25))
def test_any_bytes_parse_or_are_malformed(data, kind):
    """Nothing but MalformedMessageError comes out of hostile bytes."""
    for candidate in (data, bytes((kind, 1)) + data):
        try:
            message = wire.decode(candidate)
        except MalformedMessageError:
            continue
        assert len(candidate) == message.size()


@pytest.mark.parametrize(
    "endpoint", [Endpoint("203.0.113.9", 1), Endpoint("2001:db8::7", 65535)], ids=str
)
def test_masking_hides_an_address_and_is_undone(endpoint):
    """The packed address does not stand in the datagram, and comes back whole."""
    masked = wire.mask_endpoint(endpoint, T)
    assert masked != wire.mask_endpoint(endpoint, T[::-1])
    assert wire.unmask_endpoint(masked, T) == endpoint


def test_a_masked_address_with_port_0_is_refused():
    """Port 0 cannot be sent to."""
    with pytest.raises(MalformedMessageError):
        wire.unmask_endpoint(wire.mask(bytes(18), T), T)


def test_the_signature_covers_every_other_field():
    """Changing any field but the signature changes what is signed."""
    fields = [T, COOKIE, KEY, 7, ID, 1, 3, MASKED, SIGNATURE]
    others = [bytes(8), bytes(16), bytes(32), 8, ID + 1, 0, 4, bytes(18)]
    signed = {wire.Register(*fields).signed_part()}
    for index, other in enumerate(others):
        changed = [*fields]
        changed[index] = other
        signed.add(wire.Register(*changed).signed_part())
    assert len(signed) == 1 + len(others)
    assert wire.Register(*fields[:-1], bytes(64)).signed_part() in signed


def test_body_and_mac_make_the_whole_datagram():
    """An authenticated datagram is its body and the last 14 bytes."""
    data = wire.Keepalive(T, 1, 2).encode() + bytes(range(14))
    assert wire.body_of(data) == wire.Keepalive(T, 1, 2).encode()
    assert wire.mac_of(data) == bytes(range(14))
