"""The 9-digit ID as people type and read it."""

import pytest

from p2p_remote.errors import UsageError
from p2p_remote.wire import peer_id


@pytest.mark.parametrize(
    "text",
    ["482913070", "482 913 070", "482-913-070", " 482.913.070\n", "4 8 2 9 1 3 0 7 0"],
)
def test_usual_separators_are_accepted(text: str) -> None:
    """IDs may be typed and pasted with any usual separator."""
    assert peer_id.parse(text) == 482_913_070


@pytest.mark.parametrize(
    "text", ["", "48291307", "4829130701", "48291307a", "٤٨٢٩١٣٠٧٠", "082913070"]
)
def test_everything_else_is_refused(text: str) -> None:
    """Too few or many digits, letters, other digits and a leading 0 are refused."""
    with pytest.raises(UsageError):
        peer_id.parse(text)


def test_formats() -> None:
    """IDs are grouped 3-3-3 for people and plain for scripts."""
    assert peer_id.grouped(100_000_007) == "100 000 007"
    assert peer_id.plain(100_000_007) == "100000007"
    assert peer_id.group_partial("48291") == "482 91"
    assert peer_id.group_partial("") == ""
    assert not peer_id.is_valid(99_999_999)
    assert not peer_id.is_valid(1_000_000_000)
