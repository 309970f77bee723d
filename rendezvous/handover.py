"""What a server hands to the process that takes its place.

Leases with their MAC keys and addresses, and relay channels, so that clients notice
nothing of a restart. The bytes are as secret as the server's memory. Whatever does not
fit is left out, and its client registers again as after any restart.
"""

import struct

from p2p_remote.errors import MalformedMessageError
from rendezvous.addresses import ADDRESS_LENGTH, Address
from rendezvous.protocol import Protocol
from rendezvous.registry import Registration
from rendezvous.relay import Channel, Side

_MAGIC = b"p2pr handover 1\n"
_HEADER = struct.Struct("<16s32sdII")
_REGISTRATION = struct.Struct("<IIId32s16s19s")
_SIDE = "32sI19s?"
_CHANNEL = struct.Struct("<I?Q" + 2 * _SIDE)


def pack(protocol: Protocol, sockets: bytes, now: float) -> bytes:
    """All that `unpack` needs.

    Args:
        protocol: the server.
        sockets: 32 bytes that tell its listening sockets, in their order.
        now: s, of a clock that the next process shares.

    """
    registrations = [
        _REGISTRATION.pack(
            each.number,
            each.peer_id,
            each.counter,
            each.deadline,
            each.public,
            each.mac_key,
            each.address,
        )
        for each in protocol.registry
        if each.deadline > now
    ]
    channels = [
        _CHANNEL.pack(
            channel.number,
            channel.agreed,
            call,
            *_side_fields(channel.caller),
            *_side_fields(channel.callee),
        )
        for channel, call in protocol.introductions.calls()
        if channel.caller.remote is None and channel.callee.remote is None
    ]
    header = _HEADER.pack(_MAGIC, sockets, now, len(registrations), len(channels))
    return b"".join((header, *registrations, *channels))


def unpack(data: bytes, protocol: Protocol, sockets: bytes, now: float) -> int:
    """Give everything to a new server; returns how many leases it has taken over.

    Raises:
        MalformedMessageError: it is not for this server, or of another time.

    """
    if len(data) < _HEADER.size:
        raise MalformedMessageError("no handover")
    magic, theirs, written, registrations, channels = _HEADER.unpack_from(data)
    channels_at = _HEADER.size + registrations * _REGISTRATION.size
    if (
        magic != _MAGIC
        or theirs != sockets
        or written > now  # the machine has been started anew
        or len(data) != channels_at + channels * _CHANNEL.size
    ):
        raise MalformedMessageError("not a handover to this server")
    taken = 0
    for fields in _REGISTRATION.iter_unpack(data[_HEADER.size : channels_at]):
        number, peer_id, counter, deadline, public, mac_key, address = fields
        if deadline > now:
            keys = (public, mac_key)
            registration = Registration(number, peer_id, keys, address, deadline)
            registration.counter = counter
            protocol.take_over(registration)
            taken += 1
    for fields in _CHANNEL.iter_unpack(data[channels_at:]):
        number, agreed, call, *sides = fields
        channel = Channel(number, _side(sides[:4]), _side(sides[4:]), now)
        protocol.introductions.take_over(channel, call, now, agreed=agreed)
    return taken


def _side_fields(side: Side) -> tuple[bytes, int, Address, bool]:
    return side.public, side.registration, side.address, side.punched


def _side(fields: list[bytes | int | bool]) -> Side:
    public, registration, address, punched = fields
    if not isinstance(public, bytes) or not isinstance(address, bytes):
        raise MalformedMessageError("not a side of a channel")
    if len(address) != ADDRESS_LENGTH:
        raise MalformedMessageError("not an address")
    return Side(public, int(registration), Address(address), punched=bool(punched))
