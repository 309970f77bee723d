"""The interface in a real terminal, with everything behind it."""

import re
import signal
from pathlib import Path

from tests.system.couple import Couple, eventually
from tests.system.displays import Display
from tests.system.namespaces import Network
from tests.system.programs import P2P_REMOTE, Programs
from tests.system.terminals import Tmux
from tests.system.test_session import start_xterm

TEXT = "Grüße 12€ ß Ж"


def technician(couple: Couple) -> list[str]:
    """Command line of the technician's interface."""
    options = couple.arguments("technician")
    options.remove("--json")
    return [*P2P_REMOTE, *options]


def read_digits(terminal: Tmux) -> str:
    """Six digits that the technician reads out."""
    text = terminal.wait_for("Read these digits to the customer")
    found = re.search(r"customer: (\d{3}) (\d{3})\.", text)
    assert found is not None, text
    return found[1] + found[2]


def test_technician_in_tmux_across_two_networks(
    netns: Network, xvfb: Display, tmux: Tmux, tmp_path: Path
) -> None:
    """ID typed, digits read, approved, seen, controlled, direct, without a server."""
    typed = start_xterm(netns.programs, xvfb, tmp_path)
    couple = Couple(tmp_path, netns.programs, netns, xvfb.env)
    couple.start_rendezvous()
    number = couple.start_share("--screen", "x11")
    tmux.start(*netns.command("technician", *technician(couple)), width=120, height=40)
    tmux.wait_for("Read this number")
    tmux.type(f"{number[:3]}-{number[3:6]} {number[6:]}")
    tmux.wait_for(f"{number[:3]} {number[3:6]} {number[6:]}")
    tmux.press("Enter")
    digits = read_digits(tmux)
    couple.share.event("request")
    couple.share.say({"do": "approve", "grants": ["view", "control"], "digits": digits})
    couple.share.event("started")
    tmux.wait_for("▀▀▀▀▀▀▀▀")
    tmux.wait_for("direct")
    tmux.type(TEXT)
    tmux.press("Enter")
    assert eventually(lambda: typed.read_text() == TEXT + "\n"), typed.read_text()

    couple.rendezvous.signal(signal.SIGTERM)
    assert couple.rendezvous.finish() == 0
    tmux.type("still here")
    tmux.press("Enter")
    assert eventually(lambda: "still here" in typed.read_text())

    xvfb.run("xdotool", "key", "F11")
    couple.share.event("revoked")
    tmux.wait_for("taken back")
    tmux.type("never")
    tmux.press("Enter")
    tmux.press("C-]")
    tmux.type("e")
    tmux.wait_for("over")
    couple.share.event("ended", by_peer=True)
    assert "never" not in typed.read_text()


def test_connect_leaves_with_the_exit_code_of_the_session(
    programs: Programs, tmux: Tmux, tmp_path: Path
) -> None:
    """A denial ends `connect ID` in the terminal with exit code 4."""
    couple = Couple(tmp_path, programs)
    couple.start_rendezvous()
    number = couple.start_share("--screen", "synthetic")
    options = technician(couple)[len(P2P_REMOTE) :]
    tmux.start(*P2P_REMOTE, "connect", number, *options)
    read_digits(tmux)
    couple.share.event("request")
    couple.share.say({"do": "deny"})
    tmux.wait_for("said no")
    tmux.press("Escape")
    assert tmux.wait_for_exit() == 4


def test_customer_approves_in_the_interface(
    programs: Programs, xvfb: Display, tmux: Tmux, tmp_path: Path
) -> None:
    """The customer's half asks, takes the digits, shows the session and its end."""
    couple = Couple(tmp_path, programs)
    couple.start_rendezvous()
    options = couple.arguments("customer")
    options.remove("--json")
    tmux.start(*P2P_REMOTE, *options, width=100, height=32, env=xvfb.env)
    tmux.wait_for("ready: nobody")
    program = programs.start(*P2P_REMOTE, "id", "--json", "--state-dir", options[1])
    number = program.event("id")["id"]
    couple.start_connect(number)
    digits = couple.connect.event("ringing")["digits"]
    tmux.wait_for("Did YOU call them?")
    tmux.type(digits)
    tmux.wait_for(f"{digits[:3]} {digits[3:]}")
    eventually(lambda: False, 1.0)  # nobody answers in the first moment
    tmux.press("Tab", "Tab", "Tab", "Enter")
    started = couple.connect.event("started")
    assert "control" in started["grants"], tmux.text()
    tmux.wait_for("sees your screen")
    xvfb.run("xdotool", "key", "F12")
    couple.connect.event("ended", by_peer=True)
    tmux.wait_for("over")


def test_demo_shows_a_screen_and_takes_a_file(tmux: Tmux, tmp_path: Path) -> None:
    """The demo brings all up, shows a picture, takes a file, and leaves cleanly."""
    (tmp_path / "note.txt").write_text("for the demo", encoding="utf-8")
    tmux.start(*P2P_REMOTE, "demo", "--screen", "synthetic", width=120, height=40)
    tmux.wait_for("Demo customer", timeout=30)
    tmux.wait_for("▀▀▀▀▀▀▀▀")
    tmux.press("C-]")
    tmux.type("f")
    tmux.wait_for("Send a file")
    tmux.type(str(tmp_path / "note.txt"))
    tmux.press("Enter")
    tmux.wait_for("“note.txt” has arrived")
    tmux.press("C-]")
    tmux.type("e")
    tmux.wait_for("over")
    tmux.press("Enter")
    assert tmux.wait_for_exit() == 0


def descendants(pid: int) -> list[int]:
    """All processes that a process has started, and those that they have."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    found = [int(child) for child in children.split()]
    return found + [below for child in found for below in descendants(child)]


def test_the_demo_ends_with_its_terminal_under_make(tmux: Tmux) -> None:
    """And with it all that it has started, though no signal tells it."""
    tmux.start(*P2P_REMOTE, "demo", width=120, height=40, hears_hangup=False)
    tmux.wait_for("Demo customer", timeout=60)
    pid = tmux.command_pid()
    all_of_it = [pid, *descendants(pid)]
    assert len(all_of_it) >= 3, all_of_it  # the demo, server, customer
    tmux.close()

    def running() -> list[int]:
        return [process for process in all_of_it if Path(f"/proc/{process}").exists()]

    assert eventually(lambda: not running(), 60), running()


def test_killed_interface_ends_access(
    programs: Programs, xvfb: Display, tmux: Tmux, tmp_path: Path
) -> None:
    """When the customer's terminal dies, nobody can call any more."""
    couple = Couple(tmp_path, programs)
    couple.start_rendezvous()
    options = couple.arguments("customer")
    options.remove("--json")
    tmux.start(*P2P_REMOTE, *options, width=100, height=32, env=xvfb.env)
    tmux.wait_for("ready: nobody")
    number = programs.start(
        *P2P_REMOTE, "id", "--json", "--state-dir", options[1]
    ).event("id")["id"]
    tmux.kill(signal.SIGKILL)

    def unreachable() -> bool:
        couple.start_connect(number)
        reason = couple.connect.event("ended", timeout=30)["reason"]
        couple.connect.finish()
        return bool(reason == "unreachable")

    assert eventually(unreachable, 20)


def test_closing_the_terminal_leaves_nothing_running(
    programs: Programs, tmux: Tmux, tmp_path: Path
) -> None:
    """When the technician's terminal goes away in mid session, so does the program."""
    couple = Couple(tmp_path, programs)
    couple.start_rendezvous()
    number = couple.start_share("--screen", "synthetic")
    options = technician(couple)[len(P2P_REMOTE) :]
    tmux.start(*P2P_REMOTE, "connect", number, *options, width=100, height=30)
    digits = read_digits(tmux)
    couple.share.event("request")
    couple.share.say({"do": "approve", "grants": ["view"], "digits": digits})
    couple.share.event("started")
    tmux.wait_for("▀▀▀▀")
    pid = tmux.command_pid()
    tmux.close()
    couple.share.event("ended", by_peer=True)
    assert eventually(lambda: not Path(f"/proc/{pid}").exists(), 15)


def test_quitting_in_a_session_ends_it_quietly(
    programs: Programs, xvfb: Display, tmux: Tmux, tmp_path: Path
) -> None:
    """Ctrl+Q on the customer's side ends the session and leaves without a traceback."""
    couple = Couple(tmp_path, programs)
    couple.start_rendezvous()
    options = couple.arguments("customer")
    options.remove("--json")
    tmux.start(*P2P_REMOTE, *options, width=100, height=32, env=xvfb.env)
    tmux.wait_for("ready: nobody")
    number = programs.start(
        *P2P_REMOTE, "id", "--json", "--state-dir", options[1]
    ).event("id")["id"]
    couple.start_connect(number)
    digits = couple.connect.event("ringing")["digits"]
    tmux.wait_for("Did YOU call them?")
    tmux.type(digits)
    tmux.wait_for(f"{digits[:3]} {digits[3:]}")
    eventually(lambda: False, 1.0)  # nobody answers in the first moment
    tmux.press("Tab", "Tab", "Tab", "Enter")
    couple.connect.event("started")
    tmux.wait_for("sees your screen")
    tmux.press("C-q")
    couple.connect.event("ended", by_peer=True)
    assert tmux.wait_for_exit() == 0
    assert "Traceback" not in tmux.text()
    assert "Error" not in tmux.text()
