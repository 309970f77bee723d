"""The question that a call is for the customer."""

from p2p_remote.services import events as se
from p2p_remote.services.answer_time import ANSWER_SECONDS
from p2p_remote.session.node_events import CallerArrived
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
    )
