"""The coat for networks that let only TLS through: the server's side of it.

TLS 1.3 only: it has no renegotiation, keeps no sessions in memory, and does not show
the certificate to who looks on.
"""

import os
import ssl
import tempfile
from pathlib import Path

from p2p_remote.errors import MalformedMessageError, StateError
from rendezvous.certificate import self_made

MOST_AT_ONCE = 4 * 1024  # bytes that are given to `Cover.feed` at once
# A record has at most 16,645 bytes (RFC 8446 section 5.2); what is longer than one and
# says nothing is there to keep us busy.
_MOST_SILENT = 20 * 1024


class Cover:
    """TLS of one connection, which is given bytes and never the socket.

    OpenSSL reads from a socket until there is something to tell. Whoever sends
    KeyUpdate after KeyUpdate (RFC 8446 section 4.6.3) would keep it there for as long
    as he likes, and the server with it.
    """

    __slots__ = ("_from_line", "_silent", "_tls", "_to_line", "is_shaking")

    def __init__(self, made: ssl.SSLContext) -> None:
        """`made` is what `context` returns."""
        self._from_line, self._to_line = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = made.wrap_bio(self._from_line, self._to_line, server_side=True)
        self._silent = 0
        self.is_shaking = True

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the line; returns what they say. `take` is to be called then.

        Raises:
            OSError: it is no TLS, or the other side has ended it.
            MalformedMessageError: too much that says nothing.

        """
        self._silent += len(data)
        self._from_line.write(data)
        said = b""
        try:
            if self.is_shaking:
                self._tls.do_handshake()
                self.is_shaking = False
            while part := self._tls.read(MOST_AT_ONCE):
                said += part
        except ssl.SSLWantReadError:
            if said:
                self._silent = 0
            elif self._silent > _MOST_SILENT:
                raise MalformedMessageError("records that say nothing") from None
            return said
        if not said:
            raise ConnectionResetError
        return said  # the end comes with the next read

    def put(self, data: bytes) -> bytes:
        """Return bytes for the line that say `data`, after what `take` would give.

        Raises:
            OSError: the other side has ended it.

        """
        self._tls.write(data)
        return self._to_line.read()

    def take(self) -> bytes:
        """Bytes for the line that TLS has to say by itself."""
        return self._to_line.read()


def context(certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """What connections in TLS are taken with.

    Args:
        certificate: PEM file with the chain; None for one of our own making.
        key: PEM file with its private key; None if that is in the same file.

    Raises:
        StateError: a file cannot be used, or there is no place for a temporary one.

    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.num_tickets = 0  # nobody resumes
    made.set_alpn_protocols(["http/1.1"])
    if certificate is None:
        _load_self_made(made)
        return made
    try:
        made.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        files = certificate if key is None else f"{certificate} with {key}"
        reason = error.strerror if isinstance(error, OSError) else error
        raise StateError(
            f"The certificate {files} cannot be used: {reason}."
        ) from error
    return made


def _load_self_made(made: ssl.SSLContext) -> None:
    try:
        # OpenSSL reads files only; this one is ours alone (mode 0600).
        with tempfile.NamedTemporaryFile("w", encoding="ascii") as file:
            file.write(self_made(os.urandom))
            file.flush()
            made.load_cert_chain(file.name)
    except OSError as error:
        raise StateError(
            f"There is no place for a temporary file ({error.strerror}), which a "
            "certificate of the server's own needs. Name one with --tls-cert FILE, or "
            "set TMPDIR."
        ) from error


def _no_password() -> str:
    raise ValueError("its key has a password")
