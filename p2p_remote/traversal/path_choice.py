"""Which of the answered paths is the best one, and when to change to it."""

from collections.abc import Iterable

from p2p_remote.traversal.candidate import is_ipv6
from p2p_remote.traversal.pair import Pair, PathKind

_GROUP = {PathKind.LAN: 0, PathKind.DIRECT: 1, PathKind.RELAY: 3}
_TCP = 2  # direct, but one lost packet holds up all that follow

_UNKNOWN_RTT = 1.0  # s, for a path whose round trip the handshake took

# IPv6 is preferred to IPv4, which crosses NATs whose mappings die, unless a tunnel
# makes it much slower: IPv4 counts 25 % and 10 ms more than it measures.
_IPV4_FACTOR = 1.25
_IPV4_EXTRA = 0.010  # s

# A change inside a group must be worth its disturbance.
_GAIN_FACTOR = 0.8
_GAIN = 0.005  # s

Cost = tuple[int, float]


def group(pair: Pair) -> int:
    """LAN, direct, direct by TCP, relay: a lower one is better, whatever its RTT."""
    return _TCP if pair.is_tcp else _GROUP[pair.kind]


def cost(pair: Pair) -> Cost:
    """Sort key: the group; inside, the corrected RTT in seconds."""
    rtt = _UNKNOWN_RTT if pair.rtt is None else pair.rtt
    endpoint = pair.endpoint
    if endpoint is not None and not is_ipv6(endpoint):
        rtt = _IPV4_FACTOR * rtt + _IPV4_EXTRA
    return group(pair), rtt


def ranked(pairs: Iterable[Pair]) -> list[Pair]:
    """Usable pairs without doubt, best first."""
    return sorted(
        (pair for pair in pairs if pair.usable and not pair.doubted), key=cost
    )


def better_path(pairs: Iterable[Pair], current: Pair | None) -> Pair | None:
    """Pair to leave `current` for; None to stay.

    A path that works is left only if it is worth it, and not for one that has still to
    tell whether it works too; a doubted one only for a path that has answered since
    the doubt began.
    """
    found = ranked(pairs)
    if current is not None and current.usable and current.doubted:
        found = [each for each in found if not is_stale(each, current)]
    best = next(iter(found), None)
    if best is None or best is current:
        return None
    if current is None or not current.usable or current.doubted:
        return best
    waits = best.is_awaited or not is_worth_changing(current, best)
    return None if waits else best


def is_stale(pair: Pair, doubted: Pair) -> bool:
    """Whether `pair` answered last before the doubt about the path in use began."""
    return (pair.last_answered or 0.0) < (doubted.unanswered_since or 0.0)


def is_worth_changing(current: Pair, other: Pair) -> bool:
    """Whether `other` is so much better that a change pays."""
    current_group, current_rtt = cost(current)
    other_group, other_rtt = cost(other)
    if other_group != current_group:
        return other_group < current_group
    return other_rtt < _GAIN_FACTOR * current_rtt - _GAIN
