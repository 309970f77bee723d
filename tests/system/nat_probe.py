"""What a NAT does, found out from inside (RFC 5780, with a server of our own).

    python -m tests.system.nat_probe serve ADDRESS ADDRESS     prints "ready"
    python -m tests.system.nat_probe ask ADDRESS ADDRESS

The server listens on two addresses and two ports of each. It answers a datagram
"token n,m" from its sockets n and m, in this order, with the address it has seen. The
asking side takes the number of a local port from each line of input and prints what it
has found out with a socket of this port as a line of JSON.
"""

import contextlib
import json
import select
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

PORTS = (443, 3479)
WAIT = 0.6  # s for an answer that should come, each of three times
GRACE = 0.15  # s for one that should not


def serve(addresses: list[str]) -> None:
    """Answer for ever."""
    sockets = [_bound(address, port) for address in addresses for port in PORTS]
    print("ready", flush=True)  # noqa: T201
    while True:
        for each in select.select(sockets, [], [])[0]:
            data, source = each.recvfrom(100)
            token, _, numbers = data.decode().partition(" ")
            for number in numbers.split(","):
                answer = json.dumps([token, int(number), *source])
                sockets[int(number)].sendto(answer.encode(), source)


def _bound(address: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((address, port))
    return made


class Probe:
    """One socket behind the NAT."""

    def __init__(self, servers: list[tuple[str, int]], port: int) -> None:
        self._servers = servers
        self.socket = _bound("0.0.0.0", port)
        self._asked = 0

    def ask(self, questions: dict[int, str]) -> dict[int, tuple[str, int]]:
        """Ask sockets of the server, each with the numbers of those that answer.

        Returns where we were seen from, by the number of the socket that tells it.
        """
        found: dict[int, tuple[str, int]] = {}
        self._asked += 1
        for _ in range(3):
            waiting = questions.keys() - found.keys()
            for to in sorted(waiting):
                text = f"t{self._asked} {questions[to]}"
                self.socket.sendto(text.encode(), self._servers[to])
            deadline = time.monotonic() + WAIT
            while questions.keys() - found.keys():
                if not self._take(found, deadline - time.monotonic()):
                    break
            else:
                # What others were told to answer was sent before.
                while self._take(found, GRACE if len(questions) == 1 else 0):
                    pass
                break
        return found

    def _take(self, found: dict[int, tuple[str, int]], wait: float) -> bool:
        if not select.select([self.socket], [], [], max(0.0, wait))[0]:
            return False
        with contextlib.suppress(ConnectionError):
            told, number, host, port = json.loads(self.socket.recv(200))
            if told == f"t{self._asked}":
                found[number] = (host, port)
        return True

    def seen(self) -> list[tuple[str, int] | None]:
        """Address and port at each of the server's sockets, in their order."""
        found = self.ask({to: str(to) for to in range(len(self._servers))})
        return [found.get(to) for to in range(len(self._servers))]


@contextmanager
def _probe(servers: list[tuple[str, int]], port: int = 0) -> Iterator[Probe]:
    probe = Probe(servers, port)
    with probe.socket:
        yield probe


def classify(servers: list[tuple[str, int]], port: int) -> dict[str, object]:
    """What mapping and filter depend on, and how a socket of this port appears."""
    with _probe(servers, port) as probe:
        seen = probe.seen()
    first, other_port, other_address, _ = seen
    mapping = "address and port"
    if first == other_port:
        mapping = "nothing" if first == other_address else "address"
    filtering = "address and port"
    if first is not None:
        with _probe(servers) as probe:  # a socket that knows one of them only
            answers = probe.ask({0: "3,1,0"})  # another address, another port
        if 1 in answers:
            filtering = "nothing" if 3 in answers else "address"
    return {"mapping": mapping, "filtering": filtering, "seen": seen}


def main() -> None:
    """Program; see the docstring of the module."""
    verb, *addresses = sys.argv[1:]
    if verb == "serve":
        serve(addresses)
    servers = [(address, port) for address in addresses for port in PORTS]
    for line in sys.stdin:
        print(json.dumps(classify(servers, int(line))), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
