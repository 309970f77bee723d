"""Which packet numbers have come in, as runs, within a fixed memory."""

from bisect import bisect_left

MAX_RANGES = 64  # runs remembered; older ones are forgotten
MAX_REPORTED = 16  # runs in one acknowledgement


class AckRanges:
    """Set of packet numbers, kept as runs in ascending order."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    @property
    def largest(self) -> int:
        """Highest number in the set, -1 if it is empty."""
        return self._lasts[-1] if self._lasts else -1

    def __contains__(self, number: int) -> bool:
        index = bisect_left(self._lasts, number)
        return index < len(self._lasts) and self._firsts[index] <= number

    def __len__(self) -> int:
        """Number of runs."""
        return len(self._lasts)

    def add(self, number: int) -> bool:
        """Add a number; False if it was there or is older than what is remembered."""
        firsts, lasts = self._firsts, self._lasts
        if lasts and number == lasts[-1] + 1:
            lasts[-1] = number
            return True
        index = bisect_left(lasts, number)
        if index < len(lasts) and firsts[index] <= number:
            return False
        if index == 0 and len(lasts) == MAX_RANGES:
            return False
        joins_below = index > 0 and lasts[index - 1] == number - 1
        joins_above = index < len(lasts) and firsts[index] == number + 1
        if joins_below and joins_above:
            lasts[index - 1] = lasts[index]
            del firsts[index], lasts[index]
        elif joins_below:
            lasts[index - 1] = number
        elif joins_above:
            firsts[index] = number
        else:
            firsts.insert(index, number)
            lasts.insert(index, number)
            if len(lasts) > MAX_RANGES:
                del firsts[0], lasts[0]
        return True

    def runs(self) -> tuple[int, ...]:
        """Runs and gaps, newest first, as in an `Ack` frame."""
        firsts, lasts = self._firsts, self._lasts
        runs = [lasts[-1] - firsts[-1] + 1]
        for index in range(len(lasts) - 2, max(-1, len(lasts) - 1 - MAX_REPORTED), -1):
            runs.append(firsts[index + 1] - lasts[index] - 1)
            runs.append(lasts[index] - firsts[index] + 1)
        return tuple(runs)


def intervals(largest: int, runs: tuple[int, ...]) -> list[tuple[int, int]]:
    """(first, last) of each run of an `Ack` frame, oldest first."""
    result = []
    last = largest
    for index in range(0, len(runs), 2):
        first = last - runs[index] + 1
        result.append((first, last))
        if index + 1 < len(runs):
            last = first - runs[index + 1] - 1
    result.reverse()
    return result
