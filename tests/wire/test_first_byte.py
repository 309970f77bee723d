"""What a datagram is by its first byte."""

from p2p_remote.wire.first_byte import Kind, kind_of, session_index


def test_kinds() -> None:
    """Every range of the table is told apart; everything else is unknown."""
    assert kind_of(b"") is Kind.UNKNOWN
    assert kind_of(b"\x00") is Kind.UNKNOWN
    assert kind_of(b"\x10") is Kind.RENDEZVOUS
    assert kind_of(b"\x2f") is Kind.RENDEZVOUS
    assert kind_of(b"\x30") is Kind.RELAYED
    assert kind_of(b"\x44") is Kind.HANDSHAKE
    assert kind_of(b"\x50") is Kind.CHECK
    assert kind_of(b"\x51") is Kind.CHECK
    assert kind_of(b"\x52") is Kind.UNKNOWN
    assert kind_of(b"\xcf") is Kind.PACKET
    assert kind_of(b"\xff") is Kind.UNKNOWN


def test_session_index() -> None:
    """The receiver's index stands in bytes 1 to 4, little endian."""
    assert session_index(b"\xc0\x01\x02\x00\x00xyz") == 0x0201
    assert session_index(b"\xc0\x01\x02\x00") is None
