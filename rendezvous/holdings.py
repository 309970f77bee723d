"""How much of something each address holds at a time."""

from rendezvous.rate_limit import site_of


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
