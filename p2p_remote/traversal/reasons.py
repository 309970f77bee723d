"""In words: how a router maps, why a path is relayed, and what can be done."""

from p2p_remote.traversal.mapping import Dependence, Mapping

REMEDY = (
    "switch UPnP or NAT-PMP on at one of the two routers, so that p2p-remote can open "
    "a port there, or use IPv6 on both sides"
)
SILENT_FIREWALL = (
    "both routers are ordinary ones, but nothing comes through directly: a firewall "
    "drops UDP between the two; allow UDP to and from p2p-remote, or use IPv6"
)
UNTOLD = (
    "the other side did not answer directly: a firewall may drop UDP; allow UDP to "
    "and from p2p-remote, or use IPv6"
)
_ALLOW = "allow UDP to and from p2p-remote in its firewall, or use another network"
OWN_BLOCKED = f"the network on this side lets no UDP through; to help, {_ALLOW}"
PEER_BLOCKED = f"the network on the other side lets no UDP through; to help, {_ALLOW}"
BOTH_BLOCKED = f"both networks let no UDP through; to help, {_ALLOW}"
_ASK = "ask who runs it to allow UDP to and from p2p-remote, or use another network"
OWN_PROXIED = f"this side gets out through its network's proxy only; to help, {_ASK}"
PEER_PROXIED = (
    f"the other side gets out through its network's proxy only; to help, {_ASK}"
)
BOTH_PROXIED = f"both sides get out through a proxy only; to help, {_ASK}"
BOTH_RANDOM = f"both routers choose ports at random; {REMEDY}"
BOTH_HARD = f"both routers give every destination another port; {REMEDY}"
OWN_HARD = (
    "the router on this side gives every destination another port, and it was not "
    f"found by guessing; it is tried again later; to help, {REMEDY}"
)
PEER_HARD = (
    "the router on the other side gives every destination another port, and it was "
    f"not found by guessing; it is tried again later; to help, {REMEDY}"
)

_BLOCKED = {
    (True, True): BOTH_BLOCKED,
    (True, False): OWN_BLOCKED,
    (False, True): PEER_BLOCKED,
}
_PROXIED = {
    (True, True): BOTH_PROXIED,
    (True, False): OWN_PROXIED,
    (False, True): PEER_PROXIED,
}
_HARD = {
    (True, True): "",  # it depends on how
    (True, False): OWN_HARD,
    (False, True): PEER_HARD,
    (False, False): SILENT_FIREWALL,
}


def why_relayed(own: Mapping | None, peer: Mapping | None) -> str:
    """Why there is no direct path, with the next step."""
    proxied = [each is not None and each.is_proxied for each in (own, peer)]
    if any(proxied):
        return _PROXIED[proxied[0], proxied[1]]
    blocked = [each is not None and each.is_blocked for each in (own, peer)]
    if any(blocked):
        return _BLOCKED[blocked[0], blocked[1]]
    if own is None or peer is None:
        return UNTOLD
    return _HARD[own.is_dependent, peer.is_dependent] or _why_hard(own, peer)


def _why_hard(own: Mapping, peer: Mapping) -> str:
    is_random = not (own.is_stepped or peer.is_stepped)
    return BOTH_RANDOM if is_random else BOTH_HARD


def describe(mapping: Mapping, *, by_udp: bool = True) -> tuple[str, str]:
    """How a router maps, and what to do; the second is empty if all is well.

    `by_udp`: the server answers us so, if only at some of its ports.
    """
    if mapping.dependence is Dependence.INDEPENDENT:
        text = "an ordinary one, which shows everybody the same port: direct paths work"
        return text, ""
    if mapping.is_proxied:
        return (
            "lets nothing out but what goes through its proxy: sessions use the server",
            "Ask who runs the network to allow UDP to and from p2p-remote.",
        )
    if mapping.is_blocked:
        passes = (
            "lets UDP through to port 443 only" if by_udp else "lets no UDP through"
        )
        return (
            f"{passes}: sessions use the server or TCP",
            "Allow UDP to and from p2p-remote in the firewall; TCP is slower.",
        )
    if mapping.dependence is Dependence.UNKNOWN:
        return (
            "could not be told apart: the server answers at one address only",
            "Ask who runs the server to open the UDP port after the usual one too.",
        )
    to_each = "address" if mapping.dependence is Dependence.ADDRESS else "destination"
    if mapping.is_stepped:
        step = f"{mapping.min_step} to {mapping.max_step}"
        if mapping.min_step == mapping.max_step:
            step = str(mapping.min_step)
        how = f"{step} above the one before"
    elif mapping.is_wide:
        how = "chosen at random"
    else:
        how = f"from {mapping.low} to {mapping.high}"
    advice = f"Direct paths take longer or fail. To help, {REMEDY}."
    return f"a symmetric one: another port to each {to_each}, {how}", advice
