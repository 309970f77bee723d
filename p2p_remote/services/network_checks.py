"""What `doctor` finds in the network: the server, the router, the machines nearby."""

import asyncio
import contextlib
import ipaddress
from collections.abc import AsyncIterator
from dataclasses import replace

from p2p_remote.errors import NetworkError
from p2p_remote.net.reachability import Knock, has_way, is_connected, knock
from p2p_remote.services.findings import BAD, GOOD, WARNING, Finding
from p2p_remote.services.running_node import NodeOptions, RunningNode
from p2p_remote.services.server_address import split_host_port
from p2p_remote.session import node_events as nd
from p2p_remote.traversal.candidate import Scope, scope_of
from p2p_remote.traversal.carriers import HTTPS_PORT
from p2p_remote.traversal.mapping import Mapping
from p2p_remote.traversal.reasons import describe
from p2p_remote.wire.address import (
    Endpoint,
    ProxiedEndpoint,
    TcpEndpoint,
    TlsEndpoint,
    is_unresolved,
)
from p2p_remote.wire.constants import DEFAULT_RENDEZVOUS_PORT

SERVER_PATIENCE = 5.0  # s; a silent proxy is known as such after 4
KNOCK_PATIENCE = 1.5  # s
LAN_PATIENCE = 1.5  # s
ROUTER_PATIENCE = 2.0  # s to measure how the router maps
ROUTER_LOOKS = 20
OPENED_PATIENCE = 4.0  # s for the router to open a port, where that matters

NO_NETWORK = "this machine is in no network"
JOIN_ONE = "Plug the cable in or switch the wireless network on."
PROVIDERS_ROUTER = (
    "Direct paths take longer or fail. To help, use IPv6 on both sides, or switch UPnP "
    "or NAT-PMP on at the other side's router; at this one it does not help."
)
_PROXY = "If this network has a proxy, name it with --proxy http://HOST:PORT."
_SIGN_IN = "If this network has a sign-in page, open any web page and sign in first."


async def check_network(options: NodeOptions) -> AsyncIterator[Finding]:
    """Look whether the server answers, what the router does, how the LAN is.

    Raises:
        NetworkError: not even a socket can be had.

    """
    registered: asyncio.Future[nd.NodeRegistered] = (
        asyncio.get_running_loop().create_future()
    )

    def on_event(event: nd.NodeEvent) -> None:
        if isinstance(event, nd.NodeRegistered) and not registered.done():
            registered.set_result(event)

    running = RunningNode(options)
    try:
        await running.start(on_event)
    except NetworkError as error:
        yield _unknown_finding(error)
        running = RunningNode(replace(options, server=None))
        await running.start(on_event)
    else:
        async for finding in _check_server(options.server, running, registered):
            yield finding
    try:
        yield await _lan_finding(running)
    finally:
        await running.close()


async def _check_server(
    server: str | None,
    running: RunningNode,
    registered: "asyncio.Future[nd.NodeRegistered]",
) -> AsyncIterator[Finding]:
    if server is None:
        advice = "Name one with --rendezvous HOST to reach other networks."
        yield Finding("server", WARNING, "none is set", advice)
        return
    endpoints = running.node.config.servers
    if not (is_connected() or any(map(has_way, endpoints))):
        yield _out_of_reach(server)
        return
    began = running.clock()
    try:
        async with asyncio.timeout(SERVER_PATIENCE):
            answer = await registered
    except TimeoutError:
        yield await _silence(server, endpoints[0], running.proxy_trouble)
        return
    elapsed = (running.clock() - began) * 1000
    yield _server_finding(server, answer, elapsed)
    yield await _router_finding(answer, running)


def _out_of_reach(server: str) -> Finding:
    text = f"{server} cannot be reached: {NO_NETWORK}"
    return Finding("server", BAD, text, JOIN_ONE)


def _unknown_finding(error: NetworkError) -> Finding:
    """The server's address is not known. Without a network no name is."""
    text, _, advice = str(error).rpartition(". ")
    if not is_connected():
        return Finding("server", BAD, f"{text}: {NO_NETWORK}", JOIN_ONE)
    return Finding("server", BAD, text, advice)


async def _silence(server: str, endpoint: Endpoint, trouble: str) -> Finding:
    """Find out why no answer comes; `trouble` is what the proxy says."""
    if trouble:
        text = f"{server} answers neither by UDP nor by TCP, and not through the proxy"
        return Finding("server", BAD, text, trouble)
    if is_unresolved(endpoint):
        text = f"nobody here knows where {server} is, and the proxy does not answer"
        return Finding("server", BAD, text, "Are the names of the two right?")
    where = server if endpoint.host in server else f"{server} ({endpoint.host})"
    if not has_way(endpoint):
        text = f"{where} cannot be reached: no way leads out of this network"
        advice = f"Is the router (the default gateway) on and set? {_PROXY}"
        return Finding("server", BAD, text, advice)
    ports = dict.fromkeys((endpoint.port, HTTPS_PORT))
    met = await knock((Endpoint(endpoint.host, port) for port in ports), KNOCK_PATIENCE)
    text, advice = _met_in_words(where, met)
    if where != server and scope_of(endpoint) is Scope.PRIVATE:
        advice = f"Its name leads into this network. {_SIGN_IN} {advice}"
    return Finding("server", BAD, text, advice)


def _met_in_words(where: str, met: dict[int, Knock]) -> tuple[str, str]:
    """Text and advice, by what TCP connections have met."""
    ports = " or ".join(map(str, met))
    taken = [str(port) for port in met if met[port] is Knock.TAKEN]
    if taken:
        text = (
            f"{where} takes connections at port {' and '.join(taken)}, but does not "
            "answer as a rendezvous server"
        )
        advice = f"Is the address right? {_SIGN_IN}"
    elif Knock.REFUSED in met.values():
        text = f"{where} is there, but no rendezvous server answers at port {ports}"
        advice = (
            "Is the server running, and at this port? If it is, a firewall refuses "
            f"what is sent there. {_PROXY}"
        )
    elif Knock.NO_WAY in met.values():
        text = f"the network says that there is no way to {where}"
        advice = f"Is the address right, and the server switched on? {_PROXY}"
    else:
        text = f"nothing comes back from {where}, neither by UDP nor by TCP"
        advice = (
            "Does a web page open here? If not, it is this network: is it online, has "
            "it a sign-in page? If one does: is the address right, is the server on, "
            f"does a firewall drop what is sent there? {_PROXY}"
        )
    return text, advice


def _server_finding(
    server: str, answer: nd.NodeRegistered, elapsed_ms: float
) -> Finding:
    """Judge how the server answers."""
    if isinstance(answer.carrier, TcpEndpoint):
        how = _way_in_words(answer.carrier)
        text = f"{server} does not answer by UDP, but {how}"
        advice = "Sessions work, more slowly. Allow UDP in this network's firewall."
        return Finding("server", WARNING, text, advice)
    if answer.carrier.port != split_host_port(server, DEFAULT_RENDEZVOUS_PORT)[1]:
        text = f"{server} answers by UDP on port {answer.carrier.port} only"
        advice = "Sessions work, few of them directly. Allow UDP to all ports."
        return Finding("server", WARNING, text, advice)
    # Registering takes two round trips.
    text = f"{server} answers in about {elapsed_ms / 2:.0f} ms"
    return Finding("server", GOOD, text)


def _way_in_words(carrier: TcpEndpoint) -> str:
    if isinstance(carrier, ProxiedEndpoint):
        return f"through your network's proxy, to port {carrier.port}"
    if isinstance(carrier, TlsEndpoint):
        return f"by TLS on port {carrier.port}: this network lets only TLS through"
    return f"by TCP on port {carrier.port}"


async def _router_finding(answer: nd.NodeRegistered, running: RunningNode) -> Finding:
    reflexive = answer.reflexive
    own = {each.endpoint for each in running.node.config.candidates}
    if reflexive in own or ipaddress.ip_address(reflexive.host).is_loopback:
        return Finding("router", GOOD, f"no address translation, seen as {reflexive}")
    for _ in range(ROUTER_LOOKS):
        if running.node.mapping is not None:
            break
        await asyncio.sleep(ROUTER_PATIENCE / ROUTER_LOOKS)
    mapping = running.node.mapping or Mapping()
    text, advice = describe(mapping, by_udp=not isinstance(answer.carrier, TcpEndpoint))
    text = f"seen as {reflexive}; {text}"
    opener = running.port_mapping
    if mapping.is_dependent and opener is not None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(OPENED_PATIENCE):
                await opener.asked.wait()
        if opener.lease is not None:
            opened = f"by {opener.lease.protocol} it has opened a port for direct paths"
            return Finding("router", GOOD, f"{text}; {opened}")
        if opener.is_behind_another:
            text += "; it stands behind another router, most likely the provider's"
            advice = PROVIDERS_ROUTER
    return Finding("router", WARNING if advice else GOOD, text, advice)


async def _lan_finding(running: RunningNode) -> Finding:
    if running.lan is None:
        return Finding("local network", WARNING, "switched off by --no-lan")
    if not is_connected():
        return Finding("local network", WARNING, NO_NETWORK, JOIN_ONE)
    await asyncio.sleep(LAN_PATIENCE)
    if running.lan_problem:
        return Finding("local network", WARNING, running.lan_problem)
    count = len(running.lan.peers())
    return Finding("local network", GOOD, f"{count} other machine(s) can be called")
