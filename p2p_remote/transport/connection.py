"""The session transport as one machine: see docs/protocol/transport.md."""

from collections import deque
from collections.abc import Callable
from typing import Any

from p2p_remote.crypto.sealing import Sealing
from p2p_remote.errors import AuthenticationFailedError, RemoteSupportError
from p2p_remote.transport.acknowledger import Acknowledger
from p2p_remote.transport.channels import CHANNELS
from p2p_remote.transport.config import Config
from p2p_remote.transport.events import (
    AnswerOverdue,
    ConnectionLost,
    Event,
    PeerClosed,
    RoomAvailable,
)
from p2p_remote.transport.farewell import Farewell, goodbye
from p2p_remote.transport.inbox import Inbox
from p2p_remote.transport.liveness import Liveness
from p2p_remote.transport.paths import Paths
from p2p_remote.transport.sender import Sender
from p2p_remote.transport.statistics import Statistics
from p2p_remote.wire.address import Path
from p2p_remote.wire.constants import CHANNEL_INPUT
from p2p_remote.wire.control import REASON_PROTOCOL
from p2p_remote.wire.frames import (
    MAX_LATEST_KIND,
    NOT_ELICITING,
    REKEY_ANSWER,
    REKEY_OFFER,
    TOKEN_BYTES,
    Ack,
    Close,
    Credit,
    Latest,
    PathChallenge,
    PathResponse,
    Rekey,
    Stream,
    decode_packet,
    encode_frame,
)

MAX_LATEST = 400  # bytes of a newest-wins value, so that it fits into any packet
_SHORT_PACKET = 512  # bytes of frames; a burst begins with more


class Connection:
    """Streams and newest-wins values to one peer, whatever the path."""

    def __init__(
        self,
        config: Config,
        sealing: Sealing,
        path: Path,
        random: Callable[[int], bytes],
        now: float,
    ) -> None:
        self._config = config
        self._sealing = sealing
        self._path = path
        self._random = random
        self._acknowledger = Acknowledger()
        self._inbox = Inbox()
        self._sender = Sender(config, sealing, self._acknowledger, self._inbox, now)
        self._sender.use_path(path)
        self.probe = self._sender.probe  # what is wanted most: the path may work again
        self._liveness = Liveness(config, random, now)
        self._events: deque[Event] = deque()
        self._asides: list[tuple[bytes, Path]] = []  # datagrams for other paths
        self._farewell: Farewell | None = None
        self._is_closed = False
        self._seen = now  # newest time that any verb was called at
        self._armed: float | None = None  # timer in the future of `_seen`
        self._newest = -1  # packet number
        self.paths = Paths()
        self._answered_challenge = False  # in the packet at hand
        self._short_of_room: set[int] = set()
        self._bytes_received = self._packets_received = self._packets_refused = 0
        self._on_frame: dict[type[Any], Callable[[Any, Path, float], None]] = {
            Stream: self._on_stream,
            Ack: lambda frame, _, now: self._sender.on_ack(frame, now),
            Credit: lambda frame, *_: self._sender.outbox.on_credit(frame),
            Latest: lambda frame, *_: self._report(self._inbox.on_latest(frame)),
            PathChallenge: self._on_challenge,
            PathResponse: self._on_response,
            Close: self._on_close,
            Rekey: self._on_rekey,
        }

    # Sending

    def send_message(self, channel: int, data: bytes, now: float) -> None:
        """Queue a message, delivered once and in order on its channel.

        Raises:
            ValueError: no such channel, or too large for it.

        """
        if (limits := CHANNELS.get(channel)) is None or len(data) > limits.message:
            raise ValueError(f"{len(data)} bytes cannot go on channel {channel}")
        if not self._is_open:
            return
        stream = self._sender.outbox.streams[channel]
        stream.write(data)
        if stream.waiting > limits.buffer:
            self._fail(f"the other side takes nothing on {limits.name}", now)

    def send_latest(self, kind: int, data: bytes, now: float) -> None:
        """Send a value of which only the newest counts; older ones may be dropped.

        Raises:
            ValueError: kind above 15, or more than 400 bytes.

        """
        if not 0 <= kind <= MAX_LATEST_KIND or len(data) > MAX_LATEST:
            raise ValueError(f"no value of {len(data)} bytes of kind {kind}")
        if self._is_open:
            self._sender.outbox.put_latest(kind, data)

    def room(self, channel: int, now: float) -> int:
        """Bytes that may be queued now on a channel without growing old.

        After an answer of 0 comes one `RoomAvailable` as soon as there is room.
        """
        if not self._is_open:
            return 0
        if (room := self._sender.room(channel)) <= 0:
            self._short_of_room.add(channel)
        return room

    def expect_work(self, until: float) -> None:
        """Keep a thin line free for what is urgent until then (s)."""
        self._sender.background.work_until = until

    def close(self, code: int, text: str, now: float) -> None:
        """Say goodbye; what is queued is not sent any more."""
        if self._is_open:
            self._begin_closing(goodbye(code, text), now)

    @property
    def is_closed(self) -> bool:
        """Whether nothing will come out of this machine any more, but events."""
        return self._is_closed

    @property
    def _is_open(self) -> bool:
        return self._farewell is None and not self._is_closed

    # Paths

    @property
    def path(self) -> Path:
        return self._path

    def set_path(self, path: Path, now: float, *, reset: bool) -> None:
        """Send on `path` from now; `reset` forgets what was measured on the old one."""
        self._path = path
        self.paths.forget_heard()
        if reset:
            self._sender.reset_path(now)
        self._sender.use_path(path)
        self._sender.ping()
        if self._farewell is not None:
            self._farewell.hurry(now)

    def challenge_path(self, path: Path, now: float) -> None:
        """Ask for proof that the peer is behind `path`; see `PathProven`."""
        if not self._is_open:
            return
        token = self._random(TOKEN_BYTES)
        self.paths.on_challenged(token, path, now)
        self._send_aside(PathChallenge(token), path, now)

    def watch_peer(self, *, active: bool) -> None:
        """Notice within `Config.silence` that the peer is gone.

        Costs a small packet every 0.6 s on an idle line; for as long as keys are held
        down on its behalf.
        """
        self._liveness.watch(active=active)

    # The five verbs

    def receive_datagram(self, data: bytes, path: Path, now: float) -> None:
        """Take a datagram; what does not authenticate is counted and dropped."""
        if self._is_closed:
            return
        self._seen = now
        try:
            number, plaintext = self._sealing.open(data, now)
        except AuthenticationFailedError:
            self._packets_refused += 1
            return
        self._packets_received += 1
        self._bytes_received += len(data)
        self._sender.is_overdue = False
        if (heard := self._liveness.on_heard(now)) is not None:
            self._report(heard)
            self._sender.reset_path(now)  # it may be another line, and an empty one
        try:
            self._on_packet(number, plaintext, path, now)
        except RemoteSupportError as error:
            self._fail(str(error), now)
        self._report_room()

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        if self._armed is not None and now >= self._armed:
            self._sender.lateness.note(now - self._armed)
            self._armed = None
        if not self._is_open:
            self._judge_farewell(now)
            return
        if self._liveness.is_lost(now):
            self._lose("nothing came from the other side any more")
            return
        if self._sealing.expired(now):
            self._lose("the keys of the session were not renewed in time")
            return
        self._judge_silence(now)
        self._sender.on_timer(now)
        if self._sealing.needs_rekey(now):
            offer = self._sealing.offer(self._random, now)
            if offer is not None:
                self._sender.outbox.put_frame(Rekey(REKEY_OFFER, offer))
        if self._liveness.wants_ping(now):
            self._sender.ping()
        self._report_room()

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Path]]:
        """Datagrams that leave now, some at a time; `next_timer` calls for the rest."""
        self._seen = now
        farewell = self._farewell
        if farewell is not None and farewell.is_due(now) and not self._is_closed:
            farewell.said(now, self._sender.recovery.rtt.probe_timeout)
            self._send_aside(farewell.goodbye, self._path, now)
        result, self._asides = self._asides, []
        if self._is_open:
            path = self._path
            elicited = self._sender.eliciting_sent
            try:
                for datagram in self._sender.packets(now):
                    result.append((datagram, path))
            except RemoteSupportError as error:  # the keys are used up
                self._lose(str(error))
            if self._sender.eliciting_sent != elicited:
                self._liveness.on_sent(now)
        return result

    def next_timer(self) -> float | None:
        """When to call `handle_timer` and `datagrams_to_send` (s)."""
        if self._is_closed:
            return self._seen if self._events else None
        if self._farewell is not None:
            return self._farewell.next_timer
        silent = self._liveness.next_timer(self._sender.recovery.rtt.probe_timeout)
        due = min(self._sender.next_timer(), silent)
        self._armed = due if due > self._seen else None
        return due

    def next_event(self) -> Event | None:
        """Next thing to report, None if there is none."""
        return self._events.popleft() if self._events else None

    # Frames

    def _on_packet(self, number: int, plaintext: bytes, path: Path, now: float) -> None:
        frames = decode_packet(plaintext)
        if number > self._newest:
            self._newest = number
            self._report(self.paths.on_heard(path, self._path, now))
        self._answered_challenge = False
        eliciting = False
        is_short = len(plaintext) <= _SHORT_PACKET
        for frame in frames:
            kind = type(frame)
            if kind not in NOT_ELICITING:
                eliciting = True
            if isinstance(frame, Stream) and frame.channel == CHANNEL_INPUT:
                is_short = False  # the screen answers it, and the answer acknowledges
            act = self._on_frame.get(kind)
            if act is not None and (self._is_open or kind is Close):
                act(frame, path, now)
        self._acknowledger.on_packet(
            number, now, eliciting=eliciting, is_short=is_short
        )
        if self._farewell is not None:
            self._farewell.hurry(now)

    def _on_stream(self, frame: Stream, path: Path, now: float) -> None:
        self._events.extend(self._inbox.on_stream(frame))
        if (credit := self._inbox.new_credit(frame.channel)) is not None:
            self._sender.outbox.put_frame(credit)

    def _on_challenge(self, frame: PathChallenge, path: Path, now: float) -> None:
        if not self._answered_challenge:  # one a packet, or it would amplify
            self._answered_challenge = True
            self._send_aside(PathResponse(frame.token), path, now)

    def _on_response(self, frame: PathResponse, path: Path, now: float) -> None:
        self._report(self.paths.on_response(frame.token, now))

    def _on_rekey(self, frame: Rekey, path: Path, now: float) -> None:
        if frame.step == REKEY_ANSWER:
            self._sealing.finish(frame.body, now)
            return
        if (answer := self._sealing.answer(frame.body, self._random, now)) is not None:
            self._sender.outbox.put_frame(Rekey(REKEY_ANSWER, answer))

    def _on_close(self, frame: Close, path: Path, now: float) -> None:
        if self._farewell is not None and not self._farewell.is_answer:
            # It may be no answer but a goodbye of its own, said at the same moment.
            self._send_aside(self._farewell.goodbye, path, now)
            self._is_closed = True
            return
        if self._farewell is None:
            self._report(PeerClosed(frame.code, frame.text))
            timeout = self._sender.recovery.rtt.probe_timeout
            self._farewell = Farewell.answer(frame, now, timeout)
        self._send_aside(self._farewell.goodbye, path, now)

    # Closing

    def _begin_closing(self, close: Close, now: float) -> None:
        self._farewell = Farewell(close, now, now + self._config.lost_after)

    def _judge_farewell(self, now: float) -> None:
        farewell = self._farewell
        if farewell is None or now >= farewell.until:
            self._is_closed = True
        elif not self._is_closed and (waited := farewell.unheard_for(now)) is not None:
            self._report(AnswerOverdue(waited))

    def _fail(self, reason: str, now: float) -> None:
        """End the connection because of what the other side did."""
        if self._is_open:
            self._report(ConnectionLost(reason))
            self._begin_closing(goodbye(REASON_PROTOCOL, reason), now)

    def _lose(self, reason: str) -> None:
        """End the connection without a word."""
        if self._is_open:
            self._report(ConnectionLost(reason))
        self._is_closed = True

    # Reports

    def _report(self, event: Event | None) -> None:
        if event is not None:
            self._events.append(event)

    def _judge_silence(self, now: float) -> None:
        timeout = self._sender.recovery.rtt.probe_timeout
        if (overdue := self._liveness.overdue(now, timeout)) is not None:
            self._report(overdue)
            self._sender.is_overdue = True
            self._sender.probe()  # another path may be tried now: with what matters
        self._report(self._liveness.silence(now))

    def _report_room(self) -> None:
        for channel in tuple(self._short_of_room):
            if self._sender.has_room_again(channel):
                self._short_of_room.discard(channel)
                self._report(RoomAvailable(channel))

    def _send_aside(
        self, frame: Close | PathChallenge | PathResponse, path: Path, now: float
    ) -> None:
        """Send a packet of one frame on any path, outside of all bookkeeping."""
        try:
            datagram = self._sender.seal_alone(encode_frame(frame), now)
        except RemoteSupportError as error:  # the keys are used up
            self._lose(str(error))
            return
        self._asides.append((datagram, path))

    def statistics(self) -> Statistics:
        """Figures of the connection as it is now."""
        sender = self._sender
        rtt = sender.recovery.rtt
        return Statistics(
            rtt=rtt.smoothed,
            min_rtt=rtt.minimum,
            bytes_in_flight=sender.recovery.bytes_in_flight,
            window=int(sender.controller.window),
            rate=sender.controller.rate,
            loss=sender.recovery.loss_share,
            datagram=sender.path_mtu.size,
            bytes_sent=sender.bytes_sent,
            bytes_received=self._bytes_received,
            packets_sent=sender.packets_sent,
            packets_received=self._packets_received,
            packets_lost=sender.packets_lost,
            packets_refused=self._packets_refused,
            channels=sender.channel_statistics(),
        )
