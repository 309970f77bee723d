"""Those who call this node, until the handshake with them is complete."""

from collections import deque
from dataclasses import dataclass
from typing import Any

from p2p_remote.crypto import handshake as hs
from p2p_remote.crypto.identity import Identity
from p2p_remote.session import events as ev
from p2p_remote.session.call_limits import CallLimits, HeldBack, Standing
from p2p_remote.session.customer import CustomerSession
from p2p_remote.session.node_config import NodeConfig
from p2p_remote.session.node_events import CallerArrived, CallerGone, CallHeldBack
from p2p_remote.session.session import Random, Session
from p2p_remote.wire.address import Path

_NO = frozenset({"denied", "ended", "wrong_digits"})
"""How a request ends when its person does not want the caller, or cannot be sure."""


@dataclass(frozen=True, slots=True)
class CallerConnected:
    """The handshake with a caller is complete; `known` as it was released."""

    handle: int
    result: hs.HandshakeResult
    known: bool


_Event = CallerArrived | CallerGone | CallHeldBack | CallerConnected


@dataclass(slots=True)
class _Ringing:
    """A caller who waits; `known` as the person's side says it."""

    public: bytes
    standing: Standing
    known: bool = False


class Callers:
    """The responder of a node that is listed; of another one, nothing."""

    def __init__(
        self, identity: Identity, config: NodeConfig, random: Random, now: float
    ) -> None:
        self._config = config
        self._limits = CallLimits()
        self._ringing: dict[int, _Ringing] = {}
        self._events: deque[_Event] = deque()
        self._responder: hs.Responder | None = None
        if config.listed:
            options = hs.ResponderOptions(name=config.name, known=config.known)
            self._responder = hs.Responder(identity, random, now, options)
            self._responder.listen(identity.peer_id, password=config.password)

    @property
    def machines(self) -> list[Any]:
        """What is to be driven with the other machines of the node."""
        return [] if self._responder is None else [self._responder]

    def receive_datagram(self, data: bytes, path: Path, now: float) -> None:
        """Take a handshake message of a caller."""
        if self._responder is not None:
            self._responder.receive_datagram(data, path, now)

    def release(self, handle: int, now: float, *, known: bool) -> None:
        """The prompt for this caller is on the screen: that counts as a call."""
        ringing = self._ringing.get(handle)
        if self._responder is None or ringing is None:
            return
        ringing.known = known
        self._limits.rang(ringing.public, ringing.standing, now)
        self._responder.release(handle, now)

    def refuse_busy(self, handle: int, now: float) -> None:
        """Forget a caller, who is told that another one is there."""
        if self._ringing.pop(handle, None) is not None and self._responder is not None:
            self._responder.refuse(handle, now, hs.RefusalReason.BUSY)

    def note(self, session: Session, event: ev.SessionEvent, now: float) -> None:
        """Learn from how the person has answered a call."""
        if not isinstance(session, CustomerSession):
            return
        public = session.handshake.peer_public
        match event:
            case ev.SessionApproved() | ev.PermissionGranted():
                self._said_yes(public, verified=session.verified)
            case ev.WrongCodeTyped():
                self._limits.wrong_code(now)
            case ev.SessionEnded(reason=reason, by_peer=False):
                if session.started_at is None and reason in _NO:
                    self._limits.told_no(public, now)
            case _:
                pass

    def _said_yes(self, public: bytes, *, verified: bool) -> None:
        """Forget each no to this caller, and what is counted if they are verified."""
        self._limits.forgive(public)
        if verified:
            self._limits.begin_anew(public)
            if self._responder is not None:
                self._responder.forget_attempts()

    def next_event(self, now: float) -> _Event | None:
        """Drain what has happened to the callers."""
        while (
            self._responder is not None
            and (event := self._responder.next_event()) is not None
        ):
            self._on_event(self._responder, event, now)
        return self._events.popleft() if self._events else None

    def _on_event(
        self, responder: hs.Responder, event: hs.ResponderEvent, now: float
    ) -> None:
        match event:
            case hs.CallerVerified():
                self._on_verified(responder, event, now)
            case hs.PasswordFailed(handle=handle):
                responder.refuse(handle, now, hs.RefusalReason.WRONG_PASSWORD)
            case hs.PasswordsExhausted(wait=wait):
                self._events.append(CallHeldBack(HeldBack.WRONG_PASSWORDS, wait))
            case hs.CallerLost(handle=handle):
                self._ringing.pop(handle, None)
                self._events.append(CallerGone(handle))
            case hs.HandshakeComplete(handle=handle, result=result):
                ringing = self._ringing.pop(handle, None)
                known = ringing is not None and ringing.known
                self._events.append(CallerConnected(handle, result, known))

    def _on_verified(
        self, responder: hs.Responder, event: hs.CallerVerified, now: float
    ) -> None:
        standing = Standing.STRANGER
        if self._config.known(event.public):
            standing = Standing.KNOWN
        elif event.password_verified:
            standing = Standing.PASSWORD
        wait, why = self._limits.wait(event.public, standing, now)
        if wait > 0:
            hears = event.wanted & hs.WANTED_HEARS
            too_many = hs.RefusalReason.TOO_MANY_ATTEMPTS
            code = hs.wait_code(wait) if hears else too_many
            responder.refuse(event.handle, now, code)
            self._events.append(CallHeldBack(why, wait))
            return
        self._ringing[event.handle] = _Ringing(event.public, standing)
        self._events.append(
            CallerArrived(
                event.handle,
                event.public,
                event.counter,
                event.name,
                event.password_verified,
                event.path,
                event.wanted & ~hs.WANTED_HEARS,
            )
        )
