"""Sealed packets of a session: header, secretbox, replay window, epochs.

Layout in `wire.packet`, keys and rekeying in `crypto.rekey`. Packet numbers run on from
epoch to epoch and are never used twice, so one replay window serves all epochs.
"""

from collections.abc import Callable

from p2p_remote.crypto import primitives
from p2p_remote.crypto.rekey import (
    OLD_EPOCH_GRACE,
    REJECT_AFTER,
    REJECT_AFTER_PACKETS,
    REKEY_AFTER_INITIATOR,
    REKEY_AFTER_PACKETS,
    REKEY_AFTER_RESPONDER,
    EpochKeys,
    RekeyExchange,
)
from p2p_remote.crypto.replay import ReplayWindow
from p2p_remote.errors import AuthenticationFailedError, ProtocolError
from p2p_remote.wire.first_byte import PACKET_BASE
from p2p_remote.wire.packet import (
    HEADER_LENGTH,
    MAX_NUMBER,
    NUMBER_LENGTH,
    OVERHEAD,
    PREFIX_LENGTH,
    header_prefix,
)

RESUME_GRACE = 30.0  # s to rekey in after a silence that outlasted the keys' time


class Sealing:
    """Seals and opens the packets of one session."""

    def __init__(
        self,
        chain_key: bytes,
        *,
        initiator: bool,
        local_index: int,
        remote_index: int,
        now: float,
        silence_allowed: float = 0.0,
    ) -> None:
        """Begin epoch 0.

        Args:
            chain_key: 32 bytes from the handshake.
            initiator: whether this side began the handshake.
            local_index: session index in packets to us, u32.
            remote_index: session index in packets to the peer, u32.
            now: seconds.
            silence_allowed: seconds without a packet from the peer, once in an epoch,
                that its keys outlive: nobody can rekey without a network.

        """
        self._initiator = initiator
        self._silence_allowed = silence_allowed
        self._heard_at = self._expires = now
        self._rekey_after = (
            REKEY_AFTER_INITIATOR if initiator else REKEY_AFTER_RESPONDER
        )
        self._own_index = local_index.to_bytes(4, "little")
        self._remote_index = remote_index
        self._window = ReplayWindow()
        self._exchange = RekeyExchange(initiator=initiator)
        self._next_number = 0
        self._previous: EpochKeys | None = None
        self._retire_at = now  # when `_previous` goes
        self._next: EpochKeys | None = None
        self._by_first_byte: dict[int, EpochKeys] = {}
        self._heard: EpochKeys | None = None  # keys of the newest packet opened
        self._current = EpochKeys.derive(chain_key, 0, initiator=initiator)
        self._begin(self._current, now)

    @property
    def epoch(self) -> int:
        """Epoch in which packets are sent."""
        return self._current.epoch

    def seal(self, plaintext: bytes, now: float) -> tuple[int, bytes]:
        """Packet number and whole datagram (27 bytes longer) of `plaintext`.

        Raises:
            ProtocolError: the keys have expired.

        """
        number = self._next_number
        if now >= self.expires_at() or number >= self._end_number:
            raise ProtocolError("the keys of the session have expired")
        self._next_number = number + 1
        header = self._prefix + number.to_bytes(NUMBER_LENGTH, "little")
        keys = self._current
        box = primitives.secretbox_seal(
            keys.send_key, header + keys.send_tail, plaintext
        )
        return number, header + box

    def open(self, datagram: bytes, now: float) -> tuple[int, bytes]:
        """Packet number and plaintext of a datagram.

        Raises:
            AuthenticationFailedError: not of this session, forged, a replay, or of an
                epoch that is over.

        """
        if len(datagram) < OVERHEAD or datagram[1:PREFIX_LENGTH] != self._own_index:
            raise AuthenticationFailedError("a packet of no session")
        if self._previous is not None and now >= self._retire_at:
            self._retire()
        keys = self._by_first_byte.get(datagram[0])
        if keys is None or now >= self.expires_at():
            raise AuthenticationFailedError("a packet of an epoch without keys")
        number = int.from_bytes(datagram[PREFIX_LENGTH:HEADER_LENGTH], "little")
        if not self._window.is_new(number):
            raise AuthenticationFailedError("a replayed packet")
        plaintext = primitives.secretbox_open(
            keys.receive_key,
            datagram[:HEADER_LENGTH] + keys.receive_tail,
            datagram[HEADER_LENGTH:],
        )
        self._window.accept(number)
        self._note_heard(now)
        if keys is not self._heard:
            self._hear(keys, now)
        return number, plaintext

    # Rekeying

    def needs_rekey(self, now: float) -> bool:
        """Whether it is time to send an offer."""
        return (
            not self._exchange.waiting
            and self._next is None
            and (
                now >= self._began + self._rekey_after
                or self._next_number - self._first_number >= REKEY_AFTER_PACKETS
            )
        )

    def expired(self, now: float) -> bool:
        """Whether the session must end because no rekey came about in time."""
        return now >= self.expires_at() or self._next_number >= self._end_number

    def expires_at(self) -> float:
        """When `expired` becomes true, if no packet limit is met before."""
        quiet_until = self._heard_at + self._silence_left
        return max(quiet_until, self._expires)

    def _note_heard(self, now: float) -> None:
        """A packet ends a silence; what came after the keys' time is used up."""
        beyond = now - max(self._expires, self._heard_at)
        self._heard_at = now
        if beyond > 0:
            self._silence_left = 0.0
            self._expires = now + RESUME_GRACE

    def offer(self, random: Callable[[int], bytes], now: float) -> bytes | None:
        """Offer (36 bytes) to be sent reliably, or None if a rekey is under way."""
        if self._next is not None or self.expired(now):
            return None
        return self._exchange.offer(self._current, random)

    def answer(
        self, offer: bytes, random: Callable[[int], bytes], now: float
    ) -> bytes | None:
        """Answer (36 bytes) to be sent reliably, or None if there is nothing to say.

        Raises:
            RemoteSupportError: the peer broke the rules; close the session.

        """
        answered = self._exchange.answer(self._current, offer, random)
        if answered is None or self.expired(now):
            return None
        message, chain = answered
        if chain is not None:
            keys = self._derive_next(chain)
            self._next = keys
            self._by_first_byte[PACKET_BASE | keys.phase] = keys
        return message

    def finish(self, answer: bytes, now: float) -> None:
        """Take the answer to our offer; packets are sent in the next epoch from here.

        Raises:
            RemoteSupportError: the peer broke the rules; close the session.

        """
        chain = self._exchange.finish(self._current, answer)
        if chain is not None:
            self._advance(self._derive_next(chain), now)

    def _derive_next(self, chain: bytes) -> EpochKeys:
        epoch = self._current.epoch + 1
        return EpochKeys.derive(chain, epoch, initiator=self._initiator)

    def _hear(self, keys: EpochKeys, now: float) -> None:
        """Note the first packet opened with keys other than the last heard ones."""
        if keys is self._next:
            self._advance(keys, now)
        if keys is self._current:
            self._heard = keys
            self._retire_at = min(self._retire_at, now + OLD_EPOCH_GRACE)

    def _advance(self, keys: EpochKeys, now: float) -> None:
        """Send in the epoch of `keys`; the one before stays for late packets."""
        self._retire()
        self._previous, self._retire_at = self._current, self._expires
        self._next = None
        self._begin(keys, now)

    def _begin(self, keys: EpochKeys, now: float) -> None:
        self._current = keys
        self._by_first_byte[PACKET_BASE | keys.phase] = keys
        self._prefix = header_prefix(keys.phase, self._remote_index)
        self._began = now
        self._expires = now + REJECT_AFTER
        self._silence_left = self._silence_allowed
        self._first_number = self._next_number
        self._end_number = min(
            self._first_number + REJECT_AFTER_PACKETS, MAX_NUMBER + 1
        )
        self._heard = None

    def _retire(self) -> None:
        if self._previous is not None:
            self._by_first_byte.pop(PACKET_BASE | self._previous.phase, None)
            self._previous = None
