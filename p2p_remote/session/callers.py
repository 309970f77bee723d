"""Those who call this node, until the handshake with them is complete."""

from collections import deque
from dataclasses import dataclass
from typing import Any

from p2p_remote.crypto import handshake as hs
from p2p_remote.crypto.identity import Identity
from p2p_remote.session.node_config import NodeConfig
from p2p_remote.session.node_events import CallerArrived, CallerGone
from p2p_remote.session.session import Random
from p2p_remote.wire.address import Path


@dataclass(frozen=True, slots=True)
class CallerConnected:
    """The handshake with a caller is complete; `known` as it was released."""

    handle: int
    result: hs.HandshakeResult
    known: bool


class Callers:
    """The responder of a node that is listed; of another one, nothing."""

    def __init__(
        self, identity: Identity, config: NodeConfig, random: Random, now: float
    ) -> None:
        self._known: set[int] = set()
        self._events: deque[CallerArrived | CallerGone | CallerConnected] = deque()
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
        """The prompt for this caller is on the screen."""
        if self._responder is None:
            return
        if known:
            self._known.add(handle)
        self._responder.release(handle, now)

    def refuse(self, handle: int, now: float) -> None:
        """Forget a caller without an answer."""
        if self._responder is not None:
            self._responder.refuse(handle, now)

    def forget_attempts(self) -> None:
        """Somebody was let in: earlier wrong passwords no longer count."""
        if self._responder is not None:
            self._responder.forget_attempts()

    def next_event(
        self, now: float
    ) -> CallerArrived | CallerGone | CallerConnected | None:
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
                arrived = CallerArrived(
                    event.handle,
                    event.public,
                    event.counter,
                    event.name,
                    event.password_verified,
                    event.path,
                )
                self._events.append(arrived)
            case hs.PasswordFailed(handle=handle):
                responder.refuse(handle, now, hs.RefusalReason.WRONG_PASSWORD)
            case hs.CallerLost(handle=handle):
                self._known.discard(handle)
                self._events.append(CallerGone(handle))
            case hs.HandshakeComplete(handle=handle, result=result):
                known = handle in self._known
                self._known.discard(handle)
                self._events.append(CallerConnected(handle, result, known))
            case _:
                pass
