"""What a caller says they want, and what a plain yes to it would give.

It is only a claim: it can make a yes smaller than to see and control, never larger,
and what is not known is left out.
"""

from dataclasses import dataclass

from p2p_remote.wire.control import PERMISSIONS

SUPPORT, VIEW, SEND, GET = ("view", "control"), ("view",), ("file_in",), ("file_out",)
"""Permissions that a call may be for."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One kind of call. `asks` goes on from the caller's name.

    A yes gives `grants`; a file is asked about by itself, once it is named.
    """

    mode: str
    grants: tuple[str, ...]
    asks: str

    @property
    def is_for_files(self) -> bool:
        """Whether nothing of the screen is asked for."""
        return not self.grants


WISHES = {
    wish.mode: wish
    for wish in (
        Wish("support", SUPPORT, "wants to see and control this screen"),
        Wish("view", VIEW, "wants only to look at this screen"),
        Wish("send", (), "wants to send you a file"),
        Wish("get", (), "wants to have a file of yours"),
        Wish("files", (), "wants to send you files and to have files of yours"),
    )
}
"""By mode, as `share --json` names it."""


def bits(permissions: tuple[str, ...]) -> int:
    """Permissions as the bits of the handshake's `wanted`."""
    return sum(1 << PERMISSIONS.index(name) for name in permissions)


def wish_of(wanted: int) -> Wish:
    """What these bits ask for; callers that say nothing want support."""
    named = {name for at, name in enumerate(PERMISSIONS) if wanted >> at & 1}
    if not named or "control" in named:
        mode = "support"
    elif "view" in named:
        mode = "view"
    elif {"file_in", "file_out"} <= named:
        mode = "files"
    elif "file_in" in named:
        mode = "send"
    else:
        mode = "get" if "file_out" in named else "view"
    return WISHES[mode]
