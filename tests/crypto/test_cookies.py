"""Cookies: who shows one receives where it was sent."""

import pytest

from p2p_remote.crypto.cookies import COOKIE_PERIOD, CookieJar
from tests.support.handshakes import CALLED_ENDPOINT, CALLER_ENDPOINT, RELAY


def test_a_cookie_holds_for_its_path_and_what_it_is_bound_to():
    """Another path, another request or another secret: it does not hold."""
    jar = CookieJar(b"s" * 32)
    cookie = jar.make(RELAY, b"bound", 0.0)
    assert len(cookie) == 32
    assert jar.holds(cookie, RELAY, b"bound", 0.0)
    assert not jar.holds(cookie, RELAY, b"other", 0.0)
    assert not jar.holds(cookie, CALLER_ENDPOINT, b"bound", 0.0)
    assert not CookieJar(b"t" * 32).holds(cookie, RELAY, b"bound", 0.0)


def test_a_cookie_holds_for_one_to_two_periods():
    """Made at the end of a period it lasts one, at its beginning nearly two."""
    jar = CookieJar(b"s" * 32)
    for made, held, over in (
        (0.0, 2 * COOKIE_PERIOD - 0.1, 2 * COOKIE_PERIOD),
        (COOKIE_PERIOD - 0.1, 2 * COOKIE_PERIOD - 0.1, 2 * COOKIE_PERIOD),
        (-1.0, COOKIE_PERIOD - 0.1, COOKIE_PERIOD),
    ):
        cookie = jar.make(CALLED_ENDPOINT, b"", made)
        assert jar.holds(cookie, CALLED_ENDPOINT, b"", held)
        assert not jar.holds(cookie, CALLED_ENDPOINT, b"", over)


def test_a_secret_has_32_bytes():
    """Anything else is our mistake."""
    with pytest.raises(ValueError, match="32 bytes"):
        CookieJar(b"short")
