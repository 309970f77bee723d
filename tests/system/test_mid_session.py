"""What happens to networks in mid session: nothing typed is lost or comes twice."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.system.displays import Display
from tests.system.mid_session import MidSession
from tests.system.nat_lab import NatLab, nat_lab
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
    assert session.path_kind == "relay"
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
