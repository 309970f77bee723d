"""The rendezvous server over TCP, as a process on loopback."""

import contextlib
import re
import signal
import socket
import subprocess
import time
import urllib.request

import pytest

from p2p_remote.traversal.registration_events import (
    CallAccepted,
    Punch,
    Registered,
    Rung,
)
from p2p_remote.wire.address import Endpoint
from tests.support.rendezvous import FIRST_MESSAGE
from tests.system.rendezvous_processes import (
    COMMAND,
    PATIENCE,
    Client,
    TcpClient,
    TlsClient,
    run_until,
    running,
)


def introduced(caller, callee):
    """Register both and call; the channel."""
    both = (caller, callee)
    run_until(lambda: all(each.first(Registered) for each in both), *both)
    caller.machine.call(callee.identity.peer_id, FIRST_MESSAGE, time.monotonic())
    run_until(lambda: callee.first(Rung) and caller.first(CallAccepted), *both)
    return callee.first(Rung).path


def relay_both_ways(caller, callee, channel):
    """A datagram each way over the channel."""
    for one, other in ((caller, callee), (callee, caller)):
        data = b"\x30" + channel.to_bytes(4, "little") + bytes(1200)
        one.send(data)
        run_until(lambda other=other: other.relayed, one, other)
        assert other.relayed == [data]


@pytest.mark.parametrize(
    "kinds",
    [(TcpClient, Client), (TcpClient, TcpClient), (TlsClient, TcpClient)],
)
def test_calls_and_relayed_datagrams_over_tcp(kinds):
    """Between TCP and UDP, TCP and TCP, TLS and TCP; PUNCH as well."""
    with running() as (process, server):
        caller = kinds[0]("caller", server, listed=False)
        callee = kinds[1]("callee", server)
        path = introduced(caller, callee)
        relay_both_ways(caller, callee, path.channel)
        callee.machine.agree(path, time.monotonic())
        run_until(lambda: caller.first(Punch) and callee.first(Punch), caller, callee)
        port = caller.socket.getsockname()[1]
        assert callee.first(Punch).endpoints == (Endpoint("127.0.0.1", port),)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        assert process.stderr.read() == ""
        caller.socket.close()
        callee.socket.close()


def test_a_new_connection_takes_the_lease_and_its_channels_along():
    """A lost connection is no lost registration: it proves its new address."""
    with running() as (_, server):
        caller = TcpClient("caller", server, listed=False)
        callee = Client("callee", server)
        path = introduced(caller, callee)
        caller.reconnect()
        caller.machine.refresh(time.monotonic())
        ports = lambda: [  # noqa: E731
            each.reflexive.port
            for each in caller.events
            if isinstance(each, Registered)
        ]
        run_until(lambda: len(ports()) > 1, caller, callee)
        assert ports()[-1] == caller.socket.getsockname()[1]
        relay_both_ways(caller, callee, path.channel)
        caller.socket.close()
        callee.socket.close()


def test_a_restart_hands_leases_of_connections_over(tmp_path):
    """The connection is gone, the lease is not."""
    options = ("--handover", str(tmp_path / "handover"))
    with running(*options) as (process, server):
        client = TcpClient("client", server)
        run_until(lambda: client.first(Registered), client)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    with running(*options, host=str(server)):
        client.reconnect()
        client.machine.refresh(time.monotonic())
        known = len(client.events)
        run_until(lambda: len(client.events) > known, client)
        assert isinstance(client.events[-1], Registered)
        assert client.machine._lease.counter > 1
        client.socket.close()


def test_a_flood_of_connections_leaves_the_registered_served():
    """What is beyond the share of an address is refused and counted."""
    with running("--metrics", "127.0.0.1:0") as (process, server):
        _, where = process.stdout.readline().split()
        client = TcpClient("client", server)
        run_until(lambda: client.first(Registered), client)
        flood = []
        for _ in range(400):
            each = socket.socket()
            each.setblocking(False)
            each.connect_ex((server.host, server.port))
            flood.append(each)
        counter = client.machine._lease.counter
        client.machine.refresh(time.monotonic())
        run_until(lambda: client.machine._requests.get("keepalive") is None, client)
        assert client.machine._lease.counter > counter
        with urllib.request.urlopen(f"http://{where}/metrics") as answer:
            text = answer.read().decode()
        assert 'p2p_rendezvous_tcp_refused_total{reason="rate"} ' in text
        assert "p2p_rendezvous_tcp_connections " in text
        for each in (*flood, client.socket):
            each.close()


def figure(where, name):
    """A figure of the server."""
    with urllib.request.urlopen(f"http://{where}/metrics") as answer:
        text = answer.read().decode()
    return float(re.search(rf"^{name} (\S+)$", text, re.MULTILINE)[1])


def flood(server, rounds):
    """Connections from many addresses, each of which says a little and goes."""
    for number in range(rounds):
        source = (f"127.{number % 200 + 1}.{number % 7}.2", 0)
        with contextlib.suppress(OSError):
            each = socket.create_connection((server.host, server.port), 5, source)
            each.sendall(b"\x40\x00half a datagram")
            each.close()


def test_a_flood_of_connections_leaves_memory_flat():
    """What thousands of connections have left behind is next to nothing."""
    with running("--metrics", "127.0.0.1:0") as (process, server):
        _, where = process.stdout.readline().split()
        flood(server, 1000)
        before = figure(where, "process_resident_memory_bytes")
        flood(server, 4000)
        after = figure(where, "process_resident_memory_bytes")
        assert after - before < 4 * 1024 * 1024
        assert figure(where, "p2p_rendezvous_tcp_connections") < 1000
        client = TcpClient("client", server)
        run_until(lambda: client.first(Registered), client)
        client.socket.close()


def test_a_busy_tcp_port_is_named_and_udp_alone_is_offered():
    """One line says which port, and what to do; `/udp` does it."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        result = subprocess.run(
            [*COMMAND, "--listen", f"127.0.0.1:{port}"],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert result.returncode == 6
        assert f"TCP port {port} is in use by another program" in result.stderr
        assert "/udp" in result.stderr
        assert result.stderr.count("\n") == 1
        with running(host=f"127.0.0.1:{port}/udp") as (_, server):
            client = Client("client", server)
            run_until(lambda: client.first(Registered), client)
            client.socket.close()
