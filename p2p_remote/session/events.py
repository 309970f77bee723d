"""What a session reports. Nouns in the past: something has happened."""

from dataclasses import dataclass

from p2p_remote.session.file_events import FileEvent
from p2p_remote.traversal.paths import SocketName, SocketsReleased
from p2p_remote.wire.address import Path
from p2p_remote.wire.control import REASON_PROTOCOL, REASONS, Viewport
from p2p_remote.wire.input import InputMessage
from p2p_remote.wire.screen import CursorPosition, CursorShape, HotPatch, ScreenUpdate


@dataclass(frozen=True, slots=True)
class SessionApproved:
    """The customer said yes: the session is active."""

    grants: tuple[str, ...]
    verified: bool
    seconds: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class WrongCodeTyped:
    """The customer has typed other digits than those of this session.

    After the last try the session ends.
    """

    tries_left: int


@dataclass(frozen=True, slots=True)
class PermissionGranted:
    """One more permission is granted."""

    permission: str


@dataclass(frozen=True, slots=True)
class PermissionsRevoked:
    """Permissions were taken back or have expired."""

    permissions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PermissionAsked:
    """The technician asks for a permission (customer's side)."""

    permission: str


@dataclass(frozen=True, slots=True)
class PermissionDeclined:
    """The customer did not grant what was asked (technician's side)."""

    permission: str


@dataclass(frozen=True, slots=True)
class InputArrived:
    """Input of the technician; the injector still has to ask the grants."""

    message: InputMessage


@dataclass(frozen=True, slots=True)
class ScreenArrived:
    """A screen update for the decoder."""

    update: ScreenUpdate


@dataclass(frozen=True, slots=True)
class PatchArrived:
    """A hot patch, to be shown over what the decoder has."""

    patch: HotPatch


@dataclass(frozen=True, slots=True)
class CursorArrived:
    """Pointer position or shape of the customer's side."""

    cursor: CursorPosition | CursorShape


@dataclass(frozen=True, slots=True)
class DisplayChanged:
    """The customer's display has another size; a key frame follows."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class ScreenSettled:
    """Everything that the customer's display shows has been sent, up to `sequence`."""

    sequence: int


@dataclass(frozen=True, slots=True)
class ViewportAsked:
    """The technician looks at this region (customer's side)."""

    viewport: Viewport


@dataclass(frozen=True, slots=True)
class SharedTold:
    """What the customer shares from now on (technician's side); see `wire.control`."""

    what: str
    names: tuple[str, ...]
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class AbilitiesTold:
    """What the technician's side can do (`wire.control.ABILITY_...` bits)."""

    bits: int


@dataclass(frozen=True, slots=True)
class KeyFrameAsked:
    """The technician needs a key frame (customer's side)."""


@dataclass(frozen=True, slots=True)
class ControlPausedChanged:
    """The customer's own input wins (True) or no longer does."""

    paused: bool


@dataclass(frozen=True, slots=True)
class PathChanged:
    """The session runs over another path. kind: lan, direct or relay."""

    path: Path
    kind: str
    rtt: float | None
    why: str


@dataclass(frozen=True, slots=True)
class PathBroken:
    """The path in use fell silent; another one is taken or looked for."""


@dataclass(frozen=True, slots=True)
class PathDoubted:
    """An answer stays out: the path in use may be broken, and is being checked."""


@dataclass(frozen=True, slots=True)
class MappingAsked:
    """Measure how our router maps, for this attempt at guessing ports.

    `socket` is the auxiliary socket whose port is wanted if all are shown the same.
    """

    attempt: int
    socket: SocketName


@dataclass(frozen=True, slots=True)
class TcpAddressAsked:
    """Where does the server see our TCP port? The peer can be reached by TCP alone."""


@dataclass(frozen=True, slots=True)
class SocketsFreed:
    """Auxiliary sockets are no longer needed."""

    released: SocketsReleased


@dataclass(frozen=True, slots=True)
class PeerSilentFor:
    """Nothing was heard for `seconds`; held keys have to be released."""

    seconds: float


@dataclass(frozen=True, slots=True)
class PeerHeardAgain:
    """The other side is back."""


@dataclass(frozen=True, slots=True)
class RoomForScreen:
    """The line has room for another screen update."""


@dataclass(frozen=True, slots=True)
class PunchWanted:
    """The customer approved: ask the rendezvous to introduce both sides."""


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """The session is over. `reason` is one of `wire.control.REASONS`."""

    reason: str
    text: str
    by_peer: bool


SessionEvent = (
    SessionApproved
    | WrongCodeTyped
    | PermissionGranted
    | PermissionsRevoked
    | PermissionAsked
    | PermissionDeclined
    | InputArrived
    | ScreenArrived
    | PatchArrived
    | CursorArrived
    | DisplayChanged
    | ScreenSettled
    | ViewportAsked
    | SharedTold
    | AbilitiesTold
    | KeyFrameAsked
    | ControlPausedChanged
    | PathChanged
    | PathBroken
    | PathDoubted
    | MappingAsked
    | TcpAddressAsked
    | SocketsFreed
    | PeerSilentFor
    | PeerHeardAgain
    | RoomForScreen
    | PunchWanted
    | SessionEnded
    | FileEvent
)


def ended(code: int, text: str, *, by_peer: bool) -> SessionEnded:
    """End with a code of `wire.control.REASONS`; an unknown one breaks the protocol.

    What broke the protocol is for the log: people are told the same, whatever it was.
    """
    reason = REASONS[code if 0 <= code < len(REASONS) else REASON_PROTOCOL]
    if reason == REASONS[REASON_PROTOCOL]:
        text = "The connection was not understood, so the session was ended."
    return SessionEnded(reason, text, by_peer)


PATH_TROUBLE = (PeerSilentFor, PathBroken, PathDoubted)
"""Events upon which it is worth asking the server where we are seen."""
