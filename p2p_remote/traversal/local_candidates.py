"""Our own addresses: what we tell the peer, and what they say about a path."""

from collections.abc import Iterable, Iterator

from p2p_remote.traversal.candidate import (
    Candidate,
    CandidateKind,
    CandidateRow,
    is_ipv6,
    is_on_link,
    priority,
)
from p2p_remote.traversal.pair import PathKind
from p2p_remote.wire.address import Endpoint, Path, RelayPath, TcpEndpoint
from p2p_remote.wire.connectivity import MAX_CANDIDATES


class LocalCandidates:
    """Candidates of this end."""

    def __init__(self) -> None:
        self._candidates: list[Candidate] = []

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self._candidates)

    def add(self, candidates: Iterable[Candidate]) -> bool:
        """Take candidates; they replace those of the same kind and address family.

        Returns whether we have an address that we did not have before, not counting
        what the peer says it sees.
        """
        new = list(candidates)
        moved = any(
            each.kind is not CandidateKind.PEER_REFLEXIVE
            and not self.knows(each.endpoint)
            for each in new
        )
        replaced = {_group(each) for each in new}
        kept = [each for each in self._candidates if _group(each) not in replaced]
        self._candidates = new + kept
        return moved

    @property
    def has_tcp(self) -> bool:
        """Whether the peer can be met by TCP."""
        return any(each.kind is CandidateKind.TCP for each in self._candidates)

    def knows(self, endpoint: Endpoint) -> bool:
        """Whether this is one of our addresses."""
        return any(each.endpoint == endpoint for each in self._candidates)

    def rows(self) -> tuple[CandidateRow, ...]:
        """Return the best ones, at most 8, as the `Candidates` message has them."""
        best = sorted(self._candidates, key=lambda each: -each.priority)
        return tuple(each.row() for each in best[:MAX_CANDIDATES])

    def kind_of(self, path: Path) -> PathKind:
        """What kind of way it is, seen from here."""
        if isinstance(path, RelayPath):
            return PathKind.RELAY
        if isinstance(path, TcpEndpoint):
            return PathKind.DIRECT
        on_link = is_on_link(path, self._candidates)
        return PathKind.LAN if on_link else PathKind.DIRECT


def priority_if_learnt(path: Path) -> int:
    """Priority of an address that is learnt from checks on this path; a relay has 0."""
    if isinstance(path, RelayPath):
        return 0
    return priority(CandidateKind.PEER_REFLEXIVE, path)


def _group(each: Candidate) -> tuple[CandidateKind, bool]:
    return each.kind, is_ipv6(each.endpoint)
