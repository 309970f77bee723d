"""UDP sockets on the loopback."""

import asyncio
import errno
import socket
import sys
from collections import deque

import pytest

from p2p_remote.errors import NetworkError
from p2p_remote.net.udp_socket import BATCH, UdpSocket, open_udp_sockets
from p2p_remote.traversal.paths import PrimingEndpoint
from p2p_remote.wire.address import Endpoint

# Linux options that Python 3.11 has no names for.
IP_MTU_DISCOVER, IPV6_MTU_DISCOVER = 10, 23
CUT, WHOLE = 0, 3  # IP_PMTUDISC_DONT, IP_PMTUDISC_PROBE


class Received:
    """Collects datagrams; `batches` counts the ends of batches."""

    def __init__(self) -> None:
        self.datagrams: deque[tuple[bytes, Endpoint]] = deque()
        self.batches = 0
        self._news = asyncio.Event()

    def take(self, data: bytes, source: Endpoint) -> None:
        self.datagrams.append((data, source))

    def end(self) -> None:
        self.batches += 1
        self._news.set()

    async def wait(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.datagrams) < count:
                self._news.clear()
                await self._news.wait()


class NoReaders(asyncio.SelectorEventLoop):
    """A loop that cannot watch sockets, as on Windows."""

    def add_reader(self, fd, callback, *args):
        if isinstance(fd, socket.socket):
            raise NotImplementedError
        return super().add_reader(fd, callback, *args)


@pytest.fixture
def opened():
    sockets: list[UdpSocket] = []

    def open_one(host: str = "127.0.0.1") -> UdpSocket:
        sockets.extend(open_udp_sockets(host=host))
        return sockets[-1]

    yield open_one
    for each in sockets:
        each.close()


def test_both_families_share_a_port():
    """One port number for IPv4 and IPv6, so that one candidate list fits."""
    sockets = open_udp_sockets()
    try:
        assert len({each.endpoint.port for each in sockets}) == 1
        assert sockets[0].endpoint.host == "0.0.0.0"
        assert sockets[0].carries(Endpoint("192.0.2.1", 1))
    finally:
        for each in sockets:
            each.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_datagrams_come_with_their_source(opened, host):
    """Addresses are plain text, never IPv4 in IPv6 clothes."""
    one, other = opened(host), opened(host)
    received = Received()
    await other.attach(received.take, received.end)
    one.send(b"hello", other.endpoint)
    await received.wait(1)
    assert received.datagrams[0] == (b"hello", Endpoint(host, one.endpoint.port))
    assert one.sent == other.received == 1


async def test_an_ipv4_sender_is_ipv4_at_a_dual_stack_port():
    """The IPv6 socket takes IPv6 only."""
    sockets = open_udp_sockets()
    received = Received()
    try:
        for each in sockets:
            await each.attach(received.take, received.end)
        (sender,) = open_udp_sockets(host="127.0.0.1")
        sender.send(b"x", Endpoint("127.0.0.1", sockets[0].endpoint.port))
        await received.wait(1)
        assert received.datagrams[0][1] == sender.endpoint
        sender.close()
    finally:
        for each in sockets:
            each.close()


async def test_batches_leave_room_for_others(opened):
    """At most 64 datagrams are read before the loop gets its turn."""
    one, other = opened(), opened()
    for number in range(BATCH + 10):
        one.send(b"%d" % number, other.endpoint)
    received = Received()
    await other.attach(received.take, received.end)
    await received.wait(1)
    assert len(received.datagrams) == BATCH
    await received.wait(BATCH + 10)
    assert received.batches == 2


def test_a_port_in_use_is_one_clear_line(opened):
    """No traceback, no sharing of the port."""
    port = opened().endpoint.port
    with pytest.raises(NetworkError, match=f"UDP port {port} is used by another"):
        open_udp_sockets(port, "127.0.0.1")
    with pytest.raises(NetworkError, match=f"UDP port {port} is used by another"):
        open_udp_sockets(port)


def test_a_strange_address_is_one_clear_line():
    """An address of another computer cannot be listened on."""
    with pytest.raises(NetworkError, match="does not belong to this computer"):
        open_udp_sockets(host="192.0.2.77")


async def test_a_closed_port_at_the_other_end_is_no_error(opened):
    """ICMP says that nobody listens: counted at most, and sending goes on."""
    one, gone = opened(), opened()
    received = Received()
    await one.attach(received.take, received.end)
    target = gone.endpoint
    gone.close()
    for _ in range(3):
        one.send(b"anybody?", target)
        await asyncio.sleep(0.01)
    assert one.sent + sum(one.errors.values()) == 3


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (Endpoint("255.255.255.255", 9), "EACCES"),
        (Endpoint("127.0.0.1", 0), "EINVAL"),
        (Endpoint("240.0.0.1", 9), "EINVAL"),
    ],
)
def test_errors_of_sending_are_counted(opened, target, name):
    """What cannot be sent is lost, as everything may be in UDP."""
    one = opened()
    one.send(b"x", target)
    assert one.sent == 0
    assert sum(one.errors.values()) == 1
    assert set(one.errors) <= set(errno.errorcode.values())


def test_too_long_a_datagram_is_counted(opened):
    """EMSGSIZE does not stop anybody."""
    one = opened()
    one.send(bytes(70_000), one.endpoint)
    assert one.errors["EMSGSIZE"] == 1


@pytest.mark.skipif(sys.platform != "linux", reason="the option is Linux' own")
@pytest.mark.parametrize(
    ("host", "level", "option"),
    [
        ("127.0.0.1", socket.IPPROTO_IP, IP_MTU_DISCOVER),
        ("::1", socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER),
    ],
)
def test_what_has_to_pass_everywhere_may_be_cut_and_probes_may_not(
    opened, host, level, option
):
    """A relayed datagram of the base size is the largest of the first kind."""
    one = opened(host)
    found = []
    for size in (1205, 60, 1206, 60, 1472, 549):
        one.send(bytes(size), one.endpoint)
        found.append(one._socket.getsockopt(level, option))
    assert found == [CUT, CUT, WHOLE, WHOLE, WHOLE, CUT]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_priming_has_its_ttl_and_the_next_datagram_the_usual(host):
    """The kernel tells the receiver the TTL of each datagram."""
    (one,) = open_udp_sockets(host=host)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    level, option, kind = (
        (socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, socket.IPV6_HOPLIMIT)
        if ":" in host
        else (socket.IPPROTO_IP, 12, socket.IP_TTL)  # 12 = IP_RECVTTL on Linux
    )
    with socket.socket(family, socket.SOCK_DGRAM) as watcher:
        watcher.bind((host, 0))
        watcher.setsockopt(level, option, 1)
        watcher.settimeout(2)
        port = watcher.getsockname()[1]
        one.send(b"dies", PrimingEndpoint(host, port, ttl=3))
        one.send(b"lives", Endpoint(host, port))
        ttls = {}
        for _ in range(2):
            data, ancillary, _, _ = watcher.recvmsg(100, 100)
            ttls[data] = [
                int.from_bytes(value, "little")
                for each_level, each_kind, value in ancillary
                if (each_level, each_kind) == (level, kind)
            ]
    one.close()
    assert ttls[b"dies"] == [3]
    assert ttls[b"lives"][0] >= 64


def test_loops_that_cannot_watch_sockets():
    """The same datagrams arrive by the loop's own datagram transport."""

    async def scenario() -> None:
        (one,), (other,) = (open_udp_sockets(host="127.0.0.1") for _ in range(2))
        received, answers = Received(), Received()
        await other.attach(received.take, received.end)
        await one.attach(answers.take, answers.end)
        one.send(b"hello", other.endpoint)
        await received.wait(1)
        other.send(b"answer", one.endpoint)
        await answers.wait(1)
        assert received.datagrams[0] == (b"hello", one.endpoint)
        assert answers.datagrams[0] == (b"answer", other.endpoint)
        one.send(b"x", Endpoint("255.255.255.255", 9))
        one.close()
        other.close()
        await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=NoReaders) as runner:
        runner.run(scenario())
