"""What `doctor` looks at: each finding says what it means and what to do next."""

import asyncio
import contextlib
import ipaddress
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

from p2p_remote.errors import RemoteSupportError
from p2p_remote.services.desk import Desk
from p2p_remote.services.running_node import NodeOptions, RunningNode
from p2p_remote.services.server_address import split_host_port
from p2p_remote.session import node_events as nd
from p2p_remote.terminal.capabilities import Capabilities
from p2p_remote.terminal.probe import probe_terminal
from p2p_remote.traversal.mapping import Mapping
from p2p_remote.traversal.reasons import describe
from p2p_remote.wire.address import ProxiedEndpoint, TcpEndpoint, TlsEndpoint
from p2p_remote.wire.constants import DEFAULT_RENDEZVOUS_PORT

GOOD, WARNING, BAD = "ok", "warning", "bad"
SERVER_PATIENCE = 5.0  # s; a silent proxy is known as such after 4
LAN_PATIENCE = 1.5  # s
ROUTER_PATIENCE = 2.0  # s to measure how the router maps
ROUTER_LOOKS = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `advice` is the next step; empty when none is needed."""

    subject: str
    state: str
    text: str
    advice: str = ""


def check_desk() -> list[Finding]:
    """Look whether this machine can be shared and controlled, and F11 is heard."""
    try:
        desk = Desk("auto")
    except RemoteSupportError as error:
        advice = "This machine can still help others: p2p-remote connect ID"
        return [Finding("screen", WARNING, str(error), advice)]
    try:
        source = desk.source
        size = f"{source.width} x {source.height} pixels by {source.name}"
        found = [Finding("screen", GOOD, size)]
        if desk.sink is not None:
            found.append(Finding("input", GOOD, "mouse and keyboard can be controlled"))
        else:
            found.append(Finding("input", WARNING, "others can only look here"))
        if desk.has_hotkey:
            text = "F11 takes control back from anywhere, F12 ends a session"
            found.append(Finding("hotkey", GOOD, text))
        else:
            advice = "Type 'stop' in the window of p2p-remote instead."
            found.append(Finding("hotkey", WARNING, "F11 is not heard here", advice))
        found += [Finding("screen", WARNING, reason) for reason in desk.reasons]
        return found
    finally:
        desk.close()


def check_terminal() -> list[Finding]:
    """Look how well a remote screen can be drawn here."""
    if not sys.stdout.isatty():
        advice = "Run doctor without a pipe or a file to see what your terminal can do."
        text = "the output does not go to a terminal"
        return [Finding("terminal", WARNING, text, advice)]
    found: Capabilities = probe_terminal()
    colours = "24-bit colour" if found.truecolor else "256 colours"
    text = f"{found.name}, {colours}"
    if found.truecolor:
        return [Finding("terminal", GOOD, text)]
    advice = "Pictures look better in a terminal with 24-bit colour (COLORTERM)."
    return [Finding("terminal", WARNING, text, advice)]


async def check_network(options: NodeOptions) -> AsyncIterator[Finding]:
    """Look whether the server answers, what the router does, how the LAN is."""
    running = RunningNode(options)
    registered: asyncio.Future[nd.NodeRegistered] = (
        asyncio.get_running_loop().create_future()
    )

    def on_event(event: nd.NodeEvent) -> None:
        if isinstance(event, nd.NodeRegistered) and not registered.done():
            registered.set_result(event)

    try:
        await running.start(on_event)
        began = running.clock()
    except RemoteSupportError as error:
        yield Finding("server", BAD, str(error), "Check --rendezvous and the network.")
        return
    try:
        if options.server is None:
            advice = "Name one with --rendezvous HOST to reach other networks."
            yield Finding("server", WARNING, "none is set", advice)
        else:
            answer: nd.NodeRegistered | None = None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SERVER_PATIENCE):
                    answer = await registered
            elapsed = (running.clock() - began) * 1000
            trouble = running.proxy_trouble
            yield _server_finding(options.server, answer, elapsed, trouble)
            if answer is not None:
                yield await _router_finding(answer, running)
        yield await _lan_finding(running)
    finally:
        await running.close()


def _server_finding(
    server: str, answer: nd.NodeRegistered | None, elapsed_ms: float, trouble: str
) -> Finding:
    """Judge how the server answers; `trouble` is what the proxy says."""
    if answer is None:
        advice = trouble or (
            "Is the address right, is the server running, does a firewall block it? "
            "If this network has a proxy, name it with --proxy http://HOST:PORT."
        )
        text = f"{server} answers neither by UDP nor by TCP"
        if trouble:
            text += ", and not through the proxy"
        return Finding("server", BAD, text, advice)
    # Registering takes two round trips.
    text = f"{server} answers in about {elapsed_ms / 2:.0f} ms"
    if isinstance(answer.carrier, TcpEndpoint):
        how = _way_in_words(answer.carrier)
        text = f"{server} does not answer by UDP, but {how}"
        advice = "Sessions work, more slowly. Allow UDP in this network's firewall."
        return Finding("server", WARNING, text, advice)
    if answer.carrier.port != split_host_port(server, DEFAULT_RENDEZVOUS_PORT)[1]:
        text = f"{server} answers by UDP on port {answer.carrier.port} only"
        advice = "Sessions work, few of them directly. Allow UDP to all ports."
        return Finding("server", WARNING, text, advice)
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
    text, advice = describe(running.node.mapping or Mapping())
    state = WARNING if advice else GOOD
    return Finding("router", state, f"seen as {reflexive}; {text}", advice)


async def _lan_finding(running: RunningNode) -> Finding:
    if running.lan is None:
        return Finding("local network", WARNING, "switched off by --no-lan")
    await asyncio.sleep(LAN_PATIENCE)
    if running.lan_problem:
        return Finding("local network", WARNING, running.lan_problem)
    count = len(running.lan.peers())
    return Finding("local network", GOOD, f"{count} other machine(s) can be called")
