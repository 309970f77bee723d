"""Everything that shares one UDP socket, as one machine with the five verbs.

Routes datagrams by their first byte: rendezvous messages to the `Registration`,
relayed ones unwrapped, handshakes to the responder or to the call that waits for
them, checks and packets to their session by the receiver's index.
"""

from collections import deque
from collections.abc import Iterable
from typing import Any

from p2p_remote.crypto.identity import Identity
from p2p_remote.errors import NetworkError
from p2p_remote.session import reconnection
from p2p_remote.session.callers import CallerConnected, Callers
from p2p_remote.session.calls import CallConnected, Calls
from p2p_remote.session.customer import CustomerSession
from p2p_remote.session.events import (
    PATH_TROUBLE,
    MappingAsked,
    PunchWanted,
    SessionEvent,
    SocketsFreed,
    TcpAddressAsked,
)
from p2p_remote.session.node_config import NodeConfig
from p2p_remote.session.node_events import (
    CallerGone,
    CallFailed,
    NodeEvent,
    NodeIdTaken,
    NodeRegistered,
    NodeUnregistered,
    SessionHappened,
    SessionOpened,
)
from p2p_remote.session.own_addresses import OwnAddresses
from p2p_remote.session.relaying import unwrapped, wrapped
from p2p_remote.session.roles import State
from p2p_remote.session.router import Router
from p2p_remote.session.session import Random, Session
from p2p_remote.session.technician import TechnicianSession
from p2p_remote.traversal import registration_events as rv_events
from p2p_remote.traversal.candidate import Candidate, CandidateKind
from p2p_remote.traversal.carriers import Carriers
from p2p_remote.traversal.mapping import Mapping
from p2p_remote.traversal.paths import SocketsReleased
from p2p_remote.traversal.server_choice import ChoosingRegistration
from p2p_remote.wire import control
from p2p_remote.wire.address import Endpoint, Path, RelayPath, TcpEndpoint
from p2p_remote.wire.first_byte import (
    NO_CHANNEL,
    Kind,
    kind_of,
    session_index,
)

__all__ = ["MAX_SESSIONS", "Node", "NodeConfig"]

_CALLERS_MESSAGES = (0x41, 0x43)  # M1 and M3 go to the responder
MAX_SESSIONS = 16


class Node:
    """All machines of one socket."""

    def __init__(
        self, identity: Identity, config: NodeConfig, random: Random, now: float
    ) -> None:
        """Begin to register, if a server is given.

        Args:
            identity: own key and ID.
            config: see `NodeConfig`.
            random: source of random bytes.
            now: s.

        """
        self.identity = identity
        self.config = config
        self._own = OwnAddresses(config.candidates)
        self._random = random
        self._events: deque[NodeEvent] = deque()
        self._sessions: dict[int, Session] = {}
        self._registration: ChoosingRegistration | None = None
        self._router: Router | None = None
        self._carriers = Carriers(())
        if config.server is not None:
            self._registration = ChoosingRegistration(
                identity,
                config.servers,
                random,
                now,
                listed=config.listed,
                proxied=config.proxied,
            )
            self._carriers = self._registration.carriers
            self._router = Router(self._carriers.ways(config.server), random)
        self.calls = Calls(identity, config, self._registration, random)
        self._reconnection = reconnection.Reconnection(self._registration)
        self._callers = Callers(identity, config, random, now)

    # Verbs.

    def receive_datagram(self, data: bytes, path: Path, now: float) -> None:
        """Route one datagram that came from `path` (an `Endpoint`)."""
        kind = kind_of(data)
        server = self._carriers.server_of(path)
        if kind is Kind.RENDEZVOUS:
            if data[0] == NO_CHANNEL and server is not None:
                self._reconnection.deny_relay(self._sessions.values(), data[1:], now)
            elif self._router is not None and self._router.wants(data):
                self._router.receive_datagram(data, path, now)
            elif self._registration is not None:
                self._registration.receive_datagram(data, path, now)
        elif kind is Kind.RELAYED:
            if (inner := unwrapped(data, server)) is not None:
                self._route(*inner, now)
        else:
            self._route(data, path, now)
        self._collect(now)

    def handle_timer(self, now: float) -> None:
        """Do what is due everywhere."""
        for machine in self._machines():
            timer = machine.next_timer()
            if timer is not None and timer <= now:
                machine.handle_timer(now)
        self._collect(now)
        for index, session in list(self._sessions.items()):
            if session.is_finished:
                self._forget(index, now)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Path]]:
        """Drain everything that goes to the socket; relay headers are put on here."""
        return [
            wrapped(data, path, self._carriers)
            for machine in self._machines()
            for data, path in machine.datagrams_to_send(now)
        ]

    def next_timer(self) -> float | None:
        """When `handle_timer` wants to be called, s."""
        times = [machine.next_timer() for machine in self._machines()]
        times.append(self._reconnection.due)
        return min((time for time in times if time is not None), default=None)

    def next_event(self) -> NodeEvent | None:
        """Drain what has happened."""
        return self._events.popleft() if self._events else None

    @property
    def mapping(self) -> Mapping | None:
        """How our router maps; None before it was measured."""
        return self._router.mapping if self._router else None

    @property
    def sessions(self) -> tuple[Session, ...]:
        """Sessions that are open, or still say goodbye."""
        return tuple(self._sessions.values())

    # Calls.

    def call(
        self,
        target: int,
        now: float,
        *,
        lan: Iterable[Endpoint] = (),
        password: bytes = b"",
    ) -> int:
        """Call an ID through the rendezvous and at addresses found on the LAN.

        Raises:
            NetworkError: there is neither a server nor an address.

        """
        number = self.calls.call(target, lan, password, now)
        self._collect(now)
        return number

    def cancel(self, number: int, now: float) -> None:
        """Give up a call."""
        self.calls.cancel(number, now)

    def release(self, handle: int, now: float, *, known: bool = False) -> None:
        """The prompt for this caller is on the screen: finish the handshake.

        `known`: the caller's key was verified in an earlier session.
        """
        self._callers.release(handle, now, known=known)
        self._collect(now)

    def refuse_busy(self, handle: int, now: float) -> None:
        """Tell a caller that somebody else is being answered."""
        self._callers.refuse_busy(handle, now)

    @property
    def has_goodbyes(self) -> bool:
        """Whether a session has said goodbye and waits for the answer."""
        return not all(session.is_finished for session in self._sessions.values())

    def end_sessions(self, now: float) -> None:
        """End all sessions; `has_goodbyes` tells when that has been heard."""
        for session in self._sessions.values():
            session.end(control.REASON_ENDED, "", now)
        self._collect(now)

    def set_candidates(
        self, kind: CandidateKind, candidates: Iterable[Candidate], now: float
    ) -> None:
        """Our addresses of one kind are these now; open sessions tell the other side.

        Without any, the old ones stay in running sessions: they harm nobody.
        """
        found = list(candidates)
        self._own.replace(kind, found)
        for session in self._sessions.values() if found else ():
            session.update_candidates(found, now)
        self._collect(now)

    def network_changed(self, now: float) -> None:
        """Our addresses are others, or the computer has slept: look at everything."""
        if self._registration is not None:
            self._registration.refresh(now)
        for session in self._sessions.values():
            session.suspect_path(now)
        self._collect(now)

    def path_closed(self, path: Path, now: float) -> None:
        """A TCP connection has ended: see at once where we are heard."""
        reconnection.path_closed(self._sessions.values(), self._registration, path, now)
        self._collect(now)

    def close(self, now: float) -> None:
        """Leave the rendezvous; nothing is received any more."""
        if self._registration is not None:
            self._registration.close(now)

    def collect(self, now: float) -> None:
        """Bring up the events of sessions that the caller has changed directly."""
        self._collect(now)

    # Inside.

    def _forget(self, index: int, now: float) -> None:
        """Give back what a session holds: its sockets, its channel at the server."""
        relay = self._sessions.pop(index).relay_path
        self._events.append(SocketsReleased(index))
        if self._registration is not None and isinstance(relay, RelayPath):
            self._registration.hang_up(relay, now)

    def _machines(self) -> list[Any]:
        machines = [*self.calls.machines, *self._sessions.values()]
        machines.extend(self._callers.machines)
        if self._registration is not None:
            machines.append(self._registration)
        if self._router is not None:
            machines.append(self._router)
        return machines

    def _route(self, data: bytes, path: Path, now: float) -> None:
        kind = kind_of(data)
        if kind in (Kind.PACKET, Kind.CHECK):
            index = session_index(data)
            session = self._sessions.get(index) if index is not None else None
            if session is not None:
                session.receive_datagram(data, path, now)
        elif kind is Kind.HANDSHAKE:
            if data[0] in _CALLERS_MESSAGES:
                self._callers.receive_datagram(data, path, now)
            else:
                self.calls.receive_datagram(data, path, now)

    def _collect(self, now: float) -> None:
        self._collect_registration(now)
        self._collect_callers(now)
        self._collect_calls(now)
        self._collect_sessions(now)
        self._collect_router(now)
        self._reconnection.attend(self._sessions.values(), now)

    def _collect_registration(self, now: float) -> None:
        registration = self._registration
        if registration is None:
            return
        while (event := registration.next_event()) is not None:
            match event:
                case rv_events.Registered():
                    self._on_registered(event, now)
                case rv_events.RegistrationLost(reason=reason):
                    self._events.append(NodeUnregistered(reason))
                case rv_events.IdTaken(public=public, counter=counter):
                    self._events.append(NodeIdTaken(public, counter))
                case _:
                    self._on_introduction(event, now)

    def _on_registered(self, event: rv_events.Registered, now: float) -> None:
        self._seen_at(event.candidate, now)
        if self._router is not None:
            self._router.seen_at(event.reflexive, event.carrier, now)
        self._events.append(NodeRegistered(event.reflexive, event.carrier))

    def _seen_at(self, endpoint: Endpoint | None, now: float) -> None:
        """Tell open sessions when our address has changed in mid session."""
        own = self._own.seen_at(endpoint)
        if own is not None:
            for session in self._sessions.values():
                session.update_candidates([own], now)

    def _on_introduction(self, event: rv_events.RegistrationEvent, now: float) -> None:
        match event:
            case rv_events.Rung(path=path, first_message=first):
                self._callers.receive_datagram(first, path, now)
            case rv_events.CallAccepted(call=number, path=path):
                self.calls.on_accepted(number, path)
            case rv_events.CallFailed(call=number, reason=reason):
                self.calls.on_failed(number, reason)
            case rv_events.Punch(path=path, endpoints=endpoints):
                reconnection.punch(self._sessions.values(), path, endpoints, now)
            case rv_events.Rejoined():
                reconnection.rejoin(self._sessions.values(), event, now)
            case _:
                pass

    def _collect_callers(self, now: float) -> None:
        while (event := self._callers.next_event(now)) is not None:
            if not isinstance(event, CallerConnected):
                self._events.append(event)
                continue
            session = CustomerSession(
                event.result,
                self._random,
                now,
                candidates=self._own,
                known=event.known,
            )
            if not self._open(event.handle, session, now):
                self._events.append(CallerGone(event.handle))

    def _collect_calls(self, now: float) -> None:
        while (event := self.calls.next_event(now)) is not None:
            if not isinstance(event, CallConnected):
                self._events.append(event)
                continue
            session = TechnicianSession(
                event.result, self._random, now, candidates=self._own
            )
            if not self._open(event.call, session, now):
                error = NetworkError("Too many sessions at once.")
                self._events.append(CallFailed(event.call, error))

    def _open(self, handle: int, session: Session, now: float) -> bool:
        """Take a session in; False if there are too many (or its index is taken)."""
        index = session.handshake.local_index
        if len(self._sessions) >= MAX_SESSIONS:  # who may never hear our goodbye
            ended = (i for i, s in self._sessions.items() if s.state is State.ENDED)
            for each in tuple(ended)[:1]:
                self._forget(each, now)
        if index in self._sessions or len(self._sessions) >= MAX_SESSIONS:
            return False
        self._sessions[index] = session
        self._events.append(SessionOpened(handle, session))
        return True

    def _collect_sessions(self, now: float) -> None:
        for session in list(self._sessions.values()):
            is_over = session.has_told_end
            while (event := session.next_event()) is not None:
                self._act_on(session, event, now)
                if not is_over:
                    self._events.append(SessionHappened(session, event))
                is_over = session.has_told_end

    def _collect_router(self, now: float) -> None:
        router = self._router
        while router is not None and (event := router.next_event(now)) is not None:
            if isinstance(event, TcpEndpoint):
                self._seen_at(event, now)
            else:
                self._events.append(event)

    def _act_on(self, session: Session, event: SessionEvent, now: float) -> None:
        """Do what an event of a session asks of the registration or responder."""
        relay = session.relay_path
        self._callers.note(session, event, now)
        if type(event) is SocketsFreed:
            self._events.append(event.released)
        if self._registration is None:
            return
        if type(event) is PunchWanted and isinstance(relay, RelayPath):
            self._registration.agree(relay, now)
        elif type(event) in PATH_TROUBLE:
            self._registration.refresh(now)
        elif type(event) is MappingAsked and self._router is not None:
            self._router.ask(session, event, now)
        elif type(event) is TcpAddressAsked and self._router is not None:
            self._router.ask_tcp(now)
