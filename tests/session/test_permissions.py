"""The table that every effect asks."""

import threading

import pytest

from p2p_remote.errors import PermissionNotGrantedError, UsageError
from p2p_remote.session.permissions import FREEZE_MARGIN, Grants, permission_number
from p2p_remote.wire.control import PERMISSIONS


def test_everything_is_off_at_first() -> None:
    """No permission holds before it is granted."""
    grants = Grants()
    for name in PERMISSIONS:
        assert not grants.allowed(name, 0.0)
        with pytest.raises(PermissionNotGrantedError):
            grants.check(name, None, 0.0)


def test_a_grant_holds_until_it_expires() -> None:
    """A grant is valid before its expiry and not from then on."""
    grants = Grants()
    serial = grants.grant("control", 10.0).serial
    grants.check("control", serial, 9.9)
    with pytest.raises(PermissionNotGrantedError):
        grants.check("control", serial, 10.0)


def test_events_of_an_older_grant_are_dropped() -> None:
    """What was queued before a revoke has no effect after a new grant."""
    grants = Grants()
    old = grants.grant("control", 10.0).serial
    assert grants.revoke("control")
    with pytest.raises(PermissionNotGrantedError):
        grants.check("control", old, 1.0)
    new = grants.grant("control", 10.0).serial
    grants.check("control", new, 1.0)
    with pytest.raises(PermissionNotGrantedError):
        grants.check("control", old, 1.0)


def test_an_open_prompt_freezes_input_but_not_the_view() -> None:
    """Injected input is refused while a prompt is open and shortly after it."""
    grants = Grants()
    serial = grants.grant("control", 10.0).serial
    grants.grant("view", 10.0)
    grants.freeze_input()
    grants.check("view", None, 1.0)
    with pytest.raises(PermissionNotGrantedError):
        grants.check("control", serial, 1.0)
    grants.thaw_input(2.0)
    with pytest.raises(PermissionNotGrantedError):
        grants.check("control", serial, 2.0 + FREEZE_MARGIN / 2)
    grants.check("control", serial, 2.0 + FREEZE_MARGIN)


def test_the_customers_own_input_wins() -> None:
    """While input is paused, control is refused; afterwards it holds again."""
    grants = Grants()
    serial = grants.grant("control", 10.0).serial
    grants.pause_input(1.0)
    with pytest.raises(PermissionNotGrantedError):
        grants.check("control", serial, 0.5)
    grants.check("control", serial, 1.0)


def test_revoke_all_leaves_nothing() -> None:
    """The end of a session takes every permission."""
    grants = Grants()
    grants.grant("view", 10.0)
    grants.grant("control", 10.0)
    assert set(grants.revoke_all()) == {"view", "control"}
    assert grants.current() == ()
    assert not grants.revoke("view")


def test_unknown_permissions_are_named() -> None:
    """A misspelt permission is a usage error that lists the known ones."""
    with pytest.raises(UsageError, match="view"):
        permission_number("contrl")


def test_a_revoke_from_another_thread_is_never_undone() -> None:
    """Granting other permissions beside it cannot bring a revoked one back."""
    grants = Grants()
    for _ in range(200):
        grants.grant("control", 10.0)
        started = threading.Event()

        def revoke(started: threading.Event = started) -> None:
            started.wait()
            grants.revoke("control")

        thread = threading.Thread(target=revoke)
        thread.start()
        started.set()
        for name in ("view", "file_in", "file_out", "terminal"):
            grants.grant(name, 10.0)
        thread.join()
        assert grants.serial_of("control") is None


def test_a_renewed_grant_voids_what_was_queued_under_it() -> None:
    """The serial is another; expiry, and a revoke at the same moment, hold."""
    grants = Grants()
    old = grants.grant("control", 10.0).serial
    grant = grants.renew("control")
    assert grant is not None
    grants.check("control", grant.serial, 9.9)
    for serial, now in ((old, 1.0), (grant.serial, 10.0)):
        with pytest.raises(PermissionNotGrantedError):
            grants.check("control", serial, now)
    grants.revoke("control")
    assert grants.renew("control") is None
    assert not grants.allowed("control", 1.0)


@pytest.mark.parametrize("granted", [(), ("view", "control")])
def test_the_end_is_the_end_with_and_without_grants(granted: tuple[str, ...]) -> None:
    """Somebody let in for files alone is shut out by the same key."""
    grants = Grants()
    assert not grants.take_back(everything=True)
    grants.open(10.0)
    for permission in granted:
        grants.grant(permission, 10.0)
    assert grants.is_open(9.9)
    assert not grants.is_open(10.0)
    assert grants.take_back(everything=False) is bool(granted)
    assert grants.is_open(9.9)
    assert grants.take_back(everything=True)
    assert not grants.is_open(0.0)
    assert not grants.current()
    assert not grants.take_back(everything=True)
