"""Where this node is reached, as far as it knows."""

from collections.abc import Iterable, Iterator

from p2p_remote.traversal.candidate import Candidate, CandidateKind, candidate
from p2p_remote.wire.address import Endpoint, TcpEndpoint


def as_seen(endpoint: Endpoint) -> Candidate:
    """Candidate for an address that the server sees us at."""
    is_tcp = isinstance(endpoint, TcpEndpoint)
    kind = CandidateKind.TCP if is_tcp else CandidateKind.SERVER_REFLEXIVE
    return candidate(kind, endpoint)


class OwnAddresses:
    """Own candidates by their kinds."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self._candidates = list(candidates)

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self._candidates)

    def replace(self, kind: CandidateKind, found: Iterable[Candidate]) -> None:
        """Those of this kind are these now."""
        kept = [each for each in self._candidates if each.kind is not kind]
        self._candidates = [*kept, *found]

    def seen_at(self, endpoint: Endpoint | None) -> Candidate | None:
        """Note where the server sees us; the candidate, if it is a new one."""
        if endpoint is None:
            return None
        own = as_seen(endpoint)
        before = [each for each in self._candidates if each.kind is own.kind]
        if own in before:
            return None
        self.replace(own.kind, [own])
        return own
