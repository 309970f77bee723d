"""What the tests of the rendezvous client share."""

import pytest

from tests.support.rendezvous import RendezvousNetwork


@pytest.fixture
def network() -> RendezvousNetwork:
    """A server and its clients, on a network without loss."""
    return RendezvousNetwork()
