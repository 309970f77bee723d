"""What is asked of the rendezvous server under a lease, until it is answered."""

from collections.abc import Callable
from dataclasses import dataclass, field

from p2p_remote.crypto.primitives import equal, mac
from p2p_remote.wire.address import Endpoint
from p2p_remote.wire.rendezvous import (
    MAC_LENGTH,
    MAC_PERSON,
    Message,
    body_of,
    mac_of,
)

JITTER = 0.1  # share by which periods vary, so that clients do not march in step


def vary(period: float, random: Callable[[int], bytes]) -> float:
    """`period`, a little longer or shorter."""
    share = int.from_bytes(random(2), "little") / 65_535
    return period * (1 + JITTER * (2 * share - 1))


@dataclass(slots=True)
class Lease:
    """What the server has given us. `length` and `keepalive` are in s."""

    number: int
    key: bytes = field(repr=False)
    length: int
    keepalive: int
    reflexive: Endpoint
    counter: int = 0

    def datagram(self, build: Callable[[int, int], Message]) -> bytes:
        """Authenticated message that `build(registration, counter)` makes."""
        self.counter += 1
        body = build(self.number, self.counter).encode()
        return body + mac(self.key, MAC_PERSON, body)[:MAC_LENGTH]

    def is_authentic(self, datagram: bytes) -> bool:
        """Whether the server has made this authenticated message for us."""
        expected = mac(self.key, MAC_PERSON, body_of(datagram))[:MAC_LENGTH]
        return equal(expected, mac_of(datagram))


@dataclass(slots=True)
class Request:
    """Something asked of the server.

    All tries carry one transaction id, so any answer to any of them fits. `build` makes
    the message of a try from (transaction, registration, counter); `waits` are the
    seconds after each try, the last one until the request counts as unanswered.
    """

    name: object
    transaction: bytes
    build: Callable[[bytes, int, int], Message]
    waits: tuple[float, ...]
    due: float
    tries: int = 0

    @property
    def is_exhausted(self) -> bool:
        """Whether there is no try left."""
        return self.tries >= len(self.waits)

    def wait_for_next(self, now: float) -> None:
        """Count a try and set the time of the next."""
        self.due = now + self.waits[self.tries]
        self.tries += 1


class Requests:
    """The requests that are waiting for their answer, each under a name of its own."""

    def __init__(self) -> None:
        self._by_name: dict[object, Request] = {}

    def add(self, request: Request) -> None:
        """Take a request, in the place of one of the same name."""
        self._by_name[request.name] = request

    def get(self, name: object) -> Request | None:
        """Request of this name."""
        return self._by_name.get(name)

    def with_transaction(self, transaction: bytes) -> Request | None:
        """Request that an answer with this transaction id belongs to."""
        for request in self._by_name.values():
            if request.transaction == transaction:
                return request
        return None

    def remove(self, name: object) -> None:
        """Forget a request, if it is there."""
        self._by_name.pop(name, None)

    def clear(self) -> None:
        """Forget all."""
        self._by_name.clear()

    def due(self, now: float) -> list[Request]:
        """Requests whose next try, or whose end, has come."""
        return [request for request in self._by_name.values() if request.due <= now]

    def send_all_now(self, now: float) -> None:
        """Make the next try of all requests due at once (not the end of any)."""
        for request in self._by_name.values():
            if not request.is_exhausted:
                request.due = now

    def next_due(self) -> float | None:
        """When the next one is due."""
        return min((request.due for request in self._by_name.values()), default=None)
