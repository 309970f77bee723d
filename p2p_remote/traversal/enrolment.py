"""Getting a lease from the rendezvous server: HELLO, REGISTER and their answers.

GREETING --challenged--> REGISTERING --registered--> SETTLED --enrol--> GREETING

The first HELLO takes the best way to the server and the one that worked last. If that
is not answered in time all bare ways are tried at once, and a moment later the covered
ones too (`carriers.waves_of`), as happy eyeballs do (RFC 8305). The first that answers
is used, unless REGISTER stays unanswered there and a better one has answered too.

Two REGISTERs that are out at once would leave it to chance which of the two leases the
server lists under our ID. So there is one as long as it is not overdue; and if one that
was given up is granted after all, we register once more.
"""

from collections import deque
from collections.abc import Callable
from enum import Enum, auto

from p2p_remote.crypto.identity import Identity
from p2p_remote.crypto.primitives import sealed_box_open
from p2p_remote.traversal.carriers import waves_of
from p2p_remote.traversal.requests import Lease, vary
from p2p_remote.wire import rendezvous as wire
from p2p_remote.wire.address import Endpoint, Path, pack_endpoint

HELLO_FIRST_WAIT = 0.25  # s, doubled with every try; so is the pause between rounds
FALLBACK_AFTER = 0.15  # s without an answer until all bare ways are tried
# s more until those in TLS are: the least that RFC 8305 section 8 has, and enough for a
# connection and a HELLO at 50 ms to the server.
COVER_AFTER = 0.1
_WAVES_AFTER = (FALLBACK_AFTER, COVER_AFTER)
HELLO_LONGEST_WAIT = 15.0  # s
REGISTER_WAITS = (0.25, 0.5, 1.0, 2.0)  # s
KEEPALIVE_BOUNDS = (5, 60)  # s; what a server may ask for
LEASE_BOUNDS = (15, 600)  # s
MAX_GIVEN_UP = 8  # transactions of REGISTERs without an answer that are remembered


class Phase(Enum):
    """Where enrolment stands."""

    GREETING = auto()  # HELLO is out
    REGISTERING = auto()  # REGISTER is out
    SETTLED = auto()  # registered as far as we know
    TAKEN = auto()  # another key holds our ID
    CLOSED = auto()


class Trigger(Enum):
    """What moves enrolment on."""

    ENROL = auto()  # the server seems to have forgotten us
    CHALLENGED = auto()
    REGISTERED = auto()
    GAVE_UP = auto()  # REGISTER was not answered
    ID_TAKEN = auto()
    CLOSE = auto()


TRANSITIONS = {
    (Phase.GREETING, Trigger.CHALLENGED): Phase.REGISTERING,
    (Phase.GREETING, Trigger.REGISTERED): Phase.SETTLED,  # late, but it is answered
    (Phase.GREETING, Trigger.CLOSE): Phase.CLOSED,
    (Phase.REGISTERING, Trigger.CHALLENGED): Phase.REGISTERING,
    (Phase.REGISTERING, Trigger.REGISTERED): Phase.SETTLED,
    (Phase.REGISTERING, Trigger.GAVE_UP): Phase.GREETING,
    (Phase.REGISTERING, Trigger.ID_TAKEN): Phase.TAKEN,
    (Phase.REGISTERING, Trigger.CLOSE): Phase.CLOSED,
    (Phase.SETTLED, Trigger.ENROL): Phase.GREETING,
    (Phase.SETTLED, Trigger.CLOSE): Phase.CLOSED,
    (Phase.TAKEN, Trigger.CLOSE): Phase.CLOSED,
}
"""All transitions; a trigger that is not here changes nothing."""


class Enrolment:
    """One client's way to a lease, as often as it needs one."""

    def __init__(
        self,
        identity: Identity,
        ways: tuple[Endpoint, ...],
        random: Callable[[int], bytes],
        now: float,
        *,
        listed: bool,
    ) -> None:
        """Begin at `now`; `ways` lead to the server, the best first.

        The other arguments are as those of `Registration`.
        """
        self.phase = Phase.GREETING
        self.way = ways[0]
        """Way that was challenged last."""
        self._ways = ways
        self._waves = waves_of(ways)
        self._identity = identity
        self._random = random
        self._listed = listed
        self._outbox: list[tuple[bytes, Path]] = []
        self._due: float | None = now
        self._hello_wait = HELLO_FIRST_WAIT
        self._pause = HELLO_FIRST_WAIT
        self._hello = random(wire.TRANSACTION_LENGTH)
        self._transaction = self._hello
        self._register = b""
        self._better: tuple[wire.Challenge, Endpoint] | None = None
        self._given_up: deque[bytes] = deque(maxlen=MAX_GIVEN_UP)
        self._contested = False
        self._is_settling = False  # a contest: what begins one is not done again
        self._replaces = 0
        self._tries = 0

    @property
    def better_way_answers(self) -> bool:
        """Whether a better way than that of REGISTER has answered HELLO since."""
        return self._better is not None

    def enrol(self, now: float) -> None:
        """Register anew, unless that is under way or no use."""
        if self._move(Trigger.ENROL):
            self._is_settling = False
            self._greet_at(now)

    def hurry(self, now: float) -> None:
        """Try at once: the network has changed.

        Ways that are still to be tried stay next, however often this is called.
        """
        if self.phase is Phase.GREETING:
            self._hello_wait = HELLO_FIRST_WAIT
            if 0 < self._tries < len(self._waves) and self._due is not None:
                self._due = min(self._due, now + COVER_AFTER)
                return
            self._tries = 0
            self._due = now

    def close(self) -> None:
        """Stop for good."""
        self._move(Trigger.CLOSE)
        self._due = None

    def next_due(self) -> float | None:
        """When `handle_timer` has something to do."""
        return self._due

    def handle_timer(self, now: float) -> None:
        """Repeat HELLO or REGISTER."""
        if self._due is None or now < self._due:
            return
        if self.phase is Phase.GREETING:
            self._send_hello(now)
        elif self._better is not None and not self._is_settling:
            self._follow(*self._better, now)
        elif self._tries < len(REGISTER_WAITS):
            self._send_register(now)
        else:
            self._move(Trigger.GAVE_UP)
            self._given_up.append(self._transaction)
            self._greet_at(now + vary(self._pause, self._random))
            self._pause = min(2 * self._pause, HELLO_LONGEST_WAIT)

    def _send_hello(self, now: float) -> None:
        hello = wire.Hello(self._hello, self._identity.public).encode()
        wave = self._waves[min(self._tries, len(self._waves) - 1)]
        self._outbox += [(hello, way) for way in dict.fromkeys((*wave, self.way))]
        self._due = now + self._wait_after(wave)
        self._tries += 1

    def _wait_after(self, wave: tuple[Endpoint, ...]) -> float:
        """Seconds until the next try: soon, while there are ways left to try."""
        if wave != self._waves[-1] and self._tries < len(_WAVES_AFTER):
            return _WAVES_AFTER[self._tries]
        wait = vary(self._hello_wait, self._random)
        self._hello_wait = min(2 * self._hello_wait, HELLO_LONGEST_WAIT)
        return wait

    def take_datagrams(self) -> list[tuple[bytes, Path]]:
        """Drain what is to be sent to the server."""
        outbox, self._outbox = self._outbox, []
        return outbox

    def on_challenge(
        self, message: wire.Challenge, way: Endpoint, replaces: int, now: float
    ) -> None:
        """Sign the claim; it takes the place of registration `replaces` (0: none).

        `way` is the one that the challenge came by.
        """
        if message.transaction != self._hello or way not in self._ways:
            return
        self._replaces = replaces
        if self.phase is Phase.GREETING:
            self._better = None
            self._follow(message, way, now)
        elif self.phase is Phase.REGISTERING:
            best = self._better[1] if self._better is not None else self.way
            if self._rank(way) < self._rank(best):
                self._better = message, way

    def _follow(self, message: wire.Challenge, way: Endpoint, now: float) -> None:
        """Register by this way."""
        if self.phase is Phase.REGISTERING:
            self._given_up.append(self._transaction)
        self._better = None
        self._move(Trigger.CHALLENGED)
        self.way = way
        self._transaction = self._random(wire.TRANSACTION_LENGTH)
        unsigned = wire.Register(
            self._transaction,
            message.cookie,
            self._identity.public,
            self._identity.counter,
            self._identity.peer_id,
            wire.FLAG_LISTED if self._listed else 0,
            self._replaces,
            pack_endpoint(way),
            bytes(wire.SIGNATURE_LENGTH),
        )
        signature = self._identity.sign(unsigned.signed_part())
        self._register = unsigned.encode()[: -wire.SIGNATURE_LENGTH] + signature
        self._tries = 0
        self._send_register(now)

    def on_registered(self, message: wire.Registered, now: float) -> Lease | None:
        """Lease that the server grants, if this answers our REGISTER.

        If it answers one that was given up, the server may list that lease instead of
        ours, and we register anew; unless nothing has come of the greeting since.

        Raises:
            AuthenticationFailedError: the key in it is not sealed to us.
            MalformedMessageError: it carries no address.

        """
        if message.transaction in self._given_up:
            is_last = message.transaction == self._given_up[-1]
            self._given_up.remove(message.transaction)
            if self.phase is not Phase.GREETING or not is_last:
                self._contested = True
                self._settle_contest(now)
                return None
        elif (
            self.phase is not Phase.REGISTERING
            or message.transaction != self._transaction
        ):
            return None
        lease = Lease(
            message.registration,
            sealed_box_open(self._identity.secret, message.sealed_key),
            _within(message.lease, LEASE_BOUNDS),
            _within(message.keepalive, KEEPALIVE_BOUNDS),
            wire.unmask_endpoint(message.masked, message.transaction),
        )
        self._move(Trigger.REGISTERED)
        self._due = None
        self._pause = HELLO_FIRST_WAIT
        self._settle_contest(now)
        return lease

    def _settle_contest(self, now: float) -> None:
        """Register once more, now or when this REGISTER is answered."""
        if self._contested and self._move(Trigger.ENROL):
            self._contested = False
            self._is_settling = True
            self._greet_at(now)

    def on_id_taken(self, message: wire.IdTaken) -> bool:
        """Whether another key holds our ID, as far as the server can be believed."""
        if (
            message.transaction != self._transaction
            or message.public == self._identity.public
            or not self._move(Trigger.ID_TAKEN)
        ):
            return False
        self._due = None
        return True

    def _move(self, trigger: Trigger) -> bool:
        """Take a transition of the table; False if there is none."""
        phase = TRANSITIONS.get((self.phase, trigger))
        if phase is None:
            return False
        self.phase = phase
        return True

    def _rank(self, way: Endpoint) -> int:
        return self._ways.index(way)

    def _greet_at(self, when: float) -> None:
        self._hello = self._transaction = self._random(wire.TRANSACTION_LENGTH)
        self._hello_wait = HELLO_FIRST_WAIT
        self._tries = 0
        self._due = when

    def _send_register(self, now: float) -> None:
        self._outbox.append((self._register, self.way))
        self._due = now + REGISTER_WAITS[self._tries]
        self._tries += 1


def _within(value: int, bounds: tuple[int, int]) -> int:
    low, high = bounds
    return min(max(value, low), high)
