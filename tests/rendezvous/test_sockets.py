"""Sockets of the server on the loopback."""

import socket
import sys

import pytest

from rendezvous.sockets import ListenAddress, Sender, bind

IP_MTU_DISCOVER = 10  # ip(7)
CUT, WHOLE = 0, 3  # IP_PMTUDISC_DONT, IP_PMTUDISC_PROBE


@pytest.mark.skipif(sys.platform != "linux", reason="the option is Linux' own")
def test_relayed_datagrams_of_the_base_size_may_be_cut_and_probes_may_not():
    """Two ends that look for a larger size find what the path carries."""
    with bind(ListenAddress(socket.AF_INET, "127.0.0.1", 0)) as listener:
        sender = Sender(listener)
        found = []
        for size in (1205, 60, 1206, 60, 549):
            sender.send(bytes(size), listener.getsockname())
            found.append(listener.getsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER))
            assert len(listener.recv(2048)) == size
        assert found == [CUT, CUT, WHOLE, WHOLE, CUT]


def test_ipv6_is_left_to_the_system():
    """Its routers never cut, and every link carries 1280 bytes."""
    with bind(ListenAddress(socket.AF_INET6, "::1", 0)) as listener:
        Sender(listener).send(bytes(1205), listener.getsockname()[:2])
        assert len(listener.recv(2048)) == 1205
