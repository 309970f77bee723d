"""The sockets of the server, and addresses as the system gives them."""

import errno
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import cast

from p2p_remote.errors import NetworkError
from p2p_remote.wire.address import Endpoint
from p2p_remote.wire.constants import MAX_DATAGRAM
from rendezvous.addresses import ENDPOINT_LENGTH, Address
from rendezvous.relay import HEADER_LENGTH

_SOCKET_BUFFER = 4 * 1024 * 1024  # bytes; the kernel may give less
_TCP_BUFFER = 128 * 1024  # bytes in each direction of a connection
_BACKLOG = 1024  # connections that wait to be accepted
_SAME_PORT_TRIES = 16
# Python 3.11's socket module has no names for these Linux options (ip(7)).
_LINUX_IP_MTU_DISCOVER = 10
_LINUX_PMTUDISC_DONT = 0
_LINUX_PMTUDISC_PROBE = 3
_MUST_PASS = MAX_DATAGRAM + HEADER_LENGTH  # bytes
_ALWAYS_FITS = 548  # bytes of UDP payload in the 576 that IPv4 demands (RFC 791)
_MAPPED = bytes(10) + b"\xff\xff"
_Packer = Callable[..., Address]  # one operation for each datagram, not five
_pack_ipv4 = cast("_Packer", struct.Struct("<12s4sHB").pack)
_pack_ipv6 = cast("_Packer", struct.Struct("<16sHB").pack)


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Address to listen on. `is_optional`: go on without it where it does not exist.

    `has_tcp`: listen on the TCP port of the same number as well.
    """

    family: socket.AddressFamily
    host: str
    port: int
    is_optional: bool = False
    has_tcp: bool = True


def resolve(addresses: Sequence[tuple[str, int, bool]]) -> list[ListenAddress]:
    """Addresses behind hosts and ports; an empty host is every address there is.

    The third of each says whether to listen on TCP as well.

    Raises:
        NetworkError: a name does not resolve.

    """
    result = []
    for host, port, has_tcp in addresses:
        if not host:
            every = ListenAddress(socket.AF_INET, "0.0.0.0", port)  # noqa: S104
            result.append(replace(every, has_tcp=has_tcp))
            every = ListenAddress(socket.AF_INET6, "::", port, is_optional=True)
            result.append(replace(every, has_tcp=has_tcp))
            continue
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        except OSError as error:
            raise NetworkError(f"The name {host} cannot be resolved.") from error
        # A name often has an IPv6 address where the machine has no IPv6.
        result.extend(
            ListenAddress(
                family,
                str(address[0]),
                port,
                is_optional=len(found) > 1 and family == socket.AF_INET6,
                has_tcp=has_tcp,
            )
            for family, _, _, _, address in found
        )
    return result


class Sender:
    """Sends from a listening socket, and says what may be cut on the way.

    Datagrams that have to pass everywhere may be, because there are tunnels that carry
    less and do not say so. Larger ones may not: the two ends of a session find out with
    them what the path carries. IPv6 routers never cut.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._send = listener.sendto
        self._socket = listener
        self._has_say = sys.platform == "linux" and listener.family == socket.AF_INET
        self._may_be_cut: bool | None = None

    def send(self, data: bytes, target: tuple[str, int]) -> None:
        """Send a datagram.

        Raises:
            OSError: it has not left.

        """
        size = len(data)
        if size > _ALWAYS_FITS and self._has_say:
            may = size <= _MUST_PASS
            if may is not self._may_be_cut:
                self._may_be_cut = may
                value = _LINUX_PMTUDISC_DONT if may else _LINUX_PMTUDISC_PROBE
                self._socket.setsockopt(
                    socket.IPPROTO_IP, _LINUX_IP_MTU_DISCOVER, value
                )
        self._send(data, target)


def bind(listen: ListenAddress) -> socket.socket:
    """Non-blocking UDP socket on `listen`.

    Raises:
        NetworkError: the port is in use or may not be used.

    """
    try:
        listener = socket.socket(listen.family, socket.SOCK_DGRAM)
    except OSError as error:
        raise _network_error(listen, error) from error
    try:
        _set_up(listener, _SOCKET_BUFFER)
        listener.bind((listen.host, listen.port))
    except OSError as error:
        listener.close()
        raise _network_error(listen, error) from error
    return listener


def bind_both(listen: ListenAddress) -> tuple[socket.socket, socket.socket | None]:
    """Non-blocking UDP socket and listening TCP socket on the same port.

    The second is None where it is not wanted. Port 0 is one that is free for both.

    Raises:
        NetworkError: a port is in use or may not be used.

    """
    for tries in range(_SAME_PORT_TRIES):
        udp = bind(listen)
        if not listen.has_tcp:
            return udp, None
        port = udp.getsockname()[1]
        try:
            return udp, _listen_on_tcp(replace(listen, port=port))
        except NetworkError:
            udp.close()
            if listen.port or tries + 1 == _SAME_PORT_TRIES:
                raise
    raise AssertionError("the last try returns or raises")


def _listen_on_tcp(listen: ListenAddress) -> socket.socket:
    """Non-blocking listening TCP socket; errors as those of `bind`."""
    try:
        listener = socket.socket(listen.family, socket.SOCK_STREAM)
    except OSError as error:
        raise _network_error(listen, error, "TCP") from error
    try:
        # Connections of the process before may still be ending on this port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _set_up(listener, _TCP_BUFFER)
        listener.bind((listen.host, listen.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _network_error(listen, error, "TCP") from error
    return listener


def _set_up(listener: socket.socket, buffer_bytes: int) -> None:
    if listener.family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        listener.setsockopt(socket.SOL_SOCKET, option, buffer_bytes)
    listener.setblocking(False)


def _network_error(
    listen: ListenAddress, error: OSError, kind: str = "UDP"
) -> NetworkError:
    where = Endpoint(listen.host, listen.port)
    if error.errno == errno.EADDRINUSE:
        remedy = "Stop it, or choose another port with --listen HOST:PORT."
        if kind == "TCP":
            remedy += " For UDP alone write --listen HOST:PORT/udp."
        return NetworkError(
            f"{kind} port {listen.port} is in use by another program ({where}). "
            f"{remedy}"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return NetworkError(
            f"{kind} port {listen.port} may not be used by this user ({where}). "
            "Ports below 1024 need the capability CAP_NET_BIND_SERVICE."
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return NetworkError(f"This machine does not have the address {listen.host}.")
    return NetworkError(f"Cannot listen on {where}: {error.strerror}.")


def is_absent(error: NetworkError) -> bool:
    """Whether the machine lacks the address family."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in (
        errno.EAFNOSUPPORT,
        errno.EADDRNOTAVAIL,
    )


def endpoint_of_socket(listener: socket.socket) -> Endpoint:
    """Where a socket listens."""
    host, port = listener.getsockname()[:2]
    return Endpoint(host, port)


def address_of(
    source: tuple[str, int], number: int, *, is_ipv4: bool
) -> Address | None:
    """Address of a sender; None for a link-local one, which has no single meaning.

    `number` is the one of the listening socket, with `addresses.TCP` beside it or not.
    """
    if is_ipv4:
        packed = socket.inet_pton(socket.AF_INET, source[0])
        return _pack_ipv4(_MAPPED, packed, source[1], number)
    if "%" in source[0]:
        return None
    packed = socket.inet_pton(socket.AF_INET6, source[0])
    return _pack_ipv6(packed, source[1], number)


def target_of(address: Address) -> tuple[str, int]:
    """Where to send for an `Address`; undoes `address_of`."""
    port = int.from_bytes(address[16:ENDPOINT_LENGTH], "little")
    if address.startswith(_MAPPED):
        return socket.inet_ntop(socket.AF_INET, address[12:16]), port
    return socket.inet_ntop(socket.AF_INET6, address[:16]), port
