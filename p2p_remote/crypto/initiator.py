"""The calling side of p2pr1, for one call."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from itertools import chain, repeat

from p2p_remote.crypto import handshake_keys as keys
from p2p_remote.crypto import primitives, sas
from p2p_remote.crypto.cpace import CPace
from p2p_remote.crypto.handshake_events import (
    HandshakeComplete,
    HandshakeFailed,
    InitiatorEvent,
    PeerAnswered,
)
from p2p_remote.crypto.identity import Identity
from p2p_remote.errors import (
    AuthenticationFailedError,
    BusyError,
    MalformedMessageError,
    NoSuchPeerError,
    RefusedError,
    RemoteSupportError,
)
from p2p_remote.wire import handshake as wire
from p2p_remote.wire import peer_id as wire_peer_id
from p2p_remote.wire.address import Path, RelayPath
from p2p_remote.wire.constants import SUITE_P2PR1
from p2p_remote.wire.refusals import RefusalReason, spoken_wait, unpack_reason

ANSWER_TIMEOUT = 15.0  # s until M2; the responder forgets a call after as long
RINGING_TIMEOUT = 120.0  # s until M4; a person has to look at the screen
REQUEST_GAPS = (0.25, 0.35, 0.6, 1.2)  # s between the first M1s, so 0, 0.25, 0.6, ...
REQUEST_INTERVAL = 2.4  # s between the later ones
PROOF_GAPS = (0.25, 0.25, 0.5, 1.0)  # s between the first M3s, so 0, 0.25, 0.5, 1, 2
PROOF_INTERVAL = 2.0  # s between the later ones
MAX_PATHS = 16
MAX_COOKIES = 4  # M0 that are obeyed on one path

_DOES_NOT_MATCH = "The session password did not match. Ask for it again."
_IS_NEEDED = "This call needs the session password. Ask for it."
_NONE_IS_SET = "The other side has set no session password. Call without one."
_BROKEN_IDENTITY = "The machine that answered could not prove its key. Do not go on."
_TOO_MANY = (
    "Too many attempts were made on that machine. Wait ten minutes and call again."
)
_WAIT = (
    "The customer was not asked, because of the calls before this one. "
    "Call again in {}."
)


@dataclass(frozen=True, slots=True)
class CallOptions:
    """What a call may come with.

    `password` is what `cpace.stretch_password(password, target_id)` gives: 32 bytes, or
    none. `wanted` are permissions asked for, 32 bits. `token` comes with an invitation.
    Timeouts in seconds.
    """

    password: bytes = field(default=b"", repr=False)
    name: str = ""
    wanted: int = 0
    token: bytes = wire.NO_TOKEN
    answer_timeout: float = ANSWER_TIMEOUT
    ringing_timeout: float = RINGING_TIMEOUT

    def __post_init__(self) -> None:
        """Refuse what would not fit into a message."""
        if len(self.password) not in {0, primitives.KEY_LENGTH}:
            raise ValueError("a password goes through stretch_password first")
        if len(self.token) != wire.TOKEN_LENGTH or not 0 <= self.wanted < 2**32:
            raise ValueError("a token has 16 bytes, permissions have 32 bits")


class State(Enum):
    """Where a call is."""

    CALLING = auto()  # M1 is repeated
    PROVING = auto()  # M3 is repeated
    ENDED = auto()  # complete or failed


# What is read in which state; anything else is ignored.
_READS: dict[State, tuple[int, ...]] = {
    State.CALLING: (wire.COOKIE_REPLY, wire.CALL_ANSWER),
    State.PROVING: (wire.ACCEPTANCE, wire.REFUSAL),
    State.ENDED: (),
}


class _Schedule:
    """When to send something again: some given gaps, then a steady interval."""

    __slots__ = ("_gaps", "due")

    def __init__(self, gaps: tuple[float, ...], interval: float, due: float) -> None:
        self._gaps = chain(gaps, repeat(interval))
        self.due = due

    def take(self, now: float) -> bool:
        """Whether it is due; if so, the next time is set."""
        if now < self.due:
            return False
        self.due = now + next(self._gaps)
        return True


@dataclass(slots=True)
class _PathState:
    """One path on which M1 is sent."""

    padded: bool
    schedule: _Schedule
    cookie: bytes = wire.NO_COOKIE
    cookies_left: int = MAX_COOKIES


@dataclass(frozen=True, slots=True)
class _Proof:
    """What M3 leaves behind for M4."""

    message: bytes
    path: Path
    outer: keys.OuterKeys
    accept: keys.AcceptKeys
    answer: wire.CallAnswer


class Initiator:
    """Calls one ID on any number of paths at once.

    The same M1 goes out on every path; the first valid M2 fixes the path. Randomness
    is drawn in this order, 32 bytes each: nonce, ephemeral key, opening, CPace scalar.
    """

    def __init__(
        self,
        identity: Identity,
        target_id: int,
        random: Callable[[int], bytes],
        now: float,
        options: CallOptions | None = None,
    ) -> None:
        """Prepare a call; nothing is sent before `add_path`."""
        self._options = options or CallOptions()
        if not wire_peer_id.is_valid(target_id):
            raise ValueError("not an ID")
        self._identity = identity
        nonce = random(primitives.KEY_LENGTH)
        self._secret = random(primitives.KEY_LENGTH)
        self._opening = random(sas.OPENING_LENGTH)
        self._scalar = random(primitives.KEY_LENGTH)
        self._ephemeral = primitives.x25519_public(self._secret)
        self._request = wire.CallRequest(
            suites=1 << SUITE_P2PR1,
            target_id=target_id,
            nonce=nonce,
            commitment=sas.initiator_commitment(self._ephemeral, self._opening),
            token=self._options.token,
        )
        self._state = State.CALLING
        self._began = now
        self._deadline = now + self._options.answer_timeout
        self._paths: dict[Path, _PathState] = {}
        self._proof: _Proof | None = None
        self._proof_schedule = _Schedule(PROOF_GAPS, PROOF_INTERVAL, now)
        self._events: deque[InitiatorEvent] = deque()

    @property
    def echo(self) -> bytes:
        """What every message to this call repeats (`wire.handshake.echo_of`)."""
        return self._request.nonce[: wire.ECHO_LENGTH]

    def first_message(self) -> bytes:
        """M1 core, 119 bytes, to be carried by the rendezvous."""
        return self._request.pack()

    def add_path(self, path: Path, *, padded: bool) -> None:
        """Send M1 on `path` too; `padded` when it leads straight to an IP endpoint."""
        if path not in self._paths and len(self._paths) < MAX_PATHS:
            schedule = _Schedule(REQUEST_GAPS, REQUEST_INTERVAL, self._began)
            self._paths[path] = _PathState(padded, schedule)

    # The five verbs

    def receive_datagram(self, data: bytes, path: Path, now: float) -> None:
        """Take a datagram; what is not expected or does not hold is ignored."""
        if wire.echo_of(data) != self.echo or data[0] not in _READS[self._state]:
            return
        try:
            if data[0] == wire.COOKIE_REPLY:
                self._on_cookie(wire.CookieReply.unpack(data), path, now)
            elif data[0] == wire.CALL_ANSWER:
                self._on_answer(wire.CallAnswer.unpack(data), path, now)
            elif self._proof is not None:
                self._on_last(data, self._proof)
        except (MalformedMessageError, AuthenticationFailedError):
            return

    def handle_timer(self, now: float) -> None:
        """Give up when it is time."""
        if self._state is State.ENDED or now < self._deadline:
            return
        calling = self._state is State.CALLING
        self._fail(NoSuchPeerError() if calling else RefusedError())

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Path]]:
        """Drain what is due."""
        if self._state is State.PROVING and self._proof is not None:
            if self._proof_schedule.take(now):
                return [(self._proof.message, self._proof.path)]
            return []
        if self._state is not State.CALLING:
            return []
        return [
            (self._request_for(state), path)
            for path, state in self._paths.items()
            if state.schedule.take(now)
        ]

    def next_timer(self) -> float | None:
        """When something is due next; None when the call has ended."""
        if self._state is State.ENDED:
            return None
        if self._state is State.PROVING:
            return min(self._deadline, self._proof_schedule.due)
        dues = (state.schedule.due for state in self._paths.values())
        return min(self._deadline, *dues, self._deadline)

    def next_event(self) -> InitiatorEvent | None:
        """Drain one event."""
        return self._events.popleft() if self._events else None

    # Messages

    def _request_for(self, state: _PathState) -> bytes:
        request = replace(self._request, cookie=state.cookie)
        return request.pack_direct() if state.padded else request.pack()

    def _on_cookie(self, reply: wire.CookieReply, path: Path, now: float) -> None:
        """Send M1 again at once, with the cookie.

        The path may be one that M1 took inside a CALL, without `add_path`.
        """
        if path not in self._paths:
            self.add_path(path, padded=not isinstance(path, RelayPath))
        state = self._paths.get(path)
        if state is None or not state.cookies_left:
            return
        state.cookies_left -= 1
        state.cookie = reply.cookie
        state.schedule.due = now

    def _on_answer(self, answer: wire.CallAnswer, path: Path, now: float) -> None:
        request = self._request
        if answer.suite != SUITE_P2PR1 or answer.target_id != request.target_id:
            return
        asked = bool(answer.policy & wire.POLICY_PASSWORD)
        if asked != bool(self._options.password):
            text = _IS_NEEDED if asked else _NONE_IS_SET
            self._fail(AuthenticationFailedError(text))
            return
        shared = primitives.x25519(self._secret, answer.ephemeral)
        channel = keys.cpace_channel(answer.suite, request.target_id)
        sid = request.nonce + answer.nonce
        cpace = CPace.start(self._options.password, channel, sid, self._scalar)
        cpace_key = cpace.finish_initiator(
            self._ephemeral + self._opening,
            answer.share,
            answer.ephemeral + answer.commitment,
        )
        th1 = keys.first_transcript(
            request,
            answer,
            ephemeral=self._ephemeral,
            opening=self._opening,
            share=cpace.share,
        )
        outer = keys.OuterKeys.derive(answer.suite, shared, th1)
        inner = keys.InnerKeys.derive(outer, cpace_key)
        message = self._prove(answer, cpace.share, outer, inner)
        accept = keys.AcceptKeys.derive(inner, message)
        self._proof = _Proof(message, path, outer, accept, answer)
        self._state = State.PROVING
        self._proof_schedule.due = now
        self._deadline = now + self._options.ringing_timeout
        self._secret = self._scalar = b""
        self._events.append(PeerAnswered(path))

    def _prove(
        self,
        answer: wire.CallAnswer,
        share: bytes,
        outer: keys.OuterKeys,
        inner: keys.InnerKeys,
    ) -> bytes:
        identity = self._identity
        caller = wire.CallerIdentity(
            public=identity.public,
            signature=identity.sign(keys.initiator_signed(outer.th1, identity.public)),
            counter=identity.counter,
            wanted=self._options.wanted,
            name=self._options.name,
        )
        sealed_caller = keys.seal(inner.identity_key, caller.pack())
        plaintext = wire.pack_proof_plaintext(sealed_caller)
        return wire.CallerProof(
            echo=answer.nonce[: wire.ECHO_LENGTH],
            ephemeral=self._ephemeral,
            opening=self._opening,
            share=share,
            sealed=keys.seal(outer.proof_key, plaintext),
        ).pack()

    def _on_last(self, data: bytes, proof: _Proof) -> None:
        if data[0] == wire.ACCEPTANCE:
            self._on_acceptance(data, proof)
        else:
            self._on_refusal(wire.Refusal.unpack(data), proof)

    def _on_acceptance(self, data: bytes, proof: _Proof) -> None:
        acceptance = wire.Acceptance.unpack(data)
        plaintext = keys.unseal(proof.accept.acceptance_key, acceptance.sealed)
        # The other end knows our M3 and the password, so what is wrong from here on
        # is its own doing and not some forger's.
        try:
            peer = wire.ResponderIdentity.unpack(plaintext)
            self._check_responder(proof, peer)
        except (MalformedMessageError, AuthenticationFailedError):
            self._fail(AuthenticationFailedError(_BROKEN_IDENTITY))
            return
        result = keys.HandshakeResult(
            initiator=True,
            path=proof.path,
            target_id=self._request.target_id,
            peer_public=peer.public,
            peer_counter=peer.counter,
            peer_name=peer.name,
            digits=sas.comparison_digits(
                (self._opening, peer.opening),
                self._request.transcript(),
                proof.answer.pack(),
                self._ephemeral,
            ),
            wanted=self._options.wanted,
            capabilities=peer.capabilities,
            password_verified=bool(self._options.password),
            secrets=keys.SessionSecrets.derive(proof.accept, data),
        )
        self._end()
        self._events.append(HandshakeComplete(result))

    def _check_responder(self, proof: _Proof, peer: wire.ResponderIdentity) -> None:
        own = self._identity.public
        committed = sas.responder_commitment(peer.opening)
        if committed != proof.answer.commitment or peer.public == own:
            raise AuthenticationFailedError
        signed = keys.responder_signed(proof.accept.th2, own, peer.public, peer.opening)
        primitives.ed25519_verify(peer.public, signed, peer.signature)

    def _on_refusal(self, refusal: wire.Refusal, proof: _Proof) -> None:
        key = proof.outer.refusal_key()
        reason, wait = unpack_reason(keys.unseal(key, refusal.sealed))
        if reason is RefusalReason.WRONG_PASSWORD:
            self._fail(AuthenticationFailedError(_DOES_NOT_MATCH))
        elif reason is RefusalReason.TOO_MANY_ATTEMPTS:
            self._fail(RefusedError(_TOO_MANY))
        elif reason is RefusalReason.WAIT:
            self._fail(RefusedError(_WAIT.format(spoken_wait(wait)), wait))
        else:
            self._fail(BusyError())

    def _fail(self, error: RemoteSupportError) -> None:
        self._end()
        self._events.append(HandshakeFailed(error))

    def _end(self) -> None:
        self._state = State.ENDED
        self._secret = self._scalar = b""
        self._proof = None
