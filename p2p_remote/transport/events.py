"""What a `Connection` reports."""

from dataclasses import dataclass

from p2p_remote.wire.address import Path


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A whole message came in, in the order it was sent on its channel."""

    channel: int
    data: bytes


@dataclass(frozen=True, slots=True)
class LatestReceived:
    """A newer value of `kind` came in; older ones may never do."""

    kind: int
    data: bytes


@dataclass(frozen=True, slots=True)
class RoomAvailable:
    """`room(channel)` had answered 0 and is above it again. Comes once per wait."""

    channel: int


@dataclass(frozen=True, slots=True)
class PathHeard:
    """The newest authentic packet came by another path than the one in use."""

    path: Path


@dataclass(frozen=True, slots=True)
class PathProven:
    """The other side answered a challenge on `path`, `rtt` seconds after it left."""

    path: Path
    rtt: float


@dataclass(frozen=True, slots=True)
class AnswerOverdue:
    """An answer stays out, and nothing else has come for `seconds`.

    Once per silence and long before `PeerSilent`: the path may be broken, or has just
    lost some packets in a row.
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class PeerSilent:
    """Nothing authentic has come for `seconds`: let go of what is held down."""

    seconds: float


@dataclass(frozen=True, slots=True)
class PeerHeard:
    """The silence is over after `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class PeerClosed:
    """The other side has ended the connection; `code` as in `wire.control.REASONS`."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """The connection is over without a goodbye; `reason` is for people."""

    reason: str


Event = (
    MessageReceived
    | LatestReceived
    | RoomAvailable
    | PathHeard
    | PathProven
    | AnswerOverdue
    | PeerSilent
    | PeerHeard
    | PeerClosed
    | ConnectionLost
)
