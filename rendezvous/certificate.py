"""A certificate that the server makes for itself when it is given none.

TLS here is a coat for networks that let nothing else through: nobody checks who the
server is by it (docs/security.md), so all that a certificate has to be is valid. One of
Ed25519 (RFC 8410) has a fixed layout: its DER (X.690) is written out here, and the
server needs no library for it.
"""

from base64 import encodebytes
from collections.abc import Callable

from p2p_remote.crypto.primitives import KEY_LENGTH, ed25519_public, ed25519_sign

_SEQUENCE, _SET, _INTEGER, _BIT_STRING = 0x30, 0x31, 0x02, 0x03
_TIME, _UTF8, _VERSION = 0x18, 0x0C, 0xA0
_ED25519 = bytes.fromhex("300506032b6570")  # 1.3.101.112, RFC 8410 section 3
_COMMON_NAME = bytes.fromhex("0603550403")  # 2.5.4.3, RFC 5280 appendix A.1
_PRIVATE_KEY = bytes.fromhex("302e020100300506032b657004220420")  # RFC 8410, 7
_NAME = b"localhost"
# RFC 5280 section 4.1.2.5: one that has no date of its end. The start is past on any
# clock that has ever been set.
_FROM, _TO = b"20000101000000Z", b"99991231235959Z"
_SERIAL_LENGTH = 16  # bytes


def self_made(random: Callable[[int], bytes]) -> str:
    """Private key and certificate as PEM; `random` is a source of random bytes."""
    seed = random(KEY_LENGTH)
    public = ed25519_public(seed)
    name = _der(
        _SEQUENCE,
        _der(_SET, _der(_SEQUENCE, _COMMON_NAME, _der(_UTF8, _NAME))),
    )
    body = _der(
        _SEQUENCE,
        _der(_VERSION, _der(_INTEGER, b"\x02")),  # version 3
        _der(_INTEGER, b"\x01" + random(_SERIAL_LENGTH - 1)),
        _ED25519,
        name,
        _der(_SEQUENCE, _der(_TIME, _FROM), _der(_TIME, _TO)),
        name,
        _der(_SEQUENCE, _ED25519, _der(_BIT_STRING, b"\0", public)),
    )
    signature = ed25519_sign(seed, body)
    whole = _der(_SEQUENCE, body, _ED25519, _der(_BIT_STRING, b"\0", signature))
    return _pem("PRIVATE KEY", _PRIVATE_KEY + seed) + _pem("CERTIFICATE", whole)


def _der(tag: int, *parts: bytes) -> bytes:
    """One value; at most 65,535 bytes."""
    content = b"".join(parts)
    length = len(content)
    if length < 0x80:
        head = bytes((tag, length))
    elif length < 0x100:
        head = bytes((tag, 0x81, length))
    else:
        head = bytes((tag, 0x82)) + length.to_bytes(2, "big")
    return head + content


def _pem(label: str, der: bytes) -> str:
    lines = encodebytes(der).decode("ascii")
    return f"-----BEGIN {label}-----\n{lines}-----END {label}-----\n"
