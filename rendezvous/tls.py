"""The coat for networks that let only TLS through: the server's side of it.

TLS 1.3 only: it has no renegotiation, keeps no sessions in memory, and does not show
the certificate to who looks on.
"""

import os
import ssl
import tempfile
from pathlib import Path

from p2p_remote.errors import StateError
from rendezvous.certificate import self_made


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
