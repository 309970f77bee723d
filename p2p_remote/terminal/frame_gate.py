"""How many frames may be on their way to the terminal.

Every frame ends with a question that the terminal answers when it has come so far. At
most two frames are unanswered; what changes meanwhile is merged and drawn in its
newest state. So a terminal that stands still costs nothing, and a slow one is never
given more than it can take.
"""

from collections import deque

MAX_OUTSTANDING = 2  # one being drawn, one waiting behind it
LOST_AFTER = 10.0  # s without an answer until a frame counts as never answered
SMOOTHING = 0.125  # weight of a new round trip, as for TCP's RTT (RFC 6298 section 2)


class FrameGate:
    """Counts frames and answers; times are seconds of one monotonic clock.

    `answers` says whether the terminal has ever answered. One that never does (a
    recorder, a dumb pipe) is not waited for longer than `LOST_AFTER` a frame.
    """

    def __init__(self) -> None:
        self._sent: deque[float] = deque()
        self.answers = False
        self.round_trip: float | None = None

    @property
    def outstanding(self) -> int:
        """Frames sent and not answered."""
        return len(self._sent)

    def may_send(self, now: float) -> bool:
        """Whether another frame may go out."""
        while self._sent and now - self._sent[0] >= LOST_AFTER:
            self._sent.popleft()
        return len(self._sent) < MAX_OUTSTANDING

    def frame_sent(self, now: float) -> None:
        """A frame with a question went out."""
        self._sent.append(now)

    def answer_received(self, now: float) -> None:
        """The terminal answered the oldest question; more answers than questions
        change nothing.
        """
        if not self._sent:
            return
        sample = now - self._sent.popleft()
        self.answers = True
        if self.round_trip is None:
            self.round_trip = sample
        else:
            self.round_trip += SMOOTHING * (sample - self.round_trip)

    def next_timer(self) -> float | None:
        """When `may_send` may become true without an answer."""
        if len(self._sent) < MAX_OUTSTANDING:
            return None
        return self._sent[0] + LOST_AFTER
