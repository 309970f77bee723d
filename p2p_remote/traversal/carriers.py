"""The ways in which a rendezvous server may be reached, and the one in use.

UDP at the port that was named is best. A network that lets no UDP through, or only to
port 443, is passed by UDP 443, TCP at the same port or TCP 443; one that lets only TLS
through, or asks for a proxy, by a *covered* way. For everything above, a server has one
name, its first way; relay channels keep it when the way changes.
"""

from collections.abc import Iterable

from p2p_remote.wire.address import (
    Endpoint,
    ProxiedEndpoint,
    TcpEndpoint,
    TlsEndpoint,
    is_unresolved,
)

HTTPS_PORT = 443  # the port that is closed last


def ways_to(server: Endpoint, *, proxied: bool = False) -> tuple[Endpoint, ...]:
    """All ways to a server, the best first; `proxied`: there is a proxy to ask.

    Most proxies let only port 443 through, so that one comes first there.
    """
    host, port = server.host, server.port
    behind_proxy = (ProxiedEndpoint(host, HTTPS_PORT), ProxiedEndpoint(host, port))
    if is_unresolved(server):
        return tuple(dict.fromkeys((server, *behind_proxy)))
    ways: tuple[Endpoint, ...] = (
        Endpoint(host, port),
        Endpoint(host, HTTPS_PORT),
        TcpEndpoint(host, port),
        TcpEndpoint(host, HTTPS_PORT),
        TlsEndpoint(host, HTTPS_PORT),
    )
    return tuple(dict.fromkeys(ways + behind_proxy if proxied else ways))


def is_covered(way: Endpoint) -> bool:
    """Whether this way is in TLS."""
    return isinstance(way, TlsEndpoint)


def waves_of(ways: tuple[Endpoint, ...]) -> tuple[tuple[Endpoint, ...], ...]:
    """Ways that are tried one group after the other, each with those before it.

    The best alone, then all that are open, then all at port 443, then all.
    """
    bare = tuple(way for way in ways if not is_covered(way))
    if len(bare) == 1:
        bare = ways[:1]
    usual = tuple(way for way in ways if way in bare or way.port == HTTPS_PORT)
    waves = (ways[:1], bare, usual, ways) if len(bare) > 1 else (usual, ways)
    return tuple(dict.fromkeys(waves))


class Carriers:
    """Ways to some servers."""

    def __init__(self, ways: Iterable[tuple[Endpoint, ...]]) -> None:
        """For each server its ways, the best first; that one is its name."""
        self._ways = {each[0]: each for each in ways}
        self._server_of = {
            way: name for name, each in self._ways.items() for way in each
        }
        self._current: dict[Endpoint, Endpoint] = {}

    def ways(self, server: Endpoint) -> tuple[Endpoint, ...]:
        """All ways to this server, the best first."""
        return self._ways.get(server, (server,))

    def server_of(self, path: object) -> Endpoint | None:
        """Name of the server at the other end of `path`; None if it is none of ours."""
        return self._server_of.get(path) if isinstance(path, Endpoint) else None

    def current(self, server: Endpoint) -> Endpoint:
        """Way in use to this server."""
        return self._current.get(server, server)

    def use(self, path: Endpoint) -> bool:
        """Use this way from now on; whether it was another one before."""
        server = self._server_of[path]
        changed = self.current(server) != path
        self._current[server] = path
        return changed

    def is_worse(self, server: Endpoint, way: Endpoint, other: Endpoint) -> bool:
        """Whether `way` to this server is worse than the `other`."""
        ways = self.ways(server)
        return ways.index(way) > ways.index(other)

    def better(self, server: Endpoint) -> tuple[Endpoint, ...]:
        """Ways that would be better than the one in use.

        For a covered one, only those by UDP are: a plain connection would gain little,
        and is what a network that asks for a cover looks out for.
        """
        ways = self.ways(server)
        current = self.current(server)
        found = ways[: ways.index(current)]
        if is_covered(current):
            return tuple(way for way in found if not isinstance(way, TcpEndpoint))
        return found

    def bare(self, server: Endpoint) -> tuple[Endpoint, ...]:
        """Ways without a cover, and the one in use."""
        current = self.current(server)
        return tuple(
            way for way in self.ways(server) if way == current or not is_covered(way)
        )
