"""Sets of packet numbers."""

from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.transport.ack_ranges import (
    MAX_RANGES,
    MAX_REPORTED,
    AckRanges,
    intervals,
)


def expand(ranges: AckRanges) -> set[int]:
    runs = intervals(ranges.largest, ranges.runs())
    return {number for first, last in runs for number in range(first, last + 1)}


@given(st.lists(st.integers(0, 60), min_size=1, max_size=80))
@settings(max_examples=150)
def test_behaves_as_a_set(numbers):
    """Whatever the order, the runs are those of the set of numbers."""
    ranges, model = AckRanges(), set()
    for number in numbers:
        assert ranges.add(number) == (number not in model)
        model.add(number)
        assert ranges.largest == max(model)
    assert all((number in ranges) == (number in model) for number in range(62))
    if len(ranges) <= MAX_REPORTED:
        assert expand(ranges) == model
    else:
        assert expand(ranges) == {n for n in model if n >= min(expand(ranges))}


@given(st.permutations(range(0, 400, 2)))
@settings(max_examples=20)
def test_memory_is_bounded(numbers):
    """With a gap after every number only the newest runs are kept."""
    ranges = AckRanges()
    for number in numbers:
        ranges.add(number)
        assert len(ranges) <= MAX_RANGES
        assert len(ranges.runs()) <= 2 * MAX_REPORTED - 1
    assert ranges.largest == 398


def test_a_number_older_than_all_that_is_remembered_is_not_taken():
    """What fell out of memory stays out."""
    ranges = AckRanges()
    for number in range(1000, 1000 + 2 * MAX_RANGES, 2):
        ranges.add(number)
    assert not ranges.add(10)
    assert 10 not in ranges
