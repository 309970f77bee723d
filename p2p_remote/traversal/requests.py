"""What is asked of the rendezvous server under a lease, until it is answered."""

from collections.abc import Callable
from dataclasses import dataclass, field

from p2p_remote.crypto.primitives import blake2b, equal
from p2p_remote.wire.address import Endpoint, Path
from p2p_remote.wire.rendezvous import (
    MAC_LENGTH,
    MAC_PERSON,
    Message,
    body_of,
    mac_of,
)

KEEPALIVE_WAITS = (2.0, 2.0, 2.0)  # s until a KEEPALIVE counts as lost
HURRIED_WAITS = (0.1, 0.15, 0.25, 0.5, 1.0, 2.0)  # s, when the network has changed
HURRIED_SPACING = 0.1  # s between two tries at least
REBIND_WAITS = (0.25, 0.5, 1.0, 2.0)  # s
CALL_WAITS = (0.25, 0.5, 1.0, 1.0, 1.0, 1.25)  # s; 5 s in all
BETTER_WAITS = (0.25, 0.5, 1.0)  # s for a better way to the server to answer
REJOIN_WAITS = (0.4,) * 12  # s; a channel is needed now, and the other may be late

REMEMBERED = 256  # rings and punches
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
    reported: tuple[Endpoint, Endpoint] | None = None  # reflexive and way

    def datagram(self, build: Callable[[int, int], Message]) -> bytes:
        """Authenticated message that `build(registration, counter)` makes."""
        self.counter += 1
        body = build(self.number, self.counter).encode()
        return body + self._mac(body)

    def is_authentic(self, datagram: bytes) -> bool:
        """Whether the server has made this authenticated message for us."""
        return equal(self._mac(body_of(datagram)), mac_of(datagram))

    def _mac(self, body: bytes) -> bytes:
        return blake2b(body, length=MAC_LENGTH, key=self.key, person=MAC_PERSON)


class Request:
    """Something asked of the server.

    All tries carry one transaction id, so any answer to any of them fits. `build` makes
    the message of a try from (transaction, registration, counter); `waits` are the
    seconds after each try. When their sum is over the request counts as unanswered.
    """

    __slots__ = (
        "_tries",
        "began_at",
        "build",
        "due",
        "expires_at",
        "name",
        "paths",
        "sent_at",
        "transaction",
        "waits",
    )

    def __init__(
        self,
        name: object,
        transaction: bytes,
        build: Callable[[bytes, int, int], Message],
        waits: tuple[float, ...],
        now: float,
        paths: tuple[Path, ...] = (),
    ) -> None:
        """`paths` to the server, if not the one in use."""
        self.name = name
        self.paths = paths
        self.transaction = transaction
        self.build = build
        self.due = self.began_at = now
        self.sent_at = now - HURRIED_SPACING
        self.expires_at = now + sum(waits)
        self.waits = waits
        self._tries = 0

    def wait_for_lease(self) -> None:
        """Without a lease nothing can be sent, and no try is used up."""
        self.due = self.expires_at

    def wait_for_next(self, now: float) -> None:
        """Count a try and set the time of the next."""
        wait = self.waits[min(self._tries, len(self.waits) - 1)]
        self._tries += 1
        self.sent_at = now
        self.due = min(now + wait, self.expires_at)

    def hurry(self, now: float) -> None:
        """Make the next try soon: something has happened that may let it through."""
        self.due = min(self.due, max(now, self.sent_at + HURRIED_SPACING))


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
        """Make the next try of all requests due at once."""
        for request in self._by_name.values():
            request.due = now

    def next_due(self) -> float | None:
        """When the next one is due."""
        return min((request.due for request in self._by_name.values()), default=None)


class Remembered:
    """What was seen lately, to tell it apart from its repeats."""

    def __init__(self) -> None:
        self._seen: dict[object, None] = {}

    def is_new(self, thing: object) -> bool:
        """Whether it was not seen before; it is remembered."""
        if thing in self._seen:
            return False
        if len(self._seen) >= REMEMBERED:
            del self._seen[next(iter(self._seen))]
        self._seen[thing] = None
        return True
