"""Both services of file transfers on real folders; the line loses nothing."""

import asyncio
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from p2p_remote.services import events as se
from p2p_remote.services.customer_transfers import CustomerTransfers
from p2p_remote.services.technician_transfers import TechnicianTransfers
from p2p_remote.session.roles import State
from p2p_remote.wire.address import Endpoint
from tests.support.files import FilePair

BIG = 12_000_000  # bytes: enough for a lane


class Ends:
    """A technician's and a customer's service, joined by a `FilePair`."""

    def __init__(self, folder: Path, *granted: str) -> None:
        self.folder = folder
        self.pair = FilePair(*granted)
        self.asked: list[tuple[str, se.FileFacts]] = []
        self.reports: dict[str, list[se.TransferReport]] = {"t": [], "c": []}
        self._poked = False
        self.technician = TechnicianTransfers(
            self._session(self.pair.technician),
            self._running(),
            self.reports["t"].append,  # type: ignore[arg-type]
        )
        self.customer = CustomerTransfers(
            self._session(self.pair.customer),
            self._running(),
            self.reports["c"].append,  # type: ignore[arg-type]
            folder / "in",
            lambda permission, file: self.asked.append((permission, file)),
        )
        self.pair.technician._emit = self.technician.on_event
        self.pair.customer._emit = self.customer.on_event

    @staticmethod
    def _session(machine: Any) -> Any:
        handshake = SimpleNamespace(peer_public=b"p" * 32, check_key=b"k" * 32)
        path = Endpoint("127.0.0.1", 9)
        return SimpleNamespace(
            files=machine, handshake=handshake, path=path, state=State.ACTIVE
        )

    def _running(self) -> Any:
        return SimpleNamespace(clock=lambda: self.pair.now, poke=self._poke)

    def _poke(self) -> None:
        if not self._poked:
            self._poked = True
            asyncio.get_running_loop().call_soon(self._deliver)

    def _deliver(self) -> None:
        self._poked = False
        self.pair.run()
        for machine in (self.pair.technician, self.pair.customer):
            machine.room_available()

    def make(self, size: int = 200_000) -> Path:
        """Write a file of random bytes."""
        path = self.folder / "a.bin"
        path.write_bytes(os.urandom(size))
        return path

    def make_for_lane(self, size: int) -> Path:
        """The same, and the session carries nothing before `free`."""
        self.pair.to_customer.free = self.pair.to_technician.free = 0
        return self.make(size)

    def free(self) -> None:
        """Let the session carry bytes of files."""
        self.pair.to_customer.free = self.pair.to_technician.free = 1 << 16
        self._poke()

    def last(self, end: str) -> str:
        """State in the last report of an end."""
        return self.reports[end][-1].state if self.reports[end] else ""

    def is_asked(self) -> bool:
        """Whether a question about a file has been asked."""
        self.customer.ask_next()
        return bool(self.asked)

    @property
    def stored(self) -> Path:
        """Where the customer gets it."""
        return self.folder / "in" / "a.bin"
