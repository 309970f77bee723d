"""The rendezvous server as a process on loopback."""

import os
import signal
import socket
import subprocess
import time
import urllib.request

import pytest

from p2p_remote.traversal.registration import Registration
from p2p_remote.traversal.registration_events import CallAccepted, Registered, Rung
from p2p_remote.wire.address import Endpoint
from tests.support.rendezvous import FIRST_MESSAGE, quick_identity
from tests.system.rendezvous_processes import (
    COMMAND,
    PATIENCE,
    Client,
    run_until,
    running,
)


def has_ipv6():
    """Whether this machine has an IPv6 loopback address."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:0",
        pytest.param(
            "[::1]:0",
            marks=pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on loopback"),
        ),
    ],
)
def test_two_clients_register_call_and_relay(host):
    """The whole way on real sockets, IPv4 and IPv6."""
    with running(host=host) as (process, server):
        callee = Client("callee", server)
        caller = Client("caller", server, listed=False)
        run_until(
            lambda: callee.first(Registered) and caller.first(Registered),
            callee,
            caller,
        )
        seen = callee.first(Registered).reflexive
        assert seen == Endpoint(server.host, callee.socket.getsockname()[1])
        caller.machine.call(callee.identity.peer_id, FIRST_MESSAGE, time.monotonic())
        run_until(
            lambda: callee.first(Rung) and caller.first(CallAccepted), callee, caller
        )
        channel = caller.first(CallAccepted).path.channel
        data = b"\x30" + channel.to_bytes(4, "little") + b"sealed"
        caller.socket.sendto(data, (server.host, server.port))
        run_until(lambda: callee.relayed, callee, caller)
        assert callee.relayed == [data]
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        assert process.stderr.read() == ""
        callee.socket.close()
        caller.socket.close()


def test_ctrl_c_is_a_clean_shutdown_too():
    """Exit code 130, and no traceback."""
    with running() as (process, _):
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
        assert process.stderr.read() == ""


def test_a_busy_port_is_named_and_exits_with_6():
    """One line says which port, and what to do."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        result = subprocess.run(
            [*COMMAND, "--listen", f"127.0.0.1:{port}"],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert result.returncode == 6
    assert f"UDP port {port} is in use by another program" in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_every_address_is_listed_with_its_real_port():
    """`listening` names them all, and each of them answers."""
    with running("--listen", "127.0.0.1:0") as (process, first):
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        assert first.port != 0
    second_port = free_port()
    with subprocess.Popen(
        [*COMMAND, "--listen", f"127.0.0.1:{second_port}", "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        word, one, two = process.stdout.readline().split()
        assert (word, one) == ("listening", f"127.0.0.1:{second_port}")
        for text in (one, two):
            client = Client("client", Endpoint("127.0.0.1", int(text.split(":")[1])))
            run_until(lambda client=client: client.first(Registered), client)
            client.socket.close()
        process.send_signal(signal.SIGTERM)


def free_port():
    """A UDP port that was free a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_an_address_that_is_not_ours_is_named_and_exits_with_6():
    """One line, no traceback."""
    result = subprocess.run(
        [*COMMAND, "--listen", "192.0.2.123:0"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert result.returncode == 6
    assert "192.0.2.123" in result.stderr
    assert result.stderr.count("\n") == 1


def test_an_id_is_kept_over_a_restart(tmp_path):
    """The database is written at shutdown, and a rival's claim is disputed after it."""
    database = tmp_path / "claims.sqlite3"
    options = ("--database", str(database))
    with running(*options) as (process, server):
        owner = Client("owner", server)
        run_until(lambda: owner.first(Registered), owner)
        owner.socket.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    with running(*options) as (process, server):
        rival = Client("rival", server)
        rival.machine = Registration(
            quick_identity("rival", owner.identity.peer_id),
            server,
            os.urandom,
            time.monotonic(),
            listed=True,
        )
        end = time.monotonic() + 2
        while time.monotonic() < end:
            rival.turn()
        assert rival.events == []
        rival.socket.close()
        again = Client("owner", server)
        run_until(lambda: again.first(Registered), again)
        again.socket.close()


def test_logs_name_no_address_and_no_id():
    """Even with -v there are only figures."""
    with running("-v") as (process, server):
        client = Client("client", server)
        run_until(lambda: client.first(Registered), client)
        port = client.socket.getsockname()[1]
        client.socket.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        log = process.stderr.read()
    assert "registered 1, channels 0" in log
    assert str(client.identity.peer_id) not in log
    assert str(port) not in log


def test_metrics_and_health_are_served_beside():
    """The second line of output says where; counters show the client's messages."""
    with running("--metrics", "127.0.0.1:0") as (process, server):
        word, where = process.stdout.readline().split()
        assert word == "metrics"
        client = Client("client", server)
        run_until(lambda: client.first(Registered), client)
        client.socket.close()
        with urllib.request.urlopen(f"http://{where}/metrics") as answer:
            text = answer.read().decode()
        assert 'p2p_rendezvous_datagrams_received_total{type="register"} 1\n' in text
        assert "p2p_rendezvous_registered 1\n" in text
        with urllib.request.urlopen(f"http://{where}/healthz") as answer:
            assert answer.read() == b"ok\n"
