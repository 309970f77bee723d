"""The only importer of nacl: every call with exact length checks.

libsodium reads past inputs that are too short, and several PyNaCl bindings do not
check lengths. So nothing else in the project may import nacl, and each function here
checks what it hands down.

Two kinds of failure, and no other:

* `AuthenticationFailedError`: bytes of a peer do not hold (a tag, a signature, a
  point of low order). Machines expect it.
* `ValueError`: an argument of ours has the wrong length. It is a bug of the caller.
"""

import hashlib
import hmac

from nacl import bindings
from nacl import exceptions as nacl_exceptions

from p2p_remote.errors import AuthenticationFailedError

KEY_LENGTH = 32  # bytes; secret keys, public keys, chain keys, seeds
NONCE_LENGTH = 24  # bytes; XSalsa20 and XChaCha20
TAG_LENGTH = 16  # bytes; Poly1305
SIGNATURE_LENGTH = 64  # bytes; Ed25519
MAC_LENGTH = 16  # bytes; keyed BLAKE2b-128
SEALED_BOX_OVERHEAD = KEY_LENGTH + TAG_LENGTH  # bytes

ARGON2_SALT_LENGTH = 16  # bytes
ARGON2_MEMORY = 64 * 1024 * 1024  # bytes
ARGON2_PASSES = 2

_BLAKE2B_MAX_KEY = 64
_BLAKE2B_MAX_PERSON = 16
_SECRETBOX_SEAL = bindings.crypto_secretbox_easy
_SECRETBOX_OPEN = bindings.crypto_secretbox_open_easy


def _require(name: str, value: bytes, length: int) -> None:
    if type(value) is not bytes or len(value) != length:
        raise ValueError(f"{name} must be {length} bytes")


# Symmetric sealing


def secretbox_seal(key: bytes, nonce: bytes, plaintext: bytes) -> bytes:
    """XSalsa20-Poly1305 of `plaintext`: 16 bytes of tag, then the ciphertext.

    Args:
        key: 32 bytes.
        nonce: 24 bytes, never twice under one key.
        plaintext: any length.

    """
    if len(key) != KEY_LENGTH or len(nonce) != NONCE_LENGTH:
        raise ValueError("a secretbox takes a key of 32 and a nonce of 24 bytes")
    return _SECRETBOX_SEAL(plaintext, nonce, key)


def secretbox_open(key: bytes, nonce: bytes, box: bytes) -> bytes:
    """Plaintext of what `secretbox_seal` made.

    Raises:
        AuthenticationFailedError: the tag does not hold or `box` is too short.

    """
    if len(key) != KEY_LENGTH or len(nonce) != NONCE_LENGTH:
        raise ValueError("a secretbox takes a key of 32 and a nonce of 24 bytes")
    try:
        return _SECRETBOX_OPEN(box, nonce, key)
    except nacl_exceptions.CryptoError as error:
        raise AuthenticationFailedError("a sealed box does not open") from error


def aead_seal(
    key: bytes, nonce: bytes, plaintext: bytes, associated: bytes = b""
) -> bytes:
    """XChaCha20-Poly1305-IETF of `plaintext`, bound to `associated`; tag at the end.

    For random nonces and associated data (files at rest); packets use the cheaper
    secretbox.
    """
    _require("key", key, KEY_LENGTH)
    _require("nonce", nonce, NONCE_LENGTH)
    return bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(
        plaintext, associated, nonce, key
    )


def aead_open(key: bytes, nonce: bytes, box: bytes, associated: bytes = b"") -> bytes:
    """Plaintext of what `aead_seal` made.

    Raises:
        AuthenticationFailedError: box or associated data were changed.

    """
    _require("key", key, KEY_LENGTH)
    _require("nonce", nonce, NONCE_LENGTH)
    if len(box) < TAG_LENGTH:
        raise AuthenticationFailedError("a sealed box is too short")
    try:
        return bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(
            box, associated, nonce, key
        )
    except nacl_exceptions.CryptoError as error:
        raise AuthenticationFailedError("a sealed box does not open") from error


# Hashes


def blake2b(
    data: bytes, *, length: int = 32, key: bytes = b"", person: bytes = b""
) -> bytes:
    """BLAKE2b (RFC 7693) of `data`.

    Args:
        data: any length.
        length: of the digest, 1..64 bytes.
        key: 0..64 bytes; not empty makes it a MAC.
        person: 0..16 bytes that separate one use from another.

    """
    if len(key) > _BLAKE2B_MAX_KEY or len(person) > _BLAKE2B_MAX_PERSON:
        raise ValueError("BLAKE2b takes a key of 64 and a person of 16 bytes at most")
    return hashlib.blake2b(data, digest_size=length, key=key, person=person).digest()


def mac(key: bytes, person: bytes, data: bytes) -> bytes:
    """Keyed BLAKE2b-128: a MAC of 16 bytes under a key of 32 bytes."""
    _require("key", key, KEY_LENGTH)
    return blake2b(data, length=MAC_LENGTH, key=key, person=person)


def sha512(data: bytes) -> bytes:
    """SHA-512, 64 bytes (CPace asks for it)."""
    return hashlib.sha512(data).digest()


def argon2id(password: bytes, salt: bytes, length: int = 32) -> bytes:
    """Argon2id (RFC 9106) with 64 MiB, 2 passes, 1 lane: about 0.1 s of one core.

    Args:
        password: any length.
        salt: 16 bytes.
        length: of the result, 16 bytes or more.

    """
    _require("salt", salt, ARGON2_SALT_LENGTH)
    return bindings.crypto_pwhash_alg(
        length,
        password,
        salt,
        ARGON2_PASSES,
        ARGON2_MEMORY,
        bindings.crypto_pwhash_ALG_ARGON2ID13,
    )


def equal(left: bytes, right: bytes) -> bool:
    """Whether two strings are the same, in time that does not depend on where not."""
    return hmac.compare_digest(left, right)


# X25519


def x25519_public(secret: bytes) -> bytes:
    """Public key (32 bytes) of a secret scalar of 32 bytes (RFC 7748)."""
    _require("secret", secret, KEY_LENGTH)
    return bindings.crypto_scalarmult_base(secret)


def x25519(secret: bytes, public: bytes) -> bytes:
    """Shared secret (32 bytes) of our `secret` and a peer's `public` key (RFC 7748).

    Raises:
        AuthenticationFailedError: the point has low order, so the result would be
            the same for everybody.

    """
    _require("secret", secret, KEY_LENGTH)
    _require("public", public, KEY_LENGTH)
    try:
        return bindings.crypto_scalarmult(secret, public)
    except nacl_exceptions.RuntimeError as error:
        raise AuthenticationFailedError("a public key has low order") from error


# Ed25519


def ed25519_public(seed: bytes) -> bytes:
    """Public key (32 bytes) of a seed of 32 bytes (RFC 8032)."""
    _require("seed", seed, KEY_LENGTH)
    public, _ = bindings.crypto_sign_seed_keypair(seed)
    return public


def ed25519_sign(seed: bytes, message: bytes) -> bytes:
    """Signature (64 bytes) of `message`.

    The public key is computed anew from the seed, never taken from outside: signing
    with a public key that does not belong to the seed would give the seed away.
    """
    _require("seed", seed, KEY_LENGTH)
    _, secret = bindings.crypto_sign_seed_keypair(seed)
    return bindings.crypto_sign(message, secret)[:SIGNATURE_LENGTH]


def ed25519_verify(public: bytes, message: bytes, signature: bytes) -> None:
    """Check a signature of `message`; return nothing if it holds.

    Raises:
        AuthenticationFailedError: it does not hold, or `public` has low order.

    """
    _require("public", public, KEY_LENGTH)
    _require("signature", signature, SIGNATURE_LENGTH)
    try:
        bindings.crypto_sign_open(signature + message, public)
    except nacl_exceptions.CryptoError as error:
        raise AuthenticationFailedError("a signature does not hold") from error


# Sealed boxes to the owner of an Ed25519 key


def ed25519_public_to_x25519(public: bytes) -> bytes:
    """X25519 public key of the owner of an Ed25519 public key.

    Raises:
        AuthenticationFailedError: not a point of the main subgroup.

    """
    _require("public", public, KEY_LENGTH)
    try:
        return bindings.crypto_sign_ed25519_pk_to_curve25519(public)
    except nacl_exceptions.RuntimeError as error:
        raise AuthenticationFailedError("not a valid public key") from error


def ed25519_seed_to_x25519(seed: bytes) -> bytes:
    """X25519 secret scalar of an Ed25519 seed."""
    _require("seed", seed, KEY_LENGTH)
    _, secret = bindings.crypto_sign_seed_keypair(seed)
    return bindings.crypto_sign_ed25519_sk_to_curve25519(secret)


def sealed_box_seal(public: bytes, message: bytes, ephemeral: bytes) -> bytes:
    """Seal `message` so that only the owner of an Ed25519 key can read it.

    The result is what libsodium's `crypto_box_seal` makes: the ephemeral public key,
    then a box whose nonce is BLAKE2b-192(ephemeral public key, recipient's key). It
    says nothing about who sealed it.

    Args:
        public: recipient's Ed25519 public key, 32 bytes.
        message: any length.
        ephemeral: 32 fresh random bytes, used once.

    Raises:
        AuthenticationFailedError: `public` is not a valid key.

    """
    recipient = ed25519_public_to_x25519(public)
    sender = x25519_public(ephemeral)
    shared = bindings.crypto_box_beforenm(recipient, ephemeral)
    nonce = blake2b(sender + recipient, length=NONCE_LENGTH)
    return sender + bindings.crypto_box_easy_afternm(message, nonce, shared)


def sealed_box_open(seed: bytes, box: bytes) -> bytes:
    """Read what `sealed_box_seal` sealed to the key of `seed`.

    Raises:
        AuthenticationFailedError: it was not sealed to this key, or was changed.

    """
    if len(box) < SEALED_BOX_OVERHEAD:
        raise AuthenticationFailedError("a sealed box is too short")
    secret = ed25519_seed_to_x25519(seed)
    try:
        return bindings.crypto_box_seal_open(box, x25519_public(secret), secret)
    except nacl_exceptions.CryptoError as error:
        raise AuthenticationFailedError("a sealed box does not open") from error


# Group operations of CPace (crypto.cpace explains how they fit together)


def elligator_point(uniform: bytes) -> bytes:
    """Eight times the Elligator 2 image of 32 uniform bytes, as an Ed25519 point.

    Bit 255 only chooses the sign of the point, which has no effect on its Montgomery
    coordinate (RFC 9380 section 6.7.1, curve25519 and edwards25519).
    """
    _require("uniform", uniform, KEY_LENGTH)
    return bindings.crypto_core_ed25519_from_uniform(uniform)


def edwards_mult(scalar: bytes, point: bytes) -> bytes:
    """`scalar` times an Ed25519 point of the main subgroup, without clamping.

    Raises:
        AuthenticationFailedError: the point is not valid or the product is zero.

    """
    _require("scalar", scalar, KEY_LENGTH)
    _require("point", point, KEY_LENGTH)
    try:
        return bindings.crypto_scalarmult_ed25519_noclamp(scalar, point)
    except nacl_exceptions.RuntimeError as error:
        raise AuthenticationFailedError("not a valid point") from error
