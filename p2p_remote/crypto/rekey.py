"""Epochs of a session's keys, and the exchange that makes the next one.

    k[direction, epoch] = BLAKE2b-256(key=chain_epoch, person="p2pr-key", direction u8)
    chain_{epoch+1}     = BLAKE2b-256(key=chain_epoch, person="p2pr-next",
                                      lv(X25519, offer, answer))

One side offers a fresh X25519 key, the other answers with one of its own. The answerer
installs the next epoch for receiving at once but goes on sending in the old one until
it hears a packet in the new one; the offerer changes over as soon as it has the answer.
So no packet is ever sent that the other side cannot open yet.

When both offer at the same time, the offer of the session's initiator counts: the
initiator ignores the other one, the responder forgets its own and answers.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from p2p_remote.crypto import primitives
from p2p_remote.crypto.encoding import lv
from p2p_remote.errors import ProtocolError
from p2p_remote.wire.packet import PHASES, RekeyMessage

REKEY_AFTER_INITIATOR = 120.0  # s after the last rekey; WireGuard has the same
REKEY_AFTER_RESPONDER = 130.0  # s; later, so that both seldom offer at once
REKEY_AFTER_PACKETS = 2**20  # packets sent in one epoch
REJECT_AFTER = 180.0  # s after the last rekey at which an epoch ends for good
REJECT_AFTER_PACKETS = 2**24  # packets sent in one epoch
OLD_EPOCH_GRACE = 5.0  # s that late packets of the old epoch are still opened

INITIATOR_TO_RESPONDER = 0  # direction byte in keys and nonces
RESPONDER_TO_INITIATOR = 1

_MAX_EPOCH = 2**32 - 1
_NONCE_ZEROS = bytes(12)


@dataclass(frozen=True, slots=True)
class EpochKeys:
    """Keys of one epoch. `*_tail` is what follows the header in the nonce."""

    epoch: int
    chain: bytes = field(repr=False)
    send_key: bytes = field(repr=False)
    receive_key: bytes = field(repr=False)
    send_tail: bytes
    receive_tail: bytes

    @classmethod
    def derive(cls, chain: bytes, epoch: int, *, initiator: bool) -> "EpochKeys":
        """Keys that follow from the chain key (32 bytes) of an epoch."""
        forward, backward = INITIATOR_TO_RESPONDER, RESPONDER_TO_INITIATOR
        send, receive = (forward, backward) if initiator else (backward, forward)
        return cls(
            epoch,
            chain,
            direction_key(chain, send),
            direction_key(chain, receive),
            bytes([send]) + _NONCE_ZEROS,
            bytes([receive]) + _NONCE_ZEROS,
        )

    @property
    def phase(self) -> int:
        """What the first byte of a packet tells of the epoch."""
        return self.epoch % PHASES


def direction_key(chain: bytes, direction: int) -> bytes:
    """Packet key (32 bytes) of one direction of the epoch of `chain`."""
    return primitives.blake2b(bytes([direction]), key=chain, person=b"p2pr-key")


def next_chain(chain: bytes, shared: bytes, offer: bytes, answer: bytes) -> bytes:
    """Chain key of the next epoch."""
    return primitives.blake2b(lv(shared, offer, answer), key=chain, person=b"p2pr-next")


@dataclass(frozen=True, slots=True)
class _Pending:
    """Our offer, waiting for its answer."""

    epoch: int
    secret: bytes = field(repr=False)
    offer: bytes


class RekeyExchange:
    """Who has offered what. Knows nothing of packets or time."""

    def __init__(self, *, initiator: bool) -> None:
        self._initiator = initiator
        self._pending: _Pending | None = None
        self._answered: tuple[bytes, bytes] | None = None  # last offer, our answer

    @property
    def waiting(self) -> bool:
        """Whether an offer of ours is out."""
        return self._pending is not None

    def offer(self, current: EpochKeys, random: Callable[[int], bytes]) -> bytes:
        """Offer to be sent; the same one again while its answer is out."""
        if self._pending is None:
            epoch = current.epoch + 1
            if epoch > _MAX_EPOCH:
                raise ProtocolError("too many rekeys in one session")
            secret = random(primitives.KEY_LENGTH)
            message = RekeyMessage(epoch, primitives.x25519_public(secret))
            self._pending = _Pending(epoch, secret, message.pack())
        return self._pending.offer

    def answer(
        self, current: EpochKeys, offer: bytes, random: Callable[[int], bytes]
    ) -> tuple[bytes, bytes | None] | None:
        """Answer a peer's offer.

        Returns:
            The answer to be sent and the next chain key, which is None when the same
            offer was answered before. None alone: the offer is out of date or gives
            way to ours, nothing is to be done.

        Raises:
            MalformedMessageError: not an offer.
            ProtocolError: an offer out of turn.
            AuthenticationFailedError: the key offered has low order.

        """
        message = RekeyMessage.unpack(offer)
        if self._answered is not None and self._answered[0] == offer:
            return self._answered[1], None
        if message.epoch <= current.epoch:
            return None
        if message.epoch > current.epoch + 1:
            raise ProtocolError("a rekey skips an epoch")
        if self._answered_epoch() == message.epoch:
            raise ProtocolError("two different offers for one epoch")
        if self._pending is not None and self._initiator:
            return None
        secret = random(primitives.KEY_LENGTH)
        shared = primitives.x25519(secret, message.public)
        answer = RekeyMessage(message.epoch, primitives.x25519_public(secret)).pack()
        self._pending = None
        self._answered = (offer, answer)
        return answer, next_chain(current.chain, shared, offer, answer)

    def finish(self, current: EpochKeys, answer: bytes) -> bytes | None:
        """Next chain key from the answer to our offer; None if it is out of date.

        Raises:
            MalformedMessageError: not an answer.
            ProtocolError: an answer to nothing.
            AuthenticationFailedError: the key in it has low order.

        """
        message = RekeyMessage.unpack(answer)
        if message.epoch <= current.epoch:
            return None
        if self._pending is None or message.epoch != self._pending.epoch:
            raise ProtocolError("a rekey answer without an offer")
        shared = primitives.x25519(self._pending.secret, message.public)
        chain = next_chain(current.chain, shared, self._pending.offer, answer)
        self._pending = None
        return chain

    def _answered_epoch(self) -> int | None:
        if self._answered is None:
            return None
        return RekeyMessage.unpack(self._answered[0]).epoch
