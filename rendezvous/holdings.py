"""How much of something each address holds at a time."""

from array import array
from collections.abc import Iterator

from p2p_remote.crypto.primitives import blake2b
from rendezvous.rate_limit import SLOTS, site_of


class Holdings:
    """Counts by prefix, and beside it by site where there is one."""

    def __init__(self, per_prefix: int, per_site: int) -> None:
        """So many for an IPv4 address or IPv6 /64, and for a /48."""
        self._per_prefix = per_prefix
        self._per_site = per_site
        self._held: dict[bytes, int] = {}

    def has_room(self, prefix: bytes) -> bool:
        """Whether this prefix may hold one more."""
        site = site_of(prefix)
        return self._held.get(prefix, 0) < self._per_prefix and (
            site is None or self._held.get(site, 0) < self._per_site
        )

    def add(self, prefix: bytes) -> None:
        """Count one more."""
        self._change(prefix, 1)

    def remove(self, prefix: bytes) -> None:
        """Count one less."""
        self._change(prefix, -1)

    def _change(self, prefix: bytes, by: int) -> None:
        for key in (prefix, site_of(prefix)):
            if key is None:
                continue
            count = self._held.get(key, 0) + by
            if count > 0:
                self._held[key] = count
            else:
                self._held.pop(key, None)


class ManyHoldings:
    """The same for what millions of addresses hold, in memory that never grows.

    As in `rate_limit` two addresses may share a place, and nobody without the secret
    can tell which; so the limits are far above what places share by chance. Sites have
    places of their own: one may hold more than any prefix that would share with it.
    """

    def __init__(self, per_prefix: int, per_site: int, secret: bytes) -> None:
        """`secret` is at most 64 bytes and places prefixes in the table."""
        self._per_prefix = per_prefix
        self._per_site = per_site
        self._secret = secret
        self._held = array("I", bytes(4 * 2 * SLOTS))  # by prefix, then by site

    def has_room(self, prefix: bytes) -> bool:
        """Whether this prefix may hold one more."""
        limits = (self._per_prefix, self._per_site)
        places = self._places(prefix)
        return all(
            self._held[place] < most
            for place, most in zip(places, limits, strict=False)
        )

    def add(self, prefix: bytes) -> None:
        """Count one more."""
        for place in self._places(prefix):
            self._held[place] += 1

    def remove(self, prefix: bytes) -> None:
        """Count one less."""
        for place in self._places(prefix):
            self._held[place] -= 1

    def _places(self, prefix: bytes) -> Iterator[int]:
        """That of the prefix, and that of its site if it is of one."""
        for first, key in ((0, prefix), (SLOTS, site_of(prefix))):
            if key is not None:
                digest = blake2b(key, length=8, key=self._secret)
                yield first + int.from_bytes(digest, "little") % SLOTS
