"""The ways in which a rendezvous server may be reached, and the one in use.

UDP at the port that was named is best. A network that lets no UDP through, or only to
port 443, is passed by UDP 443, TCP at the same port or TCP 443. For everything above,
a server has one name, its first way; relay channels keep it when the way changes.
"""

from collections.abc import Iterable

from p2p_remote.wire.address import Endpoint, TcpEndpoint

HTTPS_PORT = 443  # the port that is closed last


def ways_to(server: Endpoint) -> tuple[Endpoint, ...]:
    """All ways to a server, the best first."""
    host, port = server.host, server.port
    ways: tuple[Endpoint, ...] = (
        Endpoint(host, port),
        Endpoint(host, HTTPS_PORT),
        TcpEndpoint(host, port),
        TcpEndpoint(host, HTTPS_PORT),
    )
    return tuple(dict.fromkeys(ways))


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
        """Ways that would be better than the one in use."""
        ways = self.ways(server)
        return ways[: ways.index(self.current(server))]
