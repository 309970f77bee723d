"""Messages of PCP (RFC 6887, MAP only) and NAT-PMP (RFC 6886): bytes, nothing else.

Both ask a home router on UDP port 5351 to let a port through. All numbers are big
endian.
"""

import ipaddress
import struct
from dataclasses import dataclass

from p2p_remote.errors import MalformedMessageError

PORT = 5351
NONCE_LENGTH = 12
UNSUPPORTED_VERSION = 1  # result code of both protocols

_UDP = 17
_MAP = 1
_RESPONSE = 0x80
_PCP_REQUEST = struct.Struct("!BBHI16s12sB3xHH16s")  # sections 7.1 and 11.1
_PCP_RESPONSE = struct.Struct("!BBBBII12x12sB3xHH16s")  # sections 7.2 and 11.1
_PMP_MAP = struct.Struct("!BBHHHI")  # RFC 6886 section 3.3
_PMP_MAPPED = struct.Struct("!BBHIHHI")
_PMP_ADDRESS = struct.Struct("!BBHI4s")  # section 3.2
ADDRESS_REQUEST = bytes(2)


@dataclass(frozen=True, slots=True)
class Mapped:
    """A router's answer: `result` 0 is success; `lifetime` in s.

    `address` is empty where the message does not carry one.
    """

    result: int
    internal_port: int
    external_port: int
    lifetime: int
    address: str = ""
    nonce: bytes = b""


def pcp_request(
    client: str, port: int, lifetime: int, nonce: bytes, suggested: int = 0
) -> bytes:
    """PCP MAP request for UDP `port` of the IPv4 address `client`; 60 bytes.

    `lifetime` 0 takes the mapping back; `suggested` is the external port liked best.
    """
    packed = bytes(10) + b"\xff\xff" + ipaddress.IPv4Address(client).packed
    nowhere = bytes(10) + b"\xff\xff" + bytes(4)
    return _PCP_REQUEST.pack(
        2, _MAP, 0, lifetime, packed, nonce, _UDP, port, suggested, nowhere
    )


def pcp_response(data: bytes) -> Mapped:
    """Read a PCP answer.

    Raises:
        MalformedMessageError: it is none to a MAP request for UDP.

    """
    if len(data) < _PCP_RESPONSE.size:
        raise MalformedMessageError("not a PCP answer")
    version, opcode, _, result, lifetime, _, nonce, protocol, internal, external, ip = (
        _PCP_RESPONSE.unpack_from(data)
    )
    if version != 2 or opcode != _RESPONSE | _MAP or protocol != _UDP:
        raise MalformedMessageError("not a PCP answer")
    mapped = ipaddress.IPv6Address(ip).ipv4_mapped
    address = "" if mapped is None else str(mapped)
    return Mapped(result, internal, external, lifetime, address, nonce)


def pmp_request(port: int, lifetime: int, suggested: int = 0) -> bytes:
    """NAT-PMP request to map UDP `port`; 12 bytes. `lifetime` 0 takes it back."""
    return _PMP_MAP.pack(0, _MAP, 0, port, suggested, lifetime)


def pmp_response(data: bytes) -> Mapped:
    """Read a NAT-PMP answer to `pmp_request`.

    Raises:
        MalformedMessageError: it is none.

    """
    if len(data) < _PMP_MAPPED.size:
        raise MalformedMessageError("not a NAT-PMP answer")
    version, opcode, result, _, internal, external, lifetime = _PMP_MAPPED.unpack_from(
        data
    )
    if version != 0 or opcode != _RESPONSE | _MAP:
        raise MalformedMessageError("not a NAT-PMP answer")
    return Mapped(result, internal, external, lifetime)


def pmp_address(data: bytes) -> str:
    """Read the external address from an answer to `ADDRESS_REQUEST`.

    Raises:
        MalformedMessageError: it is none, or the router has none.

    """
    if len(data) < _PMP_ADDRESS.size:
        raise MalformedMessageError("not a NAT-PMP answer")
    version, opcode, result, _, packed = _PMP_ADDRESS.unpack_from(data)
    if (version, opcode, result) != (0, _RESPONSE, 0):
        raise MalformedMessageError("no external address")
    return str(ipaddress.IPv4Address(packed))
