"""Servers whose names only a proxy can look up."""

import pytest

from p2p_remote.wire.address import (
    Endpoint,
    is_unresolved,
    pack_endpoint,
    unpack_endpoint,
    unresolved,
)


def test_a_name_has_an_address_of_its_own_that_leads_nowhere():
    """The same for all ways to write the name; another one for another name."""
    found = unresolved("rendezvous.test", 3479)
    assert found.host.startswith("100::")
    assert found == unresolved("Rendezvous.TEST.", 3479)
    assert found != unresolved("rendezvous.example", 3479)
    assert found.port == 3479
    assert unpack_endpoint(pack_endpoint(found)) == found


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "::1", "100:0:0:1::1"])
def test_true_addresses_are_told_apart(host):
    """Only the discard prefix of RFC 6666 counts."""
    assert not is_unresolved(Endpoint(host, 1))
    assert is_unresolved(unresolved(host, 1))
