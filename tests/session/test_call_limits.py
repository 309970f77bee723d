"""Who may ring, and when: machine time, bounded memory."""

import pytest

from p2p_remote.session.call_limits import (
    FORGET_NO,
    KNOWN_RINGS,
    MAX_KEYS,
    PASSWORD_RINGS,
    STRANGERS_RING,
    WRONG_CODES,
    CallLimits,
    HeldBack,
    Standing,
)

HELPER, NAGGER = b"h" * 32, b"n" * 32


def fresh(number: int) -> bytes:
    """Key that costs nothing."""
    return number.to_bytes(32, "little")


def rings(limits: CallLimits, public: bytes, standing: Standing, now: float) -> bool:
    """Let somebody call; whether it rings."""
    wait, _ = limits.wait(public, standing, now)
    if wait <= 0:
        limits.rang(public, standing, now)
    return wait <= 0


def test_who_was_not_answered_calls_again_at_once() -> None:
    """Six calls in a row that came to nothing; then the wait is told."""
    limits = CallLimits()
    for _ in range(6):
        assert rings(limits, HELPER, Standing.STRANGER, 10.0)
    wait, why = limits.wait(HELPER, Standing.STRANGER, 100.0)
    assert (wait, why) == (510.0, HeldBack.TOO_MANY_CALLS)
    assert rings(limits, HELPER, Standing.STRANGER, 610.0)


@pytest.mark.parametrize(("count", "seconds"), STRANGERS_RING)
def test_strangers_together_ring_a_bounded_number_of_times(
    count: int, seconds: float
) -> None:
    """However many keys they make and however often they call, in any such time."""
    limits = CallLimits()
    rang = [
        float(now)
        for now in range(3 * 3600)
        if rings(limits, fresh(now), Standing.STRANGER, float(now))
    ]
    for began in rang:
        assert sum(began <= at < began + seconds for at in rang) <= count
    assert len(rang) == 3 * 18


def test_each_no_makes_the_same_key_wait_longer() -> None:
    """30, 60, ... 600 s, and an hour later it begins anew."""
    limits = CallLimits()
    for pause in (30.0, 60.0, 120.0, 240.0, 480.0, 600.0, 600.0):
        limits.told_no(NAGGER, 1.0)
        assert limits.wait(NAGGER, Standing.STRANGER, 1.0) == (pause, HeldBack.TOLD_NO)
        assert limits.wait(NAGGER, Standing.KNOWN, 1.0)[0] == pause
    assert limits.wait(HELPER, Standing.STRANGER, 1.0)[0] == 0.0
    limits.told_no(NAGGER, 1.0 + FORGET_NO)
    assert limits.wait(NAGGER, Standing.STRANGER, 1.0 + FORGET_NO)[0] == 30.0


def test_strangers_lock_out_nobody_who_is_known_or_has_the_password() -> None:
    """They have calls of their own, and each known key its own."""
    limits = CallLimits()
    for number in range(6):
        assert rings(limits, fresh(number), Standing.STRANGER, 0.0)
    for number in range(9):
        limits.wrong_code(float(number))
    assert not rings(limits, HELPER, Standing.STRANGER, 9.0)
    for _ in range(PASSWORD_RINGS[0][0]):
        assert rings(limits, fresh(99), Standing.PASSWORD, 9.0)
    assert not rings(limits, fresh(98), Standing.PASSWORD, 9.0)
    for key in (HELPER, NAGGER):
        for _ in range(KNOWN_RINGS[0][0]):
            assert rings(limits, key, Standing.KNOWN, 9.0)
        assert not rings(limits, key, Standing.KNOWN, 9.0)
        assert rings(limits, key, Standing.KNOWN, 609.0)


def test_wrong_codes_are_counted_over_all_callers() -> None:
    """Nine in ten minutes, then strangers wait until the first is ten minutes old."""
    limits = CallLimits()
    (most, seconds), *_ = WRONG_CODES
    for number in range(most):
        assert limits.wait(HELPER, Standing.STRANGER, 50.0)[0] <= 0.0
        limits.wrong_code(float(number))
    wait, why = limits.wait(HELPER, Standing.STRANGER, 50.0)
    assert (wait, why) == (seconds - 50.0, HeldBack.WRONG_CODES)


def test_a_yes_begins_anew_but_forgives_nobody_else() -> None:
    """Calls are free again; who was told no waits on."""
    limits = CallLimits()
    limits.told_no(NAGGER, 0.0)
    limits.told_no(HELPER, 0.0)
    for number in range(6):
        assert rings(limits, fresh(number), Standing.STRANGER, 0.0)
    limits.forgive(HELPER)
    limits.begin_anew(HELPER)
    assert rings(limits, HELPER, Standing.STRANGER, 1.0)
    assert not rings(limits, NAGGER, Standing.STRANGER, 1.0)


def test_a_yes_to_somebody_unverified_gives_no_calls_back() -> None:
    """It ends the wait after a no to that key, and the calls stay counted."""
    limits = CallLimits()
    limits.told_no(HELPER, 0.0)
    limits.forgive(HELPER)
    for _ in range(6):
        assert rings(limits, HELPER, Standing.STRANGER, 0.0)
    limits.forgive(HELPER)
    wait, why = limits.wait(HELPER, Standing.STRANGER, 0.0)
    assert (wait, why) == (600.0, HeldBack.TOO_MANY_CALLS)


def test_memory_is_bounded() -> None:
    """Whoever makes keys all day leaves no more than a small table."""
    limits = CallLimits()
    for number in range(3 * MAX_KEYS):
        limits.told_no(fresh(number), 0.0)
        limits.rang(fresh(number), Standing.KNOWN, 0.0)
        limits.rang(fresh(number), Standing.STRANGER, 0.0)
        limits.wrong_code(0.0)
    assert len(limits._refusals) == len(limits._known) == MAX_KEYS
    assert len(limits._strangers._times) == STRANGERS_RING[-1][0]
    assert limits.wait(fresh(3 * MAX_KEYS - 1), Standing.STRANGER, 0.0)[0] > 0.0
