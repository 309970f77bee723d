"""Port mapping against routers of our own, on loopback."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_remote.errors import MalformedMessageError
from p2p_remote.net import igd, pcp, port_mapping
from p2p_remote.net.port_mapping import Lease, PortMapping, Router
from p2p_remote.wire.address import Endpoint

PUBLIC = "198.51.100.77"
HOME = "127.0.0.1"
DESCRIPTION = (
    "<root><device><serviceList><service><serviceType>urn:schemas-upnp-org:service:"
    "Layer3Forwarding:1</serviceType><controlURL>/l3</controlURL></service>"
    "<service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1"
    "</serviceType><controlURL>/control</controlURL></service></serviceList></device>"
    "</root>"
)


class Gateway(asyncio.DatagramProtocol):
    """A router that speaks some protocols and remembers what it has mapped."""

    def __init__(self, speaks: set[str], public: str) -> None:
        self.speaks = speaks
        self.public = socket.inet_aton(public)
        self.mapped: dict[int, int] = {}
        self.transport: Any = None
        self.http_port = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self.answer(data)
        if answer:
            self.transport.sendto(answer, addr)

    def answer(self, data: bytes) -> bytes:
        if data.startswith(b"M-SEARCH"):
            if "igd" not in self.speaks:
                return b""
            where = f"http://{HOME}:{self.http_port}/rootDesc.xml"
            return f"HTTP/1.1 200 OK\r\nLOCATION: {where}\r\n\r\n".encode()
        if data[0] == 2:
            return self.pcp(data)
        if "pmp" not in self.speaks:
            return b""
        if data == bytes(2):
            return struct.pack("!BBHI4s", 0, 128, 0, 5, self.public)
        _, _, _, internal, _, lifetime = struct.unpack("!BBHHHI", data)
        self.note(internal, 40_001, lifetime)
        return struct.pack("!BBHIHHI", 0, 129, 0, 5, internal, 40_001, lifetime)

    def pcp(self, data: bytes) -> bytes:
        if "pcp" not in self.speaks:
            return struct.pack("!BBHI", 0, 128, pcp.UNSUPPORTED_VERSION, 5)
        lifetime = int.from_bytes(data[4:8], "big")
        internal = int.from_bytes(data[40:42], "big")
        self.note(internal, 40_002, lifetime)
        head = struct.pack("!BBBBII12x", 2, 0x81, 0, 0, lifetime, 5)
        address = bytes(10) + b"\xff\xff" + self.public
        return head + data[24:42] + struct.pack("!H", 40_002) + address

    def note(self, internal: int, external: int, lifetime: int) -> None:
        if lifetime:
            self.mapped[external] = internal
        else:
            self.mapped.pop(external, None)

    async def http(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        body = DESCRIPTION
        if head.startswith("POST /control "):
            length = int(head.lower().partition("content-length: ")[2].split("\r")[0])
            asked = (await reader.readexactly(length)).decode()
            external = asked.partition("<NewExternalPort>")[2].partition("<")[0]
            internal = asked.partition("<NewInternalPort>")[2].partition("<")[0]
            if "AddPortMapping" in asked:
                self.mapped[int(external)] = int(internal)
            elif "DeletePortMapping" in asked:
                self.mapped.pop(int(external), None)
            address = socket.inet_ntoa(self.public)
            body = f"<NewExternalIPAddress>{address}</NewExternalIPAddress>"
        answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        writer.write(answer.encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def gateway(
    *speaks: str, public: str = PUBLIC
) -> AsyncIterator[tuple[Gateway, Router]]:
    """A running router and where it is asked."""
    loop = asyncio.get_running_loop()
    transport, running = await loop.create_datagram_endpoint(
        lambda: Gateway(set(speaks), public), local_addr=(HOME, 0)
    )
    port = transport.get_extra_info("sockname")[1]
    server = await asyncio.start_server(running.http, HOME, 0)
    running.http_port = server.sockets[0].getsockname()[1]
    try:
        yield running, Router(HOME, HOME, port, (HOME, port))
    finally:
        transport.close()
        server.close()
        await server.wait_closed()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    """Routers on this machine answer at once or not at all."""
    monkeypatch.setattr(port_mapping, "WAITS", (0.2,))
    monkeypatch.setattr(port_mapping, "IGD_PATIENCE", 2.0)


@pytest.mark.parametrize(
    ("speaks", "port", "protocol"),
    [
        (("pcp", "pmp", "igd"), 40_002, "PCP"),
        (("pmp", "igd"), 40_001, "NAT-PMP"),
        (("igd",), 5000, "UPnP IGD"),
    ],
)
async def test_each_protocol(speaks, port, protocol):
    """The first protocol that works maps the port, and it is given back at the end."""
    async with gateway(*speaks) as (router, where):
        told: asyncio.Queue[Endpoint | None] = asyncio.Queue()
        mapping = PortMapping(5000, told.put_nowait, lambda: where)
        mapping.start()
        async with asyncio.timeout(5):
            assert await told.get() == Endpoint(PUBLIC, port)
        assert mapping.lease is not None
        assert mapping.lease.protocol == protocol
        assert router.mapped == {port: 5000}
        await mapping.close()
        assert router.mapped == {}


@pytest.mark.parametrize("speaks", [("pcp",), ("pmp",), ("igd",)])
@pytest.mark.parametrize("public", ["100.64.3.4", "10.0.0.8"])
async def test_a_private_external_address_is_of_no_use(speaks, public):
    """Behind a carrier's NAT nothing is told."""
    async with gateway(*speaks, public=public) as (_, where):
        mapping = PortMapping(5000, lambda _: None, lambda: where)
        assert await mapping.ask() is None
        assert mapping.is_behind_another


async def test_no_router_that_can(monkeypatch):
    """A router that speaks nothing, or none at all, is no error."""
    monkeypatch.setattr(port_mapping, "WAITS", (0.01, 0.01))
    monkeypatch.setattr(port_mapping, "IGD_PATIENCE", 0.1)
    async with gateway() as (_, where):
        assert await PortMapping(5000, lambda _: None, lambda: where).ask() is None
    assert await PortMapping(5000, lambda _: None, lambda: None).ask() is None


async def test_only_the_router_itself_is_asked_further():
    """A description on another machine is not fetched."""
    with pytest.raises(MalformedMessageError):
        igd.location(b"HTTP/1.1 200 OK\r\nLocation: http://192.0.2.9/x\r\n", HOME)
    url = igd.Url(HOME, 80, "/x")
    elsewhere = DESCRIPTION.replace("/control<", "http://192.0.2.9/c<")
    with pytest.raises(MalformedMessageError):
        igd.service(elsewhere, url)
    assert igd.service(DESCRIPTION, url).url == igd.Url(HOME, 80, "/control")


@pytest.mark.parametrize(
    "description",
    [
        DESCRIPTION.replace("/control<", "http://[<"),
        f"<URLBase>http://[</URLBase>{DESCRIPTION}",
        DESCRIPTION.replace("/control<", f"http://{HOME}\u2100/<"),
    ],
)
def test_an_address_that_is_none_is_refused(description):
    """It would end the task that keeps the port, and the program's end with it."""
    with pytest.raises(MalformedMessageError):
        igd.service(description, igd.Url(HOME, 80, "/x"))


def test_pcp_request_layout():
    """The request is the one of RFC 6887 sections 7.1 and 11.1."""
    data = pcp.pcp_request("192.168.1.10", 5000, 600, bytes(range(12)), 6000)
    assert len(data) == 60
    assert data[:8] == bytes((2, 1, 0, 0)) + (600).to_bytes(4, "big")
    assert data[8:24] == bytes(10) + b"\xff\xff" + bytes((192, 168, 1, 10))
    assert data[24:36] == bytes(range(12))
    assert data[36:44] == bytes((17, 0, 0, 0)) + struct.pack("!HH", 5000, 6000)


@given(st.binary(max_size=70), st.text(max_size=200))
def test_anything_is_read_or_refused(data, text):
    """Whatever a device says gives a value or a MalformedMessageError."""
    url = igd.Url(HOME, 80, "/")
    reads = (
        lambda: pcp.pcp_response(data),
        lambda: pcp.pmp_response(data),
        lambda: pcp.pmp_address(data),
        lambda: igd.location(b"LOCATION: " + data, HOME),
        lambda: igd.body_of(data),
        lambda: igd.service(f"<URLBase>{text}</URLBase>{DESCRIPTION}", url),
        lambda: igd.service(DESCRIPTION.replace("/control<", f"{text}<"), url),
        lambda: igd.external_address(text),
    )
    for read in reads:
        try:
            read()
        except MalformedMessageError:
            continue


def test_leases_are_bounded():
    """A router cannot make us wait for ever or ask without end."""
    short = port_mapping._lease(pcp.Mapped(0, 1, 2, 1), PUBLIC, "PCP")
    long = port_mapping._lease(pcp.Mapped(0, 1, 2, 2**32 - 1), PUBLIC, "PCP")
    assert short == Lease(Endpoint(PUBLIC, 2), 60, "PCP")
    assert long.seconds == 1200
    with pytest.raises(MalformedMessageError):
        port_mapping._lease(pcp.Mapped(0, 1, 0, 600), PUBLIC, "PCP")
