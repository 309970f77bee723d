"""Handshakes over lossy lines in virtual time."""

import pytest

from p2p_remote.crypto.handshake import (
    CallerVerified,
    HandshakeComplete,
    HandshakeFailed,
    Initiator,
    Responder,
)
from p2p_remote.wire.address import Endpoint
from tests.support.handshakes import CALLED, CALLER, TARGET_ID
from tests.support.line import Line
from tests.support.network import Network, Socket

PROMPT_DELAY = 1.0  # s until the prompt stands and the caller is released


class Scene:
    """A caller and a customer who releases every verified caller after a second."""

    def __init__(self, seed: int, *, dead: tuple[str, ...] = ()) -> None:
        self.network = Network(seed)
        self.began = self.network.now
        self.left = self.network.host("198.51.100.1")
        self.right = self.network.host("203.0.113.1")
        self.responder = Responder(CALLED, self.network.random("called"), self.began)
        self.responder.listen(TARGET_ID)
        self.initiator = Initiator(
            CALLER, TARGET_ID, self.network.random("i"), self.began
        )
        for path in (*dead, "203.0.113.1"):
            self.initiator.add_path(Endpoint(path, 4001), padded=True)
        self.caller: Socket = self.left.open(4000, self.initiator)
        self.customer: Socket = self.right.open(4001, self.responder)
        self.reported: list[object] = []
        self.customer.on_event = self._on_event

    def lines(self, line: dict[str, float]) -> None:
        """Give every line of both ends these properties."""
        for host in (self.left, self.right):
            host.up, host.down = Line(**line), Line(**line)

    def _on_event(self, event: object, now: float) -> None:
        self.reported.append(event)
        if isinstance(event, CallerVerified):
            handle = event.handle
            when = now + PROMPT_DELAY
            self.network.call_at(when, lambda: self.responder.release(handle, when))

    def complete(self) -> bool:
        return any(isinstance(e, HandshakeComplete) for e in self.caller.events)

    def run_for(self, seconds: float) -> float:
        """Seconds until the call was complete, `seconds` at most."""
        end = self.network.run_for(seconds, while_=lambda: not self.complete())
        return end - self.began


@pytest.mark.parametrize("loss", [0.0, 0.1, 0.3])
def test_a_handshake_completes_under_loss_duplication_and_reordering(loss):
    """20 seeds each: all complete once, with equal keys, and most of them soon."""
    took = []
    for seed in range(20):
        scene = Scene(seed)
        scene.lines(
            {
                "delay": 0.01,
                "jitter": 0.005,
                "loss": loss / 2,
                "duplicate": 0.1,
                "reorder": 0.1,
                "reorder_gap": 0.3,
            }
        )
        took.append(scene.run_for(60.0))
        kinds = [type(event) for event in scene.reported]
        assert kinds == [CallerVerified, HandshakeComplete]
        right = scene.reported[-1].result
        left = scene.caller.events[-1].result
        assert left.chain_key == right.chain_key
        assert left.digits == right.digits
    median = sorted(took)[len(took) // 2]
    assert median < (1.6 if loss == 0 else 2.5)


def test_two_round_trips_and_the_prompt_are_all_the_time_it_takes():
    """Without loss: two round trips of 80 ms and the second of the prompt."""
    scene = Scene(1)
    scene.lines({"delay": 0.02})
    assert scene.run_for(10.0) == pytest.approx(PROMPT_DELAY + 0.16, abs=1e-6)


def test_the_path_that_answers_first_is_taken():
    """With two dead paths among three, the call completes on the third."""
    scene = Scene(3, dead=("203.0.113.98", "203.0.113.99"))
    scene.lines({"delay": 0.02})
    scene.run_for(10.0)
    assert scene.caller.events[-1].result.path == Endpoint("203.0.113.1", 4001)


def test_a_dead_line_fails_in_time_and_sends_little():
    """Nothing gets through: NoSuchPeerError after 15 s and at most 10 datagrams."""
    scene = Scene(2)
    scene.lines({"down": True})
    end = scene.network.run_for(30.0, while_=lambda: not scene.caller.events)
    assert end - scene.began == 15.0
    assert isinstance(scene.caller.events[0], HandshakeFailed)
    assert scene.left.up.sent <= 10
