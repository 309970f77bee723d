"""Attacks from behind the same public address, and floods under forged ones."""

import random
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import pytest

from p2p_remote.traversal.registration_events import CallAccepted, Registered, Rung
from p2p_remote.wire import rendezvous as wire
from p2p_remote.wire.address import Endpoint
from tests.support.rendezvous import FIRST_MESSAGE, quick_identity
from tests.system.nat_lab import SERVERS, NatLab, nat_lab
from tests.system.programs import RENDEZVOUS, Program
from tests.system.rendezvous_processes import PATIENCE, Client, run_until
from tests.system.requirements import require

pytestmark = pytest.mark.netns

SERVER = Endpoint(SERVERS[0], 3479)
ETH_P_IP = 0x0800
METRICS = "127.0.0.1:9100"
FETCH = f"""
from urllib.request import urlopen
print(urlopen("http://{METRICS}/metrics").read().decode())
"""
FLOOD = 300  # times 100 datagrams
MEMORY = 2048  # KiB that a flood may cost: 70 bytes for each forged address


class Inside(Client):
    """A client at a host of the laboratory."""

    def __init__(self, lab: NatLab, host: str, name: str, *, listed: bool = True):
        self._place = lab, host
        super().__init__(name, SERVER, listed=listed)

    def open(self, server: Endpoint) -> socket.socket:
        """Open the socket there."""
        lab, host = self._place
        return lab.open_socket(host, socket.AF_INET, socket.SOCK_DGRAM)

    def refresh(self) -> Endpoint:
        """Send a keepalive now; where the server has heard it."""
        self.events.clear()
        before = self.machine._lease.counter
        self.machine.refresh(time.monotonic())
        run_until(lambda: not self.machine._requests.get("keepalive"), self)
        assert self.machine._lease.counter > before
        return self.machine._lease.reflexive


@pytest.fixture
def lab() -> Iterator[NatLab]:
    """The customer shares a router with somebody else."""
    require("netns")
    with nat_lab("portrest", "none") as made:
        made.add_host("neighbour", "customer")
        yield made


@pytest.fixture
def rendezvous(lab: NatLab) -> Program:
    """The server process."""
    listen = f"{SERVER.host}:{SERVER.port}"
    options = ("--listen", listen, "--metrics", METRICS)
    server = lab.start("middle", *RENDEZVOUS, *options)
    server.line("listening ")
    return server


@pytest.fixture
def client(lab: NatLab, rendezvous: Program) -> Iterator[Callable[..., Inside]]:
    """Makes registered clients at hosts of the laboratory."""
    with ExitStack() as opened:

        def make(host: str, name: str, **options: bool) -> Inside:
            made = Inside(lab, host, name, **options)
            opened.callback(made.socket.close)
            run_until(lambda: made.first(Registered), made)
            return made

        yield make


@pytest.fixture
def wire_tap(lab: NatLab) -> Iterator[Callable[[], list[bytes]]]:
    """All that the customer has sent to the server since it was last asked for."""
    with lab.open_socket(
        "customer-router", socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP)
    ) as tap:
        tap.bind(("lan1", ETH_P_IP))
        tap.setblocking(False)

        def caught() -> list[bytes]:
            found = []
            while True:
                try:
                    packet = tap.recv(4096)
                except BlockingIOError:
                    return found
                header = 4 * (packet[0] & 15)
                to = struct.unpack_from("!H", packet, header + 2)[0]
                if packet[9] == socket.IPPROTO_UDP and to == SERVER.port:
                    found.append(packet[header + 8 :])

        yield caught


def forged(source: tuple[str, int], data: bytes) -> bytes:
    """IPv4 packet to the server with any source; the kernel fills in the rest."""
    udp = struct.pack("!HHHH", source[1], SERVER.port, 8 + len(data), 0)
    addresses = socket.inet_aton(source[0]) + socket.inet_aton(SERVER.host)
    return (
        struct.pack("!BBHHHBBH", 0x45, 0, 0, 0, 0, 64, 17, 0) + addresses + udp + data
    )


def raw_socket(lab: NatLab, host: str) -> socket.socket:
    """A socket that sends whole IPv4 packets."""
    return lab.open_socket(host, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)


class Attacker:
    """The neighbour, who knows the customer's ID and all that the customer has sent."""

    def __init__(self, lab: NatLab, victim: Inside) -> None:
        self._lab = lab
        self._victim = victim
        self._socket = lab.open_socket("neighbour", socket.AF_INET, socket.SOCK_DGRAM)
        self.heard: list[bytes] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def replay(self, data: bytes) -> list[bytes]:
        """Send something from here and under the customer's address; the answers."""
        private = self._lab.addresses["customer"]
        port = self._victim.socket.getsockname()[1]
        with raw_socket(self._lab, "neighbour") as raw:
            raw.sendto(forged((private, port), data), (SERVER.host, 0))
        self._socket.sendto(data, (SERVER.host, SERVER.port))
        return self.listen()

    def listen(self, wait: float = 0.3) -> list[bytes]:
        """What comes within `wait` seconds, and then until nothing does."""
        came = []
        self._socket.settimeout(wait)
        while True:
            try:
                came.append(self._socket.recv(2048))
                self._socket.settimeout(0.3)
            except TimeoutError:
                break
        self.heard += came
        return came


def rings_at(victim: Inside, caller: Inside) -> None:
    """A call by the ID comes to the victim."""
    caller.machine.call(victim.identity.peer_id, FIRST_MESSAGE, time.monotonic())
    run_until(lambda: victim.first(Rung) and caller.first(CallAccepted), victim, caller)
    assert victim.first(Rung).first_message == FIRST_MESSAGE


def test_an_id_is_not_taken_over_from_behind_the_same_address(
    lab: NatLab,
    client: Callable[..., Inside],
    wire_tap: Callable[[], list[bytes]],
) -> None:
    """Neither by another key nor by replaying what the owner has sent."""
    victim = client("customer", "victim")
    seen = victim.refresh()
    with Attacker(lab, victim) as attacker:
        rival = Inside(lab, "neighbour", "rival")
        rival.use(quick_identity("rival", victim.identity.peer_id))
        caught = wire_tap()
        assert {each[0] for each in caught} >= {
            wire.Hello.TYPE,
            wire.Register.TYPE,
            wire.Keepalive.TYPE,
        }
        for data in caught:
            for answer in attacker.replay(data):
                assert answer[0] == wire.Challenge.TYPE  # anybody may ask for one
                assert len(answer) <= len(data)
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            rival.turn()
        assert rival.first(Registered) is None
        rival.socket.close()

        assert victim.refresh() == seen
        rings_at(victim, client("technician", "caller", listed=False))
        attacker.listen()
        assert wire.Ring.TYPE not in {each[0] for each in attacker.heard}


def test_a_keepalive_that_the_server_has_never_seen_moves_nobody(
    lab: NatLab,
    client: Callable[..., Inside],
    wire_tap: Callable[[], list[bytes]],
) -> None:
    """Caught and held back, it earns a question that only the owner can answer."""
    victim = client("customer", "victim")
    caller = client("technician", "caller", listed=False)
    seen = victim.refresh()
    wire_tap()
    lab.cut_server()
    victim.machine.refresh(time.monotonic())
    victim.turn()
    lab.heal()
    (fresh,) = wire_tap()
    assert fresh[0] == wire.Keepalive.TYPE
    with Attacker(lab, victim) as attacker:
        attacker._socket.sendto(fresh, (SERVER.host, SERVER.port))
        (question,) = attacker.listen(PATIENCE)
        asked = wire.decode(question)
        assert isinstance(asked, wire.AddressChallenge)
        assert len(question) <= len(fresh)
        held = wire.decode(fresh)
        assert isinstance(held, wire.Keepalive)
        claim = wire.Rebind(
            held.transaction, held.registration, held.counter + 1, asked.cookie
        ).encode()
        for mac in (bytes(wire.MAC_LENGTH), fresh[-wire.MAC_LENGTH :]):
            assert attacker.replay(claim + mac) == []
        assert victim.refresh() == seen
        rings_at(victim, caller)
        attacker.listen()
        assert wire.Ring.TYPE not in {each[0] for each in attacker.heard}


def test_a_flood_under_forged_addresses_costs_no_memory_and_keeps_nobody_out(
    lab: NatLab, client: Callable[..., Inside], rendezvous: Program
) -> None:
    """HELLO from thousands of addresses, while whoever is registered is answered."""
    victim = client("customer", "victim")
    dice = random.Random(1)

    def flood(times: int) -> None:
        for _ in range(times):
            for _ in range(100):
                source = f"10.{'.'.join(str(dice.randrange(1, 255)) for _ in 'abc')}"
                hello = wire.Hello(dice.randbytes(8), dice.randbytes(32)).encode()
                packet = forged((source, dice.randrange(1024, 65536)), hello)
                raw.sendto(packet, (SERVER.host, 0))
            # Queued behind the flood: its answer says that all of it was read.
            victim.refresh()

    with raw_socket(lab, "technician") as raw:
        flood(20)
        before = resident(rendezvous.pid)
        flood(FLOOD)
        assert resident(rendezvous.pid) - before < MEMORY
    figures = lab.run("middle", sys.executable, "-c", FETCH)
    arrived = figures.partition('received_total{type="hello"} ')[2].split()[0]
    assert int(arrived) > 0.8 * 100 * FLOOD
    rings_at(victim, client("technician", "caller", listed=False))


def resident(pid: int) -> int:
    """Memory of a process, KiB."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(status.partition("VmRSS:")[2].split()[0])
