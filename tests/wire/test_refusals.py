"""Reasons of M5 and the seconds that some of them carry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire.refusals import (
    RefusalReason,
    spoken_wait,
    unpack_reason,
    wait_code,
)

LONGEST = 4260


def test_reasons() -> None:
    """Three reasons are known without seconds, and none between them and the waits."""
    plain = [reason for reason in RefusalReason if reason is not RefusalReason.WAIT]
    for reason in plain:
        assert unpack_reason(bytes([reason])) == (reason, 0)
    between = [bytes([code]) for code in range(4, RefusalReason.WAIT)]
    for data in (b"", b"\0", b"\1\1", *between):
        with pytest.raises(MalformedMessageError):
            unpack_reason(data)


@pytest.mark.parametrize(
    ("seconds", "spoken"),
    [
        (1, "1 second"),
        (115, "115 seconds"),
        (120, "2 minutes"),
        (130, "3 minutes"),
        (LONGEST, "71 minutes"),
    ],
)
def test_a_wait_is_said_as_people_say_it(seconds: int, spoken: str) -> None:
    """Nobody has to divide, and who waits so long does not come too early."""
    assert spoken_wait(seconds) == spoken


def test_every_code_of_a_wait_is_a_longer_one() -> None:
    """From 5 s to more than an hour, in steps that grow."""
    waits = [unpack_reason(bytes([code])) for code in range(RefusalReason.WAIT, 256)]
    assert {reason for reason, _ in waits} == {RefusalReason.WAIT}
    seconds = [wait for _, wait in waits]
    assert seconds == sorted(set(seconds))
    assert (seconds[0], seconds[59], seconds[60], seconds[-1]) == (5, 300, 330, LONGEST)


@given(st.floats(0.0, LONGEST))
def test_who_waits_as_long_as_told_has_waited_long_enough(seconds: float) -> None:
    """Waits are rounded up, by less than a step."""
    _, told = unpack_reason(bytes([wait_code(seconds)]))
    assert seconds <= told < seconds + (30 if told > 300 else 5) + 1e-6 or told == 5


def test_longer_waits_are_told_as_the_longest() -> None:
    """Nothing leaves the byte."""
    assert unpack_reason(bytes([wait_code(1e9)]))[1] == LONGEST
