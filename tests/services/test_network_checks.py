"""What doctor says of a server: each reason with a next step that is true."""

import asyncio
import socket
from types import SimpleNamespace

import pytest

from p2p_remote.crypto.identity import Identity
from p2p_remote.net.port_mapping import Lease
from p2p_remote.net.reachability import Knock
from p2p_remote.services import network_checks as checks
from p2p_remote.services import server_address
from p2p_remote.services.findings import BAD, GOOD, WARNING, Finding
from p2p_remote.services.running_node import NodeOptions
from p2p_remote.session.node_events import NodeRegistered
from p2p_remote.traversal.mapping import Dependence, Mapping
from p2p_remote.wire.address import Endpoint

IDENTITY = Identity.generate(lambda count: b"doctor".ljust(count, b"."))


async def findings(server: str | None, **options) -> dict[str, Finding]:
    """What is found, by subject."""
    asked = NodeOptions(IDENTITY, server=server, lan=False, proxy="none", **options)
    return {each.subject: each async for each in checks.check_network(asked)}


@pytest.mark.parametrize(
    ("met", "text", "advice"),
    [
        ({3479: Knock.REFUSED, 443: Knock.SILENCE}, "is there, but no", "running"),
        ({3479: Knock.SILENCE, 443: Knock.TAKEN}, "at port 443, but", "sign-in page"),
        ({3479: Knock.NO_WAY, 443: Knock.NO_WAY}, "there is no way", "right"),
        ({3479: Knock.SILENCE, 443: Knock.SILENCE}, "nothing comes", "web page"),
    ],
)
async def test_a_silent_server_is_looked_at(monkeypatch, met, text, advice):
    """Nobody at the port, somebody else, no way or a firewall: not the same."""

    async def knock(endpoints, _patience):
        return {each.port: met[each.port] for each in endpoints}

    monkeypatch.setattr(checks, "knock", knock)
    monkeypatch.setattr(checks, "SERVER_PATIENCE", 0.01)
    found = (await findings("127.0.0.1"))["server"]
    assert found.state == BAD
    assert text in found.text
    assert advice in found.advice


async def test_without_a_network_nothing_else_is_blamed(monkeypatch):
    """Not the server, and not its name."""
    monkeypatch.setattr(checks, "is_connected", lambda: False)
    monkeypatch.setattr(checks, "has_way", lambda _endpoint: False)
    found = (await findings("203.0.113.1"))["server"]
    assert found.text.endswith("this machine is in no network")
    assert found.advice == checks.JOIN_ONE


async def test_a_server_beyond_a_network_without_a_gateway(monkeypatch):
    """The way out is what is missing."""
    monkeypatch.setattr(checks, "is_connected", lambda: True)
    monkeypatch.setattr(checks, "has_way", lambda _endpoint: False)
    monkeypatch.setattr(checks, "SERVER_PATIENCE", 0.01)
    found = (await findings("127.0.0.1"))["server"]
    assert "no way leads out of this network" in found.text
    assert "gateway" in found.advice


@pytest.mark.parametrize(
    ("error", "text", "advice"),
    [
        (socket.gaierror(socket.EAI_NONAME, ""), "is not known", "how its name"),
        (socket.gaierror(socket.EAI_AGAIN, ""), "No name server", "sign-in page"),
        (TimeoutError(), "No name server", "sign-in page"),
        (OSError("label too long"), "is not known", "how its name"),
    ],
)
async def test_an_unknown_name_is_told_from_a_silent_name_server(
    monkeypatch, error, text, advice
):
    """The one is to be spelt another way, the other is the network's."""

    async def look_up(_host, _port):
        raise error

    monkeypatch.setattr(server_address, "look_up", look_up)
    monkeypatch.setattr(checks, "is_connected", lambda: True)
    found = await findings("rendezvous.test")
    assert found["server"].state == BAD
    assert text in found["server"].text
    assert advice in found["server"].advice
    assert "local network" in found


async def test_a_name_that_leads_into_the_network(monkeypatch):
    """So do all names where somebody has to sign in first."""

    async def knock(_endpoints, _patience):
        return {3479: Knock.REFUSED, 443: Knock.TAKEN}

    monkeypatch.setattr(checks, "knock", knock)
    monkeypatch.setattr(checks, "has_way", lambda _endpoint: True)
    inside = Endpoint("192.168.1.1", 3479)
    found = await checks._silence("rendezvous.test", inside, "")
    assert found.text.startswith("rendezvous.test (192.168.1.1) takes")
    assert found.advice.startswith("Its name leads into this network")
    named = await checks._silence("192.168.1.1", inside, "")
    assert "leads into" not in named.advice


async def finding_behind_hard_router(lease, *, is_behind_another=False) -> Finding:
    """What is said of a router that gives every destination another port."""
    asked = asyncio.Event()
    asked.set()
    running = SimpleNamespace(
        node=SimpleNamespace(
            mapping=Mapping(Dependence.ADDRESS_AND_PORT),
            config=SimpleNamespace(candidates=()),
        ),
        port_mapping=SimpleNamespace(
            asked=asked, lease=lease, is_behind_another=is_behind_another
        ),
    )
    server = Endpoint("203.0.113.1", 3479)
    answer = NodeRegistered(Endpoint("198.51.100.1", 5000), server)
    return await checks._router_finding(answer, running)


@pytest.mark.parametrize("lease", [None, Lease(Endpoint("198.51.100.1", 7), 60, "PCP")])
async def test_a_hard_router_that_opens_a_port_is_no_trouble(lease):
    """Its mapping is told; what to do, only where it has not helped itself."""
    found = await finding_behind_hard_router(lease)
    assert "a symmetric one" in found.text
    assert found.state == (WARNING if lease is None else GOOD)
    assert ("by PCP" in found.text) is (lease is not None)
    assert ("UPnP" in found.advice) is (lease is None)


async def test_a_port_is_not_advised_where_a_provider_stands_in_front():
    """The router at home would open one, and nothing would come through it."""
    found = await finding_behind_hard_router(None, is_behind_another=True)
    assert "behind another router" in found.text
    assert found.advice == checks.PROVIDERS_ROUTER
