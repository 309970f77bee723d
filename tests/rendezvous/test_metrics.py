"""What the server tells about itself."""

import asyncio
from dataclasses import replace

import pytest

from p2p_remote.errors import NetworkError
from p2p_remote.wire import rendezvous as wire
from rendezvous.metrics import MetricsServer, exposition
from rendezvous.rate_limit import Limits, Rate
from rendezvous.settings import Settings
from rendezvous.tcp_admission import TcpFigures
from tests.support.raw_client import Bench, raw_client, raw_pair, ring_of


def figures_of(bench):
    """The exposition as {name with labels: value}."""
    text = exposition(bench.protocol, 3, TcpFigures())
    samples = (line.rpartition(" ") for line in text.splitlines() if line[0] != "#")
    return {name: float(value) for name, _, value in samples}


def test_a_session_is_counted_and_nobody_is_named():
    """Messages, registrations, calls and relayed bytes; no ID, no address."""
    bench = Bench()
    caller, callee = raw_pair(bench)
    ring, _ = ring_of(caller.call(callee.identity.peer_id))
    callee.keepalive()
    channel = ring.channel.to_bytes(4, "little")
    caller.send(b"\x30" + channel + bytes(95))
    figures = figures_of(bench)
    received = "p2p_rendezvous_datagrams_received_total"
    assert figures[received + '{type="hello"}'] == 2
    assert figures[received + '{type="register"}'] == 2
    assert figures[received + '{type="keepalive"}'] == 1
    assert figures[received + '{type="relayed"}'] == 1
    assert figures["p2p_rendezvous_registrations_total"] == 2
    assert figures["p2p_rendezvous_registered"] == 2
    assert figures["p2p_rendezvous_channels"] == 1
    assert figures['p2p_rendezvous_calls_total{outcome="introduced"}'] == 1
    assert figures["p2p_rendezvous_relayed_datagrams_total"] == 1
    assert figures["p2p_rendezvous_relayed_bytes_total"] == 100
    assert figures["p2p_rendezvous_datagrams_unsent_total"] == 3
    assert figures["process_resident_memory_bytes"] > 1_000_000
    text = exposition(bench.protocol, 0, TcpFigures())
    assert str(callee.identity.peer_id) not in text
    assert "203.0.113" not in text


def test_what_is_dropped_is_counted_by_its_reason():
    """Each kind of bad datagram raises its own counter by one."""
    bench = Bench()
    caller, callee = raw_pair(bench)
    good = caller.datagram(wire.Keepalive)
    caller.send(good[:-1] + bytes([good[-1] ^ 1]))
    caller.send(good)
    caller.send(good)
    caller.send(b"\x15")
    caller.send(wire.KeepaliveAck(bytes(8), bytes(18)).encode())
    caller.send(b"\x30" + bytes(4) + b"x")
    caller.send(b"\x30" + bytes(4))
    callee.number = 1
    callee.send(callee.datagram(wire.Keepalive))
    callee.send(callee.register_datagram(bytes(16)))
    cookie = callee.hello().cookie
    callee.send(callee.register_datagram(cookie)[:-1] + b"\0")
    figures = figures_of(bench)
    dropped = {
        name.split('"')[1]: value
        for name, value in figures.items()
        if name.startswith("p2p_rendezvous_datagrams_dropped_total") and value
    }
    assert dropped == {
        "wrong_mac": 1,
        "old_counter": 1,
        "malformed": 2,
        "not_for_server": 1,
        "unknown_channel": 1,
        "unknown_registration": 1,
        "wrong_cookie": 1,
        "wrong_signature": 1,
    }


def test_rate_limits_count_what_they_refuse():
    """By the name of the limit."""
    limits = replace(Limits(), hello=Rate(1.0, 2))
    bench = Bench(Settings(limits=limits))
    client = raw_client(bench, "client", "198.51.100.1")
    answers = [client.hello() is not None for _ in range(5)]
    assert answers == [True, True, False, False, False]
    assert figures_of(bench)['p2p_rendezvous_rate_limited_total{limit="hello"}'] == 3


async def ask(where, request):
    """The answer to one raw request."""
    reader, writer = await asyncio.open_connection(where.host, where.port)
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return answer


@pytest.mark.parametrize(
    ("request_line", "status", "body"),
    [
        (b"GET /metrics HTTP/1.1", b"200 OK", b"figures\n"),
        (b"HEAD /metrics HTTP/1.1", b"200 OK", b""),
        (b"GET /healthz HTTP/1.0", b"200 OK", b"ok\n"),
        (b"GET / HTTP/1.1", b"404 Not Found", b"/metrics or /healthz\n"),
        (b"POST /metrics HTTP/1.1", b"405 Method Not Allowed", b"GET only\n"),
        (b"", b"405 Method Not Allowed", b"GET only\n"),
    ],
)
async def test_requests_are_answered_one_to_a_connection(request_line, status, body):
    """The two paths by GET and HEAD, anything else by an error."""
    server = MetricsServer(lambda: "figures\n")
    where = await server.start("127.0.0.1", 0)
    answer = await ask(where, request_line + b"\r\n\r\n")
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert rest == body
    server.close()


async def test_a_request_without_end_is_cut_off():
    """More than 8 KiB of head closes the connection without an answer."""
    server = MetricsServer(lambda: "")
    where = await server.start("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(where.host, where.port)
    writer.write(b"GET " + bytes(20_000))
    try:
        answer = await asyncio.wait_for(reader.read(), 5)
    except ConnectionResetError:
        answer = b""
    assert answer == b""
    writer.close()
    server.close()


async def test_a_port_in_use_is_named():
    """With the option that it comes from."""
    first = MetricsServer(lambda: "")
    where = await first.start("127.0.0.1", 0)
    with pytest.raises(NetworkError, match="--metrics"):
        await MetricsServer(lambda: "").start(where.host, where.port)
    first.close()
