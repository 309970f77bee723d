"""KEEPALIVE: renewing a lease, which nearly all datagrams ask for.

A million machines send fifty thousand of these a second, so none becomes a message
object and every operation here is counted. What is not a keepalive of a registration
from its proven address goes the general way, which finds out what is wrong with it.
"""

import struct

from p2p_remote.wire import rendezvous as wire
from p2p_remote.wire.constants import PROTOCOL_VERSION
from rendezvous.addresses import Address
from rendezvous.authentication import is_authentic
from rendezvous.counters import Counters
from rendezvous.enrolment import Enrolment
from rendezvous.registry import Registry

KEEPALIVE_BYTE = bytes((wire.Keepalive.TYPE,))
_SIZE = wire.Keepalive.size()
_START = wire.Keepalive.TYPE | PROTOCOL_VERSION << 8
_ACK_START = wire.KeepaliveAck.TYPE | PROTOCOL_VERSION << 8
_LOW_PART = 0xFFFF

# Types and versions as one number, the transaction as one, and an endpoint as three,
# so that masking it (`wire.masking`) is one operation for each.
_unpack_keepalive = struct.Struct("<HQII").unpack_from
_unpack_endpoint = struct.Struct("<QQH").unpack_from
_pack_ack = struct.Struct("<HQQQH").pack


class Keepalives:
    """Answers the keepalives of registered clients."""

    def __init__(
        self, registry: Registry, enrolment: Enrolment, counters: Counters
    ) -> None:
        """`enrolment` says who may be called by an ID that has come free."""
        self._registry = registry
        self._enrolment = enrolment
        self._received = counters.received

    def answer(self, data: bytes, path: Address, now: float) -> bytes | None:
        """KEEPALIVE-ACK; None, and no effect, if anything is wrong with `data`."""
        if len(data) != _SIZE:
            return None
        start, transaction, number, counter = _unpack_keepalive(data)
        registration = self._registry.get(number, now)
        if registration is None or start != _START or counter <= registration.counter:
            return None
        mac_key, peer_id, address = registration.lease()
        if address != path or not is_authentic(data, mac_key):
            return None
        self._received[wire.Keepalive.TYPE] += 1
        registration.counter = counter
        self._registry.renew(registration, now)
        if (
            peer_id
            and self._registry.called(peer_id, now) is None
            and self._enrolment.may_be_listed(registration)
        ):
            self._registry.list_again(registration)
        low, high, port = _unpack_endpoint(path)
        return _pack_ack(
            _ACK_START,
            transaction,
            low ^ transaction,
            high ^ transaction,
            port ^ transaction & _LOW_PART,
        )
