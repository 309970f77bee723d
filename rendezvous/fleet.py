"""Several servers as one: what a node asks of the store that all of them share.

Pure: requests go out as events, and the edge (`rendezvous.store_redis`) brings the
answers. Nodes tell each other about calls by the messages of
`rendezvous.fleet_messages`; relayed datagrams go from node to node by UDP with a MAC.
"""

from collections import deque
from dataclasses import dataclass, field

from p2p_remote.crypto.primitives import blake2b, equal
from rendezvous.addresses import ELSEWHERE, Address
from rendezvous.registry import Claim
from rendezvous.relay import RemoteEnd

NODE_LENGTH = 8  # bytes of a node's name, drawn at random at each start
LINK_KEY_LENGTH = 32
_MAC_LENGTH = 16
_LINK_HEADER = _MAC_LENGTH + 4
_LINK_PERSON = b"p2pr1/fleet-link"
MAX_EVENTS = 65_536  # waiting for the store; beyond it requests are forgotten


@dataclass(frozen=True, slots=True)
class ClaimWanted:
    """Whose is this ID? Answered by `Protocol.claim_found`."""

    peer_id: int


@dataclass(frozen=True, slots=True)
class ClaimMade:
    """Keep a claim. If `is_new` and there is one meanwhile, `Protocol.claim_found`."""

    peer_id: int
    claim: Claim
    is_new: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """This key is called by this ID from now on, at this node."""

    peer_id: int
    public: bytes


@dataclass(frozen=True, slots=True)
class Unlisted:
    """Not any more."""

    peer_id: int
    public: bytes


@dataclass(frozen=True, slots=True)
class LookupWanted:
    """Where is this ID registered? Answered by `Protocol.looked_up`."""

    ticket: int
    peer_id: int


@dataclass(frozen=True, slots=True)
class TokenShown:
    """This key shows this token here. Answered by `FleetIntroductions.met`."""

    token: bytes
    public: bytes


@dataclass(frozen=True, slots=True)
class Tell:
    """Bring this message to another node."""

    node: bytes
    data: bytes


FleetRequest = (
    ClaimWanted | ClaimMade | Listed | Unlisted | LookupWanted | TokenShown | Tell
)


@dataclass(frozen=True, slots=True)
class Location:
    """The node that a client is registered at, and the client's key."""

    node: bytes
    public: bytes


def elsewhere(packed: bytes) -> Address:
    """Address of a client of another node: nothing that arrives here comes from it."""
    return Address(packed + bytes((ELSEWHERE,)))


class Fleet:
    """This node's membership."""

    def __init__(self, node: bytes, link: bytes, key: bytes) -> None:
        """Join under a name.

        Args:
            node: name of this node, 8 bytes.
            link: packed endpoint where other nodes send relayed datagrams to.
            key: 32 bytes that all nodes share, for the MACs between them.

        """
        self.node = node
        self.link = link
        self._key = key
        self.events: deque[FleetRequest] = deque()
        self.link_datagrams: list[tuple[bytes, bytes]] = []
        """Datagrams to other nodes, each with the packed endpoint it goes to."""

    def ask(self, request: FleetRequest) -> None:
        """Ask the store for something."""
        if len(self.events) < MAX_EVENTS:
            self.events.append(request)

    def forward(self, end: RemoteEnd, inner: bytes) -> None:
        """Send an inner datagram on to the node where its channel goes on."""
        body = end.number.to_bytes(4, "little") + inner
        self.link_datagrams.append((self._mac(end.node, body) + body, end.link))

    def open(self, data: bytes) -> tuple[int, bytes] | None:
        """Channel and inner datagram that another node has sent; else None."""
        if len(data) <= _LINK_HEADER:
            return None
        if not equal(self._mac(self.node, data[_MAC_LENGTH:]), data[:_MAC_LENGTH]):
            return None
        number = int.from_bytes(data[_MAC_LENGTH:_LINK_HEADER], "little")
        return number, data[_LINK_HEADER:]

    def _mac(self, node: bytes, body: bytes) -> bytes:
        return blake2b(
            node + body, length=_MAC_LENGTH, key=self._key, person=_LINK_PERSON
        )


@dataclass(slots=True)
class FleetClaims:
    """Claims that the store keeps; known here only while somebody registers."""

    fleet: Fleet
    _known: dict[int, Claim | None] = field(default_factory=dict)

    def is_known(self, peer_id: int) -> bool:
        """Whether the store has just told."""
        return peer_id in self._known

    def ask(self, peer_id: int) -> None:
        """Ask the store."""
        self.fleet.ask(ClaimWanted(peer_id))

    def get(self, peer_id: int) -> Claim | None:
        """What the store has told."""
        return self._known.get(peer_id)

    def put(self, peer_id: int, claim: Claim) -> None:
        """Let the store keep a claim; one that is new must not displace another."""
        is_new = self._known.get(peer_id) is None
        self._known[peer_id] = claim
        self.fleet.ask(ClaimMade(peer_id, claim, is_new))

    def learn(self, peer_id: int, claim: Claim | None) -> None:
        """Take what the store tells."""
        self._known[peer_id] = claim

    def forget(self, peer_id: int) -> None:
        """It may change from now on."""
        self._known.pop(peer_id, None)
