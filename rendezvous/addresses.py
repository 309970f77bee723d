"""How the server names the places datagrams come from.

An `Address` is the packed endpoint of the sender (18 bytes, see `wire.address`) and the
number of the listening socket, so that answers leave from where the question arrived.
For a TCP connection that number has its highest bit set; for a client of another node
of the fleet it is `ELSEWHERE`. It is bytes because a million of them are kept.
"""

from typing import NewType

from p2p_remote.wire.address import Endpoint, pack_endpoint, unpack_endpoint

Address = NewType("Address", bytes)

ENDPOINT_LENGTH = 18
ADDRESS_LENGTH = ENDPOINT_LENGTH + 1
TCP = 0x80  # beside the number of the listening socket: over TCP
ELSEWHERE = 0x7F  # in its place: no socket of ours, and not TCP
MAX_LISTENERS = ELSEWHERE  # their numbers are smaller
_MAPPED = bytes(10) + b"\xff\xff"  # RFC 4291 section 2.5.5.2: IPv4-mapped
_IPV6_NETWORK_LENGTH = 8  # bytes of a /64: what one subscriber commonly has


def pack(endpoint: Endpoint, listener: int) -> Address:
    """Address of `endpoint` as seen by listening socket number `listener`."""
    return Address(pack_endpoint(endpoint) + bytes((listener,)))


def endpoint_bytes(address: Address) -> bytes:
    """The packed endpoint, as messages carry it."""
    return address[:ENDPOINT_LENGTH]


def endpoint_of(address: Address) -> Endpoint:
    """The endpoint in readable form."""
    return unpack_endpoint(address[:ENDPOINT_LENGTH])


def listener_of(address: Address) -> int:
    """Number of the listening socket, of TCP or UDP."""
    return address[ENDPOINT_LENGTH] & ~TCP


def is_tcp(address: Address) -> bool:
    """Whether this is a TCP connection."""
    return address[ENDPOINT_LENGTH] & TCP != 0


def prefix_of(address: Address) -> bytes:
    """What limits are counted by: an IPv4 address, or an IPv6 /64."""
    if address.startswith(_MAPPED):
        return address[12:16]
    return address[:_IPV6_NETWORK_LENGTH]
