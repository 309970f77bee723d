"""Where an X display is, and the cookie that opens it.

Sources: X(7) "DISPLAY NAMES" and the file format in the documentation of libXau.
"""

import os
import re
import socket
import struct
from pathlib import Path

from p2p_remote.errors import MissingCapabilityError

_DISPLAY = re.compile(
    r"((?P<protocol>tcp|unix|inet6?)/)?(?P<host>[^/]*):(?P<number>\d+)(\.(?P<screen>\d+))?"
)
_FAMILY_INTERNET, _FAMILY_INTERNET_6, _FAMILY_LOCAL, _FAMILY_WILD = 0, 6, 256, 65535
_COOKIE = b"MIT-MAGIC-COOKIE-1"
_CONNECT_TIMEOUT = 10.0  # s
_LOOPBACK = ("127.", "::1", "::ffff:127.")


def open_socket(display: str) -> tuple[socket.socket, int, int]:
    """Connect to a display; return the socket, the display's and the screen's number.

    Raises MissingCapabilityError when the name is not one or nobody listens there.
    """
    found = _DISPLAY.fullmatch(display)
    if found is None:
        raise MissingCapabilityError(f"{display!r} is not the name of a display.")
    number, screen = int(found["number"]), int(found["screen"] or 0)
    host = found["host"].strip("[]")
    try:
        if host in {"", "unix"} or found["protocol"] == "unix":
            return _open_local(number), number, screen
        return (
            socket.create_connection((host, 6000 + number), _CONNECT_TIMEOUT),
            number,
            screen,
        )
    except OSError as error:
        raise MissingCapabilityError(
            f"The display {display} cannot be reached: {error.strerror or error}."
        ) from error


def _open_local(number: int) -> socket.socket:
    """Connect to the socket file, then to the abstract name of Linux."""
    path = f"/tmp/.X11-unix/X{number}"  # noqa: S108 - the protocol's own place
    for address in (path, f"\0{path}"):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(_CONNECT_TIMEOUT)
        try:
            connection.connect(address)
        except OSError:
            connection.close()
            if address != path:
                raise
        else:
            return connection
    raise AssertionError


def authorisation(connection: socket.socket, number: int) -> tuple[bytes, bytes]:
    """Return name and data of the cookie for a connected socket; empty without one."""
    places = _addresses(connection)
    for family, address, display, name, data in _entries():
        if name != _COOKIE or display not in {b"", str(number).encode()}:
            continue
        if family == _FAMILY_WILD or (family, address) in places:
            return name, data
    return b"", b""


def _addresses(connection: socket.socket) -> set[tuple[int, bytes]]:
    """Return the names under which the authority file may list the other end."""
    local = (_FAMILY_LOCAL, os.fsencode(socket.gethostname()))
    if connection.family == socket.AF_UNIX:
        return {local}
    host = connection.getpeername()[0]
    if host.startswith(_LOOPBACK):  # as forwarded by ssh
        return {local}
    family = (
        _FAMILY_INTERNET if connection.family == socket.AF_INET else _FAMILY_INTERNET_6
    )
    return {(family, socket.inet_pton(connection.family, host))}


def _entries() -> list[tuple[int, bytes, bytes, bytes, bytes]]:
    """Read the authority file: family, address, display, name, data; [] without one."""
    place = os.environ.get("XAUTHORITY") or str(Path("~/.Xauthority").expanduser())
    try:
        raw = Path(place).read_bytes()
    except (OSError, RuntimeError):
        return []
    entries = []
    offset = 0
    try:
        while offset < len(raw):
            (family,) = struct.unpack_from(">H", raw, offset)
            offset += 2
            fields = []
            for _ in range(4):
                (length,) = struct.unpack_from(">H", raw, offset)
                fields.append(raw[offset + 2 : offset + 2 + length])
                offset += 2 + length
            entries.append((family, fields[0], fields[1], fields[2], fields[3]))
    except struct.error:
        pass  # a cut-off file: what came before still counts
    return entries
