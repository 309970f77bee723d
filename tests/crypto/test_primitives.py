"""Every wrapper checks its lengths, and peers' faults are one kind of error."""

import pytest
from nacl import bindings

from p2p_remote.crypto import primitives as p
from p2p_remote.errors import AuthenticationFailedError

KEY = bytes(range(32))
NONCE = bytes(range(24))
SEED = bytes(reversed(range(32)))
PUBLIC = p.ed25519_public(SEED)
LOW_ORDER_EDWARDS = [
    bytes(32),
    b"\x01" + bytes(31),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
]


@pytest.mark.parametrize("length", [0, 1, 16, 31, 33, 64])
def test_wrong_lengths_of_ours_are_value_errors(length):
    """No call reaches libsodium with a key, nonce, point or salt of another length."""
    wrong = bytes(length)
    calls = [
        lambda: p.secretbox_seal(wrong, NONCE, b""),
        lambda: p.secretbox_seal(KEY, wrong, b""),
        lambda: p.secretbox_open(wrong, NONCE, bytes(16)),
        lambda: p.secretbox_open(KEY, wrong, bytes(16)),
        lambda: p.aead_seal(wrong, NONCE, b""),
        lambda: p.aead_seal(KEY, wrong, b""),
        lambda: p.aead_open(wrong, NONCE, bytes(16)),
        lambda: p.aead_open(KEY, wrong, bytes(16)),
        lambda: p.mac(wrong, b"", b""),
        lambda: p.x25519_public(wrong),
        lambda: p.x25519(wrong, KEY),
        lambda: p.x25519(KEY, wrong),
        lambda: p.ed25519_public(wrong),
        lambda: p.ed25519_sign(wrong, b""),
        lambda: p.ed25519_verify(wrong, b"", bytes(64)),
        lambda: p.ed25519_public_to_x25519(wrong),
        lambda: p.ed25519_seed_to_x25519(wrong),
        lambda: p.sealed_box_seal(wrong, b"", KEY),
        lambda: p.sealed_box_seal(PUBLIC, b"", wrong),
        lambda: p.elligator_point(wrong),
        lambda: p.edwards_mult(wrong, PUBLIC),
        lambda: p.edwards_mult(KEY, wrong),
    ]
    if length != 64:
        calls.append(lambda: p.ed25519_verify(PUBLIC, b"", wrong))
    if length != 16:
        calls.append(lambda: p.argon2id(b"", wrong))
    for call in calls:
        with pytest.raises(ValueError, match=r"bytes"):
            call()


def test_blake2b_bounds_its_key_and_person():
    """Beyond 64 and 16 bytes it is our mistake."""
    for arguments in ({"key": bytes(65)}, {"person": bytes(17)}):
        with pytest.raises(ValueError, match="BLAKE2b"):
            p.blake2b(b"", **arguments)
    assert len(p.mac(KEY, b"person", b"data")) == 16
    assert p.mac(KEY, b"a", b"data") != p.mac(KEY, b"b", b"data")


@pytest.mark.parametrize(
    ("seal", "unseal"),
    [(p.secretbox_seal, p.secretbox_open), (p.aead_seal, p.aead_open)],
)
def test_seals_open_and_changed_ones_do_not(seal, unseal):
    """Every bit flip and every length of a sealed box is an authentication failure."""
    box = seal(KEY, NONCE, b"hello")
    assert unseal(KEY, NONCE, box) == b"hello"
    assert unseal(KEY, NONCE, seal(KEY, NONCE, b"")) == b""
    for bit in range(8 * len(box)):
        changed = bytearray(box)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(AuthenticationFailedError):
            unseal(KEY, NONCE, bytes(changed))
    for length in range(len(box)):
        with pytest.raises(AuthenticationFailedError):
            unseal(KEY, NONCE, box[:length])


def test_associated_data_is_bound():
    """An AEAD box opens with its associated data only."""
    box = p.aead_seal(KEY, NONCE, b"x", b"context")
    assert p.aead_open(KEY, NONCE, box, b"context") == b"x"
    with pytest.raises(AuthenticationFailedError):
        p.aead_open(KEY, NONCE, box)


def test_signatures():
    """A signature holds for its message and key only; S + L does not pass."""
    signature = p.ed25519_sign(SEED, b"message")
    p.ed25519_verify(PUBLIC, b"message", signature)
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(signature[32:], "little") + order
    malleable = signature[:32] + s.to_bytes(32, "little")
    for public, message, given in (
        (PUBLIC, b"messagf", signature),
        (p.ed25519_public(KEY), b"message", signature),
        (PUBLIC, b"message", signature[:63] + bytes([signature[63] ^ 1])),
        (PUBLIC, b"message", malleable),
    ):
        with pytest.raises(AuthenticationFailedError):
            p.ed25519_verify(public, message, given)


@pytest.mark.parametrize("point", LOW_ORDER_EDWARDS)
def test_ed25519_points_of_low_order_are_refused(point):
    """As signer, as recipient of a sealed box, as factor."""
    with pytest.raises(AuthenticationFailedError):
        p.ed25519_verify(point, b"", bytes(64))
    with pytest.raises(AuthenticationFailedError):
        p.ed25519_public_to_x25519(point)
    with pytest.raises(AuthenticationFailedError):
        p.sealed_box_seal(point, b"", KEY)
    with pytest.raises(AuthenticationFailedError):
        p.edwards_mult(KEY, point)


def test_sealed_boxes_are_libsodiums():
    """Ours opens theirs and theirs opens ours; changed ones do not open."""
    box = p.sealed_box_seal(PUBLIC, b"mac key", KEY)
    assert len(box) == len(b"mac key") + p.SEALED_BOX_OVERHEAD
    public, secret = p.ed25519_public_to_x25519(PUBLIC), p.ed25519_seed_to_x25519(SEED)
    assert bindings.crypto_box_seal_open(box, public, secret) == b"mac key"
    theirs = bindings.crypto_box_seal(b"mac key", public)
    assert p.sealed_box_open(SEED, theirs) == b"mac key"
    with pytest.raises(AuthenticationFailedError):
        p.sealed_box_open(KEY, box)
    for index in range(len(box)):
        changed = box[:index] + bytes([box[index] ^ 0x20]) + box[index + 1 :]
        with pytest.raises(AuthenticationFailedError):
            p.sealed_box_open(SEED, changed)
        with pytest.raises(AuthenticationFailedError):
            p.sealed_box_open(SEED, box[:index])


def test_equal_compares():
    """The comparison is one."""
    assert p.equal(b"ab", b"ab")
    assert not p.equal(b"ab", b"ac")
    assert not p.equal(b"ab", b"abc")
