"""Figures for Prometheus, and whether the server is alive, over a small HTTP.

The text is the Prometheus exposition format 0.0.4. It holds sums only: no ID, no
address, no key. `GET /metrics` and `GET /healthz` are answered, one request to a
connection; for the operator's own network, not for the world.
"""

import asyncio
import contextlib
import os
import resource
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from p2p_remote.errors import NetworkError
from p2p_remote.wire.address import Endpoint
from p2p_remote.wire.first_byte import RELAYED
from p2p_remote.wire.rendezvous import MESSAGES
from p2p_remote.wire.where import WHERE
from rendezvous.counters import Drop
from rendezvous.protocol import Protocol
from rendezvous.tcp_admission import Refusal, TcpFigures

_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_PATIENCE = 5.0  # s for a request to arrive
_LONGEST_REQUEST = 8192  # bytes
_MAX_CONNECTIONS = 16
_PREFIX = "p2p_rendezvous_"
_BESIDE = {WHERE: "Where", RELAYED: "Relayed"}
_TYPES = {kind.TYPE: kind.__name__ for kind in MESSAGES} | _BESIDE

_Samples = Iterable[tuple[str, float]]


def exposition(protocol: Protocol, unsent: int, tcp: TcpFigures) -> str:
    """All figures as text; `unsent` datagrams the system did not take."""
    counters = protocol.counters
    lines: list[str] = []

    def add(name: str, kind: str, about: str, samples: _Samples) -> None:
        lines.append(f"# HELP {name} {about}")
        lines.append(f"# TYPE {name} {kind}")
        lines.extend(f"{name}{labels} {value:.17g}" for labels, value in samples)

    def total(name: str, about: str, samples: _Samples) -> None:
        add(f"{_PREFIX}{name}_total", "counter", about, samples)

    def gauge(name: str, about: str, value: float) -> None:
        add(_PREFIX + name, "gauge", about, [("", value)])

    total(
        "datagrams_received",
        "Datagrams of a known layout, by type.",
        (
            (f'{{type="{_snake(name)}"}}', counters.received[byte])
            for byte, name in _TYPES.items()
            if counters.received[byte]
        ),
    )
    total(
        "datagrams_dropped",
        "Datagrams without effect, by reason.",
        (
            (f'{{reason="{drop.name.lower()}"}}', counters.dropped[drop])
            for drop in Drop
        ),
    )
    total(
        "rate_limited",
        "What a rate limit refused, by limit.",
        (
            (f'{{limit="{name}"}}', limit.refused)
            for name, limit in protocol.limits.items()
        ),
    )
    total("datagrams_unsent", "The system did not take them.", [("", unsent)])
    total("registrations", "New registrations.", [("", counters.registered)])
    total(
        "calls",
        "Calls, by what came of them.",
        [
            ('{outcome="introduced"}', counters.calls_introduced),
            ('{outcome="refused"}', counters.calls_refused),
        ],
    )
    total("relayed_datagrams", "Forwarded.", [("", counters.relayed_datagrams)])
    total("relayed_bytes", "Bytes of them.", [("", counters.relayed_bytes)])
    total("tcp_accepted", "TCP connections taken.", [("", tcp.accepted)])
    total(
        "tcp_refused",
        "TCP connections that were not taken or were ended, by reason.",
        ((f'{{reason="{why.name.lower()}"}}', tcp.refused[why]) for why in Refusal),
    )
    total("tls_handshakes", "TCP connections that are in TLS.", [("", tcp.tls)])
    total("tcp_unsent", "Dropped: somebody reads slowly.", [("", tcp.unsent)])
    gauge("tcp_connections", "TCP connections now.", tcp.open)
    gauge("registered", "Machines registered now.", len(protocol.registry))
    gauge("channels", "Relay channels now.", len(protocol.introductions.relay))
    _add_process(add)
    return "\n".join(lines) + "\n"


def _add_process(add: Callable[[str, str, str, _Samples], None]) -> None:
    """Figures of the process under the names that all programs use."""
    cpu = time.process_time()
    add("process_cpu_seconds_total", "counter", "CPU time.", [("", cpu)])
    memory = _resident_memory()
    add("process_resident_memory_bytes", "gauge", "Memory.", [("", memory)])


def _resident_memory() -> int:
    """Bytes of memory in use; where the system does not tell, the most ever used."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")


def _snake(name: str) -> str:
    """`KeepaliveAck` as `keepalive_ack`."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


class MetricsServer:
    """The HTTP side. `figures()` gives the text of /metrics."""

    def __init__(self, figures: Callable[[], str]) -> None:
        self._figures = figures
        self._server: asyncio.Server | None = None
        self._open = 0

    async def start(self, host: str, port: int) -> Endpoint:
        """Listen, and return where.

        Raises:
            NetworkError: the address cannot be listened on.

        """
        try:
            self._server = await asyncio.start_server(
                self._serve, host, port, limit=_LONGEST_REQUEST
            )
        except OSError as error:
            raise NetworkError(
                f"Cannot listen on {Endpoint(host, port)} for --metrics: "
                f"{os.strerror(error.errno) if error.errno else error}."
            ) from error
        return Endpoint(*self._server.sockets[0].getsockname()[:2])

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._open += 1
        try:
            if self._open > _MAX_CONNECTIONS:
                return
            async with asyncio.timeout(_PATIENCE):
                request = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._answer(request))
                await writer.drain()
        except (
            TimeoutError,
            OSError,
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
        ):
            pass  # whoever it was asks again
        finally:
            self._open -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _answer(self, request: bytes) -> bytes:
        words = request.split(b"\r\n", 1)[0].split(b" ")
        method, path = words[0], words[1] if len(words) > 1 else b""
        if method not in (b"GET", b"HEAD"):
            return _response("405 Method Not Allowed", "GET only\n", method)
        if path == b"/metrics":
            return _response("200 OK", self._figures(), method)
        if path == b"/healthz":
            return _response("200 OK", "ok\n", method)
        return _response("404 Not Found", "/metrics or /healthz\n", method)


def _response(status: str, text: str, method: bytes) -> bytes:
    body = text.encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {_TEXT}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode()
    return head if method == b"HEAD" else head + body
