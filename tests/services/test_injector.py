"""Input reaches the desktop only while its grant holds."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from p2p_remote.errors import MissingCapabilityError
from p2p_remote.services.injector import Injector
from p2p_remote.session.permissions import Grants
from p2p_remote.wire import input as wire_input


class Sink:
    """Records what arrives; may be held up or broken."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.reached = threading.Event()
        self.let_go = threading.Event()
        self.let_go.set()
        self.broken = False
        self.permit: Callable[[], None] = lambda: None

    def guard(self, permit: Callable[[], None]) -> None:
        """Take what has to be asked."""
        self.permit = permit

    def _note(self, *what: Any) -> None:
        if self.broken:
            raise MissingCapabilityError("gone")
        self.permit()
        self.done.append(what)
        self.reached.set()
        assert self.let_go.wait(10)

    def text(self, text: str) -> None:
        """Type."""
        self._note("text", text)

    def key(self, keysym: int, modifiers: int, action: int) -> None:
        """Press a key."""
        self._note("key", keysym, modifiers, action)

    def pointer(self, x: int, y: int, buttons: int) -> None:
        """Move."""
        self._note("pointer", x, y, buttons)

    def scroll(self, x: int, y: int, dx: int, dy: int) -> None:
        """Scroll."""
        self._note("scroll", x, y, dx, dy)

    def release_all(self) -> None:
        """Let go."""
        self.done.append(("release_all",))

    def close(self) -> None:
        """Nothing to close."""


class Bench:
    """An injector with everything around it."""

    def __init__(self) -> None:
        self.sink = Sink()
        self.grants = Grants()
        self.now = 0.0
        self.failed: list[Exception] = []
        self.looked = 0
        self.shared_from = 0  # first column that is shared
        self.keys_taken = True
        self.guards_shortcuts = False
        self.heard: Callable[[], None] = lambda: None  # what a stop key brings about
        self.injector = Injector(
            self.sink, self.grants, lambda: self.now, self, self.failed.append
        )

    def hear(self) -> None:
        """Listen to the stop keys."""
        self.heard()

    def expect_change(self) -> None:
        """Something was injected."""
        self.looked += 1

    def locate(self, x: int, y: int) -> tuple[int, int] | None:
        """Return the place on a desktop that is ten pixels larger on the left."""
        return (x + 10, y) if x >= self.shared_from else None

    def takes_keys(self) -> bool:
        """Whether the focus is on what is shared."""
        return self.keys_taken

    def finish(self) -> list[tuple[Any, ...]]:
        """Wait until everything queued is done; what reached the sink."""
        assert self.injector.drain(10)
        return [what for what in self.sink.done if what[0] != "release_all"]


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Return an injector that is closed after the test."""
    made = Bench()
    yield made
    made.sink.let_go.set()
    made.injector.finish()
    made.injector.join()


def test_granted_input_arrives_in_order(bench: Bench) -> None:
    """Every kind of event reaches the sink, in the order it was sent."""
    serial = bench.grants.grant("control", 100.0).serial
    for message in (
        wire_input.TextInput(serial, "aß"),
        wire_input.KeyInput(serial, 0xFF0D, 0, 0),
        wire_input.PointerInput(serial, 1, 2, 1),
        wire_input.ScrollInput(serial, 1, 2, 0, 3),
    ):
        bench.injector.submit(message)
    assert bench.finish() == [
        ("text", "a"),
        ("text", "ß"),
        ("key", 0xFF0D, 0, 0),
        ("pointer", 11, 2, 1),
        ("scroll", 11, 2, 0, 3),
    ]
    assert bench.looked == 4


def test_what_is_not_shared_is_not_reached(bench: Bench) -> None:
    """Beyond what is shared nothing is pressed; what is held can be let go there."""
    serial = bench.grants.grant("control", 100.0).serial
    bench.shared_from = 100
    for message in (
        wire_input.PointerInput(serial, 5, 5, 1),
        wire_input.ScrollInput(serial, 5, 5, 0, 1),
        wire_input.PointerInput(serial, 150, 5, 1),
        wire_input.PointerInput(serial, 5, 5, 3),
        wire_input.PointerInput(serial, 5, 5, 2),
        wire_input.PointerInput(serial, 5, 5, 0),
    ):
        bench.injector.submit(message)
    assert bench.finish() == [("pointer", 160, 5, 1), ("pointer", 160, 5, 0)]


def test_keys_go_only_where_it_is_shared(bench: Bench) -> None:
    """With the focus elsewhere nothing is typed, but keys held come up."""
    serial = bench.grants.grant("control", 100.0).serial
    bench.keys_taken = False
    for message in (
        wire_input.TextInput(serial, "secret"),
        wire_input.KeyInput(serial, 0xFF0D, 0, wire_input.ACTION_TAP),
        wire_input.KeyInput(serial, 0xFFE1, 0, wire_input.ACTION_RELEASE),
    ):
        bench.injector.submit(message)
    assert bench.finish() == [("key", 0xFFE1, 0, wire_input.ACTION_RELEASE)]


def test_where_windows_are_shared_keys_for_the_desktop_are_guarded(
    bench: Bench,
) -> None:
    """However they are put together, until system keys are granted too."""
    serial = bench.grants.grant("control", 100.0).serial
    bench.guards_shortcuts = True
    alt, tab, super_key = 0xFFE9, 0xFF09, 0xFFEB
    tap, press, release = 0, 1, 2
    held = [("key", alt, 0, press), ("key", alt, 0, release)]
    messages = (
        wire_input.KeyInput(serial, super_key, 0, press),
        wire_input.KeyInput(serial, ord("l"), wire_input.MODIFIER_SUPER, tap),
        wire_input.KeyInput(serial, tab, wire_input.MODIFIER_ALT, tap),
        wire_input.KeyInput(serial, alt, 0, press),
        wire_input.KeyInput(serial, tab, 0, tap),
        wire_input.TextInput(serial, "\t"),
        wire_input.KeyInput(serial, ord("t"), wire_input.MODIFIER_CONTROL, tap),
        wire_input.KeyInput(serial, alt, 0, release),
    )
    for message in messages:
        bench.injector.submit(message)
    assert bench.finish() == held
    ours = wire_input.KeyInput(serial, ord("f"), wire_input.MODIFIER_ALT, tap)
    bench.injector.submit(ours)
    bench.injector.submit(wire_input.KeyInput(serial, tab, 0, tap))
    after = [("key", ord("f"), wire_input.MODIFIER_ALT, tap), ("key", tab, 0, tap)]
    assert bench.finish() == held + after
    bench.grants.grant("sys_keys", 100.0)
    for message in messages:
        bench.injector.submit(message)
    assert len(bench.finish()) == len(held + after) + len(messages)


def test_keys_that_lead_away_from_the_stop_keys_are_always_guarded(
    bench: Bench,
) -> None:
    """Text consoles and the end of the X server; Ctrl+Alt+Del is a key like others."""
    serial = bench.grants.grant("control", 100.0).serial
    tap, press = 0, 1
    both = wire_input.MODIFIER_CONTROL | wire_input.MODIFIER_ALT
    f2, backspace, console, delete = 0xFFBF, 0xFF08, 0x1008FE02, 0xFFFF
    for keysym, modifiers in ((f2, both), (backspace, both), (console, 0)):
        bench.injector.submit(wire_input.KeyInput(serial, keysym, modifiers, tap))
    assert bench.finish() == []
    allowed = [
        wire_input.KeyInput(serial, delete, both, tap),
        wire_input.KeyInput(serial, f2, wire_input.MODIFIER_ALT, tap),
        wire_input.KeyInput(serial, 0xFFE3, 0, press),
        wire_input.KeyInput(serial, backspace, 0, tap),
        wire_input.KeyInput(serial, 0xFFE9, 0, press),
    ]
    for message in (*allowed, wire_input.KeyInput(serial, f2, 0, tap)):
        bench.injector.submit(message)
    assert len(bench.finish()) == len(allowed)
    bench.grants.grant("sys_keys", 100.0)
    bench.injector.submit(wire_input.KeyInput(serial, f2, both, tap))
    assert len(bench.finish()) == len(allowed) + 1


def test_modifiers_that_came_with_a_held_key_count_as_held(bench: Bench) -> None:
    """A key that is kept down with Ctrl+Alt does not open the way to a console."""
    serial = bench.grants.grant("control", 100.0).serial
    tap, press, release = 0, 1, 2
    both = wire_input.MODIFIER_CONTROL | wire_input.MODIFIER_ALT
    other, f2, tab = ord("x"), 0xFFBF, 0xFF09
    bench.injector.submit(wire_input.KeyInput(serial, other, both, press))
    bench.injector.submit(wire_input.KeyInput(serial, f2, 0, tap))
    held = [("key", other, both, press)]
    assert bench.finish() == held
    bench.guards_shortcuts = True
    bench.injector.submit(wire_input.KeyInput(serial, tab, 0, tap))
    bench.injector.submit(wire_input.KeyInput(serial, other, 0, release))
    bench.injector.submit(wire_input.KeyInput(serial, f2, 0, tap))
    free = [("key", other, 0, release), ("key", f2, 0, tap)]
    assert bench.finish() == held + free


def test_meta_opens_no_console_either(bench: Bench) -> None:
    """Where Meta is the modifier that Alt is, Ctrl+Meta+F2 shows a console."""
    serial = bench.grants.grant("control", 100.0).serial
    meta, f2, press = 0xFFE7, 0xFFBF, 1
    control = wire_input.MODIFIER_CONTROL
    bench.injector.submit(wire_input.KeyInput(serial, meta, 0, press))
    bench.injector.submit(wire_input.KeyInput(serial, f2, control, press))
    assert bench.finish() == [("key", meta, 0, press)]


def test_nothing_arrives_without_the_grant(bench: Bench) -> None:
    """Without a grant, under an old one or after its expiry, nothing arrives."""
    bench.injector.submit(wire_input.PointerInput(1, 1, 2, 0))
    old = bench.grants.grant("control", 100.0).serial
    bench.grants.grant("control", 10.0)
    bench.injector.submit(wire_input.PointerInput(old, 1, 2, 0))
    assert bench.finish() == []
    bench.now = 10.0
    bench.injector.submit(wire_input.PointerInput(old + 1, 1, 2, 0))
    assert bench.finish() == []


def test_a_revoke_stops_in_the_middle_of_a_text(bench: Bench) -> None:
    """Not one more character is typed after a revoke, and everything is released."""
    serial = bench.grants.grant("control", 100.0).serial
    bench.sink.let_go.clear()
    bench.injector.submit(wire_input.TextInput(serial, "abcdef"))
    bench.injector.submit(wire_input.KeyInput(serial, 0xFF0D, 0, 0))
    assert bench.sink.reached.wait(10)
    bench.grants.revoke("control")
    bench.injector.stop()
    bench.sink.let_go.set()
    assert bench.finish() == [("text", "a")]
    assert bench.sink.done[-1] == ("release_all",)


def test_stop_holds_even_if_the_grant_stays(bench: Bench) -> None:
    """What was queued before a stop is dropped; what comes later is injected."""
    serial = bench.grants.grant("control", 100.0).serial
    bench.sink.let_go.clear()
    bench.injector.submit(wire_input.TextInput(serial, "ab"))
    assert bench.sink.reached.wait(10)
    bench.injector.stop()
    bench.sink.let_go.set()
    assert bench.finish() == [("text", "a")]
    bench.injector.submit(wire_input.TextInput(serial, "c"))
    assert bench.finish() == [("text", "a"), ("text", "c")]


def test_a_stop_key_holds_for_what_the_sink_was_about_to_inject(bench: Bench) -> None:
    """It is listened to in the same thread, when only the event itself is left."""
    serial = bench.grants.grant("control", 100.0).serial
    asked: list[str] = []

    def press_at_third() -> None:
        asked.append(threading.current_thread().name)
        if len(asked) == 3:
            bench.grants.revoke("control")
            bench.injector.stop()

    bench.heard = press_at_third
    bench.injector.submit(wire_input.PointerInput(serial, 1, 2, 1))
    bench.injector.submit(wire_input.TextInput(serial, "abc"))
    bench.injector.submit(wire_input.PointerInput(serial, 5, 6, 1))
    assert bench.finish() == [("pointer", 11, 2, 1), ("text", "a")]
    assert bench.sink.done[-1] == ("release_all",)
    assert asked == ["injector"] * 3


def test_nothing_is_injected_when_the_stop_keys_are_deaf(bench: Bench) -> None:
    """If nobody can listen any more, nobody may control either."""
    serial = bench.grants.grant("control", 100.0).serial

    def deaf() -> None:
        raise MissingCapabilityError("deaf")

    bench.heard = deaf
    bench.injector.submit(wire_input.TextInput(serial, "a"))
    assert bench.finish() == []
    assert [str(error) for error in bench.failed] == ["deaf"]


def test_release_all_needs_no_grant(bench: Bench) -> None:
    """Letting go is always allowed."""
    bench.injector.submit(wire_input.ReleaseAll(0))
    bench.finish()
    assert ("release_all",) in bench.sink.done


def test_a_broken_desktop_is_reported(bench: Bench) -> None:
    """If the desktop goes away the session is told, and the thread ends quietly."""
    serial = bench.grants.grant("control", 100.0).serial
    bench.sink.broken = True
    bench.injector.submit(wire_input.PointerInput(serial, 1, 2, 0))
    assert bench.injector.drain(10)
    assert [str(error) for error in bench.failed] == ["gone"]


def test_an_unexpected_failure_releases_and_is_reported(bench: Bench) -> None:
    """Whatever goes wrong in the desktop, keys are let go and the session is told."""
    serial = bench.grants.grant("control", 100.0).serial

    def explode(*_: object) -> None:
        raise ValueError("surprise")

    bench.sink.key = explode  # type: ignore[method-assign]
    bench.injector.submit(wire_input.KeyInput(serial, 0xFFE1, 0, 1))
    assert bench.injector.drain(10)
    assert [type(error) for error in bench.failed] == [MissingCapabilityError]
    assert bench.sink.done[-1] == ("release_all",)
