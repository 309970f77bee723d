"""Asking a proxy for a tunnel, and what hostile ones answer."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire.http_connect import (
    MAX_HEAD,
    MAX_INTERIM,
    ConnectAnswer,
    ConnectReader,
    connect_request,
)

OPEN = b"HTTP/1.1 200 Connection established\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
SIGN_IN = (
    b"HTTP/1.1 407 Who?\r\nProxy-Authenticate: Negotiate\r\n"
    b'proxy-authenticate:  Basic realm="a, b"\r\n'
    b"Proxy-Authenticate: NTLM\r\nProxy-Authenticate: basic\r\n\r\n"
)


def read(*pieces):
    """What the reader makes of an answer in these pieces."""
    reader = ConnectReader()
    for each in pieces:
        if (answer := reader.feed(each)) is not None:
            return answer
    return None


@pytest.mark.parametrize(
    ("host", "authority"),
    [
        ("example.test", b"example.test:443"),
        ("192.0.2.1", b"192.0.2.1:443"),
        ("2001:db8::1", b"[2001:db8::1]:443"),
    ],
)
def test_a_request_names_the_server_twice(host, authority):
    """As RFC 9110 wants it; nothing else is told."""
    expected = b"CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (authority, authority)
    assert connect_request(host, 443) == expected


def test_credentials_are_encoded():
    """Whatever is in them, no line break gets through."""
    request = connect_request("example.test", 443, "näme:pass\r\nX: y")
    line = request.split(b"\r\n")[2]
    head, _, value = line.rpartition(b" ")
    assert head == b"Proxy-Authorization: Basic"
    assert base64.b64decode(value).decode() == "näme:pass\r\nX: y"
    assert request.count(b"\r\n") == 4


@pytest.mark.parametrize("host", ["", "a b", "a\r\nb", "a/b", "ä.test", "x:y", "a@b"])
def test_a_host_that_could_say_more_is_refused(host):
    """It comes from the user, but never goes out unchecked."""
    with pytest.raises(ValueError, match="no host"):
        connect_request(host, 443)


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (OPEN, ConnectAnswer(200)),
        (b"HTTP/1.0 200\r\n\r\n", ConnectAnswer(200)),
        (b"HTTP/1.1 200 OK\nServer: x\n\n", ConnectAnswer(200)),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n",
            ConnectAnswer(200),
        ),
        (INTERIM * MAX_INTERIM + OPEN, ConnectAnswer(200)),
        (b"HTTP/1.1 403 No\r\n\r\n5\r\n<html>", ConnectAnswer(403)),
        (SIGN_IN, ConnectAnswer(407, ("negotiate", "basic", "ntlm"))),
        (
            b"HTTP/1.1 407 Who?\r\nProxy-Authenticate: \x1b[2J\r\n\r\n",
            ConnectAnswer(407),
        ),
    ],
)
def test_answers(data, answer):
    """Whole, and byte by byte."""
    assert read(data) == answer
    assert read(*(data[at : at + 1] for at in range(len(data)))) == answer


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 999 x\r\n\r\n",
        b"HTTP/1.1 20\r\n\r\n",
        b"HTTP/1.1 200OK\r\n\r\n",
        b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\tfolded\r\n\r\n",
        INTERIM * (MAX_INTERIM + 1),
        OPEN + b"\x16",
        b"HTTP/1.1 200 " + b"x" * MAX_HEAD,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * (MAX_HEAD // 6 + 1),
    ],
)
def test_nonsense_is_refused(data):
    """No HTTP, endless heads, folded fields, a tunnel that speaks first."""
    with pytest.raises(MalformedMessageError):
        read(data)


def test_an_endless_head_is_cut_off_whatever_its_pieces():
    """Not a byte more than the bound is kept."""
    with pytest.raises(MalformedMessageError):
        read(*[b"x"] * (MAX_HEAD + 1))


def test_an_answer_that_is_not_complete_is_waited_for():
    """There may be more to come."""
    assert read(OPEN[:-1]) is None
    assert read(INTERIM) is None


@given(st.lists(st.binary(max_size=600), max_size=5))
def test_any_bytes_give_an_answer_or_the_one_error(pieces):
    """Parsers raise only MalformedMessageError."""
    try:
        answer = read(*pieces)
    except MalformedMessageError:
        return
    assert answer is None or 200 <= answer.status < 600
