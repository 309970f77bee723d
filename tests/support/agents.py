"""Two agents behind middleboxes of any kind, joined by a relay, in virtual time."""

from collections.abc import Sequence
from typing import Any

from p2p_remote.traversal.agent import Agent
from p2p_remote.traversal.agent_events import PathLost, PathSelected
from p2p_remote.traversal.candidate import (
    CandidateKind,
    candidate,
    candidates_from_rows,
)
from p2p_remote.traversal.paths import PrimingEndpoint, from_socket
from p2p_remote.wire.address import Endpoint, Path, RelayPath
from tests.support.nat import is_address_preserving, nat
from tests.support.network import Host, Line, Network, Site, Socket

CHECK_KEY = bytes(range(32))
SERVER = Endpoint("203.0.113.1", 3479)
PUBLIC = {"left": "198.51.100.10", "right": "192.0.2.10"}
HOME = {"left": "192.168.1.10", "right": "192.168.2.20"}
DELAY = 0.015  # s from a site to the middle of the internet


class RelayServer:
    """Joins channel 2n and 2n+1; learns addresses from what arrives."""

    def __init__(self) -> None:
        self.seen: dict[int, Endpoint] = {}
        self.carried = 0
        self._out: list[tuple[bytes, Path]] = []

    def receive_datagram(self, data: bytes, path: Path, now: float) -> None:
        if not isinstance(path, RelayPath):
            return
        self.seen[path.channel] = path.server
        other = path.channel ^ 1
        if other in self.seen:
            self.carried += 1
            self._out.append((data, RelayPath(self.seen[other], other)))

    def handle_timer(self, now: float) -> None:
        pass

    def datagrams_to_send(self, now: float) -> Sequence[tuple[bytes, Path]]:
        out, self._out = self._out, []
        return out

    def next_timer(self) -> float | None:
        return None

    def next_event(self) -> Any | None:
        return None


class AgentNode:
    """An agent whose datagrams are noted; without `obeys_ttl` priming arrives too."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.socket: Socket | None = None
        self.sent: list[tuple[bytes, Path]] = []
        self.obeys_ttl = True

    def receive_datagram(self, data: bytes, path: Path, now: float) -> None:
        self.agent.receive_datagram(data, path, now)

    def handle_timer(self, now: float) -> None:
        self.agent.handle_timer(now)

    def datagrams_to_send(self, now: float) -> Sequence[tuple[bytes, Path]]:
        datagrams: list[tuple[bytes, Path]] = []
        for data, path in self.agent.datagrams_to_send(now):
            self.sent.append((data, path))
            if isinstance(path, PrimingEndpoint) and not self.obeys_ttl:
                datagrams.append((data, from_socket(path, path.socket)))
            else:
                datagrams.append((data, path))
        return datagrams

    def next_timer(self) -> float | None:
        return self.agent.next_timer()

    def next_event(self) -> Any | None:
        return self.agent.next_event()


class Side:
    """One end of the laboratory."""

    def __init__(self, site: Site, host: Host, socket: Socket, node: AgentNode) -> None:
        self.site = site
        self.host = host
        self.socket = socket
        self.node = node

    @property
    def agent(self) -> Agent:
        return self.node.agent

    @property
    def middlebox(self) -> Any:
        return self.site.middlebox

    @property
    def events(self) -> list[Any]:
        return self.socket.events

    @property
    def kind(self) -> str | None:
        return self.agent.selected_kind

    def selections(self) -> list[str]:
        """Kinds of the paths selected so far, and "lost" for every loss."""
        return [
            "lost" if isinstance(event, PathLost) else str(event.kind)
            for event in self.events
            if isinstance(event, PathLost | PathSelected)
        ]


class Laboratory:
    """`left` is the controlling end. Round trip left to right: 60 ms."""

    def __init__(
        self,
        left: str,
        right: str,
        *,
        seed: int = 1,
        spoils: bool = False,
        relay: bool = True,
        right_host: str = HOME["right"],
        same_site: bool = False,
    ) -> None:
        self.network = Network(seed)
        self.relay = RelayServer()
        server = self.network.host(SERVER.host)
        self.relay_socket = server.open(SERVER.port, self.relay)
        self._with_relay = relay
        self._hosts = {"left": HOME["left"], "right": right_host}
        self.left = self._side("left", left, spoils=spoils, site=None)
        site = self.left.site if same_site else None
        self.right = self._side("right", right, spoils=spoils, site=site)
        self.network.run_for(0.1)

    def _side(self, name: str, kind: str, *, spoils: bool, site: Site | None) -> Side:
        public = PUBLIC[name]
        if site is None:
            site = self.network.site(
                public,
                middlebox=nat(kind, public, spoils=spoils),
                up=Line(delay=DELAY),
                down=Line(delay=DELAY),
            )
        address = public if is_address_preserving(kind) else self._hosts[name]
        host = site.host(address)
        left = name == "left"
        agent = Agent(
            controlling=left,
            check_key=CHECK_KEY,
            local_index=1 if left else 2,
            remote_index=2 if left else 1,
            relay=RelayPath(SERVER, 6 if left else 7) if self._with_relay else None,
            random=self.network.random(name),
            now=self.network.now,
        )
        node = AgentNode(agent)
        socket = host.open(4000, node)
        node.socket = socket
        agent.add_local([candidate(CandidateKind.HOST, socket.local, prefix_length=24)])
        return Side(site, host, socket, node)

    def reflexive(self, side: Side) -> Endpoint:
        """Address of a side as the server sees it."""
        return self.relay.seen[6 if side is self.left else 7]

    def introduce(self) -> None:
        """Do what server and session do: each end learns its own and the other's."""
        for side in (self.left, self.right):
            own = candidate(CandidateKind.SERVER_REFLEXIVE, self.reflexive(side))
            side.agent.add_local([own])
        self.punch()

    def punch(self) -> None:
        """The server tells both ends at the same moment; candidates cross as well."""
        left, right = self.left, self.right
        for side, other in ((left, right), (right, left)):
            side.agent.punch([self.reflexive(other)], self.network.now)
            rows = other.agent.local_rows()
            side.agent.add_remote(candidates_from_rows(rows), self.network.now)

    def run(self, seconds: float) -> None:
        self.network.run_for(seconds)

    def run_until_both(self, kind: str, limit: float) -> float:
        """Run until both ends use such a path; seconds that it took."""
        start = self.network.now
        ends = (self.left, self.right)
        self.network.run_for(limit, while_=lambda: {e.kind for e in ends} != {kind})
        assert {each.kind for each in ends} == {kind}
        return self.network.now - start

    def lines(self) -> list[Line]:
        """Both directions of both sites' lines."""
        sites = (self.left.site, self.right.site)
        return [line for site in sites for line in (site.up, site.down)]

    def cut_direct(self, *, cut: bool = True) -> None:
        """Break the way between the sites; the relay stays."""
        for side in (self.left, self.right):
            side.site.middlebox = _Cut(side.middlebox) if cut else side.middlebox.inner


class _Cut:
    """Lets only the server's datagrams pass."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def outgoing(self, datagram: Any, now: float) -> Any:
        if datagram.destination.host != SERVER.host:
            return ()
        return self.inner.outgoing(datagram, now) if self.inner else (datagram,)

    def incoming(self, datagram: Any, now: float) -> Any:
        if datagram.source.host != SERVER.host:
            return ()
        return self.inner.incoming(datagram, now) if self.inner else (datagram,)
