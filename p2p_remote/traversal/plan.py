"""What may still join two ends whose simultaneous opening has failed.

An end whose router maps by the remote end (a *hard* one) is not found at the port the
server saw. Then ports are guessed, in a plan that both ends derive from what both know:

| we    | peer  | what we do                                                         |
|-------|-------|--------------------------------------------------------------------|
| hard  | easy  | hold: K fresh sockets open a mapping each toward the peer's port   |
| easy  | hard  | seek: one check to each of many ports where those mappings may be  |
| hard  | hard  | both, if the ports of both can be predicted or lie in small ranges |
| easy  | easy  | meet: each from a fresh socket to the other's, primed               |

With N ports, K mappings and P guesses the chance is 1 - (1 - K/N)^P: 99.97 % for all
64,512 ports, 256 mappings and 2,048 guesses. Where no plan helps the relay stays.

Two easy ends need no guess. But a router that answers strangers remembers what it has
refused: after one end's address has changed, nothing passes for 30 s between ports that
have been used too early. Fresh ones have no past.
"""

from collections.abc import Callable
from dataclasses import dataclass

from p2p_remote.traversal.mapping import (
    FIRST_PORT,
    LAST_PORT,
    Dependence,
    Mapping,
)

MAX_PROBES = 2048
RATE = 1000.0  # probes/s
GENTLE_RATE = 300.0  # probes/s where few are needed
MANY, SOME, FEW = 256, 64, 16  # fresh sockets: any port; a range; predicted ports
_RANGE = 4096  # ports; up to here a range is small
_MAX_PAIRS = 1 << 19  # combinations of two ranges that 2 x 1024 probes can meet in
_GROUP = 8  # mappings toward each predicted port of a peer
_MARGIN = 8  # ports beyond the predicted ones: others use the router as well
_PRIMED_AT = (0.0, 0.02)  # s after the start, as in a primed round (`pair`)
_MEET_AT = (0.4, 0.42, 0.5, 0.7, 1.0, 1.4, 2.0)  # s; the peer has started by then
_SECOND_PASS = 0.9  # s after which a holder's mappings are renewed


@dataclass(frozen=True, slots=True)
class Probe:
    """One check of a plan, `at` s after its start.

    `socket` 0 is the session's own socket, others are fresh ones. `primed`: it opens
    our own router and dies on the way.
    """

    at: float
    socket: int
    port: int
    primed: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Probes in the order of their times. `name` is for the log and for people.

    `is_guess`: many probes at ports where perhaps nobody is.
    """

    name: str
    probes: tuple[Probe, ...]
    is_guess: bool = True


def make_plan(
    own: Mapping, peer: Mapping, peer_port: int, random: Callable[[int], bytes]
) -> Plan | None:
    """Plan for this end, None if guessing cannot help.

    Args:
        own: how our router maps.
        peer: how the peer's does, as the peer says.
        peer_port: where the server sees the peer.
        random: source of random bytes.

    """
    plan = None
    if own.is_blocked or peer.is_blocked:
        return None
    if own.is_dependent and peer.is_dependent:
        plan = _both_hard(own, peer, random)
    elif own.is_dependent:
        plan = _hold(own, peer_port)
    elif peer.is_dependent:
        plan = _seek(peer, random)
    elif own.last_port and peer.last_port >= FIRST_PORT:
        plan = _meet(peer.last_port)
    return plan if plan is not None and plan.probes else None


def _sockets_for(hard: Mapping) -> int:
    if hard.is_stepped:
        return FEW
    return SOME if hard.width <= _RANGE else MANY


def _hold(own: Mapping, peer_port: int) -> Plan:
    """Open mappings; again with full reach in case that the peer filters little."""
    count = _sockets_for(own)
    first = [Probe(i / RATE, 1 + i, peer_port, primed=True) for i in range(count)]
    later = max(_SECOND_PASS, count / RATE)
    second = [Probe(later + i / RATE, 1 + i, peer_port) for i in range(count)]
    return Plan("hold", tuple(first + second))


def _meet(peer_port: int) -> Plan:
    """Open our own router, then let the peer do so, then go all the way."""
    probes = [Probe(at, 1, peer_port, primed=True) for at in _PRIMED_AT]
    probes += [Probe(at, 1, peer_port) for at in _MEET_AT]
    return Plan("meet", tuple(probes), is_guess=False)


def _seek(peer: Mapping, random: Callable[[int], bytes]) -> Plan:
    if peer.is_stepped:
        farthest = (FEW + 1) * peer.max_step + _MARGIN
        ports = _clipped(
            range(peer.last_port + peer.min_step, peer.last_port + farthest)
        )
        # Upwards twice: the peer may begin a little later than we do.
        return Plan("predict", _timed([(0, port) for port in ports * 2], GENTLE_RATE))
    ports = list(range(peer.low, peer.high + 1))
    _shuffle(ports, random)
    small = peer.width <= _RANGE
    chosen = ports * 2 if small else ports
    rate = GENTLE_RATE if small else RATE
    limit = MAX_PROBES // 4 if small else MAX_PROBES
    return Plan("birthday", _timed([(0, port) for port in chosen[:limit]], rate))


def _both_hard(
    own: Mapping, peer: Mapping, random: Callable[[int], bytes]
) -> Plan | None:
    """Two guesses have to fit at once: only where both ends' ports are few."""
    if Dependence.ADDRESS in (own.dependence, peer.dependence):
        return None
    if own.is_stepped and peer.is_stepped:
        return _meet_in_step(own, peer)
    if own.is_stepped and peer.width <= _RANGE:
        return _step_to_range(peer, random)
    if peer.is_stepped and own.width <= _RANGE:
        return _range_to_step(peer)
    if not own.is_stepped and not peer.is_stepped:
        return _meet_in_ranges(own, peer, random)
    return None


def _meet_in_step(own: Mapping, peer: Mapping) -> Plan:
    """Our i-th new mapping goes to what should be the peer's i-th one.

    Toward an end whose steps vary, an end of even steps sends one probe to the middle
    of where a whole group of the other's mappings lie, and that group goes to the one
    port that the probe leaves from.
    """
    own_even = own.min_step == own.max_step
    peer_even = peer.min_step == peer.max_step
    peer_step = (peer.min_step + peer.max_step) / 2
    targets = []
    if own_even and peer_even:
        targets = [(0, peer.last_port + round(peer_step * i)) for i in range(1, 33)]
    elif own_even:
        targets = [
            (0, peer.last_port + round(peer_step * _GROUP * (i + 0.5)))
            for i in range(MAX_PROBES // 32)
        ]
    elif peer_even:
        targets = [
            (1 + j, peer.last_port + round(peer_step * (i + 1)))
            for i in range(MAX_PROBES // 32)
            for j in range(_GROUP)
        ]
    else:
        targets = [
            (0, peer.last_port + round(peer_step * i))
            for i in range(1, MAX_PROBES // 2 + 1)
        ]
    return Plan("both predict", _timed(_in_ports(targets), RATE))


def _step_to_range(peer: Mapping, random: Callable[[int], bytes]) -> Plan:
    """Each new mapping of ours goes to some port of the peer's range."""
    ports = list(range(peer.low, peer.high + 1))
    _shuffle(ports, random)
    count = MAX_PROBES // _GROUP
    targets = [(0, port) for port in ports[:count]]
    return Plan("predict and range", _timed(targets, RATE / _GROUP))


def _range_to_step(peer: Mapping) -> Plan:
    """Some mappings of ours go to each of the ports that the peer will use next."""
    step = (peer.min_step + peer.max_step) / 2
    targets = [
        (1 + j, peer.last_port + round(step * (i + 1)))
        for i in range(MAX_PROBES // _GROUP)
        for j in range(_GROUP)
    ]
    return Plan("range and predict", _timed(_in_ports(targets), RATE))


def _meet_in_ranges(
    own: Mapping, peer: Mapping, random: Callable[[int], bytes]
) -> Plan | None:
    if own.width * peer.width > _MAX_PAIRS:
        return None
    targets: list[tuple[int, int]] = []
    socket = 0
    while len(targets) < MAX_PROBES // 2:
        ports = list(range(peer.low, peer.high + 1))
        _shuffle(ports, random)
        socket += 1
        targets += [(socket, port) for port in ports]
    return Plan("two ranges", _timed(targets[: MAX_PROBES // 2], RATE))


def _timed(targets: list[tuple[int, int]], rate: float) -> tuple[Probe, ...]:
    return tuple(
        Probe(index / rate, socket, port)
        for index, (socket, port) in enumerate(targets[:MAX_PROBES])
    )


def _in_ports(targets: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return [each for each in targets if FIRST_PORT <= each[1] <= LAST_PORT]


def _clipped(ports: range) -> list[int]:
    return [port for port in ports if FIRST_PORT <= port <= LAST_PORT]


def _shuffle(ports: list[int], random: Callable[[int], bytes]) -> None:
    """Fisher-Yates; 4 random bytes for each make the bias negligible."""
    pool = random(4 * len(ports))
    for i in range(len(ports) - 1, 0, -1):
        j = int.from_bytes(pool[4 * i : 4 * i + 4], "little") % (i + 1)
        ports[i], ports[j] = ports[j], ports[i]
