"""A rendezvous on several simulated ports, by UDP and TCP: one protocol behind all."""

from collections.abc import Sequence
from typing import Any

from p2p_remote.wire.address import Endpoint, Path, TcpEndpoint
from rendezvous.addresses import (
    TCP,
    Address,
    endpoint_of,
    is_tcp,
    listener_of,
    pack,
)
from rendezvous.protocol import Protocol
from tests.support.network import Host, Socket


class ServerPort:
    """The machine of one port; the first one keeps the time."""

    def __init__(self, ports: "ServerPorts", number: int) -> None:
        self._ports = ports
        self._number = number

    def receive_datagram(self, data: bytes, path: Path, now: float) -> None:
        """Take a datagram."""
        assert isinstance(path, Endpoint)
        flag = TCP if isinstance(path, TcpEndpoint) else 0
        address = pack(path, self._number | flag)
        self._ports.protocol.receive_datagram(data, address, now)

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        self._ports.protocol.handle_timer(now)

    def datagrams_to_send(self, now: float) -> Sequence[tuple[bytes, Path]]:
        """Drain what leaves from this port, and wake the others."""
        self._ports.distribute(now)
        return self._ports.take(self._number)

    def next_timer(self) -> float | None:
        """When to call `handle_timer`."""
        return None if self._number else self._ports.protocol.next_timer()

    def next_event(self) -> Any | None:
        """Drain one event."""
        return self._ports.protocol.next_event()


class ServerPorts:
    """All ports; `numbers` are those of the listening sockets, 0 is among them."""

    def __init__(
        self, protocol: Protocol, host: Host, ports: dict[int, int], *, tcp: bool
    ) -> None:
        """Open `ports` (number of the socket: port), by TCP too if `tcp`."""
        self.protocol = protocol
        self._waiting: dict[int, list[tuple[bytes, Path]]] = {n: [] for n in ports}
        self.sockets: dict[int, Socket] = {}
        for number, port in ports.items():
            socket = host.open(port, ServerPort(self, number))
            socket.raw = True
            self.sockets[number] = socket
            if tcp:
                socket.open_tcp(listen=True)

    def distribute(self, now: float) -> None:
        """Give every port what leaves from there."""
        for data, address in self.protocol.datagrams_to_send(now):
            number = listener_of(address)
            self._waiting[number].append((data, _path_of(address)))
            self.sockets[number].wake()

    def take(self, number: int) -> list[tuple[bytes, Path]]:
        """Drain what leaves from one port."""
        waiting, self._waiting[number] = self._waiting[number], []
        return waiting

    def close(self) -> None:
        """Let the server's process end without a word."""
        for socket in self.sockets.values():
            socket.host.close(socket)


def _path_of(address: Address) -> Endpoint:
    endpoint = endpoint_of(address)
    if is_tcp(address):
        return TcpEndpoint(endpoint.host, endpoint.port)
    return endpoint
