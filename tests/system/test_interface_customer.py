"""The customer's half of the interface, in a real terminal."""

import time
from pathlib import Path

from tests.system.displays import Display
from tests.system.programs import P2P_REMOTE, RENDEZVOUS, Programs
from tests.system.terminals import Tmux


def start_server(programs: Programs) -> str:
    """Start a rendezvous on the loopback and return its address."""
    server = programs.start(*RENDEZVOUS, "--listen", "127.0.0.1:0", "--store", "memory")
    return server.line("listening").split()[1]


def options(server: str, state: Path, name: str) -> list[str]:
    """Options of one side."""
    return [
        *("--state-dir", str(state), "--rendezvous", server),
        *("--no-lan", "--name", name),
    ]


def test_the_customer_types_the_digits_and_ends_it(
    tmux: Tmux, programs: Programs, xvfb: Display, tmp_path: Path
) -> None:
    """The question on top of the first screen, wrong digits, right ones, F12."""
    server = start_server(programs)
    tmux.start(
        *P2P_REMOTE, *options(server, tmp_path / "customer", "Cara"), env=xvfb.env
    )
    tmux.wait_for("● ready: nobody is connected")
    ident = programs.start(
        *P2P_REMOTE, "id", "--json", *options(server, tmp_path / "customer", "Cara")
    )
    number = ident.event("id")["id"]
    connect = programs.start(
        *P2P_REMOTE,
        *("connect", number, "--json"),
        *options(server, tmp_path / "technician", "Tina"),
    )
    digits = connect.event("ringing")["digits"]
    tmux.wait_for("“Tina”")
    tmux.wait_for("First contact")

    wrong = f"{(int(digits) + 1) % 1_000_000:06d}"
    for typed, shown in ((wrong, "2 tries left"), (digits, "Somebody sees your")):
        tmux.type(typed)
        tmux.wait_for(f"{typed[:3]} {typed[3:]}")
        tmux.press("Enter")  # to the button
        time.sleep(0.5)
        tmux.press("Enter")
        tmux.wait_for(shown)
    assert connect.event("started")["grants"] == ["view", "control"]
    tmux.wait_for("“Tina” sees your screen")

    tmux.press("F12")
    tmux.wait_for("Nobody can see or control this machine now.")
    assert connect.event("ended")["by_peer"]
    tmux.press("Enter")
    tmux.wait_for("● ready: nobody is connected")
    tmux.press("C-q")
    assert tmux.wait_for_exit() == 0
