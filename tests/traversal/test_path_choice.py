"""Which path is the best, and when a change is worth it."""

from p2p_remote.traversal.pair import Pair, PathKind
from p2p_remote.traversal.path_choice import better_path, ranked
from p2p_remote.wire.address import Endpoint, RelayPath

NOW = 10.0
LAN, DIRECT, RELAY = PathKind.LAN, PathKind.DIRECT, PathKind.RELAY


def pair(host: str, rtt: float, kind: PathKind = DIRECT) -> Pair:
    path = Endpoint(host, 4000)
    made = Pair(RelayPath(path, 1) if kind is RELAY else path, kind, 0)
    made.begin_round(NOW - rtt)
    made.check_sent(b"x", NOW - rtt)
    made.answered(b"x", NOW)
    return made


def doubt(made: Pair) -> None:
    made.check_sent(b"y", NOW)
    made.review(NOW + 1)
    assert made.doubted


def test_lan_before_ipv6_before_ipv4_before_relay():
    """Whatever the round trip of the relay."""
    lan = pair("192.168.1.2", 0.05, LAN)
    v6, v4 = pair("2001:db8::1", 0.03), pair("192.0.2.1", 0.03)
    relay = pair("203.0.113.1", 0.001, RELAY)
    assert ranked([relay, v4, v6, lan]) == [lan, v6, v4, relay]


def test_a_slow_tunnel_is_no_reason_for_ipv6():
    """IPv6 at twice the round trip loses to IPv4."""
    v6, v4 = pair("2001:db8::1", 0.08), pair("192.0.2.1", 0.04)
    assert ranked([v6, v4]) == [v4, v6]


def test_small_gains_change_nothing():
    """10 % less is not worth a change, half is."""
    current = pair("192.0.2.1", 0.1)
    assert better_path([current, pair("192.0.2.2", 0.09)], current) is None
    faster = pair("192.0.2.2", 0.05)
    assert better_path([current, faster], current) is faster


def test_a_better_group_is_taken_at_once():
    """From the relay to anything direct, from direct to the LAN."""
    relay = pair("203.0.113.1", 0.01, RELAY)
    v4 = pair("192.0.2.1", 0.2)
    lan = pair("192.168.1.2", 0.3, LAN)
    assert better_path([relay, v4], relay) is v4
    assert better_path([relay, v4, lan], v4) is lan
    assert better_path([relay, v4], v4) is None


def test_a_doubted_path_is_left_for_one_that_answered_since():
    """And only for such a one: an old answer says nothing about now."""
    current, other = pair("192.0.2.1", 0.05), pair("192.0.2.2", 0.05)
    old = pair("192.0.2.3", 0.01)
    old.last_answered = NOW - 3
    doubt(current)
    assert better_path([current, old], current) is None
    assert better_path([current, other], current) is other


def test_an_old_answer_of_a_better_path_does_not_hide_one_that_works():
    """The relay has answered since; what is faster by an old answer has not."""
    current, relay = pair("192.0.2.1", 0.05), pair("203.0.113.1", 0.1, RELAY)
    old = pair("192.0.2.3", 0.01)
    old.last_answered = NOW - 3
    doubt(current)
    assert better_path([current, old, relay], current) is relay


def test_a_path_that_is_asked_whether_it_works_is_not_taken_before_it_answers():
    """Or a dead one would be taken next, because it was good once."""
    relay, v4 = pair("203.0.113.1", 0.1, RELAY), pair("192.0.2.1", 0.01)
    v4.tell(NOW)
    v4.check_sent(b"2", NOW)
    assert better_path([relay, v4], relay) is None
    v4.answered(b"2", NOW + 0.01)
    assert better_path([relay, v4], relay) is v4


def test_no_way_back_to_a_doubted_path():
    """It has to answer first."""
    lan, v4 = pair("192.168.1.2", 0.001, LAN), pair("192.0.2.1", 0.05)
    doubt(lan)
    assert better_path([lan, v4], v4) is None


def test_any_path_is_better_than_none():
    """Without a current path, or with one that failed, the best is taken."""
    relay = pair("203.0.113.1", 0.1, RELAY)
    failed = pair("192.0.2.1", 0.01)
    failed.begin_round(NOW)
    assert better_path([relay], None) is relay
    assert better_path([relay, failed], failed) is relay
    assert better_path([failed], None) is None
