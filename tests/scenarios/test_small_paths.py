"""Paths that carry only small datagrams and drop what is cut: whole sessions."""

from itertools import pairwise

import pytest

from p2p_remote.session import events as ev
from p2p_remote.wire.screen import PACKER_RAW, ScreenUpdate
from tests.scenarios.world import Person, World
from tests.support.line import HEADERS

KINDS = [("portrest", "portrest", "direct"), ("symrandom", "symrandom", "relay")]


def narrow(person: Person, mtu: int) -> None:
    """Let the access of a home drop every datagram above `mtu`, as a tunnel does."""
    host = person.socket.host
    for line in (host.up, host.down, host.site.up, host.site.down):
        line.mtu = mtu


def picture(number: int, size: int) -> ScreenUpdate:
    return ScreenUpdate(0, number, bytes(size), PACKER_RAW)


@pytest.mark.parametrize(("technician", "customer", "kind"), KINDS)
@pytest.mark.parametrize("mtu", [576, 1200])
def test_a_session_comes_up_on_a_small_path(technician, customer, kind, mtu):
    """The call rings, and the first picture comes within 2 s of the approval."""
    world = World(1, technician_nat=technician, customer_nat=customer)
    narrow(world.technician, mtu)
    narrow(world.customer, mtu)
    called = world.network.now + 1.0
    world.call()
    assert world.network.now < called + 0.2
    world.approve("control", wait=0.0)
    world.customer_session().send_screen(picture(1, 100_000), world.network.now)
    world.network.run_for(2.0)
    (arrived,) = world.technician.all_of(ev.ScreenArrived)
    assert arrived.update == picture(1, 100_000)
    world.network.run_for(3.0)
    session = world.customer_session()
    assert session.path_kind == kind
    assert session.statistics().datagram + HEADERS <= mtu


@pytest.mark.parametrize(("technician", "customer", "kind"), KINDS)
def test_a_path_that_becomes_small_in_mid_session(technician, customer, kind):
    """The route changes to a tunnel: the picture stands still for a second at most."""
    world = World(1, technician_nat=technician, customer_nat=customer)
    world.call()
    world.approve("control", wait=3.0)
    assert world.customer.session.path_kind == kind
    shown: list[float] = []
    session = world.customer_session()
    began = world.network.now
    for index in range(80):
        world.network.call_at(
            began + index * 0.1,
            lambda index=index: session.send_screen(
                picture(index + 1, 4000), world.network.now
            ),
        )
    world.network.run_for(3.0)
    narrow(world.technician, 576)
    while world.network.now < began + 9.0:
        seen = len(world.technician.all_of(ev.ScreenArrived))
        world.network.run_for(0.05)
        if len(world.technician.all_of(ev.ScreenArrived)) > seen:
            shown.append(world.network.now)
    times = [began + 3.0, *shown]
    gaps = [after - before for before, after in pairwise(times)]
    assert max(gaps) < 1.0
    assert len(world.technician.all_of(ev.ScreenArrived)) == 80
    assert not world.technician.all_of(ev.SessionEnded)
