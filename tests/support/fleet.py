"""Several server machines on one store, without sockets and without Redis."""

from rendezvous.addresses import Address
from rendezvous.enrolment import DerivationRequested
from rendezvous.fleet import (
    ClaimMade,
    ClaimWanted,
    Fleet,
    FleetClaims,
    FleetRequest,
    Listed,
    Location,
    LookupWanted,
    Tell,
    TokenShown,
    Unlisted,
)
from rendezvous.fleet_introductions import FleetIntroductions
from rendezvous.protocol import Protocol
from rendezvous.registry import Claim
from rendezvous.settings import Settings
from tests.support.raw_client import Bench


class Store:
    """What Redis does for a fleet, at once. `is_away`: it answers nothing."""

    def __init__(self) -> None:
        self.claims: dict[int, Claim] = {}
        self.entries: dict[int, Location] = {}
        self.nodes: dict[bytes, NodeBench] = {}
        self.tokens: dict[bytes, dict[bytes, Location]] = {}
        self.told: list[bytes] = []
        self.is_away = False

    def serve(self, protocol: Protocol, request: FleetRequest, now: float) -> None:
        """Do what one node asks for."""
        if self.is_away:
            self.fail(protocol, request)
            return
        node = protocol.fleet.node if protocol.fleet else b""
        match request:
            case ClaimWanted(peer_id):
                protocol.claim_found(peer_id, self.claims.get(peer_id), now)
            case ClaimMade(peer_id, claim, is_new):
                held = self.keep(peer_id, claim, is_new=is_new)
                if held.public != claim.public:
                    protocol.claim_found(peer_id, held, now)
            case Listed(peer_id, public):
                self.entries[peer_id] = Location(node, public)
            case Unlisted(peer_id, public):
                self.remove(peer_id, Location(node, public))
            case LookupWanted(ticket, peer_id):
                protocol.looked_up(ticket, self.entries.get(peer_id), now)
            case TokenShown(token, public):
                self.show(protocol, token, Location(node, public), now)
            case Tell(target, data):
                self.tell(target, data, now)

    def fail(self, protocol: Protocol, request: FleetRequest) -> None:
        """Tell a node that there is no answer."""
        if isinstance(request, ClaimWanted):
            protocol.claim_not_found_out(request.peer_id)

    def keep(self, peer_id: int, claim: Claim, *, is_new: bool) -> Claim:
        """Keep a claim, a new one only if there is none; the one that stands."""
        if not is_new:
            self.claims[peer_id] = claim
        return self.claims.setdefault(peer_id, claim)

    def show(
        self, protocol: Protocol, token: bytes, where: Location, now: float
    ) -> None:
        """Note who shows a token, and tell the node who else does."""
        shown = self.tokens.setdefault(token, {})
        shown[where.public] = where
        if isinstance(protocol.introductions, FleetIntroductions):
            protocol.introductions.met(token, list(shown.values()), now)

    def remove(self, peer_id: int, entry: Location) -> None:
        """Remove an entry if it is still this one."""
        if self.entries.get(peer_id) == entry:
            del self.entries[peer_id]

    def tell(self, target: bytes, data: bytes, now: float) -> None:
        """Bring a message to a node, if it is alive."""
        self.told.append(data)
        if target in self.nodes:
            self.nodes[target].protocol.receive_from_node(data, now)


class NodeBench(Bench):
    """A node of a fleet, with a time that is set by hand."""

    def __init__(
        self, store: Store, name: int, settings: Settings | None = None
    ) -> None:
        super().__init__(settings)
        self.store = store
        self.link = bytes([name]) * 18
        self.fleet = Fleet(bytes([name]) * 8, self.link, bytes(32))
        claims = FleetClaims(self.fleet)
        self.protocol = Protocol(
            settings or Settings(), claims, self.random, self.fleet
        )
        self.sent: list[tuple[bytes, Address]] = []
        store.nodes[self.fleet.node] = self

    def send(self, data: bytes, source: Address) -> list[tuple[bytes, Address]]:
        """Hand a datagram over; what this node sends because of it."""
        self.protocol.receive_datagram(data, source, self.now)
        self.settle()
        return self.drain()

    def wait(self, seconds: float) -> list[tuple[bytes, Address]]:
        """Let time pass at this node; what it sends meanwhile."""
        end = self.now + seconds
        while (due := self.protocol.next_timer()) is not None and due <= end:
            self.now = max(self.now, due)
            self.protocol.handle_timer(self.now)
            self.settle()
        self.now = end
        return self.drain()

    def drain(self) -> list[tuple[bytes, Address]]:
        """What this node has sent since the last time."""
        return self.protocol.datagrams_to_send(self.now)

    def settle(self) -> None:
        """Let the store and the links do their part until nothing is left."""
        nodes = list(self.store.nodes.values())
        while any(node.step() for node in nodes):
            pass

    def step(self) -> bool:
        """One event, or the datagrams to other nodes; False if there is none."""
        links, self.fleet.link_datagrams = self.fleet.link_datagrams, []
        for data, target in links:
            for node in self.store.nodes.values():
                if node.link == target:
                    node.protocol.receive_link_datagram(data, node.now)
        event = self.protocol.next_event()
        if event is not None and not isinstance(event, DerivationRequested):
            self.store.serve(self.protocol, event, self.now)
        return bool(links) or event is not None


def two_nodes(settings: Settings | None = None) -> tuple[Store, NodeBench, NodeBench]:
    """A store with two nodes."""
    store = Store()
    return store, NodeBench(store, 1, settings), NodeBench(store, 2, settings)
