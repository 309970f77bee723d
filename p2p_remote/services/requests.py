"""The question that a call is for the customer."""

from collections.abc import Iterable

from p2p_remote.services import events as se
from p2p_remote.services.answer_time import ANSWER_SECONDS
from p2p_remote.services.wishes import wish_of
from p2p_remote.session.node_events import CallerArrived
from p2p_remote.session.permissions import FILES
from p2p_remote.store.known_peers import KnownPeer
from p2p_remote.wire.address import RelayPath


def request_of(
    caller: CallerArrived, peer_id: int, known: KnownPeer | None
) -> se.Request:
    """Ask about a caller with this ID, `known` if their key was verified earlier."""
    verified = "password" if caller.password_verified else ""
    if known is not None:
        verified = f"known since {known.when}"
    return se.Request(
        name=caller.name,
        peer_id=peer_id,
        verified=verified,
        path_kind="relay" if isinstance(caller.path, RelayPath) else "lan",
        digits_expected=not verified,
        seconds=ANSWER_SECONDS,
        number=caller.handle,
        mode=wish_of(caller.wanted).mode,
    )


def allowed(
    permissions: Iterable[str],
    verified: bool,  # noqa: FBT001 -- two facts, always given
    hotkey_lost: bool,  # noqa: FBT001
) -> list[str]:
    """What of these may be given now; who may not do more can still look.

    Permissions for files alone, or none, stay what they are: less than looking.
    """
    given = list(permissions)
    if not (verified or FILES.issuperset(given)):
        return ["view"]
    if hotkey_lost:
        return ["view" if name == "control" else name for name in given]
    return given
