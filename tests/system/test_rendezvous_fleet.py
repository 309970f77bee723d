"""Two rendezvous servers on one Redis work as one."""

import signal
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager

import pytest

from p2p_remote.traversal.registration_events import (
    CallAccepted,
    CallFailed,
    Punch,
    Registered,
    Rejoined,
    Rung,
)
from p2p_remote.wire.address import Endpoint
from tests.support.rendezvous import FIRST_MESSAGE, quick_identity
from tests.system.rendezvous_processes import (
    COMMAND,
    PATIENCE,
    Client,
    run_until,
    running,
)
from tests.system.requirements import require


@pytest.fixture
def store(tmp_path):
    """URL of a Redis of our own."""
    require("redis")
    pytest.importorskip("redis")
    with redis_server(tmp_path, free_port()) as url:
        yield url


@contextmanager
def redis_server(directory, port):
    """A Redis at a port of loopback."""
    process = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""],
        cwd=directory,
        stdout=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.02)
        yield f"redis://127.0.0.1:{port}/3"
    finally:
        process.kill()
        process.wait()


def free_port():
    """A TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def client():
    """Makes clients, and closes their sockets in the end."""
    with ExitStack() as opened:

        def make(name, server, **options):
            made = Client(name, server, **options)
            opened.callback(made.socket.close)
            return made

        yield make


@pytest.fixture
def registered(client):
    """Makes clients with a lease."""

    def make(name, server, **options):
        made = client(name, server, **options)
        run_until(lambda: made.first(Registered), made)
        return made

    return make


def call(caller, callee):
    """Call until the callee has rung; the channels of both."""
    caller.machine.call(callee.identity.peer_id, FIRST_MESSAGE, time.monotonic())
    run_until(lambda: callee.first(Rung) and caller.first(CallAccepted), caller, callee)
    return caller.first(CallAccepted).path, callee.first(Rung).path


def relay(sender, channel, inner):
    """Send an inner datagram over the relay."""
    data = b"\x30" + channel.channel.to_bytes(4, "little") + inner
    sender.socket.sendto(data, (sender.server.host, sender.server.port))


def test_peers_at_different_nodes_are_introduced_relayed_and_punched(store, registered):
    """CALL at one node rings at the other; data flows both ways; PUNCH shows both."""
    options = ("--store", store)
    with running(*options) as (_, one), running(*options) as (_, two):
        callee = registered("callee", one)
        caller = registered("caller", two, listed=False)
        at_caller, at_callee = call(caller, callee)
        assert (at_caller.server, at_callee.server) == (two, one)
        assert callee.first(Rung).first_message == FIRST_MESSAGE
        relay(caller, at_caller, b"there")
        run_until(lambda: callee.relayed, caller, callee)
        assert callee.relayed[0][5:] == b"there"
        relay(callee, at_callee, b"back")
        run_until(lambda: caller.relayed, caller, callee)
        assert caller.relayed[0][5:] == b"back"
        callee.machine.agree(at_callee, time.monotonic())
        run_until(lambda: callee.first(Punch) and caller.first(Punch), caller, callee)
        assert caller.first(Punch).endpoints == (Endpoint(*callee.own),)
        assert callee.first(Punch).endpoints == (Endpoint(*caller.own),)


def test_a_node_killed_in_mid_call_leaves_the_direct_session_and_others_serving(
    store, registered
):
    """Peers that know each other's address talk on; the client is called elsewhere."""
    options = ("--store", store)
    with (
        running(*options) as (process, one),
        running(*options) as (_, two),
    ):
        callee = registered("callee", one)
        caller = registered("caller", two, listed=False)
        _, at_callee = call(caller, callee)
        callee.machine.agree(at_callee, time.monotonic())
        run_until(lambda: callee.first(Punch) and caller.first(Punch), caller, callee)
        process.send_signal(signal.SIGKILL)
        process.wait()
        (target,) = caller.first(Punch).endpoints
        caller.socket.sendto(b"\x30direct", (target.host, target.port))
        run_until(lambda: callee.relayed, callee)
        assert callee.relayed[-1] == b"\x30direct"
        again = registered("callee", two)
        caller.events.clear()
        call(caller, again)


def test_an_id_that_nobody_has_is_unavailable_after_the_same_time(store, registered):
    """The store is asked, and the answer is as late as everywhere."""
    with running("--store", store) as (_, server):
        caller = registered("caller", server, listed=False)
        started = time.monotonic()
        caller.machine.call(999_999_999, FIRST_MESSAGE, started)
        run_until(lambda: caller.first(CallFailed), caller)
        assert time.monotonic() - started >= 0.15


def test_a_claim_at_one_node_holds_at_all(store, registered, client):
    """Another key that claims the same ID at another node gets no registration."""
    options = ("--store", store)
    with running(*options) as (_, one), running(*options) as (_, two):
        owner = registered("owner", one)
        rival = client("rival", two)
        rival.use(quick_identity("rival", owner.identity.peer_id))
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            rival.turn()
        assert rival.first(Registered) is None


def test_without_the_store_leases_live_on_and_return_to_it(tmp_path, registered):
    """Redis away: calls within a node still work; Redis back: calls between nodes."""
    require("redis")
    pytest.importorskip("redis")
    port = free_port()
    with ExitStack() as servers:
        with redis_server(tmp_path, port) as url:
            process, server = servers.enter_context(running("--store", url))
            callee = registered("callee", server)
            caller = registered("caller", server, listed=False)
        call(caller, callee)
        with redis_server(tmp_path, port):
            registered("newcomer", server)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        assert "The store cannot be used" in process.stderr.read()


def test_a_store_that_is_not_there_exits_with_6():
    """One line, no traceback, no waiting."""
    pytest.importorskip("redis")
    result = subprocess.run(
        [*running_command(), "--store", f"redis://127.0.0.1:{free_port()}/0"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert result.returncode == 6
    assert "The store cannot be used" in result.stderr
    assert result.stderr.count("\n") == 1


def running_command():
    """The server on a free port."""
    return [*COMMAND, "--listen", "127.0.0.1:0"]


def test_a_session_that_loses_its_relay_with_a_node_gets_another_one(store, registered):
    """Its two ends are at different nodes before and after."""
    options = ("--store", store)
    with (
        running(*options) as (process, one),
        running(*options) as (_, two),
        running(*options) as (_, three),
    ):
        callee = registered("callee", two)
        caller = registered("caller", one, listed=False)
        call(caller, callee)
        process.send_signal(signal.SIGKILL)
        process.wait()
        again = registered("caller", three, listed=False)
        for each in (again, callee):
            each.machine.rejoin(b"a token of two..", time.monotonic())
        run_until(
            lambda: again.first(Rejoined) and callee.first(Rejoined), again, callee
        )
        relay(again, again.first(Rejoined).path, b"still here")
        run_until(lambda: callee.relayed, callee)
        assert callee.relayed[-1][5:] == b"still here"
        assert again.first(Rejoined).endpoint == Endpoint(*callee.own)
