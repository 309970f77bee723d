"""A server that answers WHERE at two addresses and two ports."""

from collections.abc import Sequence
from typing import Any

from p2p_remote.wire.address import Endpoint, Path
from rendezvous.addresses import pack
from rendezvous.where import WhereAnswers
from tests.support.network import Line, Network

SERVER = Endpoint("203.0.113.9", 3479)
OTHER_ADDRESS = "203.0.113.10"
LISTENERS = (
    SERVER,
    Endpoint(SERVER.host, SERVER.port + 1),
    Endpoint(OTHER_ADDRESS, SERVER.port),
)


class WhereMachine:
    """Answers WHERE on one socket."""

    def __init__(self, answers: WhereAnswers, listener: int) -> None:
        self._answers = answers
        self._listener = listener
        self._out: list[tuple[bytes, Path]] = []

    def receive_datagram(self, data: bytes, path: Path, now: float) -> None:
        """Answer."""
        assert isinstance(path, Endpoint)
        here = self._answers.answer(data, pack(path, self._listener))
        if here is not None:
            self._out.append((here, path))

    def handle_timer(self, now: float) -> None:
        """Nothing is ever due."""

    def datagrams_to_send(self, now: float) -> Sequence[tuple[bytes, Path]]:
        """Drain."""
        out, self._out = self._out, []
        return out

    def next_timer(self) -> float | None:
        """Never."""
        return None

    def next_event(self) -> Any | None:
        """Nothing."""
        return None


def where_answers(*, alone: bool = False) -> WhereAnswers:
    """Answers of a server with all listeners, or with only the first."""
    answers = WhereAnswers()
    answers.set_listeners(LISTENERS[:1] if alone else LISTENERS)
    return answers


def open_server(network: Network, *, alone: bool = False) -> None:
    """Open all its sockets."""
    answers = where_answers(alone=alone)
    hosts = {
        host: network.host(host, up=Line(), down=Line())
        for host in (SERVER.host, OTHER_ADDRESS)
    }
    for number, each in enumerate(LISTENERS):
        hosts[each.host].open(each.port, WhereMachine(answers, number))
