"""A minimal RFB client (RFC 6143, Tight by the community's specification).

It asks for updates and counts their bytes. Rectangles are walked as far as it takes to
know where they end; only JPEG pictures are kept, to be judged.
"""

import select
import socket
import struct
import time
from typing import Final

RAW, COPY_RECT, HEXTILE, TIGHT, ZRLE = 0, 1, 5, 7, 16
_CURSOR, _LAST_RECT = -239, -224
_LEVEL: Final = -256  # pseudo encoding of compression level 0
_QUALITY: Final = -32  # pseudo encoding of JPEG quality 0
_PIXEL_FORMAT: Final = struct.pack(
    ">BBBBHHHBBBxxx", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0
)


def encodings(first: int, quality: int | None = None) -> tuple[int, ...]:
    """What a client lists that prefers `first`; with a `quality`, JPEG may come."""
    some = (first, COPY_RECT, _CURSOR, _LAST_RECT, _LEVEL + 2)
    return some if quality is None else (*some, _QUALITY + quality)


class RfbClient:
    """One connection; `rate` limits how fast it reads (bytes/s, None = at once)."""

    def __init__(
        self,
        port: int,
        wanted: tuple[int, ...],
        rate: float | None = None,
        *,
        host: str = "127.0.0.1",
        connection: socket.socket | None = None,
    ) -> None:
        self._socket = connection or socket.create_connection((host, port), 10.0)
        self._socket.settimeout(20.0)
        if rate is not None:
            # Bytes in the kernel count as sent: a thin line has no such store.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        self._rate = rate
        self._free_at = 0.0
        self._data = bytearray()
        self.received = 0
        self.pictures: list[tuple[int, int, bytes]] = []
        """JPEG pictures of the last update: left, top, file."""
        self.places: list[tuple[int, int, int, int]] = []
        """Left, top, width and height of the rectangles of the last update."""
        self._read(12)
        self._socket.sendall(b"RFB 003.008\n")
        self._read(self._read(1)[0])
        self._socket.sendall(b"\x01")
        if self._read(4) != bytes(4):
            raise ConnectionError("the VNC server refuses a client without password")
        self._socket.sendall(b"\x01")
        self.width, self.height = struct.unpack(">HH", self._read(4))
        self._read(16)
        self._read(struct.unpack(">I", self._read(4))[0])
        self._socket.sendall(b"\0\0\0\0" + _PIXEL_FORMAT)
        self._socket.sendall(
            struct.pack(f">BxH{len(wanted)}i", 2, len(wanted), *wanted)
        )
        self.request(incremental=False)

    def request(self, *, incremental: bool = True) -> None:
        """Ask for the next update of the whole screen."""
        self._socket.sendall(
            struct.pack(">BBHHHH", 3, incremental, 0, 0, self.width, self.height)
        )

    def update(self, timeout: float) -> int:
        """Read one update and ask for the next; its bytes, 0 when none begins."""
        while self._data or select.select([self._socket], [], [], timeout)[0]:
            before = self.received
            kind = self._read(1)[0]
            if kind == 0:
                self._rectangles()
                self.request()
                return self.received - before
            if kind == 3:  # ServerCutText
                self._read(3)
                self._read(struct.unpack(">I", self._read(4))[0])
            elif kind != 2:  # Bell
                raise ConnectionError(f"message {kind} from the VNC server")
        return 0

    def send(self, message: bytes) -> None:
        """Send a message of the client."""
        self._socket.sendall(message)

    def close(self) -> None:
        """Leave."""
        self._socket.close()

    def _read(self, count: int) -> bytes:
        while len(self._data) < count:
            chunk = self._socket.recv(4096 if self._rate else 262144)
            if not chunk:
                raise ConnectionError("the VNC server closed the connection")
            self._data += chunk
            if self._rate:
                now = time.monotonic()
                self._free_at = max(self._free_at, now) + len(chunk) / self._rate
                time.sleep(max(self._free_at - now, 0.0))
        taken = bytes(self._data[:count])
        del self._data[:count]
        self.received += count
        return taken

    def _rectangles(self) -> None:
        (count,) = struct.unpack(">xH", self._read(3))
        self.pictures = []
        self.places = []
        for _ in range(count):
            fields = struct.unpack(">HHHHi", self._read(12))
            if fields[4] == _LAST_RECT:
                return
            if fields[4] != _CURSOR:
                self.places.append(fields[:4])
            self._rectangle(*fields)

    def _rectangle(
        self, x: int, y: int, width: int, height: int, encoding: int
    ) -> None:
        if encoding == RAW:
            self._read(4 * width * height)
        elif encoding == COPY_RECT:
            self._read(4)
        elif encoding == _CURSOR:
            self._read(4 * width * height + (width + 7) // 8 * height)
        elif encoding == ZRLE:
            self._read(struct.unpack(">I", self._read(4))[0])
        elif encoding == TIGHT:
            self._tight(x, y, width, height)
        elif encoding == HEXTILE:
            for down in range(0, height, 16):
                for across in range(0, width, 16):
                    self._hextile(min(16, width - across) * min(16, height - down))
        else:
            raise ConnectionError(f"encoding {encoding} was not asked for")

    def _hextile(self, pixels: int) -> None:
        flags = self._read(1)[0]
        if flags & 1:
            self._read(4 * pixels)
            return
        self._read(4 * (flags >> 1 & 1) + 4 * (flags >> 2 & 1))
        if flags & 8:
            count = self._read(1)[0]
            self._read(count * (6 if flags & 16 else 2))

    def _tight(self, x: int, y: int, width: int, height: int) -> None:
        control = self._read(1)[0]
        kind = control >> 4
        if kind == 8:  # one colour
            self._read(3)
            return
        if kind == 9:  # JPEG
            self.pictures.append((x, y, self._read(self._compact_length())))
            return
        size = 3 * width * height
        if control & 0x40 and self._read(1)[0] == 1:  # palette
            colours = self._read(1)[0] + 1
            self._read(3 * colours)
            row = (width + 7) // 8 if colours == 2 else width
            size = row * height
        self._read(size if size < 12 else self._compact_length())

    def _compact_length(self) -> int:
        length = shift = 0
        while True:
            byte = self._read(1)[0]
            length |= (byte & (0x7F if shift < 14 else 0xFF)) << shift
            shift += 7
            if byte < 0x80 or shift > 14:
                return length
