"""LAN discovery between network namespaces: real multicast on a real wire."""

import sys

import pytest

from p2p_remote.net.lan_discovery import NO_NETWORK
from tests.system.namespaces import Network
from tests.system.programs import Program

pytestmark = pytest.mark.netns

CUSTOMER, TECHNICIAN = 482913070, 100000007
PORT = 4000


def peer(network: Network, name: str, number: int) -> Program:
    """Start discovery in a namespace."""
    program = network.start(
        name, sys.executable, "-m", "tests.support.lan_peer", str(number), str(PORT)
    )
    program.event("starting")
    return program


def do(program: Program, command: str) -> dict:
    program.say(command)
    return program.event("done", do=command.split(maxsplit=1)[0])


def both(network: Network) -> tuple[Program, Program]:
    customer = peer(network, "customer", CUSTOMER)
    technician = peer(network, "technician", TECHNICIAN)
    for program in (customer, technician):
        assert program.event("ready")["problem"] == ""
        do(program, "advertise")
    return customer, technician


def test_both_find_each_other(lan):
    """With addresses to send to, found by browsing and by asking."""
    customer, technician = both(lan)
    at_technician = technician.event("found", id=CUSTOMER)
    at_customer = customer.event("found", id=TECHNICIAN)
    assert f"{lan.addresses['customer']}:{PORT}" in at_technician["addresses"]
    assert f"{lan.addresses['technician']}:{PORT}" in at_customer["addresses"]
    found = do(technician, f"find {CUSTOMER} 1")["addresses"]
    assert found[0] == f"{lan.addresses['customer']}:{PORT}"
    assert do(customer, "peers")["peers"] == [TECHNICIAN]


def test_a_peer_is_listed_within_half_a_second(lan):
    """Somebody who opens the list sees who is there."""
    customer = peer(lan, "customer", CUSTOMER)
    customer.event("ready")
    do(customer, "advertise")
    technician = peer(lan, "technician", TECHNICIAN)
    ready = technician.event("ready")["at"]
    found = technician.event("found", id=CUSTOMER)["at"]
    assert found - ready < 0.5


def test_withdrawn_peers_go_at_once(lan):
    """A goodbye is heard, and the peer can come back."""
    customer, technician = both(lan)
    technician.event("found", id=CUSTOMER)
    do(customer, "withdraw")
    technician.event("lost", id=CUSTOMER, timeout=5)
    assert do(technician, "peers")["peers"] == []
    do(customer, "advertise")
    technician.event("found", id=CUSTOMER, timeout=5)


def test_nothing_personal_is_told(lan):
    """Neither the user nor the computer has a name on the wire."""
    customer = peer(lan, "customer", CUSTOMER)
    customer.event("ready")
    script = """
import asyncio, json
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

async def main():
    zeroconf = AsyncZeroconf(interfaces=["{address}"])
    name = "{number}._p2pr._udp.local."
    info = AsyncServiceInfo("_p2pr._udp.local.", name)
    assert await info.async_request(zeroconf.zeroconf, 3000)
    print(json.dumps({{"event": "heard", "server": info.server,
                       "text": info.text.hex(), "port": info.port,
                       "names": sorted(zeroconf.zeroconf.cache.names())}}))
    await zeroconf.async_close()

asyncio.run(main())
""".format(address=lan.addresses["technician"], number=CUSTOMER)
    do(customer, "advertise")
    listener = lan.start("technician", sys.executable, "-c", script)
    heard = listener.event("heard")
    assert heard["server"] == f"p2pr-{CUSTOMER}.local."
    assert bytes.fromhex(heard["text"]) == b"\x03v=1"
    assert heard["port"] == PORT
    assert set(heard["names"]) <= {
        "_p2pr._udp.local.",
        f"{CUSTOMER}._p2pr._udp.local.",
        f"p2pr-{CUSTOMER}.local.",
    }


def test_without_a_network_it_says_so_and_waits_for_one(lan):
    """No crash; a cable that is plugged in later is noticed."""
    lan.ip("customer", "address", "flush", "dev", "eth0")
    lan.ip("customer", "-6", "address", "flush", "dev", "eth0")
    customer = peer(lan, "customer", CUSTOMER)
    assert customer.event("ready")["problem"] == NO_NETWORK
    do(customer, "advertise")
    assert do(customer, f"find {TECHNICIAN} 1")["addresses"] == []
    technician = peer(lan, "technician", TECHNICIAN)
    technician.event("ready")
    lan.assign("customer", "eth0", "192.168.77.2/24")
    technician.event("found", id=CUSTOMER, timeout=15)
    assert do(customer, "peers")["problem"] == ""


def test_only_ipv6(lan):
    """Peers that have nothing but link-local addresses find each other."""
    for name in ("customer", "technician"):
        lan.ip(name, "-4", "address", "flush", "dev", "eth0")
    customer, technician = both(lan)
    addresses = technician.event("found", id=CUSTOMER)["addresses"]
    assert all(address.startswith("[") for address in addresses)
    assert do(customer, f"find {TECHNICIAN} 2")["addresses"]


def test_a_firewall_that_lets_nothing_in(lan):
    """Nothing is found, nothing hangs."""
    lan.nft(
        "technician",
        """
add table inet wall
add chain inet wall input { type filter hook input priority 0; policy drop; }
add rule inet wall input iif lo accept
add rule inet wall input ct state established accept
""",
    )
    customer = peer(lan, "customer", CUSTOMER)
    customer.event("ready")
    do(customer, "advertise")
    technician = peer(lan, "technician", TECHNICIAN)
    assert technician.event("ready")["problem"] == ""
    assert do(technician, f"find {CUSTOMER} 0.5")["addresses"] == []
    assert do(technician, "close")
