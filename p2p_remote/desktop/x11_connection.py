"""A small X11 client: connection, replies, events.

The X Window System protocol, version 11, over a socket, in the standard library
alone. No C library can be missing or end the process when the server dies, nothing
is ever printed, two connections share nothing, and waiting releases the interpreter.

One connection belongs to one thread at a time; only `wait_for_more`, `has_more` and
`shut_down` may be called from another.
"""

import contextlib
import ctypes
import logging
import os
import select
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from p2p_remote.desktop.base import WaylandError
from p2p_remote.desktop.x11_authority import authorisation, open_socket
from p2p_remote.desktop.x11_setup import Setup, parse_setup
from p2p_remote.errors import MissingCapabilityError

_LOG = logging.getLogger(__name__)

REPLY_TIMEOUT: Final = 30.0  # s; a server that another program has grabbed may be slow
_MAX_REPLY: Final = 256 * 1024 * 1024  # bytes
_READ_BYTES: Final = 65536

_ERROR, _REPLY, _GENERIC_EVENT = 0, 1, 35
_SENT_EVENT = 0x80  # flag on events that another client made up with SendEvent
MAPPING_NOTIFY: Final = 34
CONFIGURE_NOTIFY: Final = 22


class _PollEntry(ctypes.Structure):
    """`struct pollfd` of poll(2)."""

    _fields_ = (
        ("descriptor", ctypes.c_int),
        ("events", ctypes.c_short),
        ("found", ctypes.c_short),
    )


class X11Error(MissingCapabilityError):
    """The display refused a request."""

    def __init__(self, code: int, request: int, minor: int) -> None:
        super().__init__(
            f"The display refused a request (error {code} of request {request}.{minor})"
        )
        self.code = code


class DisplayClosedError(MissingCapabilityError):
    """The display is gone. Start the sharing again when it is back."""


@dataclass(frozen=True, slots=True)
class Extension:
    """Numbers that the server gave to an extension."""

    opcode: int
    first_event: int
    first_error: int


def request(opcode: int, data: int, payload: bytes = b"") -> bytes:
    """Return a request: opcode, data byte (minor opcode of extensions), padded body."""
    padding = -len(payload) % 4
    length = 1 + (len(payload) + padding) // 4
    return struct.pack("<BBH", opcode, data, length) + payload + bytes(padding)


SYNC: Final = request(43, 0)
"""GetInputFocus: cheap, and its answer says that all before it is done."""


class X11Connection:
    """A connection to the display named as in $DISPLAY (default: $DISPLAY itself).

    Raises MissingCapabilityError when there is no such display or it says no.
    """

    def __init__(self, display: str | None = None) -> None:
        self.display = display if display is not None else os.environ.get("DISPLAY", "")
        self._socket, number, screen = open_socket(self.display)
        self._received = bytearray()
        self._unsent = bytearray()
        self._sequence = 0
        self._awaited: set[int] = set()
        self._answers: dict[int, bytes | X11Error] = {}
        self._events: list[bytes] = []
        self._next_resource = 0
        self._extensions: dict[str, Extension | None] = {}
        self._closed = False
        try:
            self.setup: Setup = self._connect(number, screen)
        except BaseException:
            self._socket.close()
            raise
        self.root = self.setup.root
        # A PyDLL keeps the interpreter during a call: see `has_more`.
        self._poll = ctypes.PyDLL(None).poll
        self._poll_entry = _PollEntry(self._socket.fileno(), select.POLLIN)

    # Requests and replies

    def send(self, data: bytes, *, answered: bool = False) -> int:
        """Queue a request and return its sequence number."""
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._unsent += data
        if answered:
            self._awaited.add(self._sequence)
        if len(self._unsent) > 65536:
            self.flush()
        return self._sequence

    def reply(self, sequence: int) -> bytes:
        """Wait for the reply to a request that was sent as `answered`.

        Raises X11Error when the server refused it.
        """
        self.flush()
        deadline = time.monotonic() + REPLY_TIMEOUT
        while sequence not in self._answers:
            if not self._receive(deadline - time.monotonic()):
                self.shut_down()
                raise DisplayClosedError("The display does not answer any more.")
        answer = self._answers.pop(sequence)
        if isinstance(answer, X11Error):
            raise answer
        return answer

    def call(self, data: bytes) -> bytes:
        """Send a request that has a reply and wait for it."""
        return self.reply(self.send(data, answered=True))

    def check(self, data: bytes) -> None:
        """Send a request without a reply; raise X11Error if the server refuses it."""
        sequence = self.send(data, answered=True)
        self.sync()
        self._awaited.discard(sequence)
        answer = self._answers.pop(sequence, None)
        if isinstance(answer, X11Error):
            raise answer

    def sync(self) -> None:
        """Wait until the server has done everything that was sent."""
        self.call(SYNC)

    def flush(self) -> None:
        """Send what is queued."""
        try:
            while self._unsent:
                try:
                    sent = self._socket.send(self._unsent)
                except BlockingIOError:
                    self._make_room()
                else:
                    del self._unsent[:sent]
        except (OSError, ValueError) as error:
            raise self._gone(error) from error

    def _make_room(self) -> None:
        """Wait until the server reads on, which it does only while we read answers."""
        ready = self._ready(select.POLLIN | select.POLLOUT, REPLY_TIMEOUT)
        if not ready:
            raise TimeoutError
        if ready & ~select.POLLOUT:
            self._read()

    # Events

    def events(self) -> Iterator[bytes]:
        """Yield the events that have arrived; reads the socket without blocking."""
        self.flush()
        while self._receive(0):
            pass
        yield from self.events_read()

    def events_read(self) -> Iterator[bytes]:
        """Yield the events that were read on the way to something else."""
        while self._events:
            yield self._events.pop(0)

    def wait(self, timeout_s: float, *others: int) -> bool:
        """Block until something arrives here or on another descriptor, or timeout."""
        self.flush()
        if self._events:
            return True
        return bool(self._ready(select.POLLIN, timeout_s, *others))

    def wait_for_more(self, timeout_s: float) -> None:
        """Block until something arrives, or the timeout; another thread may take it.

        Whatever is queued to be sent stays queued.
        """
        self._ready(select.POLLIN, timeout_s)

    def has_more(self) -> bool:
        """Whether anything has arrived that was not read, or the display is gone.

        The thread keeps the interpreter while it looks, so that what it does next
        follows at once, however many threads want to run.
        """
        if self._closed or self._received:
            return True
        return bool(self._poll(ctypes.byref(self._poll_entry), 1, 0))

    # Resources and extensions

    def new_id(self) -> int:
        """Return an unused resource ID. They are never used again."""
        self._next_resource += 1
        if self._next_resource > self.setup.resource_mask:
            raise MissingCapabilityError("The display ran out of resource numbers.")
        return self.setup.resource_base | self._next_resource

    def extension(self, name: str) -> Extension | None:
        """Return the numbers of an extension, None when the server lacks it."""
        if name not in self._extensions:
            raw = name.encode()
            answer = self.call(
                request(98, 0, struct.pack("<HH", len(raw), 0) + raw)  # QueryExtension
            )
            present, opcode, event, error = answer[8:12]
            self._extensions[name] = (
                Extension(opcode, event, error) if present else None
            )
        return self._extensions[name]

    def required(self, name: str) -> Extension:
        """Return an extension or raise MissingCapabilityError."""
        extension = self.extension(name)
        if extension is None:
            raise MissingCapabilityError(f"The display lacks the extension {name}.")
        return extension

    def refuse_wayland(self) -> None:
        """Raise WaylandError if this server belongs to a Wayland desktop.

        Its picture is black, and only its own windows could be controlled.
        """
        if self.extension("XWAYLAND") is not None:
            raise WaylandError

    def root_size(self) -> tuple[int, int]:
        """Ask the server for the present width and height of the screen."""
        answer = self.call(request(14, 0, struct.pack("<I", self.root)))  # GetGeometry
        width, height = struct.unpack_from("<HH", answer, 16)
        return width, height

    def shut_down(self) -> None:
        """End the connection. Any thread; a blocked one wakes up with an error."""
        self._closed = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the connection and free its socket; no thread may be inside."""
        self.shut_down()
        self._socket.close()

    def _gone(self, error: Exception) -> DisplayClosedError:
        if not self._closed:
            _LOG.info("the display %s is gone: %s", self.display, error)
        self.shut_down()
        return DisplayClosedError()

    def _connect(self, number: int, screen: int) -> Setup:
        name, data = authorisation(self._socket, number)
        self._socket.setblocking(False)
        self._unsent += struct.pack("<BxHHHHxx", 0x6C, 11, 0, len(name), len(data))
        self._unsent += name + bytes(-len(name) % 4) + data + bytes(-len(data) % 4)
        self.flush()
        head = self._exactly(8)
        body = self._exactly(4 * struct.unpack_from("<H", head, 6)[0])
        if head[0] != 1:
            reason = body[: head[1]].decode("latin-1", "replace").strip()
            raise MissingCapabilityError(
                f"The display {self.display} refuses us: {reason or 'no reason'}"
            )
        return parse_setup(head + body, screen)

    def _exactly(self, size: int) -> bytes:
        deadline = time.monotonic() + REPLY_TIMEOUT
        while len(self._received) < size:
            if not self._ready(select.POLLIN, deadline - time.monotonic()):
                raise MissingCapabilityError(
                    f"The display {self.display} does not answer."
                )
            self._read()
        data = bytes(self._received[:size])
        del self._received[:size]
        return data

    def _ready(self, events: int, timeout_s: float, *others: int) -> int:
        """Poll; return the socket's events, POLLIN for another descriptor's, or 0."""
        poll = select.poll()
        try:
            poll.register(self._socket, events)
            for other in others:
                poll.register(other, select.POLLIN)
            found = poll.poll(max(timeout_s, 0.0) * 1000)
            own = self._socket.fileno()
        except (OSError, ValueError) as error:
            raise self._gone(error) from error
        ready = 0
        for descriptor, bits in found:
            ready |= bits if descriptor == own else select.POLLIN
        return ready

    def _receive(self, timeout_s: float) -> bool:
        """Read once, within the timeout, and sort what came; False when nothing did."""
        if not self._read():
            if timeout_s <= 0 or not self._ready(select.POLLIN, timeout_s):
                return False
            self._read()
        self._sort()
        return True

    def _read(self) -> bool:
        """Read what is there; False when that is nothing."""
        try:
            data = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return False
        except OSError as error:
            raise self._gone(error) from error
        if not data:
            raise self._gone(ConnectionResetError("closed by the server"))
        self._received += data
        return True

    def _sort(self) -> None:
        """Take whole packets off the receive buffer."""
        received, start = self._received, 0
        while len(received) - start >= 32:
            kind = received[start]
            length = 32
            if kind == _REPLY or kind & 0x7F == _GENERIC_EVENT:
                length += 4 * struct.unpack_from("<I", received, start + 4)[0]
            if length > _MAX_REPLY:
                raise self._gone(ValueError(f"a packet of {length} bytes"))
            if len(received) - start < length:
                break
            self._take(kind, bytes(received[start : start + length]))
            start += length
        del received[:start]

    def _take(self, kind: int, packet: bytes) -> None:
        if kind not in {_ERROR, _REPLY}:
            if not kind & _SENT_EVENT:
                self._events.append(packet)
            return
        (sequence,) = struct.unpack_from("<H", packet, 2)
        if sequence not in self._awaited:
            _LOG.debug("error %s of request %s", packet[1], packet[10])
            return
        self._awaited.discard(sequence)
        if kind == _REPLY:
            self._answers[sequence] = packet
        else:
            (minor,) = struct.unpack_from("<H", packet, 8)
            self._answers[sequence] = X11Error(packet[1], packet[10], minor)
