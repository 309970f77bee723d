"""Rendezvous servers as processes, and clients on real sockets."""

import os
import socket
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager

from p2p_remote.traversal.registration import Registration
from p2p_remote.traversal.registration_events import Registered
from p2p_remote.wire.address import Endpoint
from p2p_remote.wire.framing import Deframer, framed
from tests.support.rendezvous import quick_identity

COMMAND = [sys.executable, "-m", "rendezvous"]
PATIENCE = 10.0  # s; a busy machine is slow


@contextmanager
def running(*options, host="127.0.0.1:0"):
    """A server and the endpoint that it says it listens on."""
    process = subprocess.Popen(
        [*COMMAND, "--listen", host, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        words = process.stdout.readline().split()
        assert words, process.stderr.read()
        assert words[0] == "listening"
        address, _, port = words[1].rpartition(":")
        yield process, Endpoint(address.strip("[]"), int(port))
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


class Client:
    """A `Registration` on a real socket."""

    def __init__(self, name, server, *, listed=True):
        self.socket = self.open(server)
        self.socket.settimeout(0.02)
        self.server = server
        self.events = []
        self.relayed = []
        self.use(quick_identity(name), listed=listed)

    def open(self, server):
        """Open the socket."""
        family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
        return socket.socket(family, socket.SOCK_DGRAM)

    def send(self, data):
        """Send a datagram to the server."""
        self.socket.sendto(data, (self.server.host, self.server.port))

    def receive(self):
        """Datagrams that have come within a moment."""
        try:
            return [self.socket.recv(2048)]
        except TimeoutError:
            return []

    def use(self, identity, *, listed=True):
        """Register under this key."""
        self.identity = identity
        self.machine = Registration(
            identity, self.server, os.urandom, time.monotonic(), listed=listed
        )

    @property
    def own(self):
        """Where the server sees this client."""
        reflexive = self.first(Registered).reflexive
        return reflexive.host, reflexive.port

    def turn(self):
        """Send what is due, wait a little for an answer."""
        self.machine.handle_timer(time.monotonic())
        for data, _ in self.machine.datagrams_to_send(time.monotonic()):
            self.send(data)
        for data in self.receive():
            if data[0] == 0x30:
                self.relayed.append(data)
                continue
            self.machine.receive_datagram(data, self.server, time.monotonic())
            while (event := self.machine.next_event()) is not None:
                self.events.append(event)

    def first(self, kind):
        """The first event of a kind, None if there is none yet."""
        return next((event for event in self.events if isinstance(event, kind)), None)


class TcpClient(Client):
    """The same over a TCP connection."""

    def open(self, server):
        """Connect."""
        self.deframer = Deframer()
        return socket.create_connection((server.host, server.port), PATIENCE)

    def send(self, data):
        """Send a datagram to the server."""
        self.socket.sendall(framed(data))

    def receive(self):
        """Datagrams that have come within a moment."""
        try:
            return self.deframer.feed(self.socket.recv(16384))
        except TimeoutError:
            return []

    def reconnect(self):
        """Leave the connection and open another one, from another port."""
        self.socket.close()
        self.socket = self.open(self.server)
        self.socket.settimeout(0.02)


class TlsClient(TcpClient):
    """The same in TLS."""

    def open(self, server):
        """Connect, and shake hands with whoever it is."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context.wrap_socket(super().open(server))


def run_until(condition, *clients):
    """Let clients work until `condition()` holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "the server did not answer in time"
        for client in clients:
            client.turn()
