"""The peer's addresses that may be checked: guards against being used as a cannon.

A public address may always be checked: the handshake is over and checks are few. A
private address exists in many networks at once, so it is checked only if the two ends
seem to share one; a loopback address only if we ourselves are reached over loopback.
By TCP only an address is tried that the server has seen the peer at, and one that is
not public only if the server's own address, which the user has chosen, is of that kind:
a connection does more at a service of the own network than a datagram does.
"""

from collections.abc import Iterable, Iterator
from enum import Enum, auto

from p2p_remote.traversal.candidate import (
    Candidate,
    CandidateKind,
    Scope,
    candidate,
    is_sendable,
    scope_of,
)
from p2p_remote.wire.address import Endpoint, Path, RelayPath
from p2p_remote.wire.connectivity import MAX_CANDIDATES

_OWN_OUTSIDE = (CandidateKind.SERVER_REFLEXIVE, CandidateKind.MAPPED)


class _Source(Enum):
    """Who tells an address."""

    PEER = auto()
    SERVER = auto()


class RemoteCandidates:
    """What the peer and the server told of the peer's addresses."""

    def __init__(self) -> None:
        self._by_source: dict[_Source, list[Candidate]] = {}
        self._own_scopes: set[Scope] = set()
        self._same_lan = False
        self._seen_hosts: set[str] = set()

    def __iter__(self) -> Iterator[Candidate]:
        """What is known now, at most `MAX_CANDIDATES`: the newest."""
        newest: dict[Endpoint, Candidate] = {}
        for candidates in self._by_source.values():
            for each in candidates:
                newest.pop(each.endpoint, None)
                newest[each.endpoint] = each
        yield from list(newest.values())[-MAX_CANDIDATES:]

    def told(self, candidates: Iterable[Candidate]) -> None:
        """Take all that the peer tells of itself now; what it told before is over."""
        self._replace(_Source.PEER, candidates)

    def seen_by_server(self, endpoints: Iterable[Endpoint]) -> None:
        """Take where the server sees the peer now, in place of where it saw it."""
        seen = list(endpoints)
        kind = CandidateKind.SERVER_REFLEXIVE
        self._replace(_Source.SERVER, [candidate(kind, each) for each in seen])
        self._seen_hosts = {each.host for each in seen}

    def _replace(self, source: "_Source", candidates: Iterable[Candidate]) -> None:
        self._by_source.pop(source, None)  # so that it comes last: it is the newest
        sendable = [each for each in candidates if is_sendable(each.endpoint)]
        self._by_source[source] = sendable

    @property
    def has_tcp(self) -> bool:
        """Whether there is an address that may be tried by TCP."""
        return any(map(self._is_tcp_allowed, self))

    def _is_tcp_allowed(self, each: Candidate) -> bool:
        """Whether it is for TCP and may be connected to."""
        return (
            each.kind is CandidateKind.TCP
            and each.endpoint.host in self._seen_hosts
            and _is_in_scope(each, self._own_scopes)
        )

    def peer_is_on_our_lan(self) -> None:
        """Allow private addresses: the peer was found or reached on our network."""
        self._same_lan = True

    def own_path(self, path: Path) -> None:
        """We are reached over this path: the handshake's, or the relay's server."""
        scope = scope_of(path.server if isinstance(path, RelayPath) else path)
        self._own_scopes.add(scope)

    def allowed(self, local: Iterable[Candidate]) -> list[Candidate]:
        """Candidates that may be checked; `local` are our own.

        By TCP both ends have to begin, so the peer must know an address of ours too.
        """
        has_tcp = any(each.kind is CandidateKind.TCP for each in local)
        outside = [each for each in local if each.kind in _OWN_OUTSIDE]
        scopes = self._own_scopes | {scope_of(each.endpoint) for each in outside}
        if self._same_lan or self._shares_public_address(outside):
            scopes.add(Scope.PRIVATE)
        return [
            each
            for each in self
            if (
                has_tcp and self._is_tcp_allowed(each)
                if each.kind is CandidateKind.TCP
                else _is_in_scope(each, scopes)
            )
        ]

    def _shares_public_address(self, outside: Iterable[Candidate]) -> bool:
        """Whether both ends stand behind the same router, as the server sees it.

        The peer is not asked: it knows our address and would have us look into our
        own network for it.
        """
        return any(
            each.endpoint.host in self._seen_hosts
            and scope_of(each.endpoint) is Scope.PUBLIC
            for each in outside
        )


def _is_in_scope(candidate: Candidate, scopes: set[Scope]) -> bool:
    """Whether the address reaches no further inside than these scopes do."""
    scope = scope_of(candidate.endpoint)
    if scope in {Scope.PUBLIC, Scope.LOOPBACK}:
        return scope is Scope.PUBLIC or scope in scopes
    return bool(scopes - {Scope.PUBLIC})
