"""The end of a connection: a goodbye that is said until it is heard.

Like the closing and draining states of RFC 9000 section 10.2, but a goodbye may be
said while the path is broken: it is repeated for as long as the other side may believe
in the connection, and the session goes on looking for a path meanwhile.
"""

from p2p_remote.wire.frames import MAX_CLOSE_TEXT, Close

_MAX_TEXT_BYTES = 400  # UTF-8, so that a goodbye fits into any packet

_MIN_GAP = 0.05  # s between goodbyes
_MAX_GAP = 2.0
_QUICK = 4  # goodbyes without a growing gap
_MAX_DOUBLINGS = 6
_DRAIN_TIMEOUTS = 3  # probe timeouts in which late packets are still answered


def goodbye(code: int, text: str) -> Close:
    """Goodbye whose text is cut to what every path carries."""
    fitting = text[:MAX_CLOSE_TEXT].encode("utf-8", "replace")[:_MAX_TEXT_BYTES]
    return Close(code, fitting.decode("utf-8", "ignore"))


class Farewell:
    """What an end that has closed, or has heard of it, still says."""

    def __init__(self, goodbye: Close, now: float, until: float) -> None:
        """`until`: s, when the other side has given up by itself."""
        self.goodbye = goodbye
        self.until = until
        self.is_answer = False
        self._said = 0
        self._said_at = now - _MIN_GAP
        self._due = now
        self._gap = _MIN_GAP
        self._overdue_at = now

    @classmethod
    def answer(cls, heard: Close, now: float, probe_timeout: float) -> "Farewell":
        """Farewell of the side that has heard a goodbye: it says nothing unasked."""
        farewell = cls(
            Close(heard.code, ""), now, now + _DRAIN_TIMEOUTS * probe_timeout
        )
        farewell.is_answer = True
        return farewell

    @property
    def next_timer(self) -> float:
        """When something is due, s."""
        return self.until if self.is_answer else min(self.until, self._due)

    def is_due(self, now: float) -> bool:
        """Whether the goodbye is to be said now."""
        return not self.is_answer and now >= self._due

    def unheard_for(self, now: float) -> float | None:
        """Seconds since the last goodbye, if it is overdue; once for each gap."""
        if not self._said or not self.is_due(now) or now < self._overdue_at:
            return None
        self._overdue_at = now + self._gap
        return now - self._said_at

    def said(self, now: float, probe_timeout: float) -> None:
        """The goodbye has left."""
        self._said += 1
        self._said_at = now
        doublings = min(max(self._said - _QUICK, 0), _MAX_DOUBLINGS)
        self._gap = min(max(probe_timeout, _MIN_GAP) * 2**doublings, _MAX_GAP)
        self._due = now + self._gap
        if self._said == 1:
            self._overdue_at = self._due

    def hurry(self, now: float) -> None:
        """The other side has sent something: it is there, and has not heard."""
        self._due = min(self._due, max(now, self._said_at + _MIN_GAP))
