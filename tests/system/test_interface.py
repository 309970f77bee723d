"""The terminal application with real processes, in a real terminal."""

import re
import time
from pathlib import Path

from tests.system.displays import Display
from tests.system.programs import P2P_REMOTE, RENDEZVOUS, Program, Programs
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


def start_share(programs: Programs, server: str, state: Path) -> tuple[Program, str]:
    """Start a customer with the drawn desktop; return it and its ID."""
    share = programs.start(
        *P2P_REMOTE,
        *("share", "--json", "--screen", "synthetic"),
        *options(server, state, "Customer"),
    )
    return share, share.event("ready", rendezvous=True)["id"]


def test_the_technician_sees_controls_and_leaves(
    tmux: Tmux, programs: Programs, tmp_path: Path
) -> None:
    """From the number on the command line to the end screen and exit code 0."""
    server = start_server(programs)
    share, number = start_share(programs, server, tmp_path / "customer")
    command = ["connect", number, *options(server, tmp_path / "technician", "Tina")]
    # Below 60 columns the digits are plain text, so this test can read them.
    tmux.start(*P2P_REMOTE, *command, width=58, height=20)
    screen = tmux.wait_for("Read these digits to the customer.")
    digits = re.search(r"\b(\d{3}) (\d{3})\b(?! \d)", screen.partition("Cust")[2])
    assert digits is not None, screen
    assert share.event("request")["name"] == "Tina"
    share.say(
        {
            "do": "approve",
            "grants": ["view", "control"],
            "digits": digits[1] + digits[2],
        }
    )
    share.event("started", verified=True)
    tmux.wait_for("● control")
    tmux.wait_for("▀")

    share.say({"do": "revoke", "permission": "control"})
    tmux.wait_for("Control taken back by the customer.")
    tmux.wait_for("○ view only")

    tmux.press("C-]")
    tmux.wait_for("Special keys")
    tmux.press("e")
    tmux.wait_for("You ended it.")
    share.event("ended", by_peer=True)
    tmux.press("Enter")
    assert tmux.wait_for_exit() == 0


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
