"""The 9-digit ID: parse what people type, format what they read aloud."""

from p2p_remote.errors import UsageError
from p2p_remote.wire.constants import ID_COUNT, ID_MINIMUM

ID_DIGITS = 9
_SEPARATORS = " \t\r\n.-_/\u00a0\u2009\u202f\u2010\u2011\u2012\u2013"


def is_valid(number: int) -> bool:
    """Whether `number` can be an ID."""
    return ID_MINIMUM <= number < ID_MINIMUM + ID_COUNT


def parse(text: str) -> int:
    """Read an ID with any usual separators.

    Raises:
        UsageError: not nine digits, or the first one is 0.

    """
    digits = "".join(c for c in text if c not in _SEPARATORS)
    if len(digits) != ID_DIGITS or not (digits.isascii() and digits.isdigit()):
        raise UsageError("An ID has nine digits, for example 482 913 070.")
    number = int(digits)
    if not is_valid(number):
        raise UsageError("An ID never begins with 0. Ask for the number again.")
    return number


def plain(number: int) -> str:
    """`482913070`."""
    return f"{number:09d}"


def grouped(number: int) -> str:
    """`482 913 070`."""
    digits = plain(number)
    return f"{digits[:3]} {digits[3:6]} {digits[6:]}"


def group_partial(digits: str) -> str:
    """Group up to nine digits 3-3-3 while they are being typed."""
    digits = digits[:ID_DIGITS]
    return " ".join(digits[i : i + 3] for i in range(0, len(digits), 3))
