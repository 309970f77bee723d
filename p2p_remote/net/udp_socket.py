"""UDP sockets: one for IPv4 and one for IPv6, on the same port.

Errors that the network reports about single datagrams are counted, never raised: UDP
promises nothing, and the machines above notice what does not arrive.
"""

import asyncio
import errno
import socket
import sys
from collections import Counter
from collections.abc import Callable
from functools import lru_cache

from p2p_remote.errors import NetworkError
from p2p_remote.traversal.paths import PrimingEndpoint
from p2p_remote.wire.address import Endpoint
from p2p_remote.wire.constants import MAX_DATAGRAM

BUFFER_BYTES = 2 * 1024 * 1024  # wanted; the kernel may give less
BATCH = 64  # datagrams read before other work gets its turn
_READ_BYTES = 2048  # more than any datagram of ours; longer ones are cut and fail
_SAME_PORT_TRIES = 16

# Python 3.11's socket module has no names for these Linux options (ip(7), ipv6(7)).
_LINUX_IP_MTU_DISCOVER = 10
_LINUX_IPV6_MTU_DISCOVER = 23
_LINUX_PMTUDISC_DONT = 0
_LINUX_PMTUDISC_PROBE = 3
_MUST_PASS = MAX_DATAGRAM + 5  # bytes; a relay's header is around some of ours
_ALWAYS_FITS = 548  # bytes of UDP payload in the 576 that IPv4 demands (RFC 791)

OnDatagram = Callable[[bytes, Endpoint], None]
OnBatchEnd = Callable[[], None]


class UdpSocket:
    """A bound, non-blocking UDP socket of one address family.

    `errors` counts what sending and receiving reported, by errno name.
    """

    def __init__(
        self, bound: socket.socket, *, buffer_bytes: int = BUFFER_BYTES
    ) -> None:
        """Take over a bound socket; `buffer_bytes` are wanted in each direction."""
        self._socket = bound
        self._is_ipv6 = bound.family == socket.AF_INET6
        bound.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            bound.setsockopt(socket.SOL_SOCKET, option, buffer_bytes)
        self._may_be_cut: bool | None = None
        self._ttl_option = (
            (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS)
            if self._is_ipv6
            else (socket.IPPROTO_IP, socket.IP_TTL)
        )
        self._usual_ttl = bound.getsockopt(*self._ttl_option)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self.endpoint = _endpoint(*bound.getsockname())
        self.errors: Counter[str] = Counter()
        self.sent = 0
        self.received = 0

    def carries(self, endpoint: Endpoint) -> bool:
        """Whether this is the socket for the endpoint's address family."""
        return (":" in endpoint.host) == self._is_ipv6

    async def attach(self, on_datagram: OnDatagram, on_batch_end: OnBatchEnd) -> None:
        """Begin to receive on the running loop.

        `on_datagram` is called for each datagram, `on_batch_end` after some of them.
        """
        loop = asyncio.get_running_loop()

        def readable() -> None:
            try:
                self._receive_batch(on_datagram)
            finally:
                on_batch_end()

        try:
            loop.add_reader(self._socket, readable)
        except NotImplementedError:  # Windows' default loop
            protocol = _Protocol(self, on_datagram, on_batch_end)
            self._transport, _ = await loop.create_datagram_endpoint(
                lambda: protocol, sock=self._socket
            )
        self._loop = loop

    def _receive_batch(self, on_datagram: OnDatagram) -> None:
        for _ in range(BATCH):
            try:
                data, address = self._socket.recvfrom(_READ_BYTES)
            except BlockingIOError:
                return
            except OSError as error:  # an ICMP answer to something we sent
                self._count(error)
                continue
            self.received += 1
            on_datagram(data, _endpoint(*address))

    def send(self, data: bytes, endpoint: Endpoint) -> None:
        """Send a datagram, to a `PrimingEndpoint` with its TTL; errors are counted."""
        try:
            if isinstance(endpoint, PrimingEndpoint):
                self._send_with_ttl(data, endpoint)
            else:
                self._send_plainly(data, endpoint)
        except OSError as error:
            self._count(error)
        else:
            self.sent += 1

    def _let_fragment(self, size: int) -> None:
        """Say whether the next datagram may be cut, by us or by IPv4 routers.

        What has to pass everywhere may be, because there are tunnels that carry less
        and do not say so. Anything larger may not, or a probe of the path's MTU would
        prove nothing; what routers say of it does not count (RFC 8899 section 3).
        """
        may = size <= _MUST_PASS
        if may is self._may_be_cut or size <= _ALWAYS_FITS or sys.platform != "linux":
            return
        self._may_be_cut = may
        level, discovery = (
            (socket.IPPROTO_IPV6, _LINUX_IPV6_MTU_DISCOVER)
            if self._is_ipv6
            else (socket.IPPROTO_IP, _LINUX_IP_MTU_DISCOVER)
        )
        value = _LINUX_PMTUDISC_DONT if may else _LINUX_PMTUDISC_PROBE
        self._socket.setsockopt(level, discovery, value)

    def _send_with_ttl(self, data: bytes, endpoint: PrimingEndpoint) -> None:
        self._socket.setsockopt(*self._ttl_option, endpoint.ttl)
        try:
            self._send_plainly(data, endpoint)
        finally:
            self._socket.setsockopt(*self._ttl_option, self._usual_ttl)

    def _send_plainly(self, data: bytes, endpoint: Endpoint) -> None:
        address = _address(endpoint.host, endpoint.port)
        self._let_fragment(len(data))
        if self._transport is not None:
            self._transport.sendto(data, address)
        else:
            self._socket.sendto(data, address)

    def _count(self, error: OSError) -> None:
        self.errors[errno.errorcode.get(error.errno or 0, "unknown")] += 1

    def close(self) -> None:
        """Stop receiving and close. Closing again does nothing."""
        if self._transport is not None:
            self._transport.close()
            return
        if self._loop is not None:
            self._loop.remove_reader(self._socket)
            self._loop = None
        self._socket.close()


class _Protocol(asyncio.DatagramProtocol):
    """Receives where the loop cannot watch a socket."""

    def __init__(
        self, owner: UdpSocket, on_datagram: OnDatagram, on_batch_end: OnBatchEnd
    ) -> None:
        self._owner = owner
        self._on_datagram = on_datagram
        self._on_batch_end = on_batch_end

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        self._owner.received += 1
        try:
            self._on_datagram(data, _endpoint(*addr))
        finally:
            self._on_batch_end()

    def error_received(self, exc: Exception) -> None:
        if isinstance(exc, OSError):
            self._owner.errors[errno.errorcode.get(exc.errno or 0, "unknown")] += 1


@lru_cache(maxsize=4096)
def _endpoint(host: str | int, port: str | int, *ipv6: str | int) -> Endpoint:
    """Endpoint of a socket address; a link-local one keeps its zone, `fe80::1%2`."""
    text = str(host)
    zone = ipv6[1] if ipv6 else 0
    if zone and "%" not in text:
        text = f"{text}%{zone}"
    return Endpoint(text, int(port))


@lru_cache(maxsize=4096)
def _address(host: str, port: int) -> tuple[str, int] | tuple[str, int, int, int]:
    """Socket address of an endpoint.

    Raises:
        OSError: the zone names no interface.

    """
    if ":" not in host:
        return host, port
    plain, _, zone = host.partition("%")
    if not zone:
        return plain, port, 0, 0
    index = int(zone) if zone.isdigit() else socket.if_nametoindex(zone)
    return plain, port, 0, index


def open_udp_sockets(port: int = 0, host: str | None = None) -> list[UdpSocket]:
    """Sockets on `port` (0 = any, the same for both), IPv4 first if there is both.

    With a `host`, an IP address, only that address is listened on.

    Raises:
        NetworkError: the port is taken or may not be used, or there is no IP at all.

    """
    if host is not None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return [UdpSocket(_bind(family, host, port))]
    for _ in range(_SAME_PORT_TRIES):
        first = _bind_if_supported(socket.AF_INET, "0.0.0.0", port)  # noqa: S104
        common = first.getsockname()[1] if first is not None else port
        try:
            second = _bind_if_supported(socket.AF_INET6, "::", common)
        except NetworkError:
            if first is not None:
                first.close()
            if port:
                raise
            continue
        found = [UdpSocket(each) for each in (first, second) if each is not None]
        if found:
            return found
        raise NetworkError("This computer has no network (neither IPv4 nor IPv6).")
    raise NetworkError("No UDP port is free for both IPv4 and IPv6.")


def _bind_if_supported(
    family: socket.AddressFamily, host: str, port: int
) -> socket.socket | None:
    try:
        return _bind(family, host, port)
    except _FamilyMissingError:
        return None


class _FamilyMissingError(NetworkError):
    """This computer does not speak that version of IP."""


_MISSING = {errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.EADDRNOTAVAIL}


def _bind(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    """Non-blocking socket bound to an address.

    No SO_REUSEADDR: on UDP it would let two programs share the port and steal each
    other's datagrams.
    """
    try:
        opened = socket.socket(family, socket.SOCK_DGRAM)
    except OSError as error:
        raise _FamilyMissingError from error
    try:
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind((host, port))
    except OSError as error:
        opened.close()
        if error.errno in _MISSING:
            raise _FamilyMissingError(
                f"The address {host} does not belong to this computer."
            ) from error
        raise NetworkError(_why_not(port, error)) from error
    return opened


def _why_not(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"UDP port {port} is used by another program. Choose another one."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"UDP port {port} needs administrator rights. Choose a port above 1023."
    return f"UDP port {port} cannot be opened: {error.strerror}."
