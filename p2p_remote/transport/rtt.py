"""Round-trip time (RFC 9002 section 5)."""

from p2p_remote.transport.acknowledger import MAX_ACK_DELAY

_GRANULARITY = 0.002  # s, least variation that is reckoned with
MAX_TRUSTED_DELAY = 0.1  # s, an acknowledgement held longer is not believed


class RttEstimator:
    """Smoothed round-trip time, its variation and its minimum, in seconds."""

    def __init__(self, initial: float) -> None:
        self.reset(initial)

    def reset(self, initial: float) -> None:
        """Forget everything, as for a new path."""
        self.smoothed = initial
        self.variation = initial / 2
        self.latest = initial
        self.minimum = 0.0
        self.has_sample = False

    def update(self, latest: float, ack_delay: float) -> None:
        """Take a sample; `ack_delay` is how long the other side says it waited."""
        self.latest = latest
        if not self.has_sample:
            self.has_sample = True
            self.minimum = self.smoothed = latest
            self.variation = latest / 2
            return
        self.minimum = min(self.minimum, latest)
        adjusted = latest - min(ack_delay, MAX_TRUSTED_DELAY)
        if adjusted < self.minimum:
            adjusted = latest
        self.variation += (abs(self.smoothed - adjusted) - self.variation) / 4
        self.smoothed += (adjusted - self.smoothed) / 8

    @property
    def probe_timeout(self) -> float:
        """Seconds after which an unanswered packet calls for a probe (section 6.2)."""
        spread = max(4 * self.variation, _GRANULARITY)
        return self.smoothed + spread + MAX_ACK_DELAY
