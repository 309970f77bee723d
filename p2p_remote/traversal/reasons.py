"""In words: how a router maps, why a path is relayed, and what can be done."""

from p2p_remote.traversal.mapping import Dependence, Mapping

REMEDY = (
    "open a UDP port for p2p-remote on one router (UPnP or NAT-PMP does it by "
    "itself), or use IPv6 on both sides"
)
SILENT_FIREWALL = (
    "both routers are ordinary ones, but nothing comes through directly: a firewall "
    "drops UDP between the two; allow UDP to and from p2p-remote, or use IPv6"
)
UNTOLD = (
    "the other side did not answer directly: a firewall may drop UDP; allow UDP to "
    "and from p2p-remote, or use IPv6"
)
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


def why_relayed(own: Mapping | None, peer: Mapping | None) -> str:
    """Why there is no direct path, with the next step."""
    if own is None or peer is None:
        return UNTOLD
    if own.is_dependent and peer.is_dependent:
        is_random = not (own.is_stepped or peer.is_stepped)
        return BOTH_RANDOM if is_random else BOTH_HARD
    if own.is_dependent:
        return OWN_HARD
    if peer.is_dependent:
        return PEER_HARD
    return SILENT_FIREWALL


def describe(mapping: Mapping) -> tuple[str, str]:
    """How a router maps, and what to do; the second is empty if all is well."""
    if mapping.dependence is Dependence.INDEPENDENT:
        return "shows everybody the same port: direct paths work", ""
    if mapping.dependence is Dependence.UNKNOWN:
        return (
            "could not be told apart: the server answers at one address only",
            "Ask who runs the server to open the UDP port after the usual one too.",
        )
    whom = "every address" if mapping.dependence is Dependence.ADDRESS else "every port"
    if mapping.is_stepped:
        step = f"{mapping.min_step} to {mapping.max_step}"
        if mapping.min_step == mapping.max_step:
            step = str(mapping.min_step)
        how = f"another port to {whom}, {step} above the one before"
    elif mapping.is_wide:
        how = f"another port to {whom}, chosen at random"
    else:
        how = f"another port to {whom}, from {mapping.low} to {mapping.high}"
    advice = f"Direct paths take longer or fail. Best {REMEDY}."
    return f"shows {how}", advice
