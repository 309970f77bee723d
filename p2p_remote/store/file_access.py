"""Reading and writing at an offset, whatever the offset of the descriptor is.

Descriptors that two processes have share one offset. Windows has no such calls, so
there one thread at a time may use a descriptor; nothing is handed to processes there.
"""

import os
import sys


def read_at(descriptor: int, offset: int, size: int) -> bytes:
    """Read `size` bytes from `offset`; less only at the end of the file.

    Raises:
        OSError: it cannot be read.

    """
    data = _read(descriptor, offset, size)
    while len(data) < size:
        more = _read(descriptor, offset + len(data), size - len(data))
        if not more:
            break
        data += more
    return data


def write_at(descriptor: int, offset: int, data: bytes | memoryview) -> None:
    """Write all of `data` to `offset`.

    Raises:
        OSError: it cannot be written, or not all of it.

    """
    rest = memoryview(data)
    while rest:
        written = _write(descriptor, offset, rest)
        offset += written
        rest = rest[written:]


if sys.platform == "win32":

    def _read(descriptor: int, offset: int, size: int) -> bytes:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, size)

    def _write(descriptor: int, offset: int, data: memoryview) -> int:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.write(descriptor, data)

else:

    def _read(descriptor: int, offset: int, size: int) -> bytes:
        return os.pread(descriptor, size, offset)

    def _write(descriptor: int, offset: int, data: memoryview) -> int:
        return os.pwrite(descriptor, data, offset)
