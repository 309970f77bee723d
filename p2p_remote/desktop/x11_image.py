"""Pixels of the X11 screen: through shared memory, or over the socket.

Source: mit-shm.txt of xorgproto. The server writes rows straight into the frame that
the encoder reads; nothing is copied in this process.
"""

import ctypes
import struct
import weakref
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from p2p_remote.desktop.x11_connection import X11Connection, X11Error, request
from p2p_remote.errors import MissingCapabilityError
from p2p_remote.screen.geometry import Rect

if TYPE_CHECKING:
    from p2p_remote.desktop.base import Frame

_Z_PIXMAP: Final = 2
_ALL_PLANES: Final = 0xFFFFFFFF
_IPC_PRIVATE, _IPC_CREAT, _IPC_RMID = 0, 0o1000, 0
_PROBE_ROWS: Final = 8
_PROBE_ATTEMPTS: Final = 5
_SOCKET_BAND: Final = 262144  # bytes of one GetImage reply


class ImageReader(Protocol):
    """Fills rows of `frame` (height, width, 4), BGRX, from an area of a drawable."""

    frame: "Frame"

    def read(self, bands: list[tuple[int, int]]) -> None: ...

    def close(self) -> None: ...


class SharedMemoryReader:
    """Rows by MIT-SHM into one segment that lives as long as the reader.

    Raises MissingCapabilityError where server and program share no memory.
    """

    def __init__(self, connection: X11Connection, drawable: int, area: Rect) -> None:
        self._connection, self._drawable, self._area = connection, drawable, area
        width, height = area.width, area.height
        self._opcode = connection.required("MIT-SHM").opcode
        connection.call(request(self._opcode, 0))
        self._segment = connection.new_id()
        memory = self._attach(4 * width * height)
        self.frame: Frame = np.ctypeslib.as_array(memory).reshape(height, width, 4)
        self._probe(min(height, _PROBE_ROWS))

    def read(self, bands: list[tuple[int, int]]) -> None:
        """Refresh the rows of each band (first row, row beyond) in place."""
        self.finish(self.ask(bands))

    def ask(self, bands: list[tuple[int, int]]) -> list[int]:
        """Queue requests for bands; `finish` waits for the answers."""
        return [
            self._connection.send(
                request(
                    self._opcode,
                    4,  # ShmGetImage
                    struct.pack(
                        "<IhhHHIBxxxII",
                        self._drawable,
                        self._area.x,
                        self._area.y + top,
                        self._area.width,
                        bottom - top,
                        _ALL_PLANES,
                        _Z_PIXMAP,
                        self._segment,
                        4 * self._area.width * top,
                    ),
                ),
                answered=True,
            )
            for top, bottom in bands
        ]

    def finish(self, answers: list[int]) -> None:
        """Wait until the rows that were asked for are in the frame."""
        for answer in answers:
            self._connection.reply(answer)

    def close(self) -> None:
        """Let the server go; the memory stays as long as an array refers to it."""
        self._connection.send(
            request(self._opcode, 2, struct.pack("<I", self._segment))
        )

    def _attach(self, size: int) -> "ctypes.Array[ctypes.c_ubyte]":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.shmat.restype = ctypes.c_void_p
        libc.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
        libc.shmdt.argtypes = [ctypes.c_void_p]
        identity = libc.shmget(_IPC_PRIVATE, ctypes.c_size_t(size), _IPC_CREAT | 0o600)
        if identity < 0:
            raise MissingCapabilityError("The system gives no shared memory.")
        try:
            address = libc.shmat(identity, None, 0)
            if address is None or address == ctypes.c_void_p(-1).value:
                raise MissingCapabilityError("The system gives no shared memory.")
            memory = (ctypes.c_ubyte * size).from_address(address)
            # Arrays made from the memory keep this object, so nobody reads it after.
            weakref.finalize(memory, libc.shmdt, address)
            self._connection.check(
                request(
                    self._opcode, 1, struct.pack("<IIB", self._segment, identity, 0)
                )
            )
        finally:
            # Gone with the last of the two that are attached, however they end.
            libc.shmctl(identity, _IPC_RMID, None)
        return memory

    def _probe(self, rows: int) -> None:
        """Make sure that the server writes into this segment.

        A server on another machine may have attached a segment of its own.
        """
        for _ in range(_PROBE_ATTEMPTS):  # the picture may change between two looks
            self.frame[:rows] = 0xA5
            self.read([(0, rows)])
            seen = _get_image(self._connection, self._drawable, self._area, 0, rows)
            if np.array_equal(self.frame[:rows], seen):
                return
        raise MissingCapabilityError("The display shares no memory with this program.")


class SocketReader:
    """Rows by plain GetImage: slower, and everywhere."""

    def __init__(self, connection: X11Connection, drawable: int, area: Rect) -> None:
        self._connection, self._drawable, self._area = connection, drawable, area
        self.frame: Frame = np.zeros((area.height, area.width, 4), np.uint8)

    def read(self, bands: list[tuple[int, int]]) -> None:
        """Refresh the rows of each band (first row, row beyond) in place."""
        step = max(_SOCKET_BAND // (4 * self._area.width), 1)
        for top, bottom in bands:
            for row in range(top, bottom, step):
                rows = min(step, bottom - row)
                self.frame[row : row + rows] = _get_image(
                    self._connection, self._drawable, self._area, row, rows
                )

    def close(self) -> None:
        """Nothing is held."""


def _get_image(
    connection: X11Connection, drawable: int, area: Rect, top: int, rows: int
) -> "Frame":
    place = (area.x, area.y + top, area.width, rows)
    answer = connection.call(
        request(
            73,  # GetImage
            _Z_PIXMAP,
            struct.pack("<IhhHHI", drawable, *place, _ALL_PLANES),
        )
    )
    size = 4 * area.width * rows
    return np.frombuffer(answer, np.uint8, size, 32).reshape(rows, area.width, 4)


def open_reader(
    connection: X11Connection, drawable: int, area: Rect
) -> tuple[ImageReader, str | None]:
    """Return the best reader, and why it is not the one by shared memory."""
    try:
        return SharedMemoryReader(connection, drawable, area), None
    except X11Error:
        why = "the display is on another machine or in another container"
    except MissingCapabilityError as error:
        why = str(error)
    return SocketReader(connection, drawable, area), why
