"""The driver between a machine and real sockets."""

import asyncio
import time
from collections import deque

import pytest

from p2p_remote.net.driver import Driver
from p2p_remote.net.udp_socket import open_udp_sockets
from p2p_remote.wire.address import Endpoint, RelayPath
from tests.support.waiting import until


class Echo:
    """Answers every datagram, reports it, and counts timers."""

    def __init__(self) -> None:
        self.out: list[tuple[bytes, object]] = []
        self.events: deque[object] = deque()
        self.timer: float | None = None
        self.fired: list[float] = []
        self.stamps: list[float] = []

    def receive_datagram(self, data, path, now):
        self.stamps.append(now)
        self.events.append(data)
        if not data.startswith(b"re:"):
            self.out.append((b"re:" + data, path))

    def handle_timer(self, now):
        self.timer = None
        self.fired.append(now)
        self.events.append("timer")

    def datagrams_to_send(self, now):
        out, self.out = self.out, []
        return out

    def next_timer(self):
        return self.timer

    def next_event(self):
        return self.events.popleft() if self.events else None


class Running:
    """A driver with its machine and a way to wait for events."""

    def __init__(self, driver, machine, events, endpoint):
        self.driver = driver
        self.machine = machine
        self.events = events
        self.endpoint = endpoint

    async def wait(self, count: int) -> list[object]:
        await until(lambda: len(self.events) >= count)
        return self.events


@pytest.fixture
async def start():
    running = []

    async def begin(machine=None, on_event=None) -> Running:
        machine = machine or Echo()
        events: list[object] = []
        sockets = open_udp_sockets(host="127.0.0.1")
        driver = Driver(machine, sockets, on_event or events.append)
        await driver.start()
        running.append(driver)
        return Running(driver, machine, events, sockets[0].endpoint)

    yield begin
    for driver in running:
        await driver.close()


async def test_datagrams_events_and_answers(start):
    """What comes in becomes an event, what the machine says goes out."""
    one, other = await start(), await start()
    one.machine.out.append((b"hello", other.endpoint))
    one.driver.poke()
    assert await other.wait(1) == [b"hello"]
    assert await one.wait(1) == [b"re:hello"]


async def test_timers_fire_when_due_and_not_before(start):
    """A timer is armed by the machine's own clock."""
    one = await start()
    due = time.monotonic() + 0.03
    one.machine.timer = due
    one.driver.poke()
    await one.wait(1)
    assert due <= one.machine.fired[0] < due + 30


async def test_a_timer_may_move_forwards_and_backwards(start):
    """The earliest wish counts; one that went away does not fire."""
    one = await start()
    now = time.monotonic()
    one.machine.timer = now + 60
    one.driver.poke()
    one.machine.timer = now + 0.02
    one.driver.poke()
    await one.wait(1)
    one.machine.timer = time.monotonic() + 0.02
    one.driver.poke()
    one.machine.timer = None
    one.driver.poke()
    await asyncio.sleep(0.06)
    assert len(one.machine.fired) == 1


async def test_events_may_call_the_machine_and_poke(start):
    """Reactions to an event leave in the same turn, without recursion."""
    machine = Echo()
    depth = []

    def on_event(event):
        assert not depth
        depth.append(event)
        if event == b"start":
            machine.events.extend([b"second", b"third"])
            machine.out.append((b"sent by an event", other.endpoint))
            one.driver.poke()
        handled.append(event)
        depth.pop()

    handled: list[object] = []
    other = await start()
    one = await start(machine, on_event)
    machine.events.append(b"start")
    one.driver.poke()
    assert handled == [b"start", b"second", b"third"]
    await other.wait(1)


async def test_what_was_said_leaves_before_its_events_are_handled(start):
    """The other end does not wait for what an event brings about here."""
    machine = Echo()
    left = []

    def on_event(event):
        left.append((event, list(machine.out)))

    other = await start()
    one = await start(machine, on_event)
    machine.out.append((b"re:an answer", other.endpoint))
    machine.events.extend([b"one", b"two"])
    one.driver.poke()
    assert left == [(b"one", []), (b"two", [])]
    assert await other.wait(1) == [b"re:an answer"]


async def test_every_datagram_has_its_own_time(start):
    """Delays are measured from these stamps."""
    one, other = await start(), await start()
    one.machine.out.extend([(b"re:%d" % n, other.endpoint) for n in range(10)])
    one.driver.poke()
    await other.wait(10)
    stamps = other.machine.stamps
    assert len(set(stamps)) == 10
    assert stamps == sorted(stamps)


async def test_a_machine_that_never_rests_does_not_stop_the_loop(start):
    """After a hundred drains in a row others get their turn."""
    machine = Echo()
    count = 0

    def on_event(event):
        nonlocal count
        count += 1
        if count < 1000:
            machine.events.append(event)
            machine.out.append((b"x", RelayPath(Endpoint("127.0.0.1", 9), 1)))

    one = await start(machine, on_event)
    original = machine.next_event
    state = {"given": False}

    def one_event_a_drain():
        if state["given"]:
            state["given"] = False
            return None
        event = original()
        state["given"] = event is not None
        return event

    machine.next_event = one_event_a_drain
    machine.events.append("again")
    one.driver.poke()
    assert count == 100
    await until(lambda: count == 1000)
    assert one.driver.unroutable == 999


async def test_datagrams_without_a_socket_are_counted(start):
    """An IPv6 address while there is only an IPv4 socket."""
    one = await start()
    one.machine.out.append((b"x", Endpoint("2001:db8::1", 9)))
    one.driver.poke()
    assert one.driver.unroutable == 1


async def test_close_sends_what_is_left_and_is_final(start):
    """A goodbye leaves; after that nothing does."""
    one, other = await start(), await start()
    one.machine.out.append((b"re:goodbye", other.endpoint))
    await one.driver.close()
    assert await other.wait(1) == [b"re:goodbye"]
    one.machine.out.append((b"late", other.endpoint))
    one.driver.poke()
    assert one.machine.out


async def test_an_error_in_an_event_does_not_stop_the_driver(start):
    """The loop reports it; the next datagram is handled as ever."""
    failures = []

    def on_event(event):
        if event == b"bad":
            raise ValueError("a bug above")
        seen.append(event)

    seen: list[object] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: failures.append(context["exception"])
    )
    one, other = await start(), await start(None, on_event)
    one.machine.out.extend([(b"bad", other.endpoint)])
    one.driver.poke()
    await asyncio.sleep(0.05)
    one.machine.out.extend([(b"good", other.endpoint)])
    one.driver.poke()
    await until(lambda: b"good" in seen)
    assert [type(each) for each in failures] == [ValueError]
