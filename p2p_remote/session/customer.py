"""The customer's side of a session: it alone decides what is allowed."""

import hmac
from collections.abc import Iterable
from typing import Any, ClassVar

from p2p_remote.crypto.handshake import WANTED_HEARS, HandshakeResult
from p2p_remote.errors import ProtocolError, RefusedError, UsageError
from p2p_remote.session import events as ev
from p2p_remote.session.customer_files import CustomerFiles
from p2p_remote.session.permissions import (
    FILES,
    INPUT_PERMISSIONS,
    NEEDS_VERIFIED,
    Grants,
    permission_number,
)
from p2p_remote.session.roles import DIGIT_TRIES, Role, State, Trigger
from p2p_remote.session.session import Random, Session
from p2p_remote.transport import events as transport_events
from p2p_remote.traversal.candidate import Candidate
from p2p_remote.wire import control
from p2p_remote.wire.constants import CHANNEL_CURSOR, CHANNEL_HOT, CHANNEL_SCREEN
from p2p_remote.wire.input import (
    ACTION_PRESS,
    INPUT,
    InputMessage,
    KeyInput,
    PointerInput,
    ReleaseAll,
)
from p2p_remote.wire.screen import (
    CURSOR,
    HOT,
    SCREEN,
    CursorPosition,
    CursorShape,
    HotPatch,
    ScreenUpdate,
)

MAX_KEYS_HELD = 64  # more than hands and modifiers can hold
STALE_INPUT = 90.0  # s of silence; what was typed before it is not carried out after it
DEFAULT_SECONDS = 3600  # time box of a session if the customer names none


class CustomerSession(Session):
    """Approves, grants, revokes; sends pictures; receives input."""

    role: ClassVar[Role] = Role.CUSTOMER

    def __init__(
        self,
        handshake: HandshakeResult,
        random: Random,
        now: float,
        *,
        candidates: Iterable[Candidate] = (),
        known: bool = False,
    ) -> None:
        """Begin waiting for the customer's answer.

        Args:
            handshake: keys, indexes and names agreed on.
            random: source of random bytes.
            now: s.
            candidates: own candidates.
            known: the caller's key was verified in an earlier session.

        """
        super().__init__(handshake, random, now, candidates=candidates)
        self.grants = Grants()
        self.files: CustomerFiles = CustomerFiles(
            self._connection, self._emit, self.grants
        )
        self.verified = known or handshake.password_verified
        self.for_files = False  # nothing of the screen is shown in this session
        self._tries = DIGIT_TRIES
        self._expires: float | None = None
        self._settled: int | None = None
        self._buttons_held = False
        self._keys_held: set[int] = set()

    @property
    def tries_left(self) -> int:
        """How often digits may still be typed."""
        return self._tries

    def next_timer(self) -> float | None:
        """When `handle_timer` wants to be called, s."""
        timer = super().next_timer()
        if self.state is not State.ACTIVE or self._expires is None:
            return timer
        return self._expires if timer is None else min(timer, self._expires)

    def handle_timer(self, now: float) -> None:
        """Do what is due; the end of the time box ends the session."""
        expires = self._expires
        if self.state is State.ACTIVE and expires is not None and now >= expires:
            self.end(control.REASON_EXPIRED, "The agreed time is over.", now)
        super().handle_timer(now)

    def check_digits(self, typed: str, now: float) -> bool:
        """Compare the digits that the customer typed with those of this session.

        The last wrong try ends the session: somebody may be in the middle.
        """
        digits = "".join(c for c in typed if c.isdigit() and c.isascii())
        if self.state is State.ENDED or self._tries <= 0:
            return False
        if hmac.compare_digest(digits.encode(), self.handshake.digits.encode()):
            self.verified = True
            return True
        self._tries -= 1
        self._emit(ev.WrongCodeTyped(self._tries))
        if self._tries and self.handshake.wanted & WANTED_HEARS:
            self._send_control(control.WrongCode(self._tries), now)
        if self._tries == 0:
            self.end(
                control.REASON_WRONG_DIGITS,
                "The digits did not match three times.",
                now,
            )
        return False

    def approve(
        self,
        permissions: Iterable[str],
        size: tuple[int, int],
        now: float,
        *,
        seconds: int = DEFAULT_SECONDS,
    ) -> None:
        """Let the session begin with these permissions.

        Args:
            permissions: names; `view` is added, unless they are for files alone or
                none: then nothing of the screen is ever sent in this session.
            size: width and height of the display in pixels.
            now: s.
            seconds: time box.

        Raises:
            UsageError: unknown permission, or the session is not waiting.
            RefusedError: other than looking, for a technician who is not verified.

        """
        wanted = dict.fromkeys(permissions)
        for_files = FILES.issuperset(wanted)
        if not for_files:
            wanted = dict.fromkeys(["view", *wanted])
        numbers = {name: permission_number(name) for name in wanted}
        self._require_verified(wanted or FILES)
        if self.state is not State.WAITING_FOR_APPROVAL:
            raise UsageError("There is no request that waits for an answer.")
        self._move(Trigger.APPROVED)
        self.for_files = for_files
        self._expires = now + seconds
        self.grants.open(self._expires)
        rows = tuple(
            (number, self.grants.grant(name, self._expires).serial)
            for name, number in numbers.items()
        )
        width, height = size
        self._send_control(
            control.Approved(rows, int(self.verified), seconds, width, height), now
        )
        self._begin(now)
        self._emit(
            ev.SessionApproved(tuple(wanted), self.verified, seconds, width, height)
        )
        self._emit(ev.PunchWanted())

    def grant(self, permission: str, now: float) -> None:
        """Grant one more permission, until the end of the time box.

        Raises:
            UsageError: unknown permission or no session.
            RefusedError: the technician is not verified, or came for files only.

        """
        self._require_verified([permission])
        if self.for_files and permission not in FILES:
            raise RefusedError("This session is for files only. They can call again.")
        if self.state is not State.ACTIVE or self._expires is None:
            raise UsageError("There is no session.")
        grant = self.grants.grant(permission, self._expires)
        self._send_control(
            control.Granted(permission_number(permission), grant.serial), now
        )
        self._emit(ev.PermissionGranted(permission))

    def decline(self, permission: str, now: float) -> None:
        """Answer no to a request for a permission."""
        if self.state is State.ACTIVE:
            number = permission_number(permission)
            self._send_control(control.PermissionRefused(number), now)

    def revoke(self, permission: str, now: float) -> bool:
        """Take a permission back at once; then tell the other side.

        Losing `view` ends the session: there is nothing left to do.
        """
        number = permission_number(permission)
        if not self.grants.revoke(permission):
            return False
        self.announce_revoked((permission,), number, now)
        if permission == "view":
            self.end(control.REASON_ENDED, "The customer stopped sharing.", now)
        return True

    def announce_revoked(
        self, permissions: tuple[str, ...], number: int, now: float
    ) -> None:
        """Tell the other side of a revoke that is already in effect."""
        if self.state is State.ACTIVE:
            self._send_control(control.Revoked((number,)), now)
            self._emit(ev.PermissionsRevoked(permissions))

    def resize_display(self, width: int, height: int, now: float) -> None:
        """Announce another size of the display; a key frame has to follow."""
        if self.state is State.ACTIVE:
            self._send_control(control.Display(width, height), now)

    def tell_shared(
        self, what: str, names: Iterable[str], size: tuple[int, int], now: float
    ) -> None:
        """Tell what of the desktop is shared from now on (`wire.control.SHARED`)."""
        if self.state is State.ACTIVE and not self.for_files:
            rows = tuple((name[: control.MAX_SHARED_NAME],) for name in names)
            self._send_control(
                control.Shared(
                    control.SHARED.index(what),
                    rows[: control.MAX_SHARED_NAMES],
                    *size,
                ),
                now,
            )

    def pause_control(self, *, paused: bool, now: float) -> None:
        """Tell the technician that the customer's own input wins, or no longer."""
        if self.state is State.ACTIVE:
            self._send_control(control.ControlPaused(int(paused)), now)

    def screen_room(self, now: float) -> int:
        """Bytes of screen updates that may be sent without growing old."""
        if self.state is not State.ACTIVE:
            return 0
        return self._connection.room(CHANNEL_SCREEN, now)

    def send_screen(self, update: ScreenUpdate, now: float) -> None:
        """Send one update."""
        if self.state is State.ACTIVE:
            self._connection.send_message(CHANNEL_SCREEN, SCREEN.encode(update), now)

    def send_hot(self, patch: HotPatch, now: float) -> None:
        """Send a patch ahead of the updates that wait."""
        if self.state is State.ACTIVE:
            self._connection.send_message(CHANNEL_HOT, HOT.encode(patch), now)

    def expect_work(self, until: float) -> None:
        """Let what input changes find a thin line free until then (s)."""
        self._connection.expect_work(until)

    def send_settled(self, sequence: int, now: float) -> None:
        """Tell that nothing is left to send after update `sequence`; once each."""
        if self.state is State.ACTIVE and self._settled != sequence:
            self._settled = sequence
            self._send_control(control.Settled(sequence), now)

    def send_cursor(self, cursor: CursorPosition | CursorShape, now: float) -> None:
        """Send the pointer: shapes in order, positions newest-wins."""
        if self.state is not State.ACTIVE:
            return
        data = CURSOR.encode(cursor)
        if type(cursor) is CursorPosition:
            self._connection.send_latest(CursorPosition.TYPE, data, now)
        else:
            self._connection.send_message(CHANNEL_CURSOR, data, now)

    def _require_verified(self, permissions: Iterable[str]) -> None:
        if not self.verified and any(name in NEEDS_VERIFIED for name in permissions):
            raise RefusedError(
                "Only looking is possible until the technician is verified: "
                "type the six digits that they read to you."
            )

    def _on_end(self) -> None:
        self.grants.revoke_all()

    def _on_control(self, message: Any, now: float) -> None:
        if self.state is not State.ACTIVE:
            raise ProtocolError("a request before the approval")
        match message:
            case control.PermissionRequest(permission=number):
                name = control.PERMISSIONS[number]
                held = self.grants.held(name, now)
                if held is not None:
                    # The same grant once more: a new one could undo a revoke that
                    # the customer's hotkey makes at this very moment.
                    self._send_control(control.Granted(number, held.serial), now)
                elif self.for_files and name not in FILES:
                    self.decline(name, now)
                else:
                    self._emit(ev.PermissionAsked(name))
            case control.Viewport():
                self._emit(ev.ViewportAsked(message))
            case control.KeyFrameRequest():
                self._emit(ev.KeyFrameAsked())
            case control.Abilities(bits=bits):
                self._emit(ev.AbilitiesTold(bits))
            case _:
                raise ProtocolError("a message that only the customer may send")

    def _on_liveness(self, event: transport_events.Event, now: float) -> None:
        match event:
            case transport_events.PeerHeard(seconds=away) if away >= STALE_INPUT:
                self._renew_input(now)
            case _:
                pass
        super()._on_liveness(event, now)

    def _renew_input(self, now: float) -> None:
        """Void the input that is on its way: it was meant for another moment."""
        for name in sorted(INPUT_PERMISSIONS):
            grant = self.grants.renew(name)
            if grant is not None and self.state is State.ACTIVE:
                number = permission_number(name)
                self._send_control(control.Granted(number, grant.serial), now)

    def _on_input(self, data: bytes) -> None:
        message = INPUT.decode(data)
        if message.serial == self.grants.serial_of("control"):
            self._watch_held(message)
        self._emit(ev.InputArrived(message))

    def _watch_held(self, message: InputMessage) -> None:
        """Notice a silence sooner while something is held down for the technician."""
        if isinstance(message, PointerInput):
            self._buttons_held = bool(message.buttons)
        elif isinstance(message, KeyInput):
            if message.action == ACTION_PRESS:
                if len(self._keys_held) < MAX_KEYS_HELD:
                    self._keys_held.add(message.keysym)
            else:
                self._keys_held.discard(message.keysym)
        elif isinstance(message, ReleaseAll):
            self._buttons_held = False
            self._keys_held.clear()
        self._connection.watch_peer(active=self._buttons_held or bool(self._keys_held))
