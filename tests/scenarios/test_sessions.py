"""Whole nodes with a real rendezvous machine, in virtual time."""

import pytest

from p2p_remote.errors import (
    NoSuchPeerError,
    PermissionNotGrantedError,
    RefusedError,
    RemoteSupportError,
    ServerSilentError,
    UsageError,
)
from p2p_remote.session import events as ev
from p2p_remote.session import node_events as nd
from p2p_remote.session.roles import State
from p2p_remote.wire import control
from p2p_remote.wire import input as wire_input
from p2p_remote.wire.screen import PACKER_RAW, CursorPosition, ScreenUpdate
from tests.scenarios.world import IDENTITIES, World
from tests.support.nat import Dependence, Nat

UPDATE = ScreenUpdate(0, 3, b"abc", PACKER_RAW)


def home(public: str) -> Nat:
    """Return an ordinary home router: endpoint-independent, port-restricted."""
    return Nat(public)


def symmetric(public: str) -> Nat:
    """Return a router with another port for every destination."""
    return Nat(public, mapping=Dependence.ADDRESS_AND_PORT)


def test_call_rings_with_the_same_digits_on_both_sides() -> None:
    """Both sides see the same digits, the right names, and nothing is granted."""
    world = World(customer_nat=home("192.0.2.1"), technician_nat=home("192.0.2.2"))
    world.call()
    customer, technician = world.customer.session, world.technician.session
    assert customer.handshake.digits == technician.handshake.digits
    assert customer.handshake.peer_name == "Technician"
    assert technician.handshake.peer_name == "Customer"
    assert customer.state is State.WAITING_FOR_APPROVAL
    assert world.customer.caller is not None
    assert world.customer.caller.public == IDENTITIES["technician"].public


def test_call_to_ringing_is_quick() -> None:
    """At 30 ms to the server and back it rings 130 ms after the call at the latest."""
    world = World(customer_nat=home("192.0.2.1"), technician_nat=home("192.0.2.2"))
    world.network.run_for(1.0)
    began = world.network.now
    world.technician.node.call(IDENTITIES["customer"].peer_id, began)
    world.network.run_for(5.0, lambda: world.technician.session is None)
    assert world.network.now - began <= 0.13


def test_session_becomes_direct_behind_ordinary_routers() -> None:
    """Two home routers are passed, and both sides say so."""
    world = World(customer_nat=home("192.0.2.1"), technician_nat=home("192.0.2.2"))
    world.call()
    world.approve("control")
    for person in (world.customer, world.technician):
        assert person.session.path_kind == "direct", person.name
        assert person.all_of(ev.PathChanged)[-1].kind == "direct"


def test_session_stays_on_the_relay_between_symmetric_routers() -> None:
    """Where no direct path exists the relay carries the session."""
    world = World(
        customer_nat=symmetric("192.0.2.1"), technician_nat=symmetric("192.0.2.2")
    )
    world.call()
    world.approve("control")
    world.network.run_for(10.0)
    assert world.customer.session.path_kind == "relay"
    world.customer_session().send_screen(UPDATE, world.network.now)
    world.network.run_for(1.0)
    assert world.technician.all_of(ev.ScreenArrived)[-1].update == UPDATE


def test_no_address_is_told_before_the_approval() -> None:
    """Until the customer says yes, nothing but the server hears from either side."""
    world = World(customer_nat=home("192.0.2.1"), technician_nat=home("192.0.2.2"))
    seen = set()
    carry = world.network.carry

    def watch(datagram, line, arrive):  # type: ignore[no-untyped-def]
        seen.add(datagram.destination)
        carry(datagram, line, arrive)

    world.network.carry = watch  # type: ignore[method-assign]
    world.call()
    world.network.run_for(5.0)
    private = {e for e in seen if e.host.startswith("192.168.")}
    assert {e.host for e in seen - private} <= {
        "203.0.113.9",
        "203.0.113.10",
        "192.0.2.1",
        "192.0.2.2",
    }
    customer_public = [e for e in seen if e.host == "192.0.2.1"]
    assert all(e.port == 5000 for e in customer_public)


def test_server_may_go_once_the_path_is_direct() -> None:
    """Stopping the rendezvous does not disturb a session that is direct."""
    world = World(customer_nat=home("192.0.2.1"), technician_nat=home("192.0.2.2"))
    world.call()
    world.approve("control")
    world.stop_server()
    world.network.run_for(120.0)
    assert world.customer.session.state is State.ACTIVE
    world.technician_session().send_input(
        wire_input.TextInput(0, "still here"), world.network.now
    )
    world.network.run_for(1.0)
    assert world.customer.all_of(ev.InputArrived)[-1].message.text == "still here"


def test_unknown_id_fails_as_such() -> None:
    """Calling an ID that nobody has ends in NoSuchPeerError."""
    world = World()
    world.network.run_for(1.0)
    world.technician.node.call(999_999_999, world.network.now)
    world.network.run_for(10.0)
    (failed,) = world.technician.all_of(nd.CallFailed)
    assert isinstance(failed.error, NoSuchPeerError)


def test_silent_server_is_a_network_error() -> None:
    """Without an answer of the server a call ends in ServerSilentError."""
    world = World(server=False)
    world.technician.node.call(999_999_999, world.network.now)
    world.network.run_for(15.0)
    (failed,) = world.technician.all_of(nd.CallFailed)
    assert isinstance(failed.error, ServerSilentError)


def test_denial_is_told() -> None:
    """A no reaches the technician as a denial."""
    world = World()
    world.call()
    world.customer_session().end(control.REASON_DENIED, "no", world.network.now)
    world.network.run_for(1.0)
    (ended,) = world.technician.all_of(ev.SessionEnded)
    assert (ended.reason, ended.by_peer) == ("denied", True)


def test_wrong_digits_never_verify_and_end_the_third_time() -> None:
    """Two wrong tries leave the request open; the third ends it on both sides."""
    world = World()
    world.call()
    session = world.customer_session()
    right = session.handshake.digits
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    for left in (2, 1):
        assert not session.check_digits(wrong, world.network.now)
        assert session.tries_left == left
        assert not session.verified
    assert not session.check_digits(wrong, world.network.now)
    assert not session.check_digits(right, world.network.now)
    world.network.run_for(1.0)
    (ended,) = world.technician.all_of(ev.SessionEnded)
    assert ended.reason == "wrong_digits"
    assert [e.tries_left for e in world.customer.all_of(ev.WrongCodeTyped)] == [2, 1, 0]


def test_without_digits_only_looking_can_be_granted() -> None:
    """An unverified technician gets view, and nothing else, now or later."""
    world = World()
    world.call()
    session = world.customer_session()
    with pytest.raises(RefusedError):
        session.approve(["control"], (640, 480), world.network.now)
    assert session.state is State.WAITING_FOR_APPROVAL
    world.approve("view", digits=False)
    assert world.technician_session().grants == ("view",)
    with pytest.raises(RefusedError):
        session.grant("control", world.network.now)
    with pytest.raises(PermissionNotGrantedError):
        world.technician_session().send_input(
            wire_input.TextInput(0, "x"), world.network.now
        )


def test_known_technician_needs_no_digits() -> None:
    """Somebody verified in an earlier session may be given control at once."""
    world = World()
    world.customer.known = True
    world.call()
    world.approve("control", digits=False)
    assert set(world.technician_session().grants) == {"view", "control"}


@pytest.mark.parametrize(("given", "verified"), [(b"p" * 32, True), (b"q" * 32, False)])
def test_session_password(given: bytes, verified: bool) -> None:
    """The right session password verifies; a wrong one ends the call."""
    world = World(password=b"p" * 32)
    world.call(password=given)
    if verified:
        assert world.customer_session().verified
    else:
        (failed,) = world.technician.all_of(nd.CallFailed)
        assert isinstance(failed.error, RemoteSupportError)
        assert failed.error.exit_code == 5
        assert world.customer.session is None


def test_input_carries_the_serial_of_its_grant() -> None:
    """After a revoke and a new grant, input comes with the new serial only."""
    world = World()
    world.call()
    world.approve("control")
    session, technician = world.customer_session(), world.technician_session()
    technician.send_input(wire_input.TextInput(0, "one"), world.network.now)
    world.network.run_for(0.5)
    session.revoke("control", world.network.now)
    world.network.run_for(0.5)
    assert world.technician.all_of(ev.PermissionsRevoked)
    with pytest.raises(PermissionNotGrantedError):
        technician.send_input(wire_input.TextInput(0, "two"), world.network.now)
    technician.request("control", world.network.now)
    world.network.run_for(0.5)
    assert world.customer.all_of(ev.PermissionAsked)[-1].permission == "control"
    session.grant("control", world.network.now)
    world.network.run_for(0.5)
    technician.send_input(wire_input.TextInput(0, "three"), world.network.now)
    world.network.run_for(0.5)
    first, last = world.customer.all_of(ev.InputArrived)
    assert (first.message.text, last.message.text) == ("one", "three")
    session.grants.check("control", last.message.serial, world.network.now)
    with pytest.raises(PermissionNotGrantedError):
        session.grants.check("control", first.message.serial, world.network.now)


def test_the_time_box_ends_the_session() -> None:
    """When the agreed time is over both sides end and nothing is granted."""
    world = World()
    world.call()
    session = world.customer_session()
    session.approve(["view"], (640, 480), world.network.now, seconds=5)
    world.network.run_for(6.0)
    assert session.grants.current() == ()
    (ended,) = world.technician.all_of(ev.SessionEnded)
    assert ended.reason == "expired"


def test_losing_view_ends_the_session() -> None:
    """A customer who takes the view back has ended the session."""
    world = World()
    world.call()
    world.approve("control")
    world.customer_session().revoke("view", world.network.now)
    world.network.run_for(1.0)
    assert world.technician_session().state is State.ENDED
    assert world.customer_session().grants.current() == ()


def test_vanished_technician_is_noticed_and_everything_ends() -> None:
    """Ten minutes after the technician has vanished the session is over."""
    world = World()
    world.call()
    world.approve("control")
    world.technician.socket.host.up.down = True
    world.technician_session().send_input(
        wire_input.KeyInput(0, 0xFFE3, 0, wire_input.ACTION_PRESS), world.network.now
    )
    world.network.run_for(540.0)
    assert not world.customer.all_of(ev.SessionEnded)
    world.network.run_for(70.0)
    assert world.customer.all_of(ev.PeerSilentFor)
    (ended,) = world.customer.all_of(ev.SessionEnded)
    assert ended.reason == "connection_lost"
    assert world.customer_session().grants.current() == ()


def test_held_keys_are_noticed_within_three_seconds_of_silence() -> None:
    """With a key held down, silence is reported soon enough to release it."""
    world = World()
    world.call()
    world.approve("control")
    world.technician_session().send_input(
        wire_input.KeyInput(0, 0xFFE3, 0, wire_input.ACTION_PRESS), world.network.now
    )
    world.network.run_for(0.5)
    world.technician.socket.host.up.down = True
    world.network.run_for(4.0)
    assert world.customer.all_of(ev.PeerSilentFor)


def test_pictures_arrive_in_order_and_pointers_newest() -> None:
    """Every update arrives once and in order, on a line that loses packets."""
    world = World(seed=3, loss=0.05)
    world.call()
    world.approve("view")
    session = world.customer_session()
    for number in range(50):
        session.send_screen(
            ScreenUpdate(number, 900, bytes(900), PACKER_RAW), world.network.now
        )
        session.send_cursor(CursorPosition(number, 1, 1), world.network.now)
        world.network.run_for(0.02)
    session.send_settled(49, world.network.now)
    world.network.run_for(10.0)
    updates = world.technician.all_of(ev.ScreenArrived)
    assert [u.update.sequence for u in updates] == list(range(50))
    assert world.technician.all_of(ev.CursorArrived)[-1].cursor.x == 49
    assert world.technician.all_of(ev.ScreenSettled)[-1].sequence == 49


def test_wrong_role_ends_with_a_protocol_error() -> None:
    """A technician who sends what only a customer may send is cut off."""
    world = World()
    world.call()
    world.approve("control")
    technician = world.technician_session()
    technician._send_control(control.Display(1, 1), world.network.now)
    world.network.run_for(1.0)
    (ended,) = world.customer.all_of(ev.SessionEnded)
    assert ended.reason == "protocol_error"
    assert world.customer_session().grants.current() == ()


def test_technician_cannot_speak_before_the_approval() -> None:
    """Input or requests before the approval end the session without effect."""
    world = World()
    world.call()
    technician = world.technician_session()
    technician._send_control(control.PermissionRequest(1), world.network.now)
    world.network.run_for(1.0)
    (ended,) = world.customer.all_of(ev.SessionEnded)
    assert ended.reason == "protocol_error"
    assert not world.customer.all_of(ev.PermissionAsked)


def test_a_customer_may_take_a_minute_to_answer() -> None:
    """A request waits on the relay for as long as the customer may think."""
    world = World(customer_nat=home("192.0.2.1"), technician_nat=home("192.0.2.2"))
    world.call()
    world.network.run_for(58.0)
    world.approve("control")
    assert world.technician_session().state is State.ACTIVE
    assert world.customer.session.path_kind == "direct"


def test_asking_for_what_is_held_never_grants_anew() -> None:
    """Asking for a held permission repeats its serial: it cannot undo a revoke."""
    world = World()
    world.call()
    world.approve("control")
    session = world.customer_session()
    serial = session.grants.serial_of("control")
    for _ in range(3):
        world.technician_session().request("control", world.network.now)
    world.network.run_for(0.5)
    assert session.grants.serial_of("control") == serial
    assert not world.customer.all_of(ev.PermissionAsked)


def test_an_unknown_permission_leaves_the_request_open() -> None:
    """A misspelt grant starts nothing, and the right answer still works."""
    world = World()
    world.call()
    session = world.customer_session()
    session.check_digits(session.handshake.digits, world.network.now)
    with pytest.raises(UsageError):
        session.approve(["contrl"], (640, 480), world.network.now)
    assert session.state is State.WAITING_FOR_APPROVAL
    assert session.grants.current() == ()
    world.approve("control")
    assert set(world.technician_session().grants) == {"view", "control"}


def test_keys_held_are_counted_only_under_the_grant() -> None:
    """A technician who may only look cannot make the customer's side remember keys."""
    world = World()
    world.call()
    world.approve("view")
    technician = world.technician_session()
    technician._serials["control"] = 7
    for keysym in range(1, 200):
        message = wire_input.KeyInput(0, keysym, 0, wire_input.ACTION_PRESS)
        technician.send_input(message, world.network.now)
    world.network.run_for(1.0)
    assert len(world.customer.all_of(ev.InputArrived)) == 199
    assert not world.customer_session()._keys_held
