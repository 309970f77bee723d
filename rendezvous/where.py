"""WHERE: telling anybody how their socket looks from here. Stateless."""

from collections.abc import Sequence

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire.address import Endpoint, pack_endpoint
from p2p_remote.wire.where import WHERE, encode_here, transaction_of
from rendezvous.addresses import Address, endpoint_bytes, is_tcp, listener_of

WHERE_BYTE = bytes((WHERE,))
_EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104
_NONE = bytes(18)


class WhereAnswers:
    """Knows the server's own listening sockets, to name another one to who asks."""

    def __init__(self) -> None:
        self._others: list[tuple[int, bytes]] = []

    def set_listeners(self, listeners: Sequence[Endpoint]) -> None:
        """Take the endpoints of all listening sockets, in the order of their numbers.

        A socket that listens on every address is known by its port alone.
        """
        self._others = [
            (_other_port(each, listeners), _other_address(each, listeners))
            for each in listeners
        ]

    def answer(self, data: bytes, path: Address) -> bytes | None:
        """HERE for a WHERE that came from `path`; None for anything else.

        By TCP no other port or address is named: routers are compared by UDP.
        """
        try:
            transaction = transaction_of(data)
        except MalformedMessageError:
            return None
        number = listener_of(path)
        known = number < len(self._others) and not is_tcp(path)
        port, other = self._others[number] if known else (0, _NONE)
        return encode_here(transaction, endpoint_bytes(path), port, other)


def _other_port(own: Endpoint, listeners: Sequence[Endpoint]) -> int:
    """Another port at the same address; 0 if there is none."""
    for each in listeners:
        if each.host == own.host and each.port != own.port:
            return each.port
    return 0


def _other_address(own: Endpoint, listeners: Sequence[Endpoint]) -> bytes:
    """Packed endpoint at another address of the same family; zeros if none."""
    if own.host in _EVERY_ADDRESS:
        return _NONE
    for each in listeners:
        alike = (":" in each.host) == (":" in own.host)
        if alike and each.host != own.host and each.host not in _EVERY_ADDRESS:
            return pack_endpoint(each)
    return _NONE
