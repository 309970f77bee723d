"""What nodes of a fleet tell each other about a call: fixed-size structs.

They travel through the store, one channel to each node, in order. `node` is the sender;
`channel` is the number of the channel at the receiver. Layouts are those of the
client's messages, with the node's name in the place of the transaction.
"""

import struct
from dataclasses import dataclass
from typing import ClassVar

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire.constants import PROTOCOL_VERSION
from p2p_remote.wire.rendezvous import Message

_HEADER = "<BB8s"
_SHORTEST = struct.calcsize(_HEADER)


@dataclass(frozen=True, slots=True)
class Invite(Message):
    """A call for somebody at your node.

    `own_channel` and `link` say where relayed datagrams for the caller go; `caller` is
    its key and `address` its packed endpoint, for PUNCH; `callee` is the key called.
    """

    TYPE: ClassVar[int] = 1
    LAYOUT: ClassVar[struct.Struct] = struct.Struct(_HEADER + "I18s32s18s32sIQ119s")
    node: bytes
    own_channel: int
    link: bytes
    caller: bytes
    address: bytes
    callee: bytes
    target_id: int
    call: int
    first_message: bytes


@dataclass(frozen=True, slots=True)
class Accepted(Message):
    """It rings here, and this is where relayed datagrams for the callee go."""

    TYPE: ClassVar[int] = 2
    LAYOUT: ClassVar[struct.Struct] = struct.Struct(_HEADER + "II18s")
    node: bytes
    channel: int
    own_channel: int
    link: bytes


@dataclass(frozen=True, slots=True)
class Ended(Message):
    """The channel is closed; `unanswered` if nobody has answered RING."""

    TYPE: ClassVar[int] = 3
    LAYOUT: ClassVar[struct.Struct] = struct.Struct(_HEADER + "I?")
    node: bytes
    channel: int
    unanswered: bool


@dataclass(frozen=True, slots=True)
class Agreed(Message):
    """The callee lets the caller know its packed endpoint `address`."""

    TYPE: ClassVar[int] = 4
    LAYOUT: ClassVar[struct.Struct] = struct.Struct(_HEADER + "I18s")
    node: bytes
    channel: int
    address: bytes


@dataclass(frozen=True, slots=True)
class Moved(Message):
    """The side at this node has proved another packed endpoint."""

    TYPE: ClassVar[int] = 5
    LAYOUT: ClassVar[struct.Struct] = struct.Struct(_HEADER + "I18s")
    node: bytes
    channel: int
    address: bytes


@dataclass(frozen=True, slots=True)
class Meeting(Message):
    """A client of this node has shown a token that one of yours shows as well.

    `own_channel` and `link` say where relayed datagrams for the client go; `public` is
    its key, `address` its packed endpoint. `channel` is 0 in the first of two: the
    answer tells the same about the other client.
    """

    TYPE: ClassVar[int] = 6
    LAYOUT: ClassVar[struct.Struct] = struct.Struct(_HEADER + "II18s16s32s18s")
    node: bytes
    channel: int
    own_channel: int
    link: bytes
    token: bytes
    public: bytes
    address: bytes


FleetMessage = Invite | Accepted | Ended | Agreed | Moved | Meeting
_BY_TYPE: dict[int, type[FleetMessage]] = {
    kind.TYPE: kind for kind in (Invite, Accepted, Ended, Agreed, Moved, Meeting)
}


def decode(data: bytes) -> FleetMessage:
    """Message in `data`.

    Raises:
        MalformedMessageError: unknown type or version, or wrong length.

    """
    if len(data) < _SHORTEST or data[1] != PROTOCOL_VERSION:
        raise MalformedMessageError("not a fleet message")
    kind = _BY_TYPE.get(data[0])
    if kind is None or len(data) != kind.LAYOUT.size:
        raise MalformedMessageError("unknown fleet message")
    return kind(*kind.LAYOUT.unpack(data)[2:])
