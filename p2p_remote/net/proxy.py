"""Which HTTP proxy leads to a server, from what the user or the system has set.

A proxy is one more way, tried when the direct ones do not answer; so it does no harm to
name one that is not needed.
"""

import ipaddress
import logging
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from p2p_remote.errors import UsageError

NO_PROXY_AT_ALL = "none"  # said instead of a URL
_DEFAULT_PORT = 80
_MAX_CREDENTIALS = 1024  # characters
# curl's order; HTTP_PROXY is for another protocol, and set by strangers in CGI.
_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_HOST = re.compile(r"[A-Za-z0-9_.-]{1,253}|[0-9A-Fa-f:.]{2,45}")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")  # RFC 3986 section 3.1
_FORM = (
    "A proxy is http://HOST:PORT or http://NAME:PASSWORD@HOST:PORT; in a name or a "
    "password write # as %23, / as %2F and ? as %3F."
)
_HAS_SYSTEM_SETTINGS = sys.platform in ("darwin", "win32")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy. `credentials` are `name:password`, never shown."""

    host: str
    port: int
    credentials: str = field(default="", repr=False)

    def __str__(self) -> str:
        """`host:port`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def proxy_for(
    server: str, chosen: str = "", environment: Mapping[str, str] | None = None
) -> Proxy | None:
    """Proxy for the server with this name or address, None if there is none.

    Args:
        server: host without a port.
        chosen: URL that the user has set for this program, or "none".
        environment: in the place of the process's own.

    Raises:
        UsageError: `chosen` is no proxy that can be used.

    """
    values = os.environ if environment is None else environment
    if chosen == NO_PROXY_AT_ALL:
        return None
    proxy = parse_proxy(chosen) if chosen else None
    excluded = values.get("no_proxy") or values.get("NO_PROXY") or ""
    if is_loopback(server) or is_excluded(server, excluded):
        return None
    if proxy is not None:
        return proxy
    for name in _VARIABLES:
        if values.get(name):
            return _usable(values[name], name)
    return _of_system(server) if _HAS_SYSTEM_SETTINGS else None


def _usable(url: str, source: str) -> Proxy | None:
    """A proxy that was not set for us: one that we cannot use is only a pity."""
    try:
        return parse_proxy(url)
    except UsageError as error:
        _log.info("%s is not used: %s", source, error)
        return None


def _of_system(server: str) -> Proxy | None:
    import urllib.request  # late: it loads much

    if urllib.request.proxy_bypass(server):
        return None
    found = urllib.request.getproxies()
    url = found.get("https") or found.get("http")
    return _usable(url, "The system's proxy") if url else None


def parse_proxy(url: str) -> Proxy:
    """Read `http://[name:password@]host[:port]`; `http://` may be left out.

    Raises:
        UsageError: it is something else. The text never shows the URL, which may hold
            a password.

    """
    before, mark, _ = url.partition("://")
    scheme = before.lower()
    if mark and scheme != "http":
        if not _SCHEME.fullmatch(scheme):
            raise UsageError(_FORM)  # a name and a password may stand before the mark
        raise UsageError(
            f"only HTTP proxies can be used: http://HOST:PORT, not {scheme[:16]!a}."
        )
    try:
        parts = urlsplit(url if mark else f"http://{url}")
        host, port = parts.hostname or "", parts.port or _DEFAULT_PORT
    except ValueError:
        raise UsageError(_FORM) from None  # its text quotes the URL
    # What follows the host is what a password with a bare "#", "/" or "?" looks like.
    has_more = parts.path not in ("", "/") or parts.query or parts.fragment
    if has_more or not _HOST.fullmatch(host):
        raise UsageError(_FORM)
    credentials = ""
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    if len(credentials) > _MAX_CREDENTIALS:
        raise UsageError("The proxy's name and password are too long.")
    return Proxy(host, port, credentials)


def is_loopback(server: str) -> bool:
    """Whether this is the machine itself."""
    address = _address(server)
    return server.lower() == "localhost" or (
        address is not None and address.is_loopback
    )


def is_excluded(server: str, no_proxy: str) -> bool:
    """Whether `no_proxy` has this server, by curl's rules.

    It is a list of names, each with all names below it, of addresses and networks
    (`10.0.0.0/8`), with commas or spaces in between; `*` is everything.
    """
    name = server.lower().rstrip(".")
    address = _address(server)
    for each in re.split(r"[,\s]+", no_proxy.lower()):
        if each == "*":
            return True
        entry = each.strip("[]").removeprefix(".").rstrip(".")
        if not entry:
            continue
        if address is not None:
            if _is_within(address, entry):
                return True
        elif name == entry or name.endswith(f".{entry}"):
            return True
    return False


def _is_within(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, network: str
) -> bool:
    try:
        return address in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _address(
    server: str,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(server.strip("[]"))
    except ValueError:
        return None
