"""Files over whole sessions in virtual time: loss, outages, stops, resumption."""

from random import Random

import pytest

from p2p_remote.errors import RefusedError
from p2p_remote.session import events as ev
from p2p_remote.session import file_events as fe
from p2p_remote.wire import files as wire_files
from tests.scenarios.world import World
from tests.support.disk import Disk, run_disks


def session(seed: int, loss: float) -> World:
    """A session in which files may go both ways."""
    world = World(seed, loss=loss)
    world.call()
    world.approve("view", "file_in", "file_out")
    return world


def run(world: World, disks: list[Disk], seconds: float) -> None:
    """Let both ends work for so long, or until one has an outcome."""
    for _ in range(int(seconds / 0.02)):
        run_disks(disks, world.network.now)
        if any(disk.outcome for disk in disks):
            return
        world.network.run_for(0.02)


CONTENT = Random(1).randbytes(400_000)


@pytest.mark.parametrize("loss", [0.0, 0.05])
@pytest.mark.parametrize("way", ["to the customer", "from the customer"])
def test_a_file_arrives_whole_whatever_is_lost(loss: float, way: str) -> None:
    """Every byte once and in order, in both directions."""
    world = session(3, loss)
    technician, customer = Disk(world.technician), Disk(world.customer)
    files = world.technician_session().files
    if way == "to the customer":
        technician.content = CONTENT
        source, target = technician, customer
        number = files.new_number()
        files.offer(number, "a.bin", len(CONTENT), 0, world.network.now)
    else:
        customer.content = CONTENT
        source, target = customer, technician
        files.get("/a.bin", world.network.now)
    run(world, [technician, customer], 60.0)
    assert isinstance(source.outcome, fe.FileStored)
    assert bytes(target.stored) == CONTENT


@pytest.mark.parametrize("same", [True, False])
def test_a_file_goes_on_only_with_its_own_beginning(same: bool) -> None:
    """A part that is not of this file is thrown away, and everything is sent."""
    world = session(4, 0.0)
    has = CONTENT[:250_000] if same else bytes(250_000)
    technician = Disk(world.technician, CONTENT)
    customer = Disk(world.customer, stored=has)
    files = world.technician_session().files
    number = files.new_number()
    files.offer(number, "a.bin", len(CONTENT), 0, world.network.now)
    run(world, [technician, customer], 60.0)
    assert bytes(customer.stored) == CONTENT
    begun = [e for e in world.customer.events if isinstance(e, fe.FileBegun)]
    assert begun == [fe.FileBegun(number, len(has) if same else 0)]


def test_a_permission_taken_back_stops_the_file_and_not_the_session() -> None:
    world = session(5, 0.0)
    technician, customer = Disk(world.technician, CONTENT), Disk(world.customer)
    files = world.technician_session().files
    number = files.new_number()
    files.offer(number, "a.bin", len(CONTENT), 0, world.network.now)
    while not customer.stored:
        run(world, [technician, customer], 0.02)
    own = world.customer_session()
    own.revoke("file_in", world.network.now)
    assert not own.files.permitted(number, world.network.now)
    own.files.withdraw("file_in", wire_files.STOP_REVOKED, world.network.now)
    world.customer.node.collect(world.network.now)
    run(world, [technician], 5.0)
    assert technician.outcome == fe.FileStopped(
        number, wire_files.STOP_REVOKED, by_peer=True
    )
    assert not world.technician.all_of(ev.SessionEnded)


def test_bytes_of_a_file_before_the_approval_end_the_session() -> None:
    """Nothing of a file is even looked at before the customer has said yes."""
    world = World(6)
    world.call()
    files = world.technician_session().files
    number = files.new_number()
    files.offer(number, "a.bin", 1, 0, world.network.now)
    world.technician.node.collect(world.network.now)
    world.network.run_for(2.0)
    ended = world.customer.all_of(ev.SessionEnded)
    assert [each.reason for each in ended] == ["protocol_error"]
    assert not any(isinstance(e, fe.FileEvent) for e in world.customer.events)


@pytest.mark.parametrize("permissions", [(), ("file_in",)])
def test_who_came_for_files_gets_nothing_else(permissions: tuple[str, ...]) -> None:
    """Neither picture nor names of windows, now or when asked for later."""
    world = World(6)
    world.call()
    world.approve(*permissions)
    own, theirs = world.customer_session(), world.technician_session()
    assert theirs.grants == permissions
    own.tell_shared("windows", ["Salaries.ods"], (640, 480), world.network.now)
    for permission in ("view", "control"):
        with pytest.raises(RefusedError):
            own.grant(permission, world.network.now)
        theirs.request(permission, world.network.now)
    world.network.run_for(1.0)
    assert not world.customer.all_of(ev.PermissionAsked)
    declined = world.technician.all_of(ev.PermissionDeclined)
    assert [each.permission for each in declined] == ["view", "control"]
    assert not world.technician.all_of(ev.SharedTold)
    own.grant("file_out", world.network.now)


def test_files_alone_need_a_verified_technician_too() -> None:
    """Without the digits there is no such session, and the request stays open."""
    world = World(7)
    world.call()
    for permissions in ((), ("file_in",)):
        with pytest.raises(RefusedError):
            world.approve(*permissions, digits=False)
    world.approve()
    assert world.technician_session().grants == ()
