"""Sliding window that lets every packet number through once."""

WINDOW = 8192  # packet numbers below the highest one that are still told apart


class ReplayWindow:
    """Which packet numbers have been accepted (compare RFC 6479).

    `is_new` before the seal is opened, `accept` after it held: a forged packet must
    not move the window.
    """

    __slots__ = ("_seen", "highest")

    def __init__(self) -> None:
        self.highest = -1  # highest number accepted so far
        self._seen = 0  # bit i stands for highest - i

    def is_new(self, number: int) -> bool:
        """Whether `number` is neither accepted already nor too old to tell."""
        age = self.highest - number
        return age < 0 or (age < WINDOW and not self._seen >> age & 1)

    def accept(self, number: int) -> None:
        """Remember `number`, which must be new."""
        age = self.highest - number
        if age >= 0:
            self._seen |= 1 << age
            return
        if -age >= WINDOW:
            self._seen = 1
        else:
            self._seen = (self._seen << -age | 1) & _MASK
        self.highest = number


_MASK = (1 << WINDOW) - 1
