"""What the customer has granted: the one table that every effect asks.

Everything is off until granted, every grant has a serial and an expiry, and taking
one back is final: a later grant has another serial, so nothing queued under the old
one can take effect. `check` is called directly before an effect on the operating
system, and `revoke` possibly from another thread than `grant`: each of them changes
the table by one operation of the dictionary, which the interpreter does not interrupt,
so neither can undo the other and a revoke holds from the moment it returns.
"""

from dataclasses import dataclass

from p2p_remote.errors import PermissionNotGrantedError, UsageError
from p2p_remote.wire.control import PERMISSIONS

FREEZE_MARGIN = 0.3  # s that injected input stays off before and after a prompt
INPUT_PERMISSIONS = frozenset({"control", "sys_keys"})
FILES = frozenset({"file_in", "file_out"})
NEEDS_VERIFIED = frozenset(PERMISSIONS) - {"view"}
"""Everything beyond looking needs a technician that the customer has verified."""


@dataclass(slots=True)
class Grant:
    """One permission, given until `expires` (s); only `Grants` changes the serial."""

    permission: str
    serial: int
    expires: float


def permission_number(name: str) -> int:
    """Number of a permission on the wire.

    Raises:
        UsageError: there is no such permission.

    """
    try:
        return PERMISSIONS.index(name)
    except ValueError:
        known = ", ".join(PERMISSIONS)
        raise UsageError(f"There is no permission '{name}'. Known: {known}.") from None


class Grants:
    """The grants of one session."""

    def __init__(self) -> None:
        """Start with nothing granted."""
        self._grants: dict[str, Grant] = {}
        self._open_until = 0.0
        self._serial = 0
        self._frozen_until = 0.0
        self._paused_until = 0.0

    def open(self, until: float) -> None:
        """The session begins; nothing is allowed after `until` (s)."""
        self._open_until = until

    def is_open(self, now: float) -> bool:
        """Whether the session goes on, with whatever grants."""
        return now < self._open_until

    def grant(self, permission: str, expires: float) -> Grant:
        """Give a permission until `expires`; an older grant of it ends."""
        permission_number(permission)
        self._serial += 1
        grant = Grant(permission, self._serial, expires)
        self._grants[permission] = grant
        return grant

    def renew(self, permission: str) -> Grant | None:
        """Give a permission that is granted another serial; None if it is not.

        What was queued under the old one is void. The grant stays the object it is, so
        a revoke at the same moment, by another thread, holds.
        """
        grant = self._grants.get(permission)
        if grant is not None:
            self._serial += 1
            grant.serial = self._serial
        return grant

    def revoke(self, permission: str) -> bool:
        """Take a permission back; False if it was not granted.

        A session whose view is taken back does not go on.
        """
        taken = self._grants.pop(permission, None) is not None
        if taken and permission == "view":
            self._open_until = 0.0
        return taken

    def revoke_all(self) -> tuple[str, ...]:
        """Take everything back and return what was granted: the session is over."""
        self._open_until = 0.0
        granted = tuple(self._grants)
        self._grants.clear()
        return granted

    def take_back(self, *, everything: bool) -> bool:
        """Take control back, or end it all; False if there was nothing of that."""
        if not everything:
            return self.revoke("control")
        was_open = self._open_until > 0.0
        return bool(self.revoke_all()) or was_open

    def freeze_input(self) -> None:
        """Refuse injected input until `thaw_input` (a prompt is open)."""
        self._frozen_until = float("inf")

    def thaw_input(self, now: float) -> None:
        """Allow injected input again after the margin."""
        self._frozen_until = now + FREEZE_MARGIN

    def pause_input(self, until: float) -> None:
        """Let the customer's own mouse and keys win until `until`."""
        self._paused_until = until

    def serial_of(self, permission: str) -> int | None:
        """Serial of the latest grant of a permission, None if it was taken back."""
        grant = self._grants.get(permission)
        return grant.serial if grant is not None else None

    def held(self, permission: str, now: float) -> Grant | None:
        """Grant of a permission that is valid now."""
        grant = self._grants.get(permission)
        return grant if grant is not None and now < grant.expires else None

    def allowed(self, permission: str, now: float) -> bool:
        """Whether a permission is granted and has not expired."""
        return self.held(permission, now) is not None

    def check(self, permission: str, serial: int | None, now: float) -> None:
        """Return if the effect may happen now.

        Args:
            permission: what the effect needs.
            serial: the grant it was asked under; None for effects that are not
                started by a message of the technician.
            now: s.

        Raises:
            PermissionNotGrantedError: not granted, expired, another grant, or input
                that is frozen by a prompt or paused by the customer's own input.

        """
        grant = self.held(permission, now)
        if grant is None:
            raise PermissionNotGrantedError(f"'{permission}' is not granted.")
        if serial is not None and serial != grant.serial:
            raise PermissionNotGrantedError(f"'{permission}' was taken back.")
        if permission in INPUT_PERMISSIONS and (
            now < self._frozen_until or now < self._paused_until
        ):
            raise PermissionNotGrantedError("Input is paused at the customer's side.")

    def current(self) -> tuple[Grant, ...]:
        """All grants, in the order given."""
        return tuple(self._grants.values())
