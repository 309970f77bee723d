"""What the two ends of a handshake report."""

from dataclasses import dataclass

from p2p_remote.crypto.handshake_keys import HandshakeResult
from p2p_remote.errors import RemoteSupportError
from p2p_remote.wire.address import Path


@dataclass(frozen=True, slots=True)
class PeerAnswered:
    """Initiator: M2 came; the path is fixed and the other side is being asked."""

    path: Path


@dataclass(frozen=True, slots=True)
class HandshakeComplete:
    """The session's keys are there. `handle` is the responder's; 0 at the initiator."""

    result: HandshakeResult
    handle: int = 0


@dataclass(frozen=True, slots=True)
class HandshakeFailed:
    """Initiator: there will be no session, and why."""

    error: RemoteSupportError


@dataclass(frozen=True, slots=True)
class CallerVerified:
    """Responder: somebody calls who holds this key (and knows the password).

    Nothing vouches for the key yet unless `password_verified`. Check the ID, count the
    attempt, show the prompt, then `release(handle, now)`; or `refuse(handle, now)`.
    """

    handle: int
    public: bytes
    counter: int
    name: str
    wanted: int
    password_verified: bool
    target_id: int
    path: Path


@dataclass(frozen=True, slots=True)
class PasswordFailed:
    """Responder: a caller did not know the password, or gave one where none is set.

    Tell them by `refuse(handle, now, WRONG_PASSWORD)`.
    """

    handle: int
    target_id: int
    path: Path


@dataclass(frozen=True, slots=True)
class PasswordsExhausted:
    """Responder: somebody was refused unheard, after too many wrong passwords.

    `wait`: s until the next one may try.
    """

    wait: float


@dataclass(frozen=True, slots=True)
class CallerLost:
    """Responder: the caller gave up before `release`; take the prompt away."""

    handle: int


InitiatorEvent = PeerAnswered | HandshakeComplete | HandshakeFailed
ResponderEvent = (
    CallerVerified
    | PasswordFailed
    | PasswordsExhausted
    | CallerLost
    | HandshakeComplete
)
