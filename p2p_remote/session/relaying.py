"""What a relayed datagram looks like on the wire: 0x30, channel, inner datagram.

A channel is named by its server and its number, whatever way leads to the server.
"""

from p2p_remote.traversal.carriers import Carriers
from p2p_remote.wire.address import Endpoint, Path, RelayPath
from p2p_remote.wire.first_byte import RELAYED

_HEADER = 5  # bytes: first byte and channel


def wrapped(data: bytes, path: Path, carriers: Carriers) -> tuple[bytes, Endpoint]:
    """Datagram as it leaves the socket, and where it goes."""
    if not isinstance(path, RelayPath):
        return data, path
    header = bytes([RELAYED]) + path.channel.to_bytes(4, "little")
    return header + data, carriers.current(path.server)


def unwrapped(data: bytes, server: Endpoint | None) -> tuple[bytes, RelayPath] | None:
    """Inner datagram and channel of one that came from `server`; None if it is none."""
    if server is None or len(data) <= _HEADER:
        return None
    channel = int.from_bytes(data[1:_HEADER], "little")
    return data[_HEADER:], RelayPath(server, channel)
