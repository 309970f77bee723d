"""What a node reports."""

from dataclasses import dataclass

from p2p_remote.errors import RemoteSupportError
from p2p_remote.session.call_limits import HeldBack
from p2p_remote.session.events import SessionEvent
from p2p_remote.session.session import Session
from p2p_remote.traversal.paths import SocketsReleased
from p2p_remote.wire.address import Endpoint, Path


@dataclass(frozen=True, slots=True)
class NodeRegistered:
    """The rendezvous knows us; `reflexive` is how it sees our address.

    `carrier` is the way to it: a `TcpEndpoint` where no UDP gets through.
    """

    reflexive: Endpoint
    carrier: Endpoint


@dataclass(frozen=True, slots=True)
class NodeUnregistered:
    """The rendezvous does not answer (any more)."""

    reason: str


@dataclass(frozen=True, slots=True)
class NodeIdTaken:
    """The rendezvous says that another key owns our ID; registering has stopped.

    Believe it only if that key really gives this ID (`derive_id`).
    """

    public: bytes
    counter: int


@dataclass(frozen=True, slots=True)
class CallerArrived:
    """Somebody has proven a key and asks to be let in; nobody was told yet.

    `wanted`: what they say they want, bits of `wire.control.PERMISSIONS`; a claim.
    Answer with `Node.release` as soon as the prompt is shown, or `Node.refuse`.
    """

    handle: int
    public: bytes
    counter: int
    name: str
    password_verified: bool
    path: Path
    wanted: int = 0


@dataclass(frozen=True, slots=True)
class CallerGone:
    """The caller gave up before the prompt was shown."""

    handle: int


@dataclass(frozen=True, slots=True)
class CallHeldBack:
    """Somebody called and was refused without a question. `wait`: s until they may."""

    why: HeldBack
    wait: float


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """The machine that was called is there and checks who calls."""

    call: int


@dataclass(frozen=True, slots=True)
class CallFailed:
    """A call has ended without a session."""

    call: int
    error: RemoteSupportError


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """A handshake is complete. `handle` is that of the caller or of the call."""

    handle: int
    session: Session


@dataclass(frozen=True, slots=True)
class SessionHappened:
    """An event of a session."""

    session: Session
    event: SessionEvent


NodeEvent = (
    NodeRegistered
    | NodeUnregistered
    | NodeIdTaken
    | CallerArrived
    | CallerGone
    | CallHeldBack
    | CallAnswered
    | CallFailed
    | SessionOpened
    | SessionHappened
    | SocketsReleased
)
