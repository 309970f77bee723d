"""What the services report to whoever shows it: plain lines, JSON or the TUI."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from p2p_remote.errors import RemoteSupportError
from p2p_remote.screen.geometry import Rect
from p2p_remote.session import events as ev

if TYPE_CHECKING:
    from p2p_remote.screen.cursor import PointerShape

LOOKING = "a direct path is being looked for"


@dataclass(frozen=True, slots=True)
class Ready:
    """This machine can be called under its ID. `listening`: rendezvous, lan or both."""

    peer_id: int
    rendezvous: bool
    lan: bool


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something does not work, but we go on. `text` is for people."""

    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody asks to be let in; `verified` says how, or is empty.

    `number` goes into the answer, so that it cannot be taken for another request.
    `mode`: what they say they want, see `services.wishes`.
    """

    name: str
    peer_id: int
    verified: str
    path_kind: str
    digits_expected: bool
    seconds: int
    number: int
    mode: str = "support"


@dataclass(frozen=True, slots=True)
class HeldBack:
    """So many calls were not shown (`session.call_limits.HeldBack` says why).

    `why` and `wait`, s until the caller may call again, are those of the last one.
    """

    calls: int
    why: str
    wait: int


@dataclass(frozen=True, slots=True)
class MoreTime:
    """The person is at it: `seconds` are left now for the question that is open.

    That is the request with this number, or what was asked about `permission`.
    """

    seconds: int
    number: int | None = None
    permission: str = ""


@dataclass(frozen=True, slots=True)
class WrongDigits:
    """The digits that the customer typed are not those of this session."""

    tries_left: int


@dataclass(frozen=True, slots=True)
class Started:
    """The session has begun."""

    name: str
    peer_id: int
    grants: tuple[str, ...]
    path_kind: str
    why: str
    width: int
    height: int
    verified: bool
    seconds: int

    @property
    def reason(self) -> str:
        """Why the session begins on this path, in words."""
        return self.why or (LOOKING if self.path_kind == "relay" else "")


@dataclass(frozen=True, slots=True)
class FileFacts:
    """The file that a question is about. `size` is 0 where it would leave.

    `name` is what it will be called in `folder`, or the path that is asked for.
    """

    number: int
    incoming: bool
    name: str
    size: int
    folder: str


@dataclass(frozen=True, slots=True)
class Shared:
    """What can be seen from now on: everything, a monitor, windows or nothing.

    `names` are those of the monitor or the windows; `why` says what happened to them.
    """

    what: str
    names: tuple[str, ...]
    width: int
    height: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """The technician asks for one more permission; no answer is No.

    With a `file`, a yes may be meant for this file only.
    """

    permission: str
    seconds: int
    file: FileFacts | None = None


@dataclass(frozen=True, slots=True)
class AskedNoMore:
    """What the question was about has gone: the question is closed."""

    permission: str


@dataclass(frozen=True, slots=True)
class TransferReport:
    """How far a file is. `state`: running, done or failed.

    `incoming` as seen from this machine; `lane`: it goes by a connection of its own;
    `text`: why it failed; `path`: where it is now that it is done.
    """

    number: int
    incoming: bool
    name: str
    size: int
    position: int
    state: str
    lane: bool
    text: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class GrantChanged:
    """A permission was granted (or refused when asked for).

    `why` it was refused, where that is known (`services.denials`), and `wait`: s until
    the person may be asked again, are for the customer's side.
    """

    permission: str
    granted: bool
    why: str = ""
    wait: int = 0


@dataclass(frozen=True, slots=True)
class Revoked:
    """Permissions are gone. `by`: F11, customer, pointer or the other side."""

    permissions: tuple[str, ...]
    by: str


@dataclass(frozen=True, slots=True)
class ControlPaused:
    """The customer's own mouse and keys win for the moment, or no longer."""

    paused: bool


@dataclass(frozen=True, slots=True)
class PathReport:
    """Which way the session runs, and why."""

    kind: str
    rtt_ms: float | None
    why: str


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing was heard for `seconds`; 0 when the other side is back."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Ended:
    """The session or the request is over."""

    reason: str
    text: str
    duration_s: float
    by_peer: bool
    exit_code: int


@dataclass(frozen=True, slots=True)
class Calling:
    """The call has left."""

    peer_id: int


@dataclass(frozen=True, slots=True)
class Ringing:
    """The prompt is on the customer's screen; read them these digits if expected."""

    digits: str
    name: str
    digits_expected: bool = True


@dataclass(frozen=True, slots=True)
class Frame:
    """The framebuffer has changed in these places."""

    generation: int
    width: int
    height: int
    damage: tuple[Rect, ...]


@dataclass(frozen=True, slots=True)
class Pointer:
    """The customer's pointer; without a shape while none is known."""

    x: int
    y: int
    visible: bool
    shape: "PointerShape | None" = None


@dataclass(frozen=True, slots=True)
class Stats:
    """Once a second, less often while nothing moves: what the line carries."""

    rtt_ms: float
    kbit_s: float
    fps: float


@dataclass(frozen=True, slots=True)
class Failed:
    """No session came about."""

    error: RemoteSupportError


ServiceEvent = (
    Ready
    | Trouble
    | Request
    | HeldBack
    | MoreTime
    | WrongDigits
    | Started
    | Shared
    | Asked
    | AskedNoMore
    | TransferReport
    | GrantChanged
    | Revoked
    | ControlPaused
    | PathReport
    | Silence
    | Ended
    | Calling
    | Ringing
    | Frame
    | Pointer
    | Stats
    | Failed
)


def from_session(event: ev.SessionEvent) -> ServiceEvent | None:
    """What both roles report alike; None for what is not shown as it is."""
    shown: ServiceEvent | None = None
    match event:
        case ev.WrongCodeTyped(tries_left=tries_left):
            shown = WrongDigits(tries_left)
        case ev.PermissionGranted(permission=permission):
            shown = GrantChanged(permission, granted=True)
        case ev.PermissionDeclined(permission=permission):
            shown = GrantChanged(permission, granted=False)
        case ev.PermissionsRevoked(permissions=permissions):
            shown = Revoked(permissions, "customer")
        case ev.SharedTold(what=what, names=names, width=width, height=height):
            shown = Shared(what, names, width, height)
        case ev.ControlPausedChanged(paused=paused):
            shown = ControlPaused(paused)
        case ev.PathChanged(kind=kind, rtt=rtt, why=why):
            rtt_ms = None if rtt is None else round(rtt * 1000, 1)
            shown = PathReport(kind, rtt_ms, why)
        case ev.PeerSilentFor(seconds=seconds):
            shown = Silence(seconds)
        case ev.PeerHeardAgain():
            shown = Silence(0.0)
        case _:
            pass
    return shown
