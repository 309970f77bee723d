"""The technician's side of a session: sees, asks, and acts within the grants."""

from dataclasses import replace
from typing import Any, ClassVar

from p2p_remote.errors import PermissionNotGrantedError, ProtocolError
from p2p_remote.session import events as ev
from p2p_remote.session.permissions import permission_number
from p2p_remote.session.roles import DIGIT_TRIES, Role, State, Trigger
from p2p_remote.session.session import Session
from p2p_remote.session.technician_files import TechnicianFiles
from p2p_remote.transport import events as transport_events
from p2p_remote.wire import control
from p2p_remote.wire.constants import CHANNEL_HOT, CHANNEL_INPUT, CHANNEL_SCREEN
from p2p_remote.wire.input import INPUT, InputMessage
from p2p_remote.wire.screen import CURSOR, HOT, SCREEN, CursorPosition


class TechnicianSession(Session):
    """Receives pictures; sends input and requests."""

    role: ClassVar[Role] = Role.TECHNICIAN

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """See `Session`."""
        super().__init__(*args, **kwargs)
        self._serials: dict[str, int] = {}
        self._tries_left = DIGIT_TRIES
        self.files: TechnicianFiles = TechnicianFiles(self._connection, self._emit)

    @property
    def grants(self) -> tuple[str, ...]:
        """What is granted, as far as this side knows."""
        return tuple(self._serials)

    def request(self, permission: str, now: float) -> None:
        """Ask the customer for a permission."""
        number = permission_number(permission)
        if self.state is State.ACTIVE:
            self._send_control(control.PermissionRequest(number), now)

    def send_input(self, message: InputMessage, now: float) -> None:
        """Send input under the current control grant (its serial is filled in).

        Raises:
            PermissionNotGrantedError: control is not granted.

        """
        serial = self._serials.get("control")
        if serial is None or self.state is not State.ACTIVE:
            raise PermissionNotGrantedError(
                "The customer has not allowed control. Ask for it first."
            )
        data = INPUT.encode(replace(message, serial=serial))
        self._connection.send_message(CHANNEL_INPUT, data, now)

    def send_viewport(self, viewport: control.Viewport, now: float) -> None:
        """Tell which region is shown, and in how many sub-pixels."""
        if self.state is State.ACTIVE:
            self._send_control(viewport, now)

    def tell_abilities(self, bits: int, now: float) -> None:
        """Tell what this side can do (`wire.control.ABILITY_...` bits)."""
        if self.state is State.ACTIVE:
            self._send_control(control.Abilities(bits), now)

    def request_key_frame(self, now: float) -> None:
        """Ask for a picture from nothing."""
        if self.state is State.ACTIVE:
            self._send_control(control.KeyFrameRequest(), now)

    def _on_end(self) -> None:
        self._serials = {}

    def _on_control(self, message: Any, now: float) -> None:
        if self.state is not State.ACTIVE:
            self._on_answer(message, now)
            return
        match message:
            case control.Granted(permission=number, serial=serial):
                name = control.PERMISSIONS[number]
                self._serials[name] = serial
                self._emit(ev.PermissionGranted(name))
            case control.Revoked(permissions=numbers):
                names = tuple(control.PERMISSIONS[number] for number in numbers)
                for name in names:
                    self._serials.pop(name, None)
                self._emit(ev.PermissionsRevoked(names))
            case control.PermissionRefused(permission=number):
                self._emit(ev.PermissionDeclined(control.PERMISSIONS[number]))
            case control.Display() | control.Shared():
                self._emit(_seen(message))
            case control.ControlPaused(paused=paused):
                self._emit(ev.ControlPausedChanged(bool(paused)))
            case control.Settled(sequence=sequence):
                self._emit(ev.ScreenSettled(sequence))
            case _:
                raise ProtocolError("a message that only the technician may send")

    def _on_answer(self, message: Any, now: float) -> None:
        """Take what may come before the approval."""
        match message:
            case control.Approved():
                self._on_approved(message, now)
            case control.WrongCode(tries_left=tries_left):
                self._on_wrong_code(tries_left)
            case _:
                raise ProtocolError("a message before the approval")

    def _on_wrong_code(self, tries_left: int) -> None:
        """Take each try once, so that nobody is told more often than it was typed."""
        if tries_left >= self._tries_left:
            raise ProtocolError("a wrong code that cannot have been typed")
        self._tries_left = tries_left
        self._emit(ev.WrongCodeTyped(tries_left))

    def _on_approved(self, message: control.Approved, now: float) -> None:
        self._move(Trigger.APPROVED)
        self._serials = {
            control.PERMISSIONS[number]: serial for number, serial in message.grants
        }
        self._begin(now)
        self._emit(
            ev.SessionApproved(
                tuple(self._serials),
                bool(message.verified),
                message.seconds,
                message.width,
                message.height,
            )
        )

    def _on_connection_event(self, event: transport_events.Event, now: float) -> None:
        if type(event) is transport_events.LatestReceived:
            if self.state is State.ACTIVE and event.kind == CursorPosition.TYPE:
                self._emit(ev.CursorArrived(CURSOR.decode(event.data)))
            return
        super()._on_connection_event(event, now)

    def _on_picture(self, channel: int, data: bytes) -> None:
        if channel == CHANNEL_SCREEN:
            self._emit(ev.ScreenArrived(SCREEN.decode(data)))
        elif channel == CHANNEL_HOT:
            self._emit(ev.PatchArrived(HOT.decode(data)))
        else:
            self._emit(ev.CursorArrived(CURSOR.decode(data)))


def _seen(message: control.Display | control.Shared) -> ev.SessionEvent:
    """What of the desktop can be seen from now on."""
    size = (message.width, message.height)
    if isinstance(message, control.Display):
        return ev.DisplayChanged(*size)
    names = tuple(name for (name,) in message.names)
    return ev.SharedTold(control.SHARED[message.what], names, *size)
