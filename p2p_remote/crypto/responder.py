"""The called side of p2pr1, for all calls of a node."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from p2p_remote.crypto import handshake_keys as keys
from p2p_remote.crypto import primitives, proofs, sas
from p2p_remote.crypto.cookies import CookieJar
from p2p_remote.crypto.cpace import CPace
from p2p_remote.crypto.half_open import (
    Call,
    CallSecrets,
    CallTable,
    Limits,
    Stage,
    Verified,
)
from p2p_remote.crypto.handshake_events import (
    CallerLost,
    CallerVerified,
    HandshakeComplete,
    PasswordFailed,
    PasswordsExhausted,
    ResponderEvent,
)
from p2p_remote.crypto.identity import Identity
from p2p_remote.errors import AuthenticationFailedError, MalformedMessageError
from p2p_remote.wire import handshake as wire
from p2p_remote.wire import peer_id as wire_peer_id
from p2p_remote.wire.address import Endpoint, Path
from p2p_remote.wire.constants import SUITE_P2PR1
from p2p_remote.wire.refusals import RefusalReason


def _nobody(_public: bytes) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class ResponderOptions:
    """How a node answers.

    `known(public key)` tells whether a caller was verified earlier: M4 says so to the
    caller. `capabilities` are 32 bits for the initiator.
    """

    name: str = ""
    capabilities: int = 0
    known: Callable[[bytes], bool] = _nobody
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class _Listening:
    """How calls of one ID are to be answered."""

    password: bytes = field(repr=False)
    token: bytes = field(repr=False)


class Responder:
    """Answers calls of the IDs that it listens for; to all others it is silent.

    Randomness is drawn in this order, 32 bytes each: cookie secret at the start, then
    for every call nonce, ephemeral key, opening, CPace scalar.
    """

    def __init__(
        self,
        identity: Identity,
        random: Callable[[int], bytes],
        now: float,
        options: ResponderOptions | None = None,
    ) -> None:
        """Listen for nothing yet."""
        self._options = options or ResponderOptions()
        self._limits = self._options.limits
        self._identity = identity
        self._random = random
        self._cookies = CookieJar(random(primitives.KEY_LENGTH))
        self._listening: dict[int, _Listening] = {}
        self._calls = CallTable(self._limits)
        self._attempts: deque[float] = deque()
        self._next_handle = 1
        self._out: list[tuple[bytes, Path]] = []
        self._events: deque[ResponderEvent] = deque()

    # What the node decides

    def listen(
        self, target_id: int, *, password: bytes = b"", token: bytes = wire.NO_TOKEN
    ) -> None:
        """Answer calls of `target_id`: our own ID, or the number of an invitation.

        Args:
            target_id: nine digits.
            password: from `cpace.stretch_password(password, target_id)`, or none.
            token: 16 bytes that a call must carry, or zeros.

        """
        if len(password) not in {0, primitives.KEY_LENGTH}:
            raise ValueError("a password goes through stretch_password first")
        if len(token) != wire.TOKEN_LENGTH or not wire_peer_id.is_valid(target_id):
            raise ValueError("a token has 16 bytes, an ID nine digits")
        self._listening[target_id] = _Listening(password, token)

    def stop_listening(self, target_id: int) -> None:
        """Be silent to calls of `target_id`; one that is ringing already goes on."""
        self._listening.pop(target_id, None)

    def release(self, handle: int, now: float) -> None:
        """Let M4 go: the prompt is on the screen and the call is counted.

        HandshakeComplete follows. Nothing happens if the caller is gone.
        """
        call = self._calls.by_handle(handle)
        if call is None or call.secrets is None or call.verified is None:
            return
        caller = call.verified.caller
        capabilities = self._options.capabilities
        if self._options.known(caller.public):
            capabilities |= wire.CAPABILITY_KNOWS_CALLER
        acceptance = proofs.accept(
            call,
            call.secrets,
            call.verified,
            self._identity,
            name=self._options.name,
            capabilities=capabilities,
        )
        result = keys.HandshakeResult(
            initiator=False,
            path=call.path,
            target_id=call.request.target_id,
            peer_public=caller.public,
            peer_counter=caller.counter,
            peer_name=caller.name,
            digits=proofs.digits(call, call.secrets),
            wanted=caller.wanted,
            capabilities=capabilities,
            password_verified=call.password_set,
            secrets=keys.SessionSecrets.derive(call.verified.accept, acceptance),
        )
        self._reply(call, acceptance, now)
        self._events.append(HandshakeComplete(result, handle))

    def refuse(self, handle: int, now: float, reason: int | None = None) -> None:
        """Forget a call: in silence, or telling the caller why.

        That is a `RefusalReason` or a code of `wire.refusals.wait_code`.
        """
        call = self._calls.by_handle(handle)
        if call is None or call.stage is not Stage.RINGING or call.outer is None:
            return
        refusal = b""
        if reason is not None:
            sealed = keys.seal(call.outer.refusal_key(), bytes([reason]))
            echo = call.request.nonce[: wire.ECHO_LENGTH]
            refusal = wire.Refusal(echo, sealed).pack()
        self._reply(call, refusal, now)

    def forget_attempts(self) -> None:
        """Forget wrong passwords: a person has let a verified caller in."""
        self._attempts.clear()

    # The five verbs

    def receive_datagram(self, data: bytes, path: Path, now: float) -> None:
        """Take a datagram; what does not hold is ignored without an answer."""
        if not data:
            return
        self.handle_timer(now)
        try:
            if data[0] == wire.CALL_REQUEST:
                direct = isinstance(path, Endpoint)
                request = wire.CallRequest.unpack(data, direct=direct)
                self._on_request(request, path, now)
            elif data[0] == wire.CALLER_PROOF:
                self._on_proof(data, wire.CallerProof.unpack(data), path, now)
        except MalformedMessageError:
            return

    def handle_timer(self, now: float) -> None:
        """Forget calls whose time is over."""
        for call in self._calls.expire(now):
            if call.stage is Stage.RINGING:
                self._events.append(CallerLost(call.handle))

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Path]]:
        """Drain what is to be sent."""
        out, self._out = self._out, []
        return out

    def next_timer(self) -> float | None:
        """When the next call's time is over."""
        return self._calls.next_expiry()

    def next_event(self) -> ResponderEvent | None:
        """Drain one event."""
        return self._events.popleft() if self._events else None

    # M1

    def _on_request(self, request: wire.CallRequest, path: Path, now: float) -> None:
        listening = self._listening.get(request.target_id)
        if (
            listening is None
            or not primitives.equal(request.token, listening.token)
            or not request.suites >> SUITE_P2PR1 & 1
        ):
            return
        bound = request.nonce + request.commitment
        proven = request.cookie != wire.NO_COOKIE
        if proven and not self._cookies.holds(request.cookie, path, bound, now):
            self._send_cookie(request, path, now)
            return
        call = self._calls.by_nonce(request.nonce)
        if call is not None:
            same = call.request.transcript() == request.transcript()
            if same and call.stage is Stage.HALF_OPEN:
                self._out.append((call.answer.pack(), path))
            return
        if self._calls.half_open > self._limits.cookies_above and not proven:
            self._send_cookie(request, path, now)
        elif self._calls.has_room(path, now):
            self._begin(request, listening, path, now)

    def _send_cookie(self, request: wire.CallRequest, path: Path, now: float) -> None:
        cookie = self._cookies.make(path, request.nonce + request.commitment, now)
        reply = wire.CookieReply(request.nonce[: wire.ECHO_LENGTH], cookie)
        self._out.append((reply.pack(), path))

    def _begin(
        self,
        request: wire.CallRequest,
        listening: _Listening,
        path: Path,
        now: float,
    ) -> None:
        nonce, secret, opening, scalar = (
            self._random(primitives.KEY_LENGTH) for _ in range(4)
        )
        channel = keys.cpace_channel(SUITE_P2PR1, request.target_id)
        sid = request.nonce + nonce
        cpace = CPace.start(listening.password, channel, sid, scalar)
        answer = wire.CallAnswer(
            echo=request.nonce[: wire.ECHO_LENGTH],
            suite=SUITE_P2PR1,
            nonce=nonce,
            ephemeral=primitives.x25519_public(secret),
            commitment=sas.responder_commitment(opening),
            share=cpace.share,
            policy=wire.POLICY_PASSWORD if listening.password else 0,
            target_id=request.target_id,
        )
        call = Call(
            handle=self._next_handle,
            path=path,
            request=request,
            answer=answer,
            began=now,
            expires=now + self._limits.half_open_time,
            secrets=CallSecrets(secret, opening, cpace),
            password_set=bool(listening.password),
        )
        self._next_handle += 1
        self._calls.add(call)
        self._out.append((answer.pack(), path))

    # M3

    def _on_proof(
        self, data: bytes, proof: wire.CallerProof, path: Path, now: float
    ) -> None:
        call = self._calls.by_echo(proof.echo)
        if call is None:
            return
        secrets = call.secrets
        if call.stage is not Stage.HALF_OPEN or secrets is None:
            self._on_proof_again(call, data, path, now)
            return
        if call.request.target_id not in self._listening:
            return
        try:
            outer, sealed_caller = proofs.open_outer(call, secrets, proof)
        except (AuthenticationFailedError, MalformedMessageError):
            call.forgeries += 1
            if call.forgeries >= self._limits.forgeries:
                self._calls.remove(call)
            return
        room = self._calls.make_room_for_ringing()
        call.stage, call.expires = Stage.RINGING, now + self._limits.silence
        call.proof, call.path, call.outer = data, path, outer
        if not room:
            self.refuse(call.handle, now, RefusalReason.BUSY)
        elif call.password_set and self._attempts_exhausted(now):
            # Opening the inner seal would tell, if only by the time it takes,
            # whether the password was right.
            self.refuse(call.handle, now, RefusalReason.TOO_MANY_ATTEMPTS)
            again = self._attempts[0] + self._limits.attempts_time
            self._events.append(PasswordsExhausted(again - now))
        else:
            try:
                opened = proofs.open_inner(call, secrets, outer, proof, sealed_caller)
            except AuthenticationFailedError:
                self._on_wrong_password(call, now)
            else:
                self._on_identity(call, *opened, now)

    def _on_proof_again(self, call: Call, data: bytes, path: Path, now: float) -> None:
        if not primitives.equal(call.proof, data):
            return
        if call.stage is Stage.RINGING:
            call.expires = now + self._limits.silence
        elif call.reply:
            self._out.append((call.reply, path))

    def _on_wrong_password(self, call: Call, now: float) -> None:
        if call.password_set:  # else there is nothing to be guessed
            self._attempts.append(now)
        target_id = call.request.target_id
        self._events.append(PasswordFailed(call.handle, target_id, call.path))

    def _on_identity(
        self, call: Call, inner: keys.InnerKeys, plaintext: bytes, now: float
    ) -> None:
        caller = proofs.verify_caller(inner.th1, plaintext, self._identity.public)
        if caller is None:
            self.refuse(call.handle, now)
            return
        call.verified = Verified(caller, keys.AcceptKeys.derive(inner, call.proof))
        self._events.append(
            CallerVerified(
                handle=call.handle,
                public=caller.public,
                counter=caller.counter,
                name=caller.name,
                wanted=caller.wanted,
                password_verified=call.password_set,
                target_id=call.request.target_id,
                path=call.path,
            )
        )

    def _attempts_exhausted(self, now: float) -> bool:
        while self._attempts and now - self._attempts[0] >= self._limits.attempts_time:
            self._attempts.popleft()
        return len(self._attempts) >= self._limits.attempts

    # M4 and M5

    def _reply(self, call: Call, reply: bytes, now: float) -> None:
        """Send the last message of a call and keep it for further M3."""
        call.stage, call.expires = Stage.ANSWERED, now + self._limits.answer_kept
        call.reply = reply
        call.forget_secrets()
        if reply:
            self._out.append((reply, call.path))
