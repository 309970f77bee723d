"""Whole sessions through faults of every kind at once, in virtual time.

    run(7)      # AssertionError, naming the seed, if an invariant does not hold

A seed decides the networks of both ends, their lines (rate, loss, bursts, jitter,
reordering, duplication), what is done in the session, and which faults come when: a
router forgets, an address changes, the direct path or a whole network is cut, the
server restarts, a line becomes worse. Nodes, rendezvous, transport, encoder and decoder
are the real ones.

What has to hold:

- what was typed arrives once and in order, and so does every byte of a file;
- once the faults are over, the technician sees the very screen of the customer;
- either the session goes on at both ends or it has ended at both;
- what waits to be sent, and what a node keeps, stays within bounds.
"""

import random
from collections.abc import Callable
from typing import Any

from p2p_remote.session import node_events as nd
from p2p_remote.session.roles import State
from p2p_remote.wire import control
from p2p_remote.wire import input as wire_input
from tests.scenarios.world import Person, World
from tests.support import breaks
from tests.support.disk import Disk, run_disks
from tests.support.footprint import footprint
from tests.support.line import Line
from tests.support.places import KINDS
from tests.support.storm_ends import Customer, Technician

TCP_ONLY = ("udp443", "noudp", "tcp443")  # the simulated TCP knows no losses
LOOK = 0.03  # s between two looks at the screen
CALLS = 5  # people try again
CALM = 60.0  # s after the faults in which all has to be right again
NODE_BYTES = 2 << 20  # what a node may keep
WAITING_BYTES = 2 << 20  # what may wait to be sent, over all channels
"""Bounds of memory, far above what is usual and far below what would hurt."""


def bad_line(rng: random.Random, delay: float, *, loses: bool) -> dict[str, Any]:
    """Attributes of a line with faults of every kind."""
    faults = {
        "rate": rng.choice([0.0, 0.0, 1e6, 4e6, 20e6]),
        "delay": delay,
        "jitter": rng.choice([0.0, 0.0, 0.003, 0.01]),
        "queue": rng.choice([0.05, 0.1, 0.4]),
    }
    if not loses:
        return faults
    return faults | {
        "loss": rng.choice([0.0, 0.0, 0.01, 0.03, 0.08]),
        "burst": rng.choice([1.0, 1.0, 4.0]),
        "duplicate": rng.choice([0.0, 0.02]),
        "reorder": rng.choice([0.0, 0.05]),
        "reorder_gap": rng.choice([0.002, 0.02]),
    }


class Storm:
    """One session and its faults."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = random.Random(seed)
        kinds = rng.choice(list(KINDS)), rng.choice(list(KINDS))
        delay = rng.choice([0.002, 0.015, 0.06])
        self.world = World(
            seed,
            technician_nat=kinds[0],
            customer_nat=kinds[1],
            delay=delay,
            server_delay=0.0,
        )
        self.network = self.world.network
        self.people = self.world.technician, self.world.customer
        self.faults = breaks.Break(self.world, kinds, rng)
        self._loses = not set(kinds) & set(TCP_ONLY)
        for person in self.people:
            self._spoil(person)
            person.socket.host.late_share = rng.choice([0.0, 0.15])
        self.typed = 0
        self.is_over = False
        self.content = rng.randbytes(rng.choice([0, 1, 60_000, 300_000]))
        self.disks: list[Disk] = []

    def _lines(self, person: Person) -> tuple[Line, Line]:
        host = person.socket.host
        if host.site is not self.network:
            return host.site.up, host.site.down
        return host.up, host.down

    def _spoil(self, person: Person) -> None:
        for line in self._lines(person):
            faults = bad_line(self.rng, line.delay, loses=self._loses)
            for name, value in faults.items():
                setattr(line, name, value)

    def start(self) -> None:
        """Call until the customer says yes, and begin with everything."""
        self.network.run_for(
            30.0,
            lambda: not all(each.all_of(nd.NodeRegistered) for each in self.people),
        )
        technician = self.world.technician
        for _ in range(CALLS):
            if self.world.technician.session is None:
                technician.reports.clear()  # of a call that failed
                self.world.call()
                self.network.run_for(40.0, lambda: not self._is_answered())
        assert self.world.technician.session is not None, "no call came through"
        self.world.approve("control", "file_in", wait=0.0)
        session = self.world.technician_session()
        self.network.run_for(10.0, lambda: session.state is not State.ACTIVE)
        assert session.state is State.ACTIVE, "the yes did not come through"
        self.customer, self.technician = (
            Customer(self.world, self.rng),
            Technician(self.world),
        )
        self._watch(self.world.customer, self.customer.take)
        self._watch(self.world.technician, self.technician.take)
        self._look()
        self._type()
        self._draw()
        if self.content:
            self._send_file()

    def _is_answered(self) -> bool:
        """Whether a call has come to anything."""
        technician = self.world.technician
        return technician.session is not None or bool(technician.all_of(nd.CallFailed))

    def _watch(self, person: Person, take: Callable[[Any], None]) -> None:
        usual = person.socket.on_event
        for event in person.events:
            take(event)

        def on_event(event: Any, now: float) -> None:
            if usual is not None:
                usual(event, now)
            if isinstance(event, nd.SessionHappened):
                take(event.event)

        person.socket.on_event = on_event

    def _send_file(self) -> None:
        now = self.network.now
        self.disks = [
            Disk(self.world.technician, self.content),
            Disk(self.world.customer),
        ]
        files = self.world.technician_session().files
        files.offer(files.new_number(), "a.bin", len(self.content), 0, now)

    def _look(self) -> None:
        """Every tick: screen, file, and the bounds of what waits."""
        now = self.network.now
        if self.world.customer.session.state is State.ACTIVE:
            self.customer.look()
            run_disks(self.disks, now)
        for person in self.people:
            channels = person.session.statistics().channels.values()
            waiting = sum(each.bytes_waiting for each in channels)
            assert waiting <= WAITING_BYTES, f"{waiting} bytes wait to be sent"
        self.network.call_at(now + LOOK, self._look)

    def _type(self) -> None:
        session = self.world.technician_session()
        if self.is_over or session.state is not State.ACTIVE:
            return
        now = self.network.now
        session.send_input(wire_input.TextInput(0, str(self.typed)), now)
        self.typed += 1
        self.network.call_at(now + self.rng.uniform(0.08, 0.5), self._type)

    def _draw(self) -> None:
        if self.is_over:
            return
        self.customer.draw()
        self.network.call_at(
            self.network.now + self.rng.choice([0.03, 0.1, 0.4]), self._draw
        )

    def _resize(self) -> None:
        self.customer.resize()

    def _look_elsewhere(self) -> None:
        screen = self.customer.screen
        x, y = self.rng.randint(0, 60), self.rng.randint(0, 60)
        region = (x, y, max(screen.width - x, 1), max(screen.height - y, 1))
        viewport = control.Viewport(*region, region[2], region[3])
        self.world.technician_session().send_viewport(viewport, self.network.now)

    def _away(self) -> None:
        """One end without any network."""
        person = self.rng.choice(self.people)
        breaks.cut(person, down=True)
        self.network.run_for(self.rng.choice([0.2, 1.0, 4.0, 20.0]))
        breaks.cut(person, down=False)

    def strike(self) -> None:
        """One fault, or one thing that people do."""
        quick = [name for name in breaks.BREAKS if "60 s" not in name]
        name = self.rng.choice([*quick, "away", "lines", "resize", "view"])
        if name in breaks.BREAKS:
            breaks.BREAKS[name](self.faults)
        elif name == "away":
            self._away()
        elif name == "lines":
            self._spoil(self.rng.choice(self.people))
        elif name == "resize":
            self._resize()
        else:
            self._look_elsewhere()

    def end(self) -> None:
        """Let an end say that this is over, in the midst of everything."""
        person = self.rng.choice(self.people)
        person.session.end(control.REASON_ENDED, "", self.network.now)
        person.node.collect(self.network.now)

    def calm_down(self) -> None:
        """Let all faults end, and nothing new happen."""
        self.is_over = True
        for person in self.people:
            for line in self._lines(person):
                line.loss = line.reorder = line.duplicate = line.jitter = 0.0
                line.rate = max(line.rate, 4e6) if line.rate else 0.0
        if self.world.server is None:
            self.world.start_server()
        if self.world.technician_session().state is State.ACTIVE:
            region = (0, 0, self.customer.screen.width, self.customer.screen.height)
            viewport = control.Viewport(*region, region[2], region[3])
            self.world.technician_session().send_viewport(viewport, self.network.now)

    def unfinished(self) -> bool:
        """Whether something has not come to where it has to."""
        states = {person.session.state for person in self.people}
        if states == {State.ENDED}:
            return False
        if len(states) > 1 or len(self.customer.typed) < self.typed:
            return True
        if self.disks and not self.disks[0].outcome:
            return True
        return not self.technician.sees(self.customer.screen)

    def judge(self, *, ended: bool) -> None:
        """Check what has to hold after everything."""
        states = [person.session.state for person in self.people]
        assert len(set(states)) == 1, f"one end goes on: {states}"
        assert (states[0] is State.ENDED) == ended, f"the session is {states[0]}"
        numbers = [int(text) for text in self.customer.typed]
        assert numbers == list(range(len(numbers))), "typed twice or out of order"
        if not ended:
            assert len(numbers) == self.typed, "typed and lost"
            assert self.technician.sees(self.customer.screen), "another picture"
            if self.disks:
                assert self.disks[0].outcome, "the file is not there"
                assert bytes(self.disks[1].stored) == self.content, "another file"
        for person in self.people:
            size = footprint(person.node)
            assert size <= NODE_BYTES, f"{person.name} keeps {size} bytes"


def run(seed: int) -> None:
    """Go through the faults of one seed.

    Raises:
        AssertionError: an invariant does not hold; the text names the seed.

    """
    storm = Storm(seed)
    try:
        storm.start()
        for _ in range(storm.rng.randint(1, 4)):
            storm.network.run_for(storm.rng.uniform(0.2, 3.0))
            storm.strike()
        ended = storm.rng.random() < 0.1
        if ended:
            storm.end()
        storm.network.run_for(storm.rng.uniform(0.2, 2.0))
        storm.calm_down()
        storm.network.run_for(CALM, storm.unfinished)
        storm.judge(ended=ended)
    except AssertionError as error:
        test = ".venv/bin/pytest tests/scenarios/test_storms.py -k test_seeds"
        again = f"P2P_SEED={seed} {test}"
        raise AssertionError(f"{error}; again: {again}") from error
