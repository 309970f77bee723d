"""Stateless cookies: proof that the sender receives at the address it sends from."""

from collections.abc import Callable

from p2p_remote.crypto.primitives import blake2b, equal
from p2p_remote.wire.rendezvous import COOKIE_LENGTH
from rendezvous.addresses import Address

EPOCH = 60.0  # s; a cookie lives for one to two epochs
_HELLO = b"p2pr1 hello"
_MOVE = b"p2pr1 move"


class Cookies:
    """Makes and checks cookies. The key rolls with every epoch; nothing is stored."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._secret = random(32)
        self._keys: dict[int, bytes] = {}

    def for_key(self, address: Address, public: bytes, now: float) -> bytes:
        """Cookie for a public key that says HELLO from `address`."""
        return self._make(int(now // EPOCH), _HELLO, address + public)

    def holds_for_key(
        self, cookie: bytes, address: Address, public: bytes, now: float
    ) -> bool:
        """Whether `cookie` was made for this key and address, and lately."""
        return self._holds(cookie, _HELLO, address + public, now)

    def for_move(self, address: Address, registration: int, now: float) -> bytes:
        """Cookie for a registration that is heard from a new address."""
        body = address + registration.to_bytes(4, "little")
        return self._make(int(now // EPOCH), _MOVE, body)

    def holds_for_move(
        self, cookie: bytes, address: Address, registration: int, now: float
    ) -> bool:
        """Whether `cookie` was made for this registration at this address."""
        body = address + registration.to_bytes(4, "little")
        return self._holds(cookie, _MOVE, body, now)

    def _holds(self, cookie: bytes, purpose: bytes, body: bytes, now: float) -> bool:
        epoch = int(now // EPOCH)
        return equal(cookie, self._make(epoch, purpose, body)) or equal(
            cookie, self._make(epoch - 1, purpose, body)
        )

    def _make(self, epoch: int, purpose: bytes, body: bytes) -> bytes:
        key = self._epoch_key(epoch)
        return blake2b(body, length=COOKIE_LENGTH, key=key, person=purpose)

    def _epoch_key(self, epoch: int) -> bytes:
        key = self._keys.get(epoch)
        if key is None:
            key = blake2b(epoch.to_bytes(8, "little", signed=True), key=self._secret)
            self._keys = {e: k for e, k in self._keys.items() if e >= epoch - 1}
            self._keys[epoch] = key
        return key
