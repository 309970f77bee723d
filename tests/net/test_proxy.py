"""Which proxy leads to a server."""

import logging

import pytest

from p2p_remote.errors import UsageError
from p2p_remote.net.proxy import Proxy, is_excluded, parse_proxy, proxy_for

PROXY = Proxy("proxy.test", 3128)
URL = "http://proxy.test:3128"


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        (URL, PROXY),
        ("proxy.test:3128", PROXY),
        ("HTTP://proxy.test:3128/", PROXY),
        ("http://proxy.test", Proxy("proxy.test", 80)),
        ("http://[2001:db8::1]:3128", Proxy("2001:db8::1", 3128)),
        ("http://me:p%40ss%3A@proxy.test:1", Proxy("proxy.test", 1, "me:p@ss:")),
        ("http://me@proxy.test:1", Proxy("proxy.test", 1, "me:")),
    ],
)
def test_proxies_are_read_as_people_write_them(url, proxy):
    """The port may be left out, name and password are percent-encoded."""
    assert parse_proxy(url) == proxy


@pytest.mark.parametrize(
    "url",
    [
        "socks5://me:secret@proxy.test:1080",
        "https://me:secret@proxy.test",
        "http://me:secret@proxy.test:port",
        "http://me:secret@proxy.test:70000",
        "http://me:secret@",
        "http://me:secret@a b",
        "http://" + "secret" * 200 + "@proxy.test",
        "me:secret@socks5://proxy.test:1080",
        "me:secret://x@proxy.test:1080",
        "http://me:12#secret@proxy.test",
        "http://me:12/secret@proxy.test",
        "http://me:12?secret@proxy.test",
        "http://me:se/cret@secret.test",
        "me:12#secret@proxy.test",
        "http:/me:secret@proxy.test",
        "http://proxy.test:3128/secret",
    ],
)
def test_what_cannot_be_used_is_named_without_its_password(url):
    """The reason is told, the URL is not."""
    with pytest.raises(UsageError) as caught:
        parse_proxy(url)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_scheme_that_cannot_be_used_is_named():
    """And what stands before the mark is named only if it is a scheme."""
    with pytest.raises(UsageError, match="not 'socks5'"):
        parse_proxy("SOCKS5://me:secret@proxy.test:1080")
    with pytest.raises(UsageError, match=r"HOST:PORT or .* write # as %23"):
        parse_proxy("me:secret@socks5://proxy.test:1080")


def test_a_password_is_never_shown():
    """Neither in a trace nor in words."""
    proxy = parse_proxy("http://me:secret@proxy.test:3128")
    assert "secret" not in repr(proxy)
    assert str(proxy) == "proxy.test:3128"
    assert str(Proxy("2001:db8::1", 1)) == "[2001:db8::1]:1"


@pytest.mark.parametrize(
    ("environment", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": URL}, PROXY),
        ({"https_proxy": URL, "HTTPS_PROXY": "http://other"}, PROXY),
        ({"ALL_PROXY": URL}, PROXY),
        ({"all_proxy": "http://other", "HTTPS_PROXY": URL}, PROXY),
        ({"HTTP_PROXY": URL, "http_proxy": URL}, None),
        ({"HTTPS_PROXY": URL, "NO_PROXY": "example.test"}, None),
        ({"HTTPS_PROXY": URL, "no_proxy": "other", "NO_PROXY": "*"}, PROXY),
    ],
)
def test_the_environment_is_read_as_curl_does(environment, proxy, monkeypatch):
    """Lower case first, the special one before the one for everything."""
    monkeypatch.setattr("p2p_remote.net.proxy._HAS_SYSTEM_SETTINGS", False)
    assert proxy_for("example.test", environment=environment) == proxy


def test_what_was_chosen_for_this_program_stands_above_the_environment():
    """And "none" means none; NO_PROXY holds in any case."""
    environment = {"HTTPS_PROXY": "http://other"}
    assert proxy_for("example.test", URL, environment) == PROXY
    assert proxy_for("example.test", "none", environment) is None
    assert proxy_for("example.test", URL, {"NO_PROXY": "test"}) is None
    with pytest.raises(UsageError):
        proxy_for("example.test", "socks5://x", {})


@pytest.mark.parametrize("server", ["localhost", "127.0.0.1", "127.1.2.3", "::1"])
def test_the_machine_itself_needs_no_proxy(server):
    """Whatever is set."""
    assert proxy_for(server, URL, {}) is None


def test_a_proxy_that_was_set_for_others_and_cannot_be_used_is_left_out(caplog):
    """The log says so, without the password."""
    caplog.set_level(logging.INFO)
    for url in ("socks5://me:secret@proxy.test", "me:secret@socks5://proxy.test"):
        caplog.clear()
        environment = {"ALL_PROXY": url}
        assert proxy_for("example.test", environment=environment) is None
        assert "ALL_PROXY" in caplog.text
        assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("found", "bypassed", "proxy"),
    [
        ({"https": URL}, False, PROXY),
        ({"http": "proxy.test:3128"}, False, PROXY),
        ({"https": URL}, True, None),
        ({}, False, None),
    ],
)
def test_the_system_is_asked_where_it_has_settings(found, bypassed, proxy, monkeypatch):
    """On Windows and macOS; the environment stands above it."""
    monkeypatch.setattr("p2p_remote.net.proxy._HAS_SYSTEM_SETTINGS", True)
    monkeypatch.setattr("urllib.request.getproxies", lambda: found)
    monkeypatch.setattr("urllib.request.proxy_bypass", lambda _host: bypassed)
    assert proxy_for("example.test", environment={}) == proxy


@pytest.mark.parametrize(
    ("server", "no_proxy", "expected"),
    [
        ("example.test", "", False),
        ("example.test", "*", True),
        ("example.test", "a.test, example.test", True),
        ("www.Example.test", ".example.TEST", True),
        ("www.example.test.", "example.test", True),
        ("notexample.test", "example.test", False),
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "10.0.0.0/8 192.0.2.0/24", True),
        ("192.0.2.1", "2.1,192.0.2", False),
        ("2001:db8::1", "[2001:db8::1]", True),
        ("2001:db8::1", "2001:db8::/32", True),
        ("example.test", "192.0.2.0/24,,", False),
    ],
)
def test_no_proxy_is_read_as_curl_does(server, no_proxy, expected):
    """Names with all below them, addresses, networks, a star."""
    assert is_excluded(server, no_proxy) is expected
