"""How large a datagram the path carries, found out on real sockets."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.line import Line
from tests.support.linkem import INTERFACE, Link

pytestmark = pytest.mark.netns

# Both ends know the key. The first argument says whether this one sends; every 0.1 s it
# prints what it knows. It ends with its standard input.
END = """
import asyncio, json, os, sys, time
from p2p_remote.crypto.sealing import Sealing
from p2p_remote.net.driver import Driver
from p2p_remote.net.udp_socket import open_udp_sockets
from p2p_remote.transport.config import Config
from p2p_remote.transport.connection import Connection
from p2p_remote.wire.address import Endpoint
from p2p_remote.wire.constants import CHANNEL_BULK

sends, local, remote = sys.argv[1] == "send", sys.argv[2], sys.argv[3]
received = 0

def on_event(event):
    global received
    received += len(getattr(event, "data", b""))

async def main():
    now = time.monotonic()
    own, other = (1, 2) if sends else (2, 1)
    sealing = Sealing(
        bytes(32), initiator=sends, local_index=own, remote_index=other, now=now
    )
    connection = Connection(Config(), sealing, Endpoint(remote, 5000), os.urandom, now)
    (socket,) = open_udp_sockets(5000, local)
    driver = Driver(connection, [socket], on_event)
    await driver.start()
    gone = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    while not gone.done():
        now = time.monotonic()
        while sends and connection.room(CHANNEL_BULK, now) > 0:
            connection.send_message(CHANNEL_BULK, bytes(8000), now)
        driver.poke()
        size = connection.statistics().datagram
        known = {"size": size, "received": received, "errors": dict(socket.errors)}
        print(json.dumps(known), flush=True)
        await asyncio.sleep(0.1)
    await driver.close()

asyncio.run(main())
"""


class Transfer:
    """Bulk from a to b, for as long as it takes."""

    def __init__(self, link: Link) -> None:
        self.link = link
        ends = ((("b", "a", "take")), ("a", "b", "send"))
        self._ends: dict[str, subprocess.Popen[str]] = {}
        for own, other, role in ends:
            addresses = (link.address(own), link.address(other))
            child = link.popen(own, sys.executable, "-c", END, role, *addresses)
            self._ends[own] = child

    def until(
        self, end: str, condition: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any]:
        """What an end knows as soon as the condition holds for it."""
        deadline = time.monotonic() + 60
        known: dict[str, Any] = {}
        while time.monotonic() < deadline:
            output = self._ends[end].stdout
            assert output is not None
            known = json.loads(output.readline())
            if condition(known):
                return known
        raise AssertionError(f"a minute later there is still {known}")

    def goes_on(self) -> None:
        """Wait until another 200 kB have arrived."""
        before = self.until("b", lambda _: True)["received"]
        self.until("b", lambda known: known["received"] > before + 200_000)


@pytest.fixture
def link() -> Iterator[Link]:
    with Link(Line(rate=20e6, delay=0.005)) as made:
        yield made


def test_a_narrow_place_on_the_way(link):
    """What the path drops without a word is not sent; 1420 bytes pass 1450."""
    link.set("both", mtu=1450)
    transfer = Transfer(link)
    transfer.until("a", lambda known: known["size"] == 1420)
    transfer.goes_on()


def test_a_narrow_device(link):
    """The system refuses what its own device cannot carry; that is a lost probe."""
    for end in "ab":
        link.run(end, "ip", "link", "set", INTERFACE, "mtu", "1410")
    transfer = Transfer(link)
    known = transfer.until("a", lambda known: known["size"] == 1372)
    transfer.goes_on()
    known = transfer.until("a", lambda known: "EMSGSIZE" in known["errors"])
    assert known["size"] == 1372


def test_a_path_that_becomes_narrow(link):
    """A black hole in mid transfer: small datagrams again, and nothing stands still."""
    transfer = Transfer(link)
    transfer.until("a", lambda known: known["size"] == 1472)
    transfer.goes_on()
    link.set("both", mtu=1300)
    transfer.until("a", lambda known: known["size"] == 1200)
    transfer.goes_on()


def test_a_device_below_the_base(link):
    """A device that carries less than 1200 bytes cuts them, as nothing else can."""
    for end in "ab":
        link.run(end, "ip", "link", "set", INTERFACE, "mtu", "1000")
    transfer = Transfer(link)
    transfer.goes_on()
    known = transfer.until("a", lambda known: "EMSGSIZE" in known["errors"])
    assert known["size"] == 1200


def test_a_path_below_the_base(link):
    """A tunnel that carries little and does not say so: what it carries is used."""
    link.set("both", mtu=900)
    transfer = Transfer(link)
    transfer.until("a", lambda known: known["size"] == 768)
    transfer.goes_on()
