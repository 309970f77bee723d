"""The peer's addresses that may be checked: guards against being used as a cannon.

A public address may always be checked: the handshake is over and checks are few. A
private address exists in many networks at once, so it is checked only if the two ends
seem to share one; a loopback address only if we ourselves are reached over loopback.
"""

from collections.abc import Iterable

from p2p_remote.traversal.candidate import (
    Candidate,
    CandidateKind,
    Scope,
    is_sendable,
    scope_of,
)
from p2p_remote.wire.address import Endpoint, Path, RelayPath
from p2p_remote.wire.connectivity import MAX_CANDIDATES

_OWN_OUTSIDE = (CandidateKind.SERVER_REFLEXIVE, CandidateKind.MAPPED)


class RemoteCandidates:
    """What the peer and the server told of the peer's addresses."""

    def __init__(self) -> None:
        self._candidates: dict[Endpoint, Candidate] = {}
        self._own_scopes: set[Scope] = set()
        self._same_lan = False

    def add(self, candidates: Iterable[Candidate]) -> None:
        """Remember candidates; the newest `MAX_CANDIDATES` stay."""
        for each in candidates:
            if is_sendable(each.endpoint):
                self._candidates.pop(each.endpoint, None)
                self._candidates[each.endpoint] = each
        while len(self._candidates) > MAX_CANDIDATES:
            del self._candidates[next(iter(self._candidates))]

    def peer_is_on_our_lan(self) -> None:
        """Allow private addresses: the peer was found or reached on our network."""
        self._same_lan = True

    def own_path(self, path: Path) -> None:
        """We are reached over this path: the handshake's, or the relay's server."""
        scope = scope_of(path.server if isinstance(path, RelayPath) else path)
        self._own_scopes.add(scope)

    def allowed(self, local: Iterable[Candidate]) -> list[Candidate]:
        """Candidates that may be checked; `local` are our own."""
        outside = [each for each in local if each.kind in _OWN_OUTSIDE]
        scopes = self._own_scopes | {scope_of(each.endpoint) for each in outside}
        private = (
            self._same_lan
            or bool(scopes - {Scope.PUBLIC})
            or self._shares_public_address(outside)
        )
        return [
            each
            for each in self._candidates.values()
            if _is_allowed(each, private=private, loopback=Scope.LOOPBACK in scopes)
        ]

    def _shares_public_address(self, outside: Iterable[Candidate]) -> bool:
        """Whether both ends stand behind the same router, as the server sees it."""
        ours = {
            each.endpoint.host
            for each in outside
            if scope_of(each.endpoint) is Scope.PUBLIC
        }
        return any(
            each.kind is CandidateKind.SERVER_REFLEXIVE and each.endpoint.host in ours
            for each in self._candidates.values()
        )


def _is_allowed(candidate: Candidate, *, private: bool, loopback: bool) -> bool:
    scope = scope_of(candidate.endpoint)
    if scope is Scope.PUBLIC:
        return True
    return loopback if scope is Scope.LOOPBACK else private
