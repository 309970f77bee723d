"""The gate of a lane on real connections."""

import os
import socket
import sys
import threading
from collections.abc import Iterator

import pytest

from p2p_remote.net import lane_gate
from p2p_remote.net.lane_gate import LaneGate

linux = pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO is Linux's")
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A TCP connection over the loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = socket.create_connection(server.getsockname())
        here, _ = server.accept()
    with there, here:
        yield there, here


def read(connection: socket.socket, size: int) -> bytes:
    """So many bytes, or all until the end."""
    data = b""
    while len(data) < size and (more := connection.recv(size - len(data))):
        data += more
    return data


@pytest.mark.parametrize("tells", [True, False])
def test_everything_arrives_in_order(pair: Pair, tells: bool) -> None:
    there, here = pair
    content = os.urandom(3_000_000)
    gate = LaneGate(there)
    gate._tells = tells and gate._tells

    def send() -> None:
        for start in range(0, len(content), 65_000):
            gate.send(content[start : start + 65_000])

    thread = threading.Thread(target=send)
    thread.start()
    assert read(here, len(content)) == content
    thread.join()


@linux
def test_no_more_than_the_window_is_under_way(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The receiver's system takes it all, so acknowledgements let the rest follow."""
    there, here = pair
    gate = LaneGate(there)
    monkeypatch.setattr(gate._window, "look", lambda *_: None)
    gate._window.size = 10_000
    parts: list[int] = []

    class Counting:
        def sendall(self, data: memoryview) -> None:
            parts.append(len(data))
            there.sendall(data)

        def getsockopt(self, *arguments: int) -> bytes:
            return there.getsockopt(*arguments)

    gate._connection = Counting()  # type: ignore[assignment]
    gate.send(bytes(100_000))
    assert max(parts) <= 10_000
    assert len(read(here, 100_000)) == 100_000


@linux
def test_a_receiver_that_takes_nothing_is_given_up(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_gate, "STALL_SECONDS", 0.2)
    gate = LaneGate(pair[0])
    gate._window.size = 1 << 20
    monkeypatch.setattr(gate._window, "look", lambda *_: None)
    with pytest.raises(TimeoutError):
        gate.send(bytes(1 << 26))


@linux
@pytest.mark.parametrize("how", ["reset", "closed here"])
def test_a_connection_that_is_over_is_noticed(pair: Pair, how: str) -> None:
    there, here = pair
    gate = LaneGate(there)
    gate._window.size = 0  # so that nothing is written
    waiting = threading.Event()
    real = gate._wait

    def wait(needed: int) -> None:
        waiting.set()
        real(needed)

    gate._wait = wait  # type: ignore[method-assign]

    def end() -> None:
        waiting.wait(10)
        if how == "reset":
            here.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0" + bytes(4))
            here.close()
        else:
            there.shutdown(socket.SHUT_RDWR)
            there.close()

    thread = threading.Thread(target=end)
    thread.start()
    with pytest.raises(OSError):  # noqa: PT011 -- whatever the system calls it
        gate.send(b"abc")
    thread.join()
