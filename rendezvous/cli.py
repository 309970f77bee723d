"""The command `p2p-rendezvous`.

`--version` and `--help` load nothing but argparse: the server is imported when it runs.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from p2p_remote import __version__
from p2p_remote.errors import RemoteSupportError, StateError, UsageError
from p2p_remote.wire.constants import DEFAULT_RENDEZVOUS_PORT

if TYPE_CHECKING:
    import ssl

    from p2p_remote.wire.address import Endpoint
    from rendezvous.database import SqliteClaims
    from rendezvous.registry import MemoryClaims
    from rendezvous.settings import Settings
    from rendezvous.store_redis import RedisStore

EXIT_INTERRUPTED = 130  # Ctrl-C, after a clean shutdown

_EPILOG = """\
exit codes: 0 stopped by SIGTERM, 1 a file cannot be used, 2 wrong arguments,
6 an address cannot be listened on, 130 stopped by Ctrl-C
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    result = argparse.ArgumentParser(
        prog="p2p-rendezvous",
        description="Introduces two peers to each other and relays what they seal.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("--version", action="version", version=__version__)
    result.add_argument(
        "--listen",
        action="append",
        default=[],
        metavar="HOST:PORT",
        help="address to listen on by UDP and TCP, may be given several times; port 0 "
        "is any free one, HOST:PORT/udp leaves TCP out "
        f"(default: port {DEFAULT_RENDEZVOUS_PORT} of all IPv4 and IPv6 addresses)",
    )
    result.add_argument(
        "--public",
        action="append",
        default=[],
        metavar="HOST:PORT",
        help="address that clients know this server by, or the name that those behind "
        "a proxy know; registrations signed for another one are refused (default: not "
        "checked)",
    )
    result.add_argument(
        "--store",
        metavar="STORE",
        help="where IDs and keys are kept: memory, sqlite, or redis://HOST:PORT/NUMBER "
        "for several servers that work as one "
        "(default: sqlite if --database is given, else memory)",
    )
    result.add_argument(
        "--store-password-file",
        metavar="FILE",
        type=Path,
        help="file with the password of the Redis store",
    )
    result.add_argument(
        "--node",
        metavar="IP:PORT",
        help="UDP address for other servers of the fleet, in a network of your own "
        "(default: a free port of the address by which the store is reached)",
    )
    result.add_argument(
        "--database", metavar="FILE", type=Path, help="SQLite file of IDs and keys"
    )
    result.add_argument(
        "--no-relay",
        action="store_true",
        help="relay introductions only, not whole sessions",
    )
    result.add_argument(
        "--relay-rate",
        type=float,
        metavar="MBIT",
        help="Mbit/s that one relayed session may use (default: 2)",
    )
    result.add_argument(
        "--metrics",
        metavar="HOST:PORT",
        help="serve figures for Prometheus on http://HOST:PORT/metrics, and /healthz; "
        "for your own network only",
    )
    result.add_argument(
        "--handover",
        metavar="FILE",
        type=Path,
        help="written at SIGTERM and read at the next start, so that clients notice "
        "nothing of a restart",
    )
    result.add_argument(
        "--tls-cert",
        metavar="FILE",
        type=Path,
        help="certificate in PEM, with its chain, for clients whose network lets only "
        "TLS through (default: one that the server makes for itself at its start)",
    )
    result.add_argument(
        "--tls-key",
        metavar="FILE",
        type=Path,
        help="private key of --tls-cert in PEM (default: in the same file)",
    )
    result.add_argument("-v", "--verbose", action="store_true", help="say more")
    return result


def split_address(text: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`, `[IPV6]:PORT`, `HOST` or `:PORT` (empty host: all).

    Raises:
        UsageError: it is none of these.

    """
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]") or (":" in host and not host.startswith("[")):
        host, port = text, str(DEFAULT_RENDEZVOUS_PORT)
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if not (port.isascii() and port.isdigit()) or int(port) > 65_535:
        raise UsageError(f"{text}: an address is HOST:PORT, for example 0.0.0.0:3479.")
    return host, int(port)


def split_listen(text: str) -> tuple[str, int, bool]:
    """Host and port as `split_address`, and whether TCP is wanted: not with `/udp`.

    Raises:
        UsageError: it is none of these.

    """
    address = text.removesuffix("/udp")
    return *split_address(address), address == text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = parser().parse_args(arguments)
    try:
        return _serve(options)
    except RemoteSupportError as error:
        print(f"p2p-rendezvous: {error}", file=sys.stderr)
        return error.exit_code


def _serve(options: argparse.Namespace) -> int:
    import asyncio
    import logging
    import signal

    from rendezvous.database import SqliteClaims
    from rendezvous.fleet import FleetClaims
    from rendezvous.server import Server
    from rendezvous.sockets import resolve

    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.INFO,
        format="%(levelname)s %(message)s",
    )
    for library in ("asyncio", "redis"):
        logging.getLogger(library).setLevel(logging.WARNING)
    listen = [split_listen(text) for text in options.listen]
    metrics = split_address(options.metrics) if options.metrics else None
    settings = _settings(options)
    store = _redis(options)
    claims = FleetClaims(store.fleet) if store else _claims(options)
    try:
        server = Server(settings, claims, store, _tls(options))
        server.listen(resolve(listen or [("", DEFAULT_RENDEZVOUS_PORT, True)]))
        server.listen_beside()

        def announce(metrics_at: "Endpoint | None") -> None:
            print("listening", *server.endpoints, flush=True)
            if metrics_at is not None:
                print("metrics", metrics_at, flush=True)

        stopped_by = asyncio.run(server.run(announce, metrics, options.handover))
    finally:
        if isinstance(claims, SqliteClaims):
            claims.close()
    return EXIT_INTERRUPTED if stopped_by is signal.SIGINT else 0


def _tls(options: argparse.Namespace) -> "ssl.SSLContext | None":
    """What TLS is taken with; None if that cannot be done without being asked for."""
    import logging

    from rendezvous.tls import context

    if options.tls_key and not options.tls_cert:
        raise UsageError("--tls-key goes with --tls-cert.")
    try:
        return context(options.tls_cert, options.tls_key)
    except StateError as error:
        if options.tls_cert:
            raise
        logging.getLogger(__name__).warning("TCP is served without TLS: %s", error)
        return None


def _settings(options: argparse.Namespace) -> "Settings":
    from rendezvous.settings import Settings

    public = {_public(text) for text in options.public}
    settings = Settings(relay=not options.no_relay, public_endpoints=frozenset(public))
    if options.relay_rate is None:
        return settings
    if not 0 < options.relay_rate <= 10_000:
        raise UsageError("--relay-rate is a number of Mbit/s above 0.")
    return replace(settings, relay_rate=options.relay_rate * 1e6 / 8)


def _public(text: str) -> bytes:
    """Packed endpoint of an address, or of a name as clients behind a proxy know it."""
    from p2p_remote.wire.address import Endpoint, pack_endpoint, unresolved

    host, port = split_address(text)
    if not host or port == 0:
        raise UsageError(f"--public {text}: an address and a port that clients use.")
    try:
        return pack_endpoint(Endpoint(host, port))
    except ValueError:
        return pack_endpoint(unresolved(host, port))


def _redis(options: argparse.Namespace) -> "RedisStore | None":
    """The store of a fleet, if one is asked for."""
    url = options.store or ""
    if not url.startswith(("redis://", "rediss://", "unix://")):
        if options.node or options.store_password_file:
            raise UsageError(
                "--node and --store-password-file go with --store redis://..."
            )
        return None
    if options.database:
        raise UsageError("--database goes with --store sqlite.")
    if ":" in url.partition("://")[2].rpartition("@")[0]:
        raise UsageError(
            "--store: a password on the command line can be read by other users; "
            "use --store-password-file FILE."
        )
    from rendezvous.store_redis import RedisStore

    password = None
    if options.store_password_file:
        try:
            password = options.store_password_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise StateError(
                f"{options.store_password_file} cannot be read: {error.strerror}."
            ) from error
    return RedisStore(url, password, options.node)


def _claims(options: argparse.Namespace) -> "MemoryClaims | SqliteClaims":
    from rendezvous.database import SqliteClaims
    from rendezvous.registry import MemoryClaims

    if options.store not in (None, "memory", "sqlite"):
        raise UsageError("--store is memory, sqlite or redis://HOST:PORT/NUMBER.")
    if options.store == "memory" and options.database:
        raise UsageError("--database goes with --store sqlite.")
    if options.store == "sqlite" and not options.database:
        raise UsageError("--store sqlite needs --database FILE.")
    return SqliteClaims(options.database) if options.database else MemoryClaims()
