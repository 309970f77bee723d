"""Remote strings are safe to show."""

import unicodedata

from p2p_remote.wire.text import clean, clean_bytes


def test_plain_text_is_unchanged() -> None:
    """Names in any script stay as they are."""
    for name in ("Anna Berg", "Jürgen Groß", "Ольга", "田中", "😀"):
        assert clean(name, 64) == name


def test_no_control_character_survives() -> None:
    """All Cc, Cf, Zl and Zp code points become the replacement character."""
    for category in ("Cc", "Cf", "Zl", "Zp"):
        for code in range(0x3000):
            if unicodedata.category(chr(code)) == category:
                assert clean(f"a{chr(code)}b", 9) == "a\N{REPLACEMENT CHARACTER}b"
    assert "\x1b" not in clean("\x1b]0;title\x07\x9b6n", 64)


def test_combining_marks_are_limited() -> None:
    """A tower of combining marks is cut to two."""
    assert len(clean("a" + "\u0300" * 50, 64)) <= 3


def test_length_is_limited() -> None:
    """No more than the limit is returned, whatever came in."""
    assert clean("x" * 10_000, 5) == "xxxxx"
    assert clean("é" * 10_000, 5) == "é" * 5


def test_broken_utf8_is_replaced() -> None:
    """Bytes that are not UTF-8 do not raise."""
    assert clean_bytes(b"a\xff\xfeb", 8) == "a\N{REPLACEMENT CHARACTER}" * 1 + (
        "\N{REPLACEMENT CHARACTER}b"
    )
