"""The replay window against a model that remembers everything."""

from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.crypto.replay import WINDOW, ReplayWindow

JUMPS = st.one_of(
    st.integers(-12, 12),
    st.integers(-WINDOW - 3, WINDOW + 3),
    st.sampled_from([-WINDOW, -WINDOW + 1, WINDOW - 1, WINDOW, 2**40]),
)


@settings(max_examples=60, derandomize=True)
@given(st.lists(JUMPS, max_size=60))
def test_the_window_agrees_with_a_set(jumps):
    """New is what was not accepted and is less than 8192 below the highest."""
    window, accepted, highest = ReplayWindow(), set(), -1
    for jump in jumps:
        number = max(0, highest + jump)
        expected = number not in accepted and number > highest - WINDOW
        assert window.is_new(number) is expected
        if expected:
            window.accept(number)
            accepted.add(number)
            highest = max(highest, number)
            assert not window.is_new(number)
        assert window.highest == highest


def test_the_edges_of_the_window():
    """Number 0 counts, the last of the window too, the one below it does not."""
    window = ReplayWindow()
    assert window.is_new(0)
    window.accept(WINDOW)
    assert window.is_new(1)
    assert not window.is_new(0)
    window.accept(1)
    assert not window.is_new(1)


def test_memory_stays_bounded():
    """The bitmap never has more bits than the window."""
    window = ReplayWindow()
    for number in range(0, 10 * WINDOW, 7):
        window.accept(number)
    assert window._seen.bit_length() <= WINDOW
