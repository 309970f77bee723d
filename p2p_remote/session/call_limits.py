"""How often callers may ring, and how long one waits to whom a person has said no.

What is bounded is what an attacker gains by. Whoever stands in the middle gets one
guess at the six digits by each call of his own that rings, answered or not, since it
ends with digits that either fit or do not; and one by each wrong code that is typed.
Keys cost nothing, so strangers are counted together; those whom the customer knows,
and those who know the session password, are no guessers and have calls of their own.
Figures: docs/decisions/0017-calls-of-strangers.md.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto

STRANGERS_RING = ((6, 600.0), (18, 3600.0))  # (calls, within so many s)
PASSWORD_RINGS = ((12, 600.0),)  # all who know it, together
KNOWN_RINGS = ((12, 600.0),)  # each of them
WRONG_CODES = ((9, 600.0),)
FIRST_PAUSE = 30.0  # s that a caller waits after a no; doubled with each further one
LONGEST_PAUSE = 600.0  # s
FORGET_NO = 3600.0  # s after which a no no longer counts
MAX_KEYS = 256  # callers that are remembered, for each purpose


class Standing(Enum):
    """What speaks for a caller before anybody is asked."""

    STRANGER = auto()
    PASSWORD = auto()
    KNOWN = auto()


class HeldBack(Enum):
    """Why a call does not ring."""

    TOLD_NO = "told_no"
    TOO_MANY_CALLS = "too_many_calls"
    WRONG_CODES = "wrong_codes"
    WRONG_PASSWORDS = "wrong_passwords"


class Budget:
    """At most so many within so many seconds, for each of some pairs of these."""

    def __init__(self, limits: tuple[tuple[int, float], ...]) -> None:
        """Nothing has happened yet."""
        self._limits = limits
        self._times: deque[float] = deque(maxlen=max(count for count, _ in limits))

    def wait(self, now: float) -> float:
        """Seconds until one more is within the limits, 0 if it is."""
        return max(
            self._times[-count] + seconds - now if len(self._times) >= count else 0.0
            for count, seconds in self._limits
        )

    def take(self, now: float) -> None:
        """Count one."""
        self._times.append(now)

    def forget(self) -> None:
        """Begin anew."""
        self._times.clear()


@dataclass(slots=True)
class _Refusals:
    """How often a person has said no to a key, and when last."""

    count: int
    last: float

    def wait(self, now: float) -> float:
        pause = FIRST_PAUSE * 2.0 ** min(self.count - 1, 16)
        return self.last + min(pause, LONGEST_PAUSE) - now


class CallLimits:
    """Who may ring now. Callers are named by the key that they have proven."""

    def __init__(self) -> None:
        """Nobody has called."""
        self._strangers = Budget(STRANGERS_RING)
        self._password = Budget(PASSWORD_RINGS)
        self._known: dict[bytes, Budget] = {}
        self._wrong_codes = Budget(WRONG_CODES)
        self._refusals: dict[bytes, _Refusals] = {}  # the latest last

    def wait(
        self, public: bytes, standing: Standing, now: float
    ) -> tuple[float, HeldBack]:
        """Seconds until this caller may ring, 0 or less if at once, and why."""
        refusals = self._refusals.get(public)
        told_no = 0.0 if refusals is None else refusals.wait(now)
        waits = [
            (told_no, HeldBack.TOLD_NO),
            (self._budget(public, standing).wait(now), HeldBack.TOO_MANY_CALLS),
        ]
        if standing is Standing.STRANGER:
            waits.append((self._wrong_codes.wait(now), HeldBack.WRONG_CODES))
        return max(waits, key=lambda each: each[0])

    def rang(self, public: bytes, standing: Standing, now: float) -> None:
        """Count a call that a person is asked about."""
        budget = self._budget(public, standing)
        budget.take(now)
        if standing is Standing.KNOWN:
            self._known.pop(public, None)
            self._known[public] = budget
            _shorten(self._known)

    def told_no(self, public: bytes, now: float) -> None:
        """Note that a person has said no to this caller, or that the digits failed."""
        refusals = self._refusals.pop(public, None)
        if refusals is None or now - refusals.last >= FORGET_NO:
            refusals = _Refusals(0, now)
        refusals.count, refusals.last = refusals.count + 1, now
        self._refusals[public] = refusals
        _shorten(self._refusals)

    def wrong_code(self, now: float) -> None:
        """Count digits that were typed and do not match."""
        self._wrong_codes.take(now)

    def forgive(self, public: bytes) -> None:
        """Forget each no to this caller: a person has said yes."""
        self._refusals.pop(public, None)

    def begin_anew(self, public: bytes) -> None:
        """Give all calls and codes back: a verified caller has been let in.

        A yes to somebody who may sit in the middle gives none: each would be a guess.
        """
        self._known.pop(public, None)
        for budget in (self._strangers, self._password, self._wrong_codes):
            budget.forget()

    def _budget(self, public: bytes, standing: Standing) -> Budget:
        match standing:
            case Standing.STRANGER:
                return self._strangers
            case Standing.PASSWORD:
                return self._password
            case Standing.KNOWN:
                return self._known.get(public) or Budget(KNOWN_RINGS)


def _shorten(table: dict[bytes, _Refusals] | dict[bytes, Budget]) -> None:
    if len(table) > MAX_KEYS:
        del table[next(iter(table))]
