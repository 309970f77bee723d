"""Asking an HTTP proxy for a tunnel: CONNECT (RFC 9110 section 9.3.6) and its answer.

Only what a tunnel needs: the head of an answer is bounded, of its fields one is read,
and whatever follows a refusal is not looked at.
"""

import base64
import re
from dataclasses import dataclass

from p2p_remote.errors import MalformedMessageError

MAX_HEAD = 8 * 1024  # bytes of all heads of one answer together
MAX_INTERIM = 8  # 1xx answers that are skipped
_END = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(rb"HTTP/1\.[0-9] ([1-5][0-9]{2})(?: [^\r\n]*)?")
_CHALLENGE = re.compile(rb"(?i)proxy-authenticate[ \t]*:[ \t]*([a-z0-9-]{1,32})")
_PLAIN_HOST = re.compile(r"[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]")

OK_CODES = range(200, 300)
AUTHENTICATION_REQUIRED = 407


@dataclass(frozen=True, slots=True)
class ConnectAnswer:
    """What a proxy has said.

    `schemes`: the ways to sign in that it offers, in lower case ("basic", "ntlm").
    """

    status: int
    schemes: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether the tunnel stands."""
        return self.status in OK_CODES


def connect_request(host: str, port: int, credentials: str = "") -> bytes:
    """Head that asks for a tunnel to `host` (a name, or an IP address) and `port`.

    Args:
        host: ASCII; an IPv6 address without brackets.
        port: 1 to 65535.
        credentials: `name:password` for Basic (RFC 7617), or nothing.

    Raises:
        ValueError: `host` could not stand in a request.

    """
    authority = f"[{host}]" if ":" in host else host
    if not _PLAIN_HOST.fullmatch(authority):
        raise ValueError("no host that a proxy could be asked for")
    lines = [f"CONNECT {authority}:{port} HTTP/1.1", f"Host: {authority}:{port}"]
    if credentials:
        basic = base64.b64encode(credentials.encode()).decode("ascii")
        lines.append(f"Proxy-Authorization: Basic {basic}")
    return "\r\n".join([*lines, "", ""]).encode("ascii")


class ConnectReader:
    """Takes the answer to a CONNECT from a stream, piece by piece."""

    def __init__(self) -> None:
        self._head = b""
        self._read = 0
        self._interim = 0

    def feed(self, data: bytes) -> ConnectAnswer | None:
        """Take what has come; the answer when its head is complete.

        Raises:
            MalformedMessageError: this is no answer, it is too long, or something
                follows one that opens a tunnel: there the client speaks first.

        """
        seen = max(0, len(self._head) - 3)
        self._head += data
        self._read += len(data)
        while (end := _END.search(self._head, seen)) is not None:
            seen = 0
            head, self._head = self._head[: end.start()], self._head[end.end() :]
            answer = _parsed(head)
            if answer.status >= 200:
                if answer.is_open and self._head:
                    raise MalformedMessageError("a tunnel that speaks first")
                return answer
            self._interim += 1
            if self._interim > MAX_INTERIM:
                raise MalformedMessageError("too many interim answers")
        if self._read > MAX_HEAD:
            raise MalformedMessageError("the head of an answer is too long")
        return None


def _parsed(head: bytes) -> ConnectAnswer:
    first, *fields = re.split(rb"\r?\n", head[:MAX_HEAD])
    status = _STATUS.fullmatch(first)
    if status is None:
        raise MalformedMessageError("no HTTP/1 answer")
    if any(line.startswith((b" ", b"\t")) for line in fields):
        raise MalformedMessageError("a folded field")  # RFC 9112 section 5.2
    found = filter(None, map(_CHALLENGE.match, fields))
    schemes = dict.fromkeys(each[1].decode("ascii").lower() for each in found)
    return ConnectAnswer(int(status[1]), tuple(schemes))
