"""A session after the handshake, the part that both roles share.

Composes a `transport.Connection` (packets, streams) and a `traversal.Agent` (paths)
behind the five verbs, speaks the control messages, and reports `session.events`.
Nothing here knows sockets, screens or people.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import astuple
from typing import Any, ClassVar

from p2p_remote.crypto.handshake import HandshakeResult
from p2p_remote.crypto.primitives import blake2b
from p2p_remote.crypto.sealing import Sealing
from p2p_remote.errors import MalformedMessageError, ProtocolError
from p2p_remote.session import events as ev
from p2p_remote.session.files import Files
from p2p_remote.session.roles import TRANSITIONS, Role, State, Trigger
from p2p_remote.transport import events as transport_events
from p2p_remote.transport.config import Config
from p2p_remote.transport.connection import Connection
from p2p_remote.transport.statistics import Statistics
from p2p_remote.traversal.agent import Agent
from p2p_remote.traversal.agent_events import (
    AgentEvent,
    MappingWanted,
    PathLost,
    PathSelected,
    TcpWanted,
)
from p2p_remote.traversal.candidate import Candidate, candidates_from_rows
from p2p_remote.traversal.mapping import Mapping, mapping_from_wire
from p2p_remote.traversal.paths import SocketsReleased
from p2p_remote.wire import control
from p2p_remote.wire.address import Endpoint, Path, RelayPath
from p2p_remote.wire.constants import (
    CHANNEL_BULK,
    CHANNEL_CONTROL,
    CHANNEL_CURSOR,
    CHANNEL_HOT,
    CHANNEL_INPUT,
    CHANNEL_SCREEN,
)
from p2p_remote.wire.first_byte import Kind, kind_of

_LOG = logging.getLogger(__name__)
Random = Callable[[int], bytes]

LOST_AFTER = 600.0  # s without a network that an approved session outlives
UNAPPROVED_LOST_AFTER = 30.0  # s of silence after which a request is forgotten


class Session:
    """One side of a session; see `CustomerSession` and `TechnicianSession`."""

    role: ClassVar[Role]
    files: Files

    def __init__(
        self,
        handshake: HandshakeResult,
        random: Random,
        now: float,
        *,
        candidates: Iterable[Candidate] = (),
    ) -> None:
        """Begin right after the handshake, on the path that it ran over.

        Args:
            handshake: keys, indexes and names agreed on.
            random: source of random bytes.
            now: s.
            candidates: own candidates, told to the other side after approval.

        """
        self.handshake = handshake
        self.state = State.WAITING_FOR_APPROVAL
        self.started_at: float | None = None
        self.has_told_end = False  # what comes after is only of the paths
        self._random = random
        self._candidates = tuple(candidates)
        self._events: deque[ev.SessionEvent] = deque()
        self._agent: Agent | None = None
        self.path: Path = handshake.path
        relayed = isinstance(handshake.path, RelayPath)
        self.relay_path: Path | None = handshake.path if relayed else None
        self.rejoin_token = blake2b(
            b"rejoin", length=16, key=handshake.check_key, person=b"p2pr1/rejoin"
        )
        self._silent_since: float | None = None
        self._path_lost = False
        self.path_kind = "relay" if isinstance(handshake.path, RelayPath) else "lan"
        self.path_why = ""
        self._connection = Connection(
            Config(lost_after=LOST_AFTER),
            Sealing(
                handshake.chain_key,
                initiator=handshake.initiator,
                local_index=handshake.local_index,
                remote_index=handshake.remote_index,
                now=now,
                silence_allowed=LOST_AFTER,
            ),
            handshake.path,
            random,
            now,
        )

    # The five verbs.

    def receive_datagram(self, data: bytes, path: Path, now: float) -> None:
        """Take a session packet or a connectivity check of this session."""
        if kind_of(data) is not Kind.CHECK:
            self._connection.receive_datagram(data, path, now)
        elif (agent := self._seeking) is not None:
            agent.receive_datagram(data, path, now)
        self._collect(now)

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        gone_at = self._gone_at()
        if gone_at is not None and now >= gone_at:
            self._connection.close(control.REASON_CONNECTION_LOST, "", now)
            self._on_lost("nothing came from the other side any more")
        self._connection.handle_timer(now)
        if (agent := self._seeking) is not None:
            agent.handle_timer(now)
        self._collect(now)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Path]]:
        """Drain what is to be sent now."""
        out = self._connection.datagrams_to_send(now)
        if (agent := self._seeking) is not None:
            agent.carried_at = self._connection.paths.used_at
            out += agent.copies(out) + agent.datagrams_to_send(now)
        return out

    def next_timer(self) -> float | None:
        """When `handle_timer` wants to be called, s."""
        times = [self._connection.next_timer(), self._gone_at()]
        if (agent := self._seeking) is not None:
            times.append(agent.next_timer())
        return min((time for time in times if time is not None), default=None)

    def next_event(self) -> ev.SessionEvent | None:
        """Drain what has happened, one by one."""
        event = self._events.popleft() if self._events else None
        self.has_told_end |= type(event) is ev.SessionEnded
        return event

    # What the floors above ask for.

    def statistics(self) -> Statistics:
        """Round-trip time, rate and counters of the connection."""
        return self._connection.statistics()

    def end(self, reason: int, text: str, now: float) -> None:
        """End the session and tell the other side why."""
        if self.state is State.ENDED:
            return
        denied = self.state is State.WAITING_FOR_APPROVAL and reason in (
            control.REASON_DENIED,
            control.REASON_TIMED_OUT,
            control.REASON_BUSY,
        )
        self._move(Trigger.DENIED if denied else Trigger.END)
        self._on_end()
        self._connection.close(reason, text, now)
        self._emit(ev.ended(reason, text, by_peer=False))

    @property
    def is_finished(self) -> bool:
        """Whether it has ended and the goodbye has been heard or given up."""
        return self.state is State.ENDED and self._connection.is_closed

    def punch(self, endpoints: Iterable[Endpoint], now: float) -> None:
        """Check these addresses, which the rendezvous has seen the peer at."""
        if (agent := self._seeking) is not None:
            agent.punch(list(endpoints), now)
            self._collect(now)

    def update_candidates(self, candidates: Iterable[Candidate], now: float) -> None:
        """Tell the other side that we are reached elsewhere now."""
        if (agent := self._seeking) is not None:
            agent.add_local(candidates)
            self._send_control(control.Candidates(agent.local_rows()), now)
            self._collect(now)

    def suspect_path(self, now: float) -> None:
        """Something speaks against the path in use: check all of them."""
        if (agent := self._seeking) is not None:
            agent.suspect(now)
            self._collect(now)

    def tell_mapping(self, attempt: int, mapping: Mapping, now: float) -> None:
        """Take how our router maps, as `MappingWanted` asked; the peer is told."""
        if (agent := self._seeking) is not None:
            agent.search.own_mapping(attempt, mapping, now)
            self._send_control(control.NatMapping(attempt, *mapping.numbers()), now)

    @property
    def is_lonely(self) -> bool:
        """Whether no path to the other side answers."""
        return (agent := self._seeking) is not None and agent.is_lonely

    @property
    def wants_relay(self) -> bool:
        """Whether a new relay channel would help; two on a LAN first do without."""
        if (agent := self._seeking) is None or not agent.lacks_relay:
            return False
        return self.relay_path is not None or agent.is_lonely

    def rejoined(self, path: RelayPath, endpoint: Endpoint, now: float) -> None:
        """The server has opened another channel and sees the peer at `endpoint`."""
        if (agent := self._seeking) is not None:
            self.relay_path = path
            agent.replace_relay(path, now)
            self._connection.probe()
            self.punch([endpoint], now)

    def relay_denied(self, now: float) -> None:
        """The server seems to know nothing of our relay channel."""
        if (agent := self._seeking) is not None:
            agent.relay_denied(now)
            self._collect(now)

    # Inside.

    @property
    def _seeking(self) -> Agent | None:
        """Who looks for paths: until our goodbye is heard, and never unapproved."""
        return None if self._connection.is_closed else self._agent

    def _gone_at(self) -> float | None:
        """When a request that was not answered yet is given up."""
        if self.state is not State.WAITING_FOR_APPROVAL or self._silent_since is None:
            return None
        return self._silent_since + UNAPPROVED_LOST_AFTER

    def _emit(self, event: ev.SessionEvent) -> None:
        self._events.append(event)

    def _move(self, trigger: Trigger) -> None:
        state = TRANSITIONS.get((self.state, trigger))
        if state is None:
            raise ProtocolError(f"{trigger.value} while {self.state.value}")
        self.state = state

    def _on_end(self) -> None:
        """Drop every right before anything else happens."""

    def _send_control(self, message: control.ControlMessage, now: float) -> None:
        data = control.CONTROL.encode(message)
        self._connection.send_message(CHANNEL_CONTROL, data, now)

    def _begin(self, now: float) -> None:
        """Start looking for better paths: only ever after the approval."""
        self.started_at = now
        relayed = isinstance(self.handshake.path, RelayPath)
        self._agent = Agent(
            controlling=self.handshake.initiator,
            check_key=self.handshake.check_key,
            local_index=self.handshake.local_index,
            remote_index=self.handshake.remote_index,
            relay=self.handshake.path if relayed else None,
            random=self._random,
            now=now,
        )
        self._agent.add_local(self._candidates)
        if not relayed:
            self._agent.start_on(self.handshake.path, now)
            self.path_kind = str(self._agent.selected_kind)
        self._send_control(control.Candidates(self._agent.local_rows()), now)

    def _collect(self, now: float) -> None:
        """Turn the events of the parts into events of the session."""
        try:
            while (event := self._connection.next_event()) is not None:
                self._on_connection_event(event, now)
        except (MalformedMessageError, ProtocolError) as error:
            _LOG.warning("the other side broke the protocol: %s", error)
            self.end(control.REASON_PROTOCOL, "", now)
        agent = self._seeking
        while agent is not None and (path_event := agent.next_event()) is not None:
            self._on_path_event(path_event, now)

    def _on_connection_event(self, event: transport_events.Event, now: float) -> None:
        match event:
            case transport_events.MessageReceived(channel=channel, data=data):
                if self.state is not State.ENDED:
                    self._on_message(channel, data, now)
            case transport_events.RoomAvailable(channel=channel):
                if channel == CHANNEL_SCREEN:
                    self._emit(ev.RoomForScreen())
                elif channel == CHANNEL_BULK:
                    self.files.room_available()
            case transport_events.PeerClosed(code=code, text=text):
                self._on_peer_closed(code, text)
            case transport_events.ConnectionLost(reason=reason):
                self._on_lost(reason)
            case _:
                self._on_liveness(event, now)

    def _on_liveness(self, event: transport_events.Event, now: float) -> None:
        """Which path carries what, and whether anything comes at all."""
        match event:
            case transport_events.PathHeard(path=path) if self._agent is not None:
                self._agent.path_heard(path, now)
            case transport_events.AnswerOverdue() if self._agent is not None:
                self._agent.overdue(now)
                self._emit(ev.PathDoubted())
            case transport_events.PeerSilent(seconds=seconds):
                self._silent_since = now - seconds
                if self._agent is not None:
                    self._agent.suspect(now)
                self._emit(ev.PeerSilentFor(seconds))
            case transport_events.PeerHeard():
                self._silent_since = None
                self._emit(ev.PeerHeardAgain())

    def _on_peer_closed(self, code: int, text: str) -> None:
        if self.state is State.ENDED:
            return
        self._move(Trigger.END)
        self._on_end()
        self._emit(ev.ended(code, text, by_peer=True))

    def _on_lost(self, reason: str) -> None:
        if self.state is State.ENDED:
            return
        self._move(Trigger.CONNECTION_LOST)
        self._on_end()
        self._emit(ev.ended(control.REASON_CONNECTION_LOST, reason, by_peer=False))

    def _on_path_event(self, event: AgentEvent, now: float) -> None:
        match event:
            case PathSelected(path=path, kind=kind, rtt=rtt, why=why):
                lost, self._path_lost = self._path_lost, False
                known = (self.path, self.path_kind, self.path_why)
                if (path, kind, why) == known and not lost:
                    return
                if path != self.path or lost:
                    self._connection.set_path(path, now, reset=True)
                self.path, self.path_kind, self.path_why = path, kind, why
                self._emit(ev.PathChanged(path, kind, rtt, why))
            case PathLost():
                self._path_lost = True
                self._emit(ev.PathBroken())
            case MappingWanted(attempt=attempt, socket=socket):
                self._emit(ev.MappingAsked(attempt, socket))
            case TcpWanted():
                self._emit(ev.TcpAddressAsked())
            case SocketsReleased():
                self._emit(ev.SocketsFreed(event))

    def _on_message(self, channel: int, data: bytes, now: float) -> None:
        if channel == CHANNEL_CONTROL:
            message = control.CONTROL.decode(data)
            if type(message) is control.Candidates:
                self._on_candidates(message, now)
            elif type(message) is control.NatMapping:
                self._on_mapping(message, now)
            else:
                self._on_control(message, now)
        elif self.state is not State.ACTIVE:
            raise ProtocolError("data before the approval")
        elif channel == CHANNEL_INPUT:
            self._on_input(data)
        elif channel in (CHANNEL_SCREEN, CHANNEL_HOT, CHANNEL_CURSOR):
            self._on_picture(channel, data)
        elif channel == CHANNEL_BULK:
            self.files.receive(data, now)
        else:
            raise ProtocolError(f"channel {channel} is not open")

    def _on_candidates(self, message: control.Candidates, now: float) -> None:
        if self._agent is None:
            raise ProtocolError("candidates before the approval")
        self._agent.add_remote(
            candidates_from_rows(message.rows),
            now,
            same_lan=not isinstance(self.handshake.path, RelayPath),
        )

    def _on_mapping(self, message: control.NatMapping, now: float) -> None:
        if self._agent is None:
            raise ProtocolError("a mapping before the approval")
        peer = mapping_from_wire(astuple(message)[1:])
        self._agent.search.peer_mapping(message.attempt, peer, now)

    def _on_control(self, message: Any, now: float) -> None:
        raise NotImplementedError

    def _on_input(self, data: bytes) -> None:
        raise ProtocolError("input from the customer's side")

    def _on_picture(self, channel: int, data: bytes) -> None:
        raise ProtocolError("pictures from the technician's side")
