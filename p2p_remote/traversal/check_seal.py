"""Authentication of connectivity checks with the key that the handshake left.

MAC = BLAKE2b-128(key = check key, person "p2pr1/check", role of the sender + body).
The role letter in it makes a check that is reflected to its sender fail. The address in
a response is XORed with BLAKE2b(key, person "p2pr1/seen", role + transaction), so that
neither an observer nor an address-rewriting router sees it.
"""

from collections.abc import Callable

from p2p_remote.crypto import primitives
from p2p_remote.errors import AuthenticationFailedError, MalformedMessageError
from p2p_remote.wire.address import Endpoint, Path, pack_endpoint, unpack_endpoint
from p2p_remote.wire.connectivity import (
    NONCE_BYTES,
    SEALED_ENDPOINT_BYTES,
    Check,
    CheckResponse,
    parse,
    split,
    transaction,
)

_CONTROLLING = b"I"  # the initiator of the handshake
_CONTROLLED = b"R"


class CheckSeal:
    """Seals what we send and opens what the peer sent."""

    def __init__(self, check_key: bytes, *, controlling: bool) -> None:
        self._key = check_key
        self._own_role = _CONTROLLING if controlling else _CONTROLLED
        self._peer_role = _CONTROLLED if controlling else _CONTROLLING
        self._counter = 0  # of our checks

    def new_transaction(self, random: Callable[[int], bytes]) -> bytes:
        """Transaction for the next check, 12 bytes."""
        self._counter += 1
        return transaction(self._counter, random(NONCE_BYTES))

    def seal(self, message: Check | CheckResponse) -> bytes:
        """Whole datagram, 51 bytes."""
        body = message.body()
        return body + self._mac(self._own_role, body)

    def open(self, datagram: bytes) -> Check | CheckResponse:
        """Message of the peer.

        Raises:
            MalformedMessageError: not a check or response at all.
            AuthenticationFailedError: not from the peer.

        """
        body, mac = split(datagram)
        if not primitives.equal(mac, self._mac(self._peer_role, body)):
            raise AuthenticationFailedError
        return parse(body)

    def seal_address(self, path: Path, transaction: bytes) -> bytes:
        """Address that the peer's check came from; a relay has none."""
        packed = bytes(SEALED_ENDPOINT_BYTES)
        if isinstance(path, Endpoint):
            packed = pack_endpoint(path)
        return self._mask(self._own_role, transaction, packed)

    def open_address(self, response: CheckResponse) -> Endpoint | None:
        """Our address as the peer saw it; None over a relay."""
        packed = self._mask(
            self._peer_role, response.transaction, response.sealed_endpoint
        )
        try:
            return unpack_endpoint(packed)
        except MalformedMessageError:
            return None

    def _mac(self, role: bytes, body: bytes) -> bytes:
        return primitives.mac(self._key, b"p2pr1/check", role + body)

    def _mask(self, role: bytes, transaction: bytes, packed: bytes) -> bytes:
        mask = primitives.blake2b(
            role + transaction,
            length=SEALED_ENDPOINT_BYTES,
            key=self._key,
            person=b"p2pr1/seen",
        )
        return bytes(a ^ b for a, b in zip(packed, mask, strict=True))
