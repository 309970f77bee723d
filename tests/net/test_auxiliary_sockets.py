"""Sockets beside the main ones, on loopback."""

import asyncio
import socket
from typing import Any

from p2p_remote.net import auxiliary_sockets
from p2p_remote.net.auxiliary_sockets import AuxiliarySockets
from p2p_remote.net.driver import Driver
from p2p_remote.net.udp_socket import open_udp_sockets
from p2p_remote.traversal.paths import AuxiliaryEndpoint, SocketsReleased
from p2p_remote.wire.address import Endpoint, Path


class Asker:
    """Sends one datagram from each of three sockets and notes what comes back."""

    def __init__(self, target: Endpoint) -> None:
        self.out: list[tuple[bytes, Path]] = [(b"main", target)]
        for number in (1, 2):
            path = AuxiliaryEndpoint(target.host, target.port, (9, number))
            self.out.append((b"%d" % number, path))
        self.heard: dict[bytes, Path] = {}
        self.heard_all = asyncio.Event()
        self.events: list[Any] = []

    def receive_datagram(self, data: bytes, path: Path, now: float) -> None:
        self.heard[data] = path
        if len(self.heard) == 3:
            self.heard_all.set()

    def handle_timer(self, now: float) -> None:
        pass

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Path]]:
        out, self.out = self.out, []
        return out

    def next_timer(self) -> float | None:
        return None

    def next_event(self) -> Any | None:
        return self.events.pop(0) if self.events else None


def echo_server() -> socket.socket:
    """A bound socket."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    server.settimeout(5)
    return server


async def test_each_name_has_a_socket_and_answers_carry_it():
    """Three names are three ports; an answer has the name of its socket."""
    with echo_server() as server:
        target = Endpoint(*server.getsockname())
        machine = Asker(target)
        events: list[Any] = []
        driver: Driver[Any] = Driver(
            machine, open_udp_sockets(0, "127.0.0.1"), events.append
        )
        await driver.start()
        ports = set()
        for _ in range(3):
            data, source = server.recvfrom(100)
            ports.add(source[1])
            server.sendto(data, source)
        async with asyncio.timeout(5):
            await machine.heard_all.wait()
        assert len(ports) == 3
        assert machine.heard[b"main"] == target
        assert machine.heard[b"2"] == AuxiliaryEndpoint(
            target.host, target.port, (9, 2)
        )
        machine.events.append(SocketsReleased(9, frozenset({2})))
        driver.poke()
        assert len(driver._auxiliary) == 1
        assert events == []
        await driver.close()
        assert len(driver._auxiliary) == 0


async def test_there_are_not_too_many(monkeypatch):
    """Beyond the limit datagrams are lost, and nothing else happens."""
    monkeypatch.setattr(auxiliary_sockets, "MAX_SOCKETS", 3)
    with echo_server() as server:
        target = Endpoint(*server.getsockname())
        sockets = AuxiliarySockets(lambda *_: None, lambda: None)
        for number in range(5):
            sockets.send((1, number), b"x", target)
        assert (len(sockets), sockets.refused) == (3, 2)
        sockets.release(SocketsReleased(2))
        assert len(sockets) == 3
        sockets.release(SocketsReleased(1))
        assert len(sockets) == 0
        await asyncio.sleep(0)
        sockets.close()
