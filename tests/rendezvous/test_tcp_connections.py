"""TCP connections on loopback, without the rest of the server."""

import asyncio
import contextlib
import socket

import pytest

from p2p_remote.wire.framing import framed
from p2p_remote.wire.rendezvous import KeepaliveAck
from rendezvous.rate_limit import Rate
from rendezvous.sockets import ListenAddress, bind_both
from rendezvous.tcp_admission import PROOF_PATIENCE, Refusal, TcpLimits
from rendezvous.tcp_connections import (
    FIRST_ROOM,
    RELAY_ROOM,
    ROOM,
    STUCK_AFTER,
)
from tests.support.server_tcp import serving
from tests.support.waiting import until

RELAYED = b"\x30" + bytes(1400)
PROOF = bytes((KeepaliveAck.TYPE,))
FAR = 1e9  # s from now, for a sweep


async def is_over(reader):
    """Whether the server has ended the connection."""
    try:
        async with asyncio.timeout(20):
            while await reader.read(65536):
                pass
    except ConnectionError:
        pass
    return True


async def test_datagrams_come_and_go():
    """Both ways, from several clients, each under its own address."""
    async with serving() as bench:
        clients = [await bench.connect() for _ in range(3)]
        addresses = [
            await bench.introduce(w, b"%d" % i) for i, (_, w) in enumerate(clients)
        ]
        assert len(set(addresses)) == 3
        assert [each[18] for each in addresses] == [0x83] * 3
        for (reader, writer), address in zip(clients, addresses, strict=True):
            bench.tcp.send(b"to " + address, address)
            assert await reader.readexactly(24) == framed(b"to " + address)
            writer.close()
        await until(lambda: not bench.tcp.figures.open)
        assert bench.tcp.figures.accepted == 3


async def test_nonsense_ends_the_connection():
    """A web browser's first words, for example."""
    async with serving() as bench:
        reader, writer = await bench.connect()
        writer.write(b"\xff\xffGET / HTTP/1.1\r\n")
        assert await is_over(reader)
        writer.close()
        assert bench.tcp.figures.refused[Refusal.MALFORMED] == 1
        assert bench.got == []


async def test_a_slow_reader_loses_relayed_datagrams_first_then_the_connection():
    """What waits is bounded, and what has no progress ends."""
    async with serving() as bench:
        _, writer = await bench.connect()
        address = await bench.introduce(writer)
        bench.tcp.send(PROOF, address)
        for _ in range(2000):
            bench.tcp.send(RELAYED, address)
        connection = bench.tcp._connections[address]
        assert len(connection.outgoing) <= RELAY_ROOM + 2 * len(RELAYED)
        assert bench.tcp.figures.unsent > 0
        bench.tcp.sweep(connection.progress_at + STUCK_AFTER)
        assert bench.tcp.figures.refused[Refusal.SLOW] == 1
        assert bench.tcp.figures.open == 0
        writer.close()


@pytest.mark.parametrize("room", [FIRST_ROOM, ROOM])
async def test_nothing_waits_without_bound(room):
    """The server's own answers as well, and few of them before any proof."""
    async with serving() as bench:
        _, writer = await bench.connect()
        address = await bench.introduce(writer)
        if room == ROOM:
            bench.tcp.send(PROOF, address)
        answer = b"\x11" + bytes(1000)
        most = 0
        while bench.tcp.figures.open:
            bench.tcp.send(answer, address)
            if (connection := bench.tcp._connections.get(address)) is not None:
                most = max(most, len(connection.outgoing))
        assert room < most <= room + 2 * len(answer)
        assert bench.tcp.figures.refused[Refusal.SLOW] == 1
        bench.tcp.send(answer, address)  # to nobody
        writer.close()


async def test_a_reader_that_goes_on_gets_everything():
    """What waited arrives whole and in order."""
    async with serving() as bench:
        reader, writer = await bench.connect()
        address = await bench.introduce(writer)
        bench.tcp.send(PROOF, address)
        sent = 0
        while not bench.tcp.figures.unsent:
            bench.tcp.send(b"\x30" + sent.to_bytes(4, "little") + bytes(1000), address)
            sent += 1
        assert await reader.readexactly(3) == framed(PROOF)
        for number in range(sent - 1):
            frame = await reader.readexactly(1007)
            assert frame[3:7] == number.to_bytes(4, "little")
        writer.close()


async def test_a_flood_of_connections_changes_nothing_for_who_is_proven():
    """Only so many are open, whoever opens them."""
    limits = TcpLimits(unproven=8, rate=Rate(1e6, 1000))
    async with serving(limits) as bench:
        reader, writer = await bench.connect()
        address = await bench.introduce(writer)
        bench.tcp.send(PROOF, address)
        flood = [await bench.connect() for _ in range(60)]
        await until(lambda: bench.tcp.figures.accepted == 61)
        assert bench.tcp.figures.open == 9
        assert bench.tcp.figures.refused[Refusal.UNPROVEN] == 52
        bench.tcp.sweep(FAR)
        assert bench.tcp.figures.open == 0
        assert bench.tcp.figures.refused[Refusal.IDLE] == 1
        assert await reader.readexactly(3) == framed(PROOF)
        for _, each in [*flood, (reader, writer)]:
            each.close()


async def test_more_than_the_share_of_an_address_is_refused():
    """At once, and it is counted why."""
    async with serving(TcpLimits(per_prefix=2)) as bench:
        clients = [await bench.connect() for _ in range(2)]
        with contextlib.suppress(ConnectionError):
            clients.append(await bench.connect())
        await until(lambda: sum(bench.tcp.figures.refused))
        assert bench.tcp.figures.refused[Refusal.PREFIX_FULL] == 1
        assert bench.tcp.figures.open == 2
        for _, writer in clients:
            writer.close()


async def test_silence_is_ended():
    """Who opens a connection and proves nothing is not kept."""
    async with serving() as bench:
        reader, writer = await bench.connect()
        await until(lambda: bench.tcp.figures.open)
        bench.tcp.sweep(asyncio.get_running_loop().time() + PROOF_PATIENCE)
        assert await is_over(reader)
        writer.close()


async def test_without_files_accepting_pauses(monkeypatch):
    """The loop is not kept busy by what it cannot take, and takes it later."""
    monkeypatch.setattr("rendezvous.tcp_connections._PAUSE", 0.01)
    async with serving() as bench:
        listener, number = bench.tcp._listeners[0]
        calls = []

        class Full:
            family = socket.AF_INET

            def accept(self):
                calls.append(1)
                raise OSError(24, "Too many open files")

        bench.tcp._on_acceptable(Full(), number)
        assert calls == [1]
        _, writer = await bench.connect()
        await until(lambda: bench.tcp.figures.accepted)
        writer.close()
        assert listener.fileno() > 0


@pytest.mark.parametrize("has_tcp", [True, False])
def test_a_port_is_free_for_both_or_udp_alone_is_wanted(has_tcp):
    """Port 0 is the same port twice."""
    listen = ListenAddress(socket.AF_INET, "127.0.0.1", 0, has_tcp=has_tcp)
    udp, tcp = bind_both(listen)
    with udp:
        assert (tcp is not None) is has_tcp
        if tcp is not None:
            with tcp:
                assert tcp.getsockname() == udp.getsockname()
