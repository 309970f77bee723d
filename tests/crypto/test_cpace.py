"""CPace against its draft's vectors."""

import json
from pathlib import Path

import pytest

from p2p_remote.crypto import primitives
from p2p_remote.crypto.cpace import (
    CPace,
    generator_string,
    scalar_times_generator,
    stretch_password,
)
from p2p_remote.crypto.encoding import lv, prepend_length
from p2p_remote.errors import AuthenticationFailedError
from tests.crypto.reference import elligator2, share_of, stream

VECTORS = json.loads(
    (Path(__file__).parent.parent / "vectors" / "cpace.json").read_text("utf-8")
)


def of(name: str) -> bytes:
    return bytes.fromhex(VECTORS[name])


def test_string_functions():
    """prepend_len and lv_cat of the draft."""
    strings = VECTORS["strings"]
    for data, expected in strings["prepend_length"]:
        assert prepend_length(bytes.fromhex(data)).hex() == expected
    for length in (127, 128):
        begins = strings[f"prepend_length_of_{length}_bytes_begins"]
        data = bytes(range(length))
        encoded = prepend_length(data).hex()
        assert encoded.startswith(begins)
        assert encoded.endswith(data.hex())
    parts, expected = strings["lv"]
    assert lv(*map(bytes.fromhex, parts)).hex() == expected


def test_generator():
    """Generator string, hash and generator of the draft."""
    text = generator_string(of("prs"), of("ci"), of("sid"))
    assert text == of("generator_string")
    uniform = primitives.sha512(text)[:32]
    assert uniform == of("generator_hash")
    assert elligator2(uniform).to_bytes(32, "little") == of("generator")


def test_shares_and_session_key():
    """Messages of both sides and the key of the initiator-responder order."""
    initiator = CPace.start(of("prs"), of("ci"), of("sid"), of("ya"))
    responder = CPace.start(of("prs"), of("ci"), of("sid"), of("yb"))
    assert initiator.share == of("share_a")
    assert responder.share == of("share_b")
    assert primitives.x25519(of("ya"), responder.share) == of("k")
    ada, adb = of("ada"), of("adb")
    key = initiator.finish_initiator(ada, responder.share, adb)
    assert key == of("isk_ir")
    assert responder.finish_responder(adb, initiator.share, ada) == key


def test_low_order_points():
    """The seven points that must abort do, the other five give the draft's results."""
    scalar = bytes.fromhex(VECTORS["low_order"]["scalar"])
    run = CPace.start(of("prs"), of("ci"), of("sid"), of("ya"))
    for point in map(bytes.fromhex, VECTORS["low_order"]["must_abort"]):
        with pytest.raises(AuthenticationFailedError):
            primitives.x25519(scalar, point)
        with pytest.raises(AuthenticationFailedError):
            run.finish_initiator(b"", point, b"")
        with pytest.raises(AuthenticationFailedError):
            run.finish_responder(b"", point, b"")
    for point, product in VECTORS["low_order"]["results"]:
        result = primitives.x25519(scalar, bytes.fromhex(point))
        assert result.hex() == product


def test_the_edwards_route_is_elligator_and_x25519():
    """200 hashes: (y / 8)(8 g) on Edwards is X25519(y, g) on Montgomery."""
    for number in range(200):
        uniform = stream(f"uniform {number}", 32)
        scalar = stream(f"scalar {number}", 32)
        assert scalar_times_generator(scalar, uniform) == share_of(
            scalar, elligator2(uniform)
        )


def test_keys_agree_only_with_the_same_inputs():
    """Another password, channel, session or associated data: another key."""

    def key(prs: bytes, ci: bytes, sid: bytes, ad: bytes) -> bytes:
        initiator = CPace.start(prs, ci, sid, of("ya"))
        responder = CPace.start(b"pw", b"ci", b"sid", of("yb"))
        return initiator.finish_initiator(ad, responder.share, b"R")

    responder = CPace.start(b"pw", b"ci", b"sid", of("yb"))
    initiator = CPace.start(b"pw", b"ci", b"sid", of("ya"))
    agreed = responder.finish_responder(b"R", initiator.share, b"I")
    assert key(b"pw", b"ci", b"sid", b"I") == agreed
    for inputs in (
        (b"pW", b"ci", b"sid", b"I"),
        (b"pw", b"cj", b"sid", b"I"),
        (b"pw", b"ci", b"sie", b"I"),
        (b"pw", b"ci", b"sid", b"J"),
    ):
        assert key(*inputs) != agreed


def test_a_password_longer_than_the_hash_block_works():
    """Padding does not become negative."""
    assert len(generator_string(bytes(500), b"", b"")) > 500


def test_stretched_passwords():
    """No password is none at no cost; composed and decomposed letters are one."""
    assert stretch_password("", 123_456_789) == b""
    composed = stretch_password("gr\u00fcn", 123_456_789)
    assert len(composed) == 32
    assert stretch_password("gru\u0308n", 123_456_789) == composed
    assert stretch_password("gr\u00fcn", 123_456_788) != composed
    assert stretch_password("Gr\u00fcn", 123_456_789) != composed
