"""Two agents joined by any number of paths, without NATs: for choosing among paths."""

from dataclasses import dataclass
from random import Random

from p2p_remote.traversal.agent import Agent
from p2p_remote.traversal.agent_events import AgentEvent, PathLost, PathSelected
from p2p_remote.wire.address import Endpoint, Path
from tests.support.agents import CHECK_KEY
from tests.support.clock import Clock


@dataclass(slots=True)
class Way:
    """`left` sends to `to_right`, `right` to `to_left`; `delay` in s one way."""

    to_right: Path
    to_left: Path
    delay: float
    down: bool = False


class Paths:
    """`left` is the controlling end."""

    def __init__(self, *ways: Way, relay: Way | None = None) -> None:
        self.clock = Clock()
        self.ways = [*ways, relay] if relay else list(ways)
        self.left, self.right = (
            Agent(
                controlling=controlling,
                check_key=CHECK_KEY,
                local_index=1 if controlling else 2,
                remote_index=2 if controlling else 1,
                relay=None if relay is None else self._end(relay, controlling),
                random=Random(1 if controlling else 2).randbytes,
                now=self.now,
            )
            for controlling in (True, False)
        )
        self.sent: list[tuple[float, Agent, bytes, Path]] = []
        self.events: dict[Agent, list[AgentEvent]] = {
            self.left: [],
            self.right: [],
        }

    @staticmethod
    def _end(way: Way, controlling: bool) -> Path:
        return way.to_right if controlling else way.to_left

    @property
    def now(self) -> float:
        return self.clock.now

    def run(self, seconds: float) -> None:
        """Run both agents for so many seconds."""
        end = self.now + seconds
        while True:
            self._drain()
            timers = [agent.next_timer() for agent in (self.left, self.right)]
            due = min([each for each in timers if each is not None], default=end)
            if self.clock.run_next(min(due, end)):
                continue
            if due > end:
                break
            self.clock.now = max(self.now, due)
            self.left.handle_timer(self.now)
            self.right.handle_timer(self.now)
        self.clock.now = end

    def _drain(self) -> None:
        for agent, other in ((self.left, self.right), (self.right, self.left)):
            while (event := agent.next_event()) is not None:
                self.events[agent].append(event)
            for data, path in agent.datagrams_to_send(self.now):
                self.sent.append((self.now, agent, data, path))
                for way in self.ways:
                    if self._end(way, agent is self.left) == path and not way.down:
                        source = self._end(way, other is self.left)
                        self._deliver(other, data, source, way.delay)

    def _deliver(self, to: Agent, data: bytes, source: Path, delay: float) -> None:
        self.clock.call_at(
            self.now + delay, lambda: to.receive_datagram(data, source, self.now)
        )

    def kinds(self) -> list[str]:
        """What `left` was told, in order."""
        return [
            "lost" if isinstance(event, PathLost) else str(event.kind)
            for event in self.events[self.left]
            if isinstance(event, PathLost | PathSelected)
        ]

    def checks(self, agent: Agent, path: Path, since: float = 0.0) -> list[float]:
        """When `agent` sent checks (not responses) on a path."""
        return [
            when
            for when, sender, data, to in self.sent
            if sender is agent and to == path and data[0] == 0x50 and when >= since
        ]


def way(to_right: str, to_left: str, delay: float) -> Way:
    """Direct way between two addresses, port 4000."""
    return Way(Endpoint(to_right, 4000), Endpoint(to_left, 4000), delay)
