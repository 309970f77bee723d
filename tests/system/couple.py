"""A rendezvous, a customer and a technician as real processes, scripted by NDJSON."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.system.namespaces import Network
from tests.system.programs import P2P_REMOTE, RENDEZVOUS, Program, Programs

PORT = "3479"


class Couple:
    """Customer and technician, in namespaces of a network or on the loopback."""

    def __init__(
        self,
        folder: Path,
        programs: Programs,
        network: Network | None = None,
        env: Mapping[str, str] | None = None,
        *,
        lan: bool = False,
    ) -> None:
        self.folder = folder
        self._lan = lan  # also where there is a server
        self._programs = programs
        self._network = network
        self._env = dict(env or {})
        self.server = ""
        self.more: tuple[str, ...] = ()  # options of both sides' commands
        self.peer_id = ""
        self.rendezvous: Program
        self.share: Program
        self.connect: Program

    def _start(self, where: str, *arguments: str, **options: Any) -> Program:
        if self._network is None:
            return self._programs.start(*arguments, **options)
        return self._network.start(where, *arguments, **options)

    def start_rendezvous(self) -> None:
        """Start the server and learn where it listens."""
        host = "127.0.0.1"
        port = "0"
        if self._network is not None:
            host, port = self._network.addresses["middle"], PORT
        self.rendezvous = self._start(
            "middle", *RENDEZVOUS, "--listen", f"{host}:{port}"
        )
        self.server = self.rendezvous.line("listening ").split()[1]

    def arguments(self, who: str) -> list[str]:
        """Options that all commands of one side share."""
        options = ["--state-dir", str(self.folder / who), "--json", "--name", who]
        options += self.more
        if self.server:
            options += ["--rendezvous", self.server]
            if not self._lan:
                options.append("--no-lan")
        return options

    def start_share(self, *more: str) -> str:
        """Start the customer's side; returns the ID when it can be called."""
        self.share = self._start(
            "customer",
            *P2P_REMOTE,
            "share",
            *self.arguments("customer"),
            *more,
            env=self._env,
        )
        self.peer_id = self.share.event("ready")["id"]
        return self.peer_id

    def start_connect(self, number: str | None = None, *more: str) -> Program:
        """Start the technician's side."""
        self.connect = self._start(
            "technician",
            *P2P_REMOTE,
            "connect",
            number or self.peer_id,
            *self.arguments("technician"),
            *more,
        )
        return self.connect

    def ring(self) -> str:
        """Call, and return the digits when both sides have been asked."""
        self.start_connect()
        digits: str = self.connect.event("ringing")["digits"]
        self.share.event("request")
        return digits

    def begin(self, *grants: str, digits: bool = True) -> None:
        """Call, let the customer approve, and wait until both have started."""
        read_out = self.ring()
        answer: dict[str, Any] = {"do": "approve", "grants": list(grants)}
        if digits:
            answer["digits"] = read_out
        self.share.say(answer)
        self.share.event("started")
        self.connect.event("started")

    def do(self, **command: Any) -> dict[str, Any]:
        """Let the technician carry a command out."""
        self.connect.say(command)
        return self.connect.event("done", do=command["do"])


def eventually(check: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Poll until something outside our processes has happened."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
