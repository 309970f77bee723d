"""What happens to networks in mid session: nothing typed is lost or comes twice."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.system.couple import PORT, Couple
from tests.system.displays import Display
from tests.system.mid_session import MidSession
from tests.system.nat_lab import SERVERS, NatLab, nat_lab
from tests.system.programs import RENDEZVOUS, Program
from tests.system.requirements import require

pytestmark = [pytest.mark.netns, pytest.mark.timeout(240)]


@pytest.fixture
def lab() -> Iterator[NatLab]:
    """Two ordinary routers."""
    require("netns")
    with nat_lab("portrest", "eim") as made:
        yield made


@pytest.fixture
def session(lab: NatLab, xvfb: Display, tmp_path: Path) -> Iterator[MidSession]:
    """A session over a direct path, with somebody typing and a picture that moves."""
    with ExitStack() as ends:
        made = MidSession(lab, xvfb, tmp_path)
        made.wait_for_path()
        yield ends.enter_context(made)


def goes_on_directly(session: MidSession, lab: NatLab) -> None:
    """Words arrive, and after a while they do so without the server."""
    session.wait_for_words(10)
    session.wait_for_path()
    lab.cut_server()
    session.wait_for_words(5)
    lab.heal()


def test_routers_that_forget_and_lines_that_move(
    session: MidSession, lab: NatLab
) -> None:
    """Other ports, then other addresses, at the customer and at the technician."""
    for happens in (lab.rebind, lab.move):
        for side in lab.sites:
            happens(side)
            goes_on_directly(session, lab)
    session.check()


def test_a_direct_path_that_is_lost_and_a_server_that_restarts(
    session: MidSession, lab: NatLab
) -> None:
    """Over the relay, over the relay of a new server, and directly again."""
    lab.cut_direct()
    session.wait_for_words(10)
    session.wait_for_path("relay")
    session.couple.rendezvous.stop()
    session.couple.start_rendezvous()
    session.wait_for_words(10)
    assert session.path_kind == "relay"
    lab.heal()
    goes_on_directly(session, lab)
    session.check()


@pytest.mark.parametrize(
    "seconds", [8.0, pytest.param(60.0, marks=pytest.mark.long, id="a minute")]
)
def test_a_time_without_any_network(
    session: MidSession, lab: NatLab, seconds: float
) -> None:
    """Both routers and the server forget everything meanwhile."""
    lab.cut_all()
    time.sleep(seconds / 2)
    for side in lab.sites:
        lab.rebind(side)
    session.couple.rendezvous.stop()
    session.couple.start_rendezvous()
    time.sleep(seconds / 2)
    lab.heal()
    goes_on_directly(session, lab)
    session.check()


class FleetCouple(Couple):
    """A customer and a technician, each at a server of its own, on one Redis."""

    def __init__(self, folder: Path, lab: NatLab, display: Display) -> None:
        super().__init__(folder, lab.programs, lab, display.env)
        self._lab = lab
        self.nodes: list[Program] = []

    def start_rendezvous(self) -> None:
        """Start both; each side begins with another one of their addresses."""
        redis = ("redis-server", "--port", "6379", "--bind", "127.0.0.1", "--save", "")
        self._lab.start("middle", *redis).line("Ready to accept")
        for address in SERVERS:
            listen = ("--listen", f"{address}:{PORT}")
            store = ("--store", "redis://127.0.0.1:6379/0")
            node = self._lab.start("middle", *RENDEZVOUS, *listen, *store)
            node.line("listening ")
            self.nodes.append(node)
        self._lab.name_hosts("customer", "fleet.test", *SERVERS)
        self._lab.name_hosts("technician", "fleet.test", *reversed(SERVERS))
        self.server = f"fleet.test:{PORT}"


def test_a_relayed_session_outlives_its_node_of_a_fleet(
    xvfb: Display, tmp_path: Path
) -> None:
    """Both routers choose ports at random; the server of one side is killed."""
    require("redis")
    pytest.importorskip("redis")
    with nat_lab("symrandom", "symrandom") as lab:
        couple = FleetCouple(tmp_path, lab, xvfb)
        with MidSession(lab, xvfb, tmp_path, couple) as session:
            couple.nodes[0].signal(signal.SIGKILL)
            couple.nodes[0].finish()
            session.wait_for_words(10)
            assert session.path_kind == "relay"
            session.check()
