"""Breaks of the path in mid session, with text and pictures flowing, in virtual time.

    outcome = run("the technician's router forgets", ("portrest", "eim"), seed=7)

Whole nodes and a whole rendezvous. The technician types about six characters a second,
each a message of its own; the customer sends a small screen update ten times a second.
Nobody tells the nodes that their network has changed: they have to notice.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import Any

from p2p_remote.session import events as ev
from p2p_remote.session import node_events as nd
from p2p_remote.session.roles import State
from p2p_remote.wire import input as wire_input
from p2p_remote.wire.screen import PACKER_RAW, ScreenUpdate
from tests.scenarios.world import Person, World
from tests.support.line import Line
from tests.support.network import Datagram, Middlebox, Site
from tests.support.places import CARRIERS, router

HALF_ROUND_TRIP = 0.015  # s from a site to the server, which is in the middle
SETTLING = 8.0  # s of the session before the break
AFTERWARDS = 12.0  # s in which what was typed has to arrive
DIRECT_AGAIN = 75.0  # s after which the path has to be direct again
CUSTOMER_ADDRESS, TECHNICIAN_ADDRESS = "198.51.100.1", "198.51.100.2"
CUT_FOR = 5.0  # s without the direct path
AWAY_FOR = 60.0  # s without any network
SERVER_AWAY_FOR = 3.0  # s
TYPING = (0.08, 0.26)  # s between two characters
PICTURE = 0.1  # s between two updates
PICTURE_BYTES = 400

Act = Callable[["Break"], None]


class Wall:
    """A middlebox in front of another that drops what passes between two addresses."""

    def __init__(self, inner: Middlebox | None, other: str) -> None:
        self._inner = inner
        self._other = other

    def outgoing(self, datagram: Datagram, now: float) -> Sequence[Datagram]:
        """Drop what goes to the other address."""
        if datagram.destination.host == self._other:
            return ()
        if self._inner is None:
            return (datagram,)
        return self._inner.outgoing(datagram, now)

    def rebind(self) -> None:
        """Let the router forget what it knows."""
        if self._inner is not None:
            self._inner.rebind()  # type: ignore[attr-defined]

    def incoming(self, datagram: Datagram, now: float) -> Sequence[Datagram]:
        """Drop what comes from the other address."""
        if datagram.source.host == self._other:
            return ()
        if self._inner is None:
            return (datagram,)
        return self._inner.incoming(datagram, now)


@dataclass(slots=True)
class Outcome:
    """What a break cost. Gaps are s after connectivity was there again."""

    text_gap: float = 0.0  # longest wait of a character
    picture_gap: float = 0.0  # longest pause between two updates
    lost: int = 0  # characters that never arrived
    doubled: int = 0  # that arrived twice, or out of order
    notices: int = 0  # silences of 2 s that were reported, both sides
    restored_after: float | None = None  # s until both ends had the path of before
    changes: int = 0  # how often an end took another path
    is_over: bool = False  # the session did not survive


@dataclass(slots=True)
class Break:
    """One run: a session, what is typed in it, and what arrives."""

    world: World
    networks: tuple[str, str]  # kinds, as in `tests.support.places`
    rng: random.Random
    back_at: float = 0.0  # when there was connectivity again
    typed_at: list[float] = field(default_factory=list)
    arrived: list[tuple[int, float]] = field(default_factory=list)
    drawn_at: list[float] = field(default_factory=list)
    shown: list[tuple[int, float]] = field(default_factory=list)
    changed_at: float = 0.0  # when an end took another path
    changes: int = 0
    picture_bytes: int = PICTURE_BYTES
    is_busy: bool = True

    def begin(self) -> None:
        """Type and draw from now on."""
        for person in (self.world.customer, self.world.technician):
            person.socket.on_event = self._watch(person, person.socket.on_event)
        self._type()
        self._draw()

    def _watch(
        self, person: Person, usual: Callable[[Any, float], None] | None
    ) -> Callable[[Any, float], None]:
        def take(event: Any, now: float) -> None:
            if usual is not None:
                usual(event, now)
            if isinstance(event, nd.SessionHappened):
                self._note(event.event, now)

        return take

    def _note(self, event: Any, now: float) -> None:
        if isinstance(event, ev.InputArrived):
            message = event.message
            assert isinstance(message, wire_input.TextInput)
            self.arrived.append((int(message.text), now))
        elif isinstance(event, ev.ScreenArrived):
            self.shown.append((event.update.sequence, now))
        elif isinstance(event, ev.PathChanged):
            self.changed_at = now
            self.changes += 1

    def _type(self) -> None:
        session = self.world.technician_session()
        network = self.world.network
        if not self.is_busy or session.state is not State.ACTIVE:
            return
        text = str(len(self.typed_at))
        self.typed_at.append(network.now)
        session.send_input(wire_input.TextInput(0, text), network.now)
        network.call_at(network.now + self.rng.uniform(*TYPING), self._type)

    def _draw(self) -> None:
        session = self.world.customer_session()
        network = self.world.network
        if not self.is_busy or session.state is not State.ACTIVE:
            return
        if session.screen_room(network.now) > 0:
            number = len(self.drawn_at)
            self.drawn_at.append(network.now)
            body = self.rng.randbytes(self.picture_bytes)
            update = ScreenUpdate(number, self.picture_bytes, body, PACKER_RAW)
            session.send_screen(update, network.now)
        network.call_at(network.now + PICTURE, self._draw)

    @property
    def kinds(self) -> tuple[str, str]:
        """Kinds of the paths that both ends send on."""
        people = (self.world.technician, self.world.customer)
        technician, customer = (str(each.session.path_kind) for each in people)
        return technician, customer

    def outcome(self) -> Outcome:
        """Judge what has arrived."""
        result = Outcome()
        numbers = [number for number, _ in self.arrived]
        result.lost = len(set(range(len(self.typed_at))) - set(numbers))
        result.doubled = sum(
            number != place for place, number in enumerate(numbers)
        ) * (not result.lost)
        first: dict[int, float] = {}
        for number, when in self.arrived:
            first.setdefault(number, when)
        result.text_gap = max(
            (
                first[number] - max(typed, self.back_at)
                for number, typed in enumerate(self.typed_at)
                if number in first and first[number] >= self.back_at
            ),
            default=0.0,
        )
        seen = [when for _, when in self.shown if when > self.back_at]
        result.picture_gap = max(
            (later - earlier for earlier, later in pairwise([self.back_at, *seen])),
            default=AFTERWARDS,
        )
        people = (self.world.technician, self.world.customer)
        result.notices = sum(len(each.all_of(ev.PeerSilentFor)) for each in people)
        result.changes = self.changes
        result.is_over = any(p.session.state is not State.ACTIVE for p in people)
        return result


def _rebind(person: Person) -> None:
    """Let every router above this computer forget what it knows."""
    site: Site | None = person.socket.host.site
    while site is not None:
        if site.middlebox is not None:
            site.middlebox.rebind()  # type: ignore[attr-defined]
        site = site.parent


_ROAMED = count(1)


def _move(person: Person, kind: str) -> None:
    """Bring a computer to another network of the same kind, with a new address."""
    number = 20 + next(_ROAMED) % 200
    public = f"198.51.100.{number}"
    host = person.socket.host
    network = host.site.network
    if kind == "none":
        network.move(host, public)
        return
    base, plus, modifiers = kind.partition("+")
    base = CARRIERS.get(base, base)
    box = router(base + plus + modifiers, public, seed=number)
    old = host.site
    site = network.site(public, middlebox=box, up=old.up, down=old.down)
    site.move(host, public if base == "fw" else "192.168.7.10")


def lines_of(person: Person) -> tuple[Line, Line, Line, Line]:
    """All lines between a computer and the internet."""
    host = person.socket.host
    return host.up, host.down, host.site.up, host.site.down


def cut(person: Person, *, down: bool) -> None:
    """Take the network of a computer away, or give it back."""
    for line in lines_of(person):
        line.down = down


def _technician_rebinds(run_: Break) -> None:
    _rebind(run_.world.technician)


def _customer_rebinds(run_: Break) -> None:
    _rebind(run_.world.customer)


def _technician_moves(run_: Break) -> None:
    _move(run_.world.technician, run_.networks[0])


def _customer_moves(run_: Break) -> None:
    _move(run_.world.customer, run_.networks[1])


def _direct_path_cut(run_: Break) -> None:
    """Nothing passes between the two public addresses for a while."""
    world = run_.world
    walls = []
    for person, other in (
        (world.technician, CUSTOMER_ADDRESS),
        (world.customer, TECHNICIAN_ADDRESS),
    ):
        site = person.socket.host.site
        while site.parent is not None and site.parent is not world.network:
            site = site.parent
        walls.append((site, site.middlebox))
        site.middlebox = Wall(site.middlebox, other)

    def lift() -> None:
        for site, box in walls:
            site.middlebox = box

    world.network.call_at(world.network.now + CUT_FOR, lift)


def _away(run_: Break) -> None:
    world = run_.world
    cut(world.technician, down=True)
    world.network.run_for(AWAY_FOR)
    cut(world.technician, down=False)


def _server_restarts(run_: Break) -> None:
    world = run_.world
    world.stop_server()
    world.network.run_for(SERVER_AWAY_FOR)
    world.start_server()


BREAKS: dict[str, Act] = {
    "the technician's router forgets": _technician_rebinds,
    "the customer's router forgets": _customer_rebinds,
    "the technician's address changes": _technician_moves,
    "the customer's address changes": _customer_moves,
    "the direct path is cut for 5 s": _direct_path_cut,
    "60 s without any network": _away,
    "the server restarts": _server_restarts,
}
"""What happens, by name."""

DIRECT_KINDS = (("portrest", "eim"), ("fw", "portrest"), ("cgn", "addrrest"))
RELAYED_KINDS = (("symrandom", "symrandom"), ("symrandom", "cgnsym"))


def begun(kinds: tuple[str, str], seed: int, loss: float = 0.0) -> Break:
    """Session between these kinds of networks that has settled."""
    world = World(
        seed,
        technician_nat=kinds[0],
        customer_nat=kinds[1],
        delay=HALF_ROUND_TRIP,
        server_delay=0.0,
        loss=loss,
    )
    world.call()
    world.approve("control")
    world.network.run_for(SETTLING)
    return Break(world, kinds, random.Random(seed))


def run_in_turn(
    names: Sequence[str], kinds: tuple[str, str], seed: int
) -> list[float | None]:
    """Seconds until the path was direct after each of these breaks; None: it was not.

    A break follows the one before as soon as the path is direct, but not before 3 s.
    """
    run_ = begun(kinds, seed)
    network = run_.world.network
    run_.begin()
    found: list[float | None] = []
    for name in names:
        BREAKS[name](run_)
        began = network.now
        network.run_for(3.0)
        network.run_for(DIRECT_AGAIN, lambda: "relay" in run_.kinds)
        is_direct = "relay" not in run_.kinds and run_.changed_at > began
        found.append(run_.changed_at - began if is_direct else None)
    return found


def run(name: str, kinds: tuple[str, str], seed: int, loss: float = 0.0) -> Outcome:
    """One session between these kinds of networks through one break, or none."""
    run_ = begun(kinds, seed, loss)
    network = run_.world.network
    expected = run_.kinds
    run_.begin()
    network.run_for(2.0 + run_.rng.random())
    if name in BREAKS:
        BREAKS[name](run_)
    run_.back_at = network.now
    network.run_for(AFTERWARDS)
    run_.is_busy = False
    network.run_for(1.0)
    result = run_.outcome()
    network.run_for(
        DIRECT_AGAIN - AFTERWARDS,
        lambda: run_.kinds != expected and not result.is_over,
    )
    if run_.kinds == expected:
        result.restored_after = max(run_.changed_at - run_.back_at, 0.0)
    return result
