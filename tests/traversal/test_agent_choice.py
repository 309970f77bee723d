"""Choice among several paths: order, hysteresis, nomination, keeping alive."""

import pytest

from p2p_remote.traversal.candidate import CandidateKind, candidate
from p2p_remote.wire.address import Endpoint, RelayPath
from tests.support.paths import Paths, Way, way

SERVER = Endpoint("203.0.113.1", 3479)
HOST = CandidateKind.HOST


def relay_way(delay: float = 0.03) -> Way:
    return Way(RelayPath(SERVER, 1), RelayPath(SERVER, 2), delay)


def lan_way(delay: float = 0.001) -> Way:
    return way("192.168.1.2", "192.168.1.1", delay)


def v6_way(delay: float = 0.02) -> Way:
    return way("2001:db8:b::2", "2001:db8:a::1", delay)


def v4_way(delay: float = 0.02) -> Way:
    return way("192.0.2.2", "198.51.100.1", delay)


def other_v4_way(delay: float) -> Way:
    return way("192.0.2.3", "198.51.100.2", delay)


def introduce(paths: Paths, *ways: Way) -> None:
    """Each end is told the other's addresses and knows its own LAN."""
    for agent, own in ((paths.left, "192.168.1.1"), (paths.right, "192.168.1.2")):
        agent.add_local([candidate(HOST, Endpoint(own, 4000), prefix_length=24)])
    for agent, told in (
        (paths.left, [each.to_right for each in ways]),
        (paths.right, [each.to_left for each in ways]),
    ):
        hosts = [candidate(HOST, path) for path in told if isinstance(path, Endpoint)]
        agent.add_remote(hosts, paths.now, same_lan=True)


def joined(*ways: Way, relay: bool = True) -> Paths:
    paths = Paths(*ways, relay=relay_way() if relay else None)
    introduce(paths, *ways)
    return paths


def selected(paths: Paths) -> tuple[object, object]:
    return paths.left.selected, paths.right.selected


def test_lan_before_ipv6_before_ipv4():
    """Taking away the best one leads to the next, down to the relay, and back up."""
    lan, v6, v4 = lan_way(), v6_way(), v4_way()
    paths = joined(v4, v6, lan)
    for best in (lan, v6, v4):
        paths.run(20)
        assert selected(paths) == (best.to_right, best.to_left)
        best.down = True
    paths.run(20)
    assert paths.left.selected_kind == paths.right.selected_kind == "relay"
    lan.down = False
    paths.run(65)
    assert selected(paths) == (lan.to_right, lan.to_left)


def test_a_better_path_that_comes_later_is_taken_without_a_loss():
    """Make before break: from IPv4 to the LAN in one step."""
    lan, v4 = lan_way(), v4_way()
    paths = joined(v4)
    paths.ways.append(lan)
    paths.run(2)
    assert paths.left.selected_kind == "direct"
    introduce(paths, lan)
    paths.run(2)
    assert selected(paths) == (lan.to_right, lan.to_left)
    assert paths.kinds() == ["direct", "lan"]


def test_a_slightly_faster_path_is_not_worth_a_change():
    """20 ms against 21 ms: the first one stays for an hour."""
    first, second = v4_way(0.021), other_v4_way(0.02)
    paths = joined(first)
    paths.run(1)
    paths.ways.append(second)
    introduce(paths, second)
    paths.run(3600)
    assert selected(paths) == (first.to_right, first.to_left)
    assert paths.kinds() == ["direct"]


def test_a_much_faster_path_is():
    """80 ms against 20 ms."""
    first, second = v4_way(0.08), other_v4_way(0.02)
    paths = joined(first)
    paths.run(1)
    paths.ways.append(second)
    introduce(paths, second)
    paths.run(5)
    assert selected(paths) == (second.to_right, second.to_left)


def test_the_path_grows_slow_and_its_substitute_takes_over():
    """The second best path is measured all the time."""
    first, second = v4_way(0.02), other_v4_way(0.03)
    paths = joined(first, second)
    paths.run(5)
    assert paths.left.selected == first.to_right
    first.delay = 0.2
    paths.run(30)
    assert selected(paths) == (second.to_right, second.to_left)


def test_nothing_is_selected_without_a_round_trip():
    """Only the way there works: neither end leaves the relay."""
    one_way = v4_way()
    paths = Paths(one_way, relay=relay_way())
    original = paths._deliver

    def deliver(to, data, source, delay):
        if to is paths.right or isinstance(source, RelayPath):
            original(to, data, source, delay)

    paths._deliver = deliver
    introduce(paths, one_way)
    paths.run(30)
    assert paths.events[paths.left] == paths.events[paths.right] == []


def test_the_controlled_end_follows_even_if_the_nomination_is_lost():
    """Every check on the selected path carries it."""
    v4 = v4_way()
    paths = joined(v4)
    original, dropped = paths._deliver, []

    def deliver(to, data, source, delay):
        nominates = data[0] == 0x50 and data[17] & 1 and source == v4.to_left
        if nominates and len(dropped) < 2:
            dropped.append(data)
        else:
            original(to, data, source, delay)

    paths._deliver = deliver
    paths.run(2)
    assert len(dropped) == 2
    assert selected(paths) == (v4.to_right, v4.to_left)


def test_an_old_nomination_does_not_undo_a_new_one():
    """Checks overtake each other on paths of different length."""
    lan, v4 = lan_way(), v4_way(0.4)
    paths = joined(v4, lan)
    paths.run(10)
    assert selected(paths) == (lan.to_right, lan.to_left)
    assert [event.kind for event in paths.events[paths.right]] == ["lan"]


def test_what_is_kept_alive_and_how_often():
    """Selected every 5 s, the second best and the relay less often, the third not."""
    ways = [v4_way(0.02), other_v4_way(0.03), way("192.0.2.4", "198.51.100.4", 0.04)]
    paths = joined(*ways)
    paths.run(10)
    start = paths.now
    paths.run(300)
    counts = [len(paths.checks(paths.left, each.to_right, start)) for each in ways]
    assert counts[0] == pytest.approx(60, abs=4)
    assert counts[1] == pytest.approx(21, abs=4)
    assert counts[2] == 0
    relay = len(paths.checks(paths.left, RelayPath(SERVER, 1), start))
    assert relay == pytest.approx(21, abs=4)


def test_a_path_that_carries_packets_is_checked_less_often():
    """The transport tells sooner than a check when they stay out."""
    used = v4_way(0.02)
    paths = joined(used)
    start = paths.now + 20
    for _ in range(100):
        for agent in (paths.left, paths.right):
            agent.carried_at = paths.now
        paths.run(3)
    sent = len(paths.checks(paths.left, used.to_right, start))
    assert sent == pytest.approx(17, abs=3)


def test_a_kind_that_becomes_known_is_told():
    """A path is announced again when our own network shows that it is the LAN."""
    lan = lan_way()
    paths = Paths(lan)
    paths.left.start_on(lan.to_right, paths.now)
    assert paths.left.selected_kind == "direct"
    introduce(paths)
    paths.run(0.1)
    assert paths.kinds() == ["lan"]


def test_rows_round_trip():
    """Eight candidates at most, the best ones, and new ones replace their kind."""
    paths = Paths(v4_way())
    ends = [Endpoint("192.168.1.1", port) for port in range(1, 12)]
    paths.left.add_local(
        candidate(HOST, each, rank=rank) for rank, each in enumerate(ends)
    )
    assert len(paths.left.local_rows()) == 8
    moved = candidate(HOST, Endpoint("192.168.7.1", 1))
    paths.left.add_local([moved])
    assert paths.left.local_rows() == (moved.row(),)
