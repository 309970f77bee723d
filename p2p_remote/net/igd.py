"""Messages of UPnP IGD (SSDP, device description, SOAP): text, nothing else.

What a device on the LAN says is searched for the few words we need and never parsed as
XML: nothing in it is expanded, included or fetched.
"""

import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from p2p_remote.errors import MalformedMessageError

SSDP_GROUP = ("239.255.255.250", 1900)
SEARCH = (
    b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n"
    b'MAN: "ssdp:discover"\r\nMX: 1\r\n'
    b"ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n"
)
MAX_ANSWER = 65_536  # bytes of any answer that are read

_LOCATION = re.compile(
    rb"^location:[ \t]*(\S{1,512})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE
)
_MAX_SERVICE = 4096  # characters of a service's description that are looked at
_TYPE = re.compile(
    r"<serviceType>\s*(urn:schemas-upnp-org:service:WAN(?:IP|PPP)Connection:[12])"
    r"\s*</serviceType>"
)
_CONTROL = re.compile(r"<controlURL>\s*([^<\s]{1,512})\s*</controlURL>")
_BASE = re.compile(r"<URLBase>\s*([^<\s]{1,512})\s*</URLBase>")
_ADDRESS = re.compile(r"<NewExternalIPAddress>\s*([0-9.]{7,15})\s*<")


@dataclass(frozen=True, slots=True)
class Url:
    """An http address on one device: host, port and path."""

    host: str
    port: int
    path: str


@dataclass(frozen=True, slots=True)
class Service:
    """Where and as what a router takes requests for port mappings."""

    url: Url
    name: str


def location(answer: bytes, sender: str) -> Url:
    """Address of the device description in an SSDP answer from `sender`.

    Raises:
        MalformedMessageError: there is none, or it is another device's.

    """
    found = _LOCATION.search(answer[:MAX_ANSWER])
    if found is None:
        raise MalformedMessageError("not an SSDP answer")
    return _url(found[1].decode("ascii", "replace"), sender)


def _url(text: str, sender: str) -> Url:
    """Address in `text`; only the device itself may be asked further."""
    return _url_from("", text, sender)


def _url_from(base: str, text: str, sender: str) -> Url:
    """Address in `text`, which may be a part of one that `base` makes whole."""
    try:
        parts = urlsplit(urljoin(base, text))
        host, port = parts.hostname, parts.port or 80
    except ValueError as error:
        raise MalformedMessageError("not an address") from error
    if parts.scheme != "http" or host != sender or not 0 < port < 65_536:
        raise MalformedMessageError("the address of another device")
    path = parts.path or "/"
    return Url(host, port, f"{path}?{parts.query}" if parts.query else path)


def service(description: str, described_at: Url) -> Service:
    """Service for port mappings in a device description.

    Raises:
        MalformedMessageError: there is none.

    """
    base = f"http://{described_at.host}:{described_at.port}{described_at.path}"
    told = _BASE.search(description)
    if told is not None:
        base = told[1]
    for each in description.split("<service>")[1:]:
        about = each[:_MAX_SERVICE].partition("</service>")[0]
        name, control = _TYPE.search(about), _CONTROL.search(about)
        if name is not None and control is not None:
            url = _url_from(base, control[1], described_at.host)
            return Service(url, name[1])
    raise MalformedMessageError("no service for port mappings")


def get_request(url: Url) -> bytes:
    """HTTP request for a device description."""
    return (
        f"GET {url.path} HTTP/1.1\r\nHost: {url.host}:{url.port}\r\n"
        "Connection: close\r\n\r\n"
    ).encode("ascii", "replace")


def soap_request(
    to: Service, action: str, arguments: tuple[tuple[str, str], ...] = ()
) -> bytes:
    """HTTP request that calls `action`; names and values come from us alone."""
    fields = "".join(f"<{name}>{value}</{name}>" for name, value in arguments)
    body = (
        '<?xml version="1.0"?><s:Envelope '
        'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
        's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>'
        f'<u:{action} xmlns:u="{to.name}">{fields}</u:{action}>'
        "</s:Body></s:Envelope>"
    )
    url = to.url
    return (
        f"POST {url.path} HTTP/1.1\r\nHost: {url.host}:{url.port}\r\n"
        'Content-Type: text/xml; charset="utf-8"\r\n'
        f'SOAPAction: "{to.name}#{action}"\r\n'
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
    ).encode("ascii", "replace")


def add_arguments(
    client: str, port: int, external: int, lifetime: int
) -> tuple[tuple[str, str], ...]:
    """Arguments of AddPortMapping for UDP."""
    return (
        ("NewRemoteHost", ""),
        ("NewExternalPort", str(external)),
        ("NewProtocol", "UDP"),
        ("NewInternalPort", str(port)),
        ("NewInternalClient", client),
        ("NewEnabled", "1"),
        ("NewPortMappingDescription", "p2p-remote"),
        ("NewLeaseDuration", str(lifetime)),
    )


def delete_arguments(external: int) -> tuple[tuple[str, str], ...]:
    """Arguments of DeletePortMapping for UDP."""
    return (
        ("NewRemoteHost", ""),
        ("NewExternalPort", str(external)),
        ("NewProtocol", "UDP"),
    )


def body_of(answer: bytes) -> str:
    """Text after the header of a successful HTTP answer.

    Raises:
        MalformedMessageError: it is no answer or no success.

    """
    head, gap, body = answer.partition(b"\r\n\r\n")
    if not gap or not re.match(rb"HTTP/1\.[01] 200\b", head):
        raise MalformedMessageError("the router refused")
    return body.decode("utf-8", "replace")


def external_address(answer: str) -> str:
    """Address in an answer to GetExternalIPAddress.

    Raises:
        MalformedMessageError: there is none.

    """
    found = _ADDRESS.search(answer)
    if found is None:
        raise MalformedMessageError("no external address")
    return found[1]
