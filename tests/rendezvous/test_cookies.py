"""Stateless cookies."""

import random

import pytest

from p2p_remote.wire.address import Endpoint
from rendezvous.addresses import pack
from rendezvous.cookies import EPOCH, Cookies

HERE = pack(Endpoint("198.51.100.1", 5000), 0)
KEY = bytes(32)


@pytest.fixture
def cookies():
    return Cookies(random.Random(1).randbytes)


@pytest.mark.parametrize("age", [0.0, EPOCH - 0.001, EPOCH])
def test_a_cookie_lives_for_an_epoch_at_least(cookies, age):
    """Made at the end or the start of an epoch, it holds for 60 s."""
    for made_at in (0.0, 59.0, 61.5):
        cookie = cookies.for_key(HERE, KEY, made_at)
        assert cookies.holds_for_key(cookie, HERE, KEY, made_at + age)


def test_a_cookie_is_dead_after_two_epochs(cookies):
    """An old one proves nothing any more."""
    cookie = cookies.for_key(HERE, KEY, 0.0)
    assert not cookies.holds_for_key(cookie, HERE, KEY, 2 * EPOCH)


@pytest.mark.parametrize(
    "elsewhere",
    [
        pack(Endpoint("198.51.100.1", 5001), 0),
        pack(Endpoint("198.51.100.2", 5000), 0),
        pack(Endpoint("198.51.100.1", 5000), 1),
    ],
)
def test_a_cookie_belongs_to_one_address(cookies, elsewhere):
    """Another port, another address and another listening socket do not do."""
    cookie = cookies.for_key(HERE, KEY, 0.0)
    assert not cookies.holds_for_key(cookie, elsewhere, KEY, 0.0)
    move = cookies.for_move(HERE, 7, 0.0)
    assert not cookies.holds_for_move(move, elsewhere, 7, 0.0)


def test_a_cookie_belongs_to_one_purpose(cookies):
    """One for a key is none for a registration, nor for another key or number."""
    cookie = cookies.for_key(HERE, KEY, 0.0)
    assert not cookies.holds_for_key(cookie, HERE, bytes(31) + b"\1", 0.0)
    assert not cookies.holds_for_move(cookie, HERE, 0, 0.0)
    move = cookies.for_move(HERE, 7, 0.0)
    assert cookies.holds_for_move(move, HERE, 7, 0.0)
    assert not cookies.holds_for_move(move, HERE, 8, 0.0)


def test_nothing_is_kept_per_cookie(cookies):
    """A flood of HELLO leaves two epoch keys, whatever its size."""
    for number in range(1000):
        cookies.for_key(HERE, number.to_bytes(32, "big"), number * 1.0)
    assert len(cookies._keys) <= 2


def test_servers_do_not_share_cookies(cookies):
    """The secret is the server's own."""
    other = Cookies(random.Random(2).randbytes)
    assert not other.holds_for_key(cookies.for_key(HERE, KEY, 0.0), HERE, KEY, 0.0)
