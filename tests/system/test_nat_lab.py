"""The NAT laboratory does what it promises: every kind, and all that may happen."""

import itertools
import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.system.nat_lab import SERVERS, NatLab, nat_lab
from tests.system.programs import Program
from tests.system.requirements import require

pytestmark = pytest.mark.netns

PROBE = (sys.executable, "-S", "-m", "tests.system.nat_probe")
UNSOLICITED = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
    sender.bind((sys.argv[1], 5000))
    sender.settimeout(float(sys.argv[4]))
    target = (sys.argv[2], int(sys.argv[3]))
    sender.connect(target)
    sender.send(b"?")
    try:
        sender.recv(1)
    except TimeoutError:
        print("silence")
    except ConnectionRefusedError:
        print("refused")
"""
LISTEN = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
    listener.bind((sys.argv[1], int(sys.argv[2])))
    print("ready", flush=True)
    while True:
        print("from %s:%d" % listener.recvfrom(10)[1], flush=True)
"""
SEND = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
    sender.bind(("0.0.0.0", int(sys.argv[1])))
    sender.sendto(b"?", (sys.argv[2], int(sys.argv[3])))
"""
CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 0.5).close()
    print("open")
except ConnectionRefusedError:
    print("reached")
except TimeoutError:
    print("silence")
"""
_local_ports = itertools.count(4000)


class Prober:
    """Asks what the customer's site looks like from outside."""

    def __init__(self, lab: NatLab) -> None:
        self.lab = lab
        server = lab.start("middle", *PROBE, "serve", *SERVERS)
        server.line("ready")
        self._client: Program = lab.start("customer", *PROBE, "ask", *SERVERS)

    def ask(self, port: int | None = None) -> dict[str, Any]:
        """What a socket of this port finds out; of a fresh one if None."""
        self.port = next(_local_ports) if port is None else port
        self._client.say(str(self.port))
        found: dict[str, Any] = json.loads(self._client.line("mapping"))
        return found


@pytest.fixture(scope="module", params=["portrest", "cgn", "fw", "none"])
def probers(request: pytest.FixtureRequest) -> Iterator[tuple[str, Prober]]:
    """A laboratory with as many routers as the kind named has."""
    require("netns")
    with nat_lab(request.param, "none") as lab:
        yield request.param, Prober(lab)


@pytest.fixture
def lab(request: pytest.FixtureRequest) -> Iterator[NatLab]:
    """A laboratory whose customer's site is the parameter."""
    with nat_lab(request.param, "none") as made:
        yield made


ANY, HOST, BOTH = "nothing", "address", "address and port"
EXPECTED = {
    # kind: what mapping and filter depend on, whether the port is kept
    "portrest": {
        "portrest": (ANY, BOTH, True),
        "fullcone": (ANY, ANY, True),
        "addrrest": (ANY, HOST, True),
        "eim": (ANY, BOTH, False),
        "eimfull": (ANY, ANY, False),
        "symaddr": (HOST, BOTH, False),
        "symseq": (BOTH, BOTH, False),
        "symskip": (BOTH, BOTH, False),
        "symblock": (BOTH, BOTH, False),
        "symrandom": (BOTH, BOTH, False),
    },
    "cgn": {
        "cgn": (ANY, BOTH, False),
        "cgnblock": (BOTH, BOTH, False),
        "cgnsym": (BOTH, BOTH, False),
    },
    "fw": {"fw": (ANY, BOTH, True)},
    "none": {"none": (ANY, ANY, True)},
}


def test_each_kind_maps_and_filters_as_its_name_says(
    probers: tuple[str, Prober],
) -> None:
    """Mapping, filter and choice of ports, as seen by two servers with two ports."""
    base, prober = probers
    for kind, expected in EXPECTED[base].items():
        prober.lab.become("customer", kind)
        found = prober.ask()
        ports = [port for _, port in found["seen"]]
        kept = ports[0] == prober.port
        assert (found["mapping"], found["filtering"], kept) == expected, kind
        steps = [after - before for before, after in itertools.pairwise(ports)]
        if kind == "symseq":
            assert steps == [1, 1, 1]
        if kind == "symskip":
            assert all(1 <= step <= 8 for step in steps)
        if kind in ("symblock", "cgnblock"):
            assert len(set(ports)) == 4
            assert max(ports) - min(ports) < 512
        if kind in ("symrandom", "cgnsym"):
            assert max(ports) - min(ports) >= 512


@pytest.mark.parametrize("lab", ["portrest"], indirect=True)
def test_networks_that_filter_what_goes_out(lab: NatLab) -> None:
    """No UDP, UDP to port 443 only, TCP to port 443 only."""
    prober = Prober(lab)
    middle = SERVERS[0]

    def tcp(port: int) -> str:
        """The middle listens nowhere: a reset says that it was reached."""
        out = lab.run("customer", sys.executable, "-c", CONNECT, middle, str(port))
        return out.strip()

    for kind, heard, at_443, elsewhere in (
        ("noudp", [False] * 4, "reached", "reached"),
        ("udp443", [True, False, True, False], "reached", "reached"),
        ("tcp443", [False] * 4, "reached", "silence"),
    ):
        lab.become("customer", kind)
        assert [each is not None for each in prober.ask()["seen"]] == heard, kind
        assert (tcp(443), tcp(80)) == (at_443, elsewhere), kind


@pytest.mark.parametrize("lab", ["portrest", "cgn"], indirect=True)
def test_a_router_may_forget_and_may_move(lab: NatLab) -> None:
    """Rebinding gives the same socket another port, moving another address."""
    prober = Prober(lab)
    first = prober.ask(4000)["seen"][0]
    assert prober.ask(4000)["seen"][0] == first
    lab.rebind("customer")
    again = prober.ask(4000)["seen"][0]
    assert again[0] == first[0]
    assert again[1] != first[1]
    lab.move("customer")
    moved = prober.ask(4000)["seen"][0]
    assert moved[0] == lab.sites["customer"].public != first[0]


@pytest.mark.parametrize("lab", ["cgn+short"], indirect=True)
def test_short_mappings_die_within_eight_seconds(lab: NatLab) -> None:
    """The kernel counts them down from there, whatever has passed."""
    prober = Prober(lab)
    for _ in range(2):
        prober.ask(4000)
    for router in ("customer-router", "customer-carrier"):
        table = lab.run(router, "cat", "/proc/net/nf_conntrack")
        left = [int(line.split()[4]) for line in table.splitlines() if " udp " in line]
        assert left
        assert max(left) <= 8


@pytest.mark.parametrize("lab", ["portrest"], indirect=True)
def test_cuts_are_silent_and_heal(lab: NatLab) -> None:
    """Each cut stops what it names and nothing else."""
    prober = Prober(lab)

    def reach(address: str) -> str:
        out = lab.run("customer", sys.executable, "-c", CONNECT, address, "80")
        return out.strip()

    peer = lab.sites["technician"].public
    for cut, expected in (
        (lab.cut_direct, ("silence", "reached")),
        (lab.cut_server, ("reached", "silence")),
        (lab.cut_all, ("silence", "silence")),
    ):
        cut()
        assert (reach(peer), reach(SERVERS[0])) == expected
        lab.heal()
        assert (reach(peer), reach(SERVERS[0])) == ("reached", "reached")
    assert prober.ask()["seen"][0] is not None


@pytest.mark.parametrize(
    ("lab", "answer", "kept"),
    [("portrest", "silence", True), ("portrest+reject", "refused", False)],
    indirect=["lab"],
)
def test_a_router_that_answers_spoils_a_later_flow(
    lab: NatLab, answer: str, kept: bool
) -> None:
    """It remembers its answer, so that the port is taken when the host sends."""
    site = lab.sites["customer"]
    wait = "0.3" if kept else "5"
    knock = lab.run(
        *("middle", sys.executable, "-c", UNSOLICITED, SERVERS[1]),
        *(site.public, "4000", wait),
    )
    assert knock.strip() == answer
    listener = lab.start("middle", sys.executable, "-c", LISTEN, SERVERS[1], "5000")
    listener.line("ready")
    lab.run("customer", sys.executable, "-c", SEND, "4000", SERVERS[1], "5000")
    seen = listener.line("from").split()[1]
    assert (seen == f"{site.public}:4000") == kept


@pytest.mark.parametrize("lab", ["eim+hairpin", "eim"], indirect=True)
def test_neighbours_meet_only_where_the_router_sends_back_in(lab: NatLab) -> None:
    """With hairpin both appear under their public addresses."""
    prober = Prober(lab)
    site = lab.sites["customer"]
    lab.add_host("neighbour", "customer")
    public = prober.ask(4100)["seen"][0]
    listener = lab.start("customer", sys.executable, "-c", LISTEN, "0.0.0.0", "4100")
    listener.line("ready")
    hairpin = "hairpin" in site.modifiers
    for _ in range(2):
        lab.run("neighbour", sys.executable, "-c", SEND, "4200", *map(str, public))
    if hairpin:
        assert listener.line("from").startswith(f"from {site.public}:")
    else:
        with pytest.raises(AssertionError, match="no a line"):
            listener.line("from", timeout=0.3)


def test_a_line_has_its_delay() -> None:
    """Half of it each way, between the site and the internet."""
    script = (
        "import socket, time, sys\n"
        "began = time.monotonic()\n"
        "try:\n"
        "    socket.create_connection((sys.argv[1], 80), 5)\n"
        "except ConnectionRefusedError:\n"
        "    print(time.monotonic() - began)\n"
    )
    with nat_lab("portrest", "none", delay=0.05) as lab:
        took = lab.run("customer", sys.executable, "-c", script, SERVERS[0])
        assert float(took) >= 0.05
