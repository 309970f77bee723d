"""Reasons in words."""

import pytest

from p2p_remote.traversal import reasons
from p2p_remote.traversal.mapping import FIRST_PORT, LAST_PORT, Dependence, Mapping
from p2p_remote.traversal.reasons import describe, why_relayed

BOTH = Dependence.ADDRESS_AND_PORT
EASY = Mapping(Dependence.INDEPENDENT)
RANDOM = Mapping(BOTH, 40_000, 0, 0, FIRST_PORT, LAST_PORT)
BLOCK = Mapping(BOTH, 40_000, 0, 0, 39_900, 40_411)
BLOCKED = Mapping(Dependence.BLOCKED)
STEPS = Mapping(BOTH, 40_000, 1, 4, 39_980, 40_020)


@pytest.mark.parametrize(
    ("own", "peer", "reason"),
    [
        (RANDOM, RANDOM, reasons.BOTH_RANDOM),
        (RANDOM, STEPS, reasons.BOTH_HARD),
        (RANDOM, EASY, reasons.OWN_HARD),
        (EASY, RANDOM, reasons.PEER_HARD),
        (EASY, EASY, reasons.SILENT_FIREWALL),
        (EASY, None, reasons.UNTOLD),
        (None, EASY, reasons.UNTOLD),
    ],
)
def test_why_relayed(own, peer, reason):
    """Each pair of routers has its reason, and each reason a next step."""
    assert why_relayed(own, peer) == reason
    assert "IPv6" in reason


@pytest.mark.parametrize(
    ("own", "peer", "reason"),
    [
        (BLOCKED, BLOCKED, reasons.BOTH_BLOCKED),
        (BLOCKED, RANDOM, reasons.OWN_BLOCKED),
        (BLOCKED, None, reasons.OWN_BLOCKED),
        (EASY, BLOCKED, reasons.PEER_BLOCKED),
        (None, BLOCKED, reasons.PEER_BLOCKED),
    ],
)
def test_blocked_udp_is_the_reason_whatever_the_router_does(own, peer, reason):
    """It names the side, and what to allow there."""
    assert why_relayed(own, peer) == reason
    assert "allow UDP" in reason


@pytest.mark.parametrize(
    ("mapping", "word", "well"),
    [
        (EASY, "same port", True),
        (Mapping(), "could not be told", False),
        (BLOCKED, "port 443 only", False),
        (RANDOM, "random", False),
        (BLOCK, "39900 to 40411", False),
        (STEPS, "1 to 4 above", False),
        (Mapping(BOTH, 40_000, 1, 1, 39_980, 40_020), " 1 above", False),
        (Mapping(Dependence.ADDRESS, 9, 0, 0, 1024, 65_535), "each address", False),
    ],
)
def test_describe(mapping, word, well):
    """The class of the router in words; where something can be done it is said."""
    text, advice = describe(mapping)
    assert word in text
    assert (advice == "") is well


def test_a_network_without_any_udp_is_told_from_one_with_a_single_port():
    """The server's answer came by TCP in the one, by UDP in the other."""
    text, advice = describe(BLOCKED, by_udp=False)
    assert text.startswith("lets no UDP through")
    assert advice
