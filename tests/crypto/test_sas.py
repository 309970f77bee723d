"""Comparison digits and their commitments."""

from p2p_remote.crypto.sas import (
    comparison_digits,
    initiator_commitment,
    responder_commitment,
)

ONE, TWO = b"\1" * 32, b"\2" * 32


def test_commitments_hide_and_bind():
    """Role, key and opening all count."""
    values = {
        initiator_commitment(ONE, TWO),
        initiator_commitment(TWO, ONE),
        initiator_commitment(ONE, ONE),
        responder_commitment(ONE),
        responder_commitment(TWO),
    }
    assert len(values) == 5


def test_digits_depend_on_every_input():
    """Six digits, zeros in front kept; each opening and each message changes them."""
    base = comparison_digits((ONE, TWO), b"m1", b"m2", b"key")
    others = {
        comparison_digits((TWO, ONE), b"m1", b"m2", b"key"),
        comparison_digits((ONE, ONE), b"m1", b"m2", b"key"),
        comparison_digits((ONE, TWO), b"m1m", b"2", b"key"),
        comparison_digits((ONE, TWO), b"m1", b"m2", b"kez"),
    }
    assert base not in others
    assert len(others) == 4
    for number in range(300):
        digits = comparison_digits((ONE, TWO), str(number).encode())
        assert len(digits) == 6
        assert digits.isdigit()


def test_digits_are_spread_evenly():
    """Ten thousand runs fill the ten first digits about equally."""
    counts = [0] * 10
    for number in range(10_000):
        counts[int(comparison_digits((ONE, TWO), str(number).encode())[0])] += 1
    assert min(counts) > 850
    assert max(counts) < 1150
