"""QUIC by aioquic or qh3: questions, answers and filling on streams of their own."""

import asyncio
import importlib
import ssl
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench.transport_tcp import Framing, framed
from tests.bench.transport_workloads import FILL

_UNSENT = 16_000  # bytes of filling that may wait in the library
_TICK = 0.002  # s between looks at its room
_WINDOW = 16 * 1024 * 1024  # bytes of flow control, never the limit
_CERTIFICATE = Path(tempfile.gettempdir()) / "p2p-remote-bench"


def make_certificate() -> None:
    """Key and certificate for the server end, made once."""
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bench")])
    begin = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=36_500))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    _CERTIFICATE.with_suffix(".key").write_bytes(
        key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    _CERTIFICATE.with_suffix(".pem").write_bytes(certificate.public_bytes(pem))


class QuicWire:
    """One QUIC connection; each kind of message has a stream."""

    def __init__(
        self,
        library: str,
        local: tuple[str, int],
        remote: tuple[str, int],
        *,
        is_server: bool,
    ) -> None:
        self.on_message: Callable[[int, bytes], None]
        self.on_room: Callable[[], None]
        self._asyncio = importlib.import_module(f"{library}.asyncio")
        self._events = importlib.import_module(f"{library}.quic.events")
        settings = importlib.import_module(f"{library}.quic.configuration")
        self._configuration = settings.QuicConfiguration(
            is_client=not is_server,
            alpn_protocols=["bench"],
            verify_mode=ssl.CERT_NONE,
            max_data=_WINDOW,
            max_stream_data=_WINDOW,
        )
        self._local, self._remote = local, remote
        self._is_server = is_server
        self._protocol: Any = None
        self._streams: dict[int, int] = {}
        self._framings: dict[int, Framing] = {}
        self._context: Any = None
        self._ticker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        if self._is_server:
            self._configuration.load_cert_chain(
                _CERTIFICATE.with_suffix(".pem"), _CERTIFICATE.with_suffix(".key")
            )
            await self._asyncio.serve(
                *self._local,
                configuration=self._configuration,
                create_protocol=self._make_protocol(),
            )
        else:
            self._context = self._asyncio.connect(
                *self._remote,
                configuration=self._configuration,
                create_protocol=self._make_protocol(),
            )
            await self._context.__aenter__()
        self._ticker = asyncio.create_task(self._tick())

    def _make_protocol(self) -> Any:
        wire = self

        class Protocol(self._asyncio.QuicConnectionProtocol):  # type: ignore[name-defined, misc]
            """Hands events over."""

            def connection_made(self, transport: Any) -> None:
                super().connection_made(transport)
                wire._protocol = self

            def quic_event_received(self, event: Any) -> None:
                wire._on_event(self, event)

        return Protocol

    def _on_event(self, protocol: Any, event: Any) -> None:
        self._protocol = protocol
        if isinstance(event, self._events.StreamDataReceived):
            framing = self._framings.setdefault(event.stream_id, Framing())
            framing.feed(event.data, self.on_message)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            if self._protocol is not None and self.has_room():
                self.on_room()

    def has_room(self) -> bool:
        if self._protocol is None:
            return False
        stream = self._streams.get(FILL)
        if stream is None:
            return True
        connection = self._protocol._quic
        if hasattr(connection, "get_send_buffer_size"):
            return bool(connection.get_send_buffer_size(stream) < _UNSENT)
        sender = connection._streams[stream].sender
        return bool(sender._buffer_stop - sender.next_offset < _UNSENT)

    def send(self, kind: int, data: bytes) -> None:
        connection = self._protocol._quic
        if kind not in self._streams:
            self._streams[kind] = connection.get_next_available_stream_id()
        connection.send_stream_data(self._streams[kind], framed(kind, data))
        self._protocol.transmit()

    async def close(self) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
        if self._protocol is not None:
            self._protocol.close()
