"""Stateless cookies: whoever shows one receives at the path that it was sent to."""

from p2p_remote.crypto import primitives
from p2p_remote.crypto.encoding import labelled_hash
from p2p_remote.wire.address import Path

COOKIE_PERIOD = 120.0  # s; a cookie holds for one to two periods


class CookieJar:
    """Makes and checks cookies under a secret that changes with time."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != primitives.KEY_LENGTH:
            raise ValueError("a cookie secret has 32 bytes")
        self._secret = secret

    def make(self, path: Path, bound: bytes, now: float) -> bytes:
        """32 bytes for `path`, bound to what the asker sent."""
        return self._cookie(path, bound, int(now // COOKIE_PERIOD))

    def holds(self, cookie: bytes, path: Path, bound: bytes, now: float) -> bool:
        """Whether `make` gave this cookie in this period or the one before."""
        period = int(now // COOKIE_PERIOD)
        return any(
            primitives.equal(cookie, self._cookie(path, bound, each))
            for each in (period, period - 1)
        )

    def _cookie(self, path: Path, bound: bytes, period: int) -> bytes:
        period_bytes = period.to_bytes(8, "little", signed=True)
        key = labelled_hash(b"period", period_bytes, key=self._secret)
        return labelled_hash(b"cookie", str(path).encode(), bound, key=key)
