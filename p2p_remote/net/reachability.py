"""What can be told of a server that is silent: is a way there, and is anybody."""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from enum import Enum, auto

from p2p_remote.net.interfaces import InterfaceAddress, interface_addresses, is_usable
from p2p_remote.wire.address import Endpoint

_DISCARD_PORT = 9


class Knock(Enum):
    """What a TCP connection to a port has met."""

    TAKEN = auto()  # by somebody
    REFUSED = auto()  # by the machine itself, or by a firewall in its place
    NO_WAY = auto()  # as a router says
    SILENCE = auto()


def has_way(endpoint: Endpoint) -> bool:
    """Whether the system knows a way to an address; nothing is sent."""
    family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((endpoint.host, endpoint.port))
    except OSError:
        return False
    return True


def is_connected() -> bool:
    """Whether this machine is in any network but its own."""
    return any(is_usable(each) and _is_up(each) for each in interface_addresses())


def _is_up(address: InterfaceAddress) -> bool:
    """Whether a neighbour could be reached: an address stays where a link is down."""
    network = ipaddress.ip_network(f"{address.host}/{address.prefix_length}", False)
    others = (each for each in (network[0], network[-1]) if str(each) != address.host)
    neighbour = next(others, None)
    return neighbour is None or has_way(Endpoint(str(neighbour), _DISCARD_PORT))


async def knock(endpoints: Iterable[Endpoint], patience: float) -> dict[int, Knock]:
    """Try a TCP connection to each port of a host for so many s, and close it."""
    asked = list(endpoints)
    met = await asyncio.gather(*(_knock(each, patience) for each in asked))
    return {each.port: knock for each, knock in zip(asked, met, strict=True)}


async def _knock(endpoint: Endpoint, patience: float) -> Knock:
    try:
        async with asyncio.timeout(patience):
            _, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    except TimeoutError:
        return Knock.SILENCE
    except ConnectionRefusedError:
        return Knock.REFUSED
    except OSError:
        return Knock.NO_WAY
    writer.close()
    return Knock.TAKEN
