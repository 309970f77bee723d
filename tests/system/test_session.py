"""The main job with real processes: an X screen seen and controlled by scripts."""

import json
import signal
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.system.couple import Couple, eventually
from tests.system.desktop_support import keys_down
from tests.system.displays import Display
from tests.system.namespaces import Network
from tests.system.programs import Program, Programs

TEXT = "Grüße 12€ ß Ж"


def start_xterm(programs: Programs, display: Display, folder: Path) -> Path:
    """Start an xterm that writes what is typed into a file."""
    typed = folder / "typed.txt"
    programs.start(
        "xterm",
        "-geometry",
        "60x20+100+100",
        "-e",
        f"cat > {typed}",
        env=display.env,
    )
    assert eventually(typed.exists)
    window = display.run("xdotool", "search", "--sync", "--class", "xterm").split()[0]
    display.run("xdotool", "windowfocus", "--sync", window)
    display.run("xdotool", "mousemove", "1200", "700")
    return typed


def picture(file: Path) -> NDArray[np.uint8]:
    """Pixels of a PNG as (height, width, 3)."""
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))


def screenshot(display: Display, folder: Path) -> NDArray[np.uint8]:
    """Pixels of the real screen, taken by a program that is not ours."""
    file = folder / "real.png"
    display.run("import", "-silent", "-window", "root", str(file))
    return picture(file)


def only_ndjson(program: Program) -> bool:
    """Whether standard output carries nothing but events."""
    return all("event" in json.loads(line) for line in program.output)


def test_two_networks_one_number_one_approval(
    netns: Network, xvfb: Display, tmp_path: Path
) -> None:
    """Across a router: exact picture, text unchanged, direct path, no server needed."""
    typed = start_xterm(netns.programs, xvfb, tmp_path)
    couple = Couple(tmp_path, netns.programs, netns, xvfb.env)
    couple.start_rendezvous()
    couple.start_share("--screen", "x11")
    couple.begin("view", "control")
    assert couple.connect.event("path", kind="direct")["rtt_ms"] is not None

    file = tmp_path / "seen.png"
    couple.do(do="snapshot", file=str(file), wait_settled=True)
    assert np.array_equal(picture(file), screenshot(xvfb, tmp_path))

    couple.do(do="text", text=TEXT + "\n")
    assert eventually(lambda: typed.read_text() == TEXT + "\n"), typed.read_text()

    couple.rendezvous.signal(signal.SIGTERM)
    assert couple.rendezvous.finish() == 0
    couple.do(do="text", text="still here\n")
    assert eventually(lambda: "still here" in typed.read_text())

    def is_same() -> bool:
        couple.do(do="snapshot", file=str(file), wait_settled=True)
        return np.array_equal(picture(file), screenshot(xvfb, tmp_path))

    # The terminal draws what was typed when it gets to it.
    assert eventually(is_same)

    couple.connect.say({"do": "end"})
    couple.connect.event("ended", reason="ended")
    assert couple.connect.finish() == 0
    ended = couple.share.event("ended", reason="ended")
    assert ended["duration_s"] > 0
    assert only_ndjson(couple.connect)
    assert only_ndjson(couple.share)


@pytest.fixture
def couple(xvfb: Display, programs: Programs, tmp_path: Path) -> Couple:
    """Rendezvous and customer on the loopback, sharing an X screen."""
    couple = Couple(tmp_path, programs, env=xvfb.env)
    couple.start_rendezvous()
    couple.start_share("--screen", "x11")
    return couple


def test_f11_stops_control(
    couple: Couple, xvfb: Display, programs: Programs, tmp_path: Path
) -> None:
    """After F11 on the customer's machine neither keys nor pointer have an effect."""
    typed = start_xterm(programs, xvfb, tmp_path)
    couple.begin("view", "control")
    couple.do(do="pointer", x=300, y=310)
    assert eventually(lambda: _pointer(xvfb) == (300, 310))
    couple.do(do="text", text="before\n")
    assert eventually(lambda: typed.read_text() == "before\n")
    xvfb.run("xdotool", "key", "F11")
    assert couple.share.event("revoked")["permissions"] == ["control"]
    couple.connect.event("revoked")
    couple.connect.say({"do": "pointer", "x": 10, "y": 20})
    assert "not allowed" in couple.connect.event("failed", do="pointer")["error"]
    couple.connect.say({"do": "text", "text": "after\n"})
    couple.connect.event("failed", do="text")
    file = tmp_path / "seen.png"
    couple.do(do="snapshot", file=str(file), wait_settled=True)
    assert _pointer(xvfb) == (300, 310)
    assert typed.read_text() == "before\n"


def test_held_keys_are_released_by_f11(couple: Couple, xvfb: Display) -> None:
    """A key held by the technician is up again after F11."""
    couple.begin("view", "control")
    couple.do(do="key", keysym="Shift_L", action="press")
    assert eventually(lambda: _any_key_down(xvfb))
    xvfb.run("xdotool", "key", "F11")
    couple.share.event("revoked")
    assert eventually(lambda: not _any_key_down(xvfb), 2.0)


def test_technician_killed_while_holding_a_key(couple: Couple, xvfb: Display) -> None:
    """Everything held is released when the technician vanishes without a word."""
    couple.begin("view", "control")
    couple.do(do="key", keysym="Control_L", action="press")
    couple.do(do="pointer", x=50, y=60, buttons=["left"])
    assert eventually(lambda: _any_key_down(xvfb))
    couple.connect.signal(signal.SIGKILL)
    couple.share.event("silence")
    assert eventually(lambda: not _any_key_down(xvfb), 2.0)


def test_f12_ends_the_session(couple: Couple, xvfb: Display) -> None:
    """F12 ends the session; the technician leaves with exit code 8."""
    couple.begin("view", "control")
    xvfb.run("xdotool", "key", "F12")
    couple.share.event("ended", reason="ended")
    couple.connect.event("ended", by_peer=True)
    assert couple.connect.finish() == 8


def test_wrong_digits_and_no_digits(couple: Couple) -> None:
    """Wrong digits give nothing; none give the view and never control."""
    digits = couple.ring()
    wrong = f"{(int(digits) + 1) % 1_000_000:06d}"
    couple.share.say({"do": "approve", "grants": ["view", "control"], "digits": wrong})
    assert couple.share.event("wrong_digits")["tries_left"] == 2
    couple.share.event("failed", do="approve")
    couple.share.say({"do": "approve", "grants": ["view", "control"]})
    assert couple.share.event("started")["grants"] == ["view"]
    assert couple.connect.event("started")["grants"] == ["view"]
    couple.share.say({"do": "grant", "permission": "control"})
    couple.share.event("failed", do="grant")
    couple.connect.say({"do": "request", "permission": "control"})
    couple.connect.event("declined", permission="control")
    couple.connect.say({"do": "click", "x": 1, "y": 1})
    couple.connect.event("failed", do="click")


def test_nobody_is_known_unless_the_customer_says_so(couple: Couple) -> None:
    """Digits typed once do not open the way again; `remember` does, with a yes."""
    couple.begin("view", "control")
    couple.do(do="end")
    assert couple.connect.finish() == 0
    couple.begin("view", "control", digits=False)
    couple.connect.say({"do": "click", "x": 1, "y": 1})
    couple.connect.event("failed", do="click")
    couple.share.say({"do": "remember"})
    couple.share.event("failed", do="remember")
    couple.do(do="end")
    couple.connect.finish()

    couple.begin("view", "control")
    couple.share.say({"do": "remember"})
    couple.share.event("done", do="remember")
    couple.do(do="end")
    couple.connect.finish()
    couple.begin("view", "control", digits=False)
    couple.do(do="click", x=1, y=1)


def test_three_wrong_digits_end_the_call(couple: Couple) -> None:
    """The third wrong try ends the request; the technician leaves with code 5."""
    digits = couple.ring()
    wrong = f"{(int(digits) + 1) % 1_000_000:06d}"
    for _ in range(3):
        couple.share.say({"do": "approve", "grants": ["control"], "digits": wrong})
        couple.share.event("failed", do="approve")
    couple.connect.event("ended", reason="wrong_digits")
    assert couple.connect.finish() == 5


def test_denial_exits_4(couple: Couple) -> None:
    """A customer who says no ends the call with exit code 4."""
    couple.ring()
    couple.share.say({"do": "deny"})
    couple.connect.event("ended", reason="denied")
    assert couple.connect.finish() == 4
    assert only_ndjson(couple.connect)


def test_unknown_id_exits_3(couple: Couple) -> None:
    """Nobody under this ID is exit code 3."""
    couple.start_connect("999999999")
    couple.connect.event("ended", reason="unreachable")
    assert couple.connect.finish() == 3
    assert only_ndjson(couple.connect)


def test_control_granted_later_and_taken_back(couple: Couple, xvfb: Display) -> None:
    """Control is a second grant: asked for, given, taken back, given again."""
    couple.begin("view")
    couple.connect.say({"do": "pointer", "x": 5, "y": 6})
    couple.connect.event("failed", do="pointer")
    couple.do(do="request", permission="control")
    couple.share.event("asked", permission="control")
    couple.share.say({"do": "grant", "permission": "control"})
    couple.connect.event("granted", permission="control")
    assert eventually(
        lambda: (
            couple.do(do="pointer", x=70, y=80)["do"] == "pointer"
            and _pointer(xvfb) == (70, 80)
        )
    )
    couple.share.say({"do": "revoke", "permission": "control"})
    couple.connect.event("revoked")
    couple.connect.say({"do": "pointer", "x": 5, "y": 6})
    couple.connect.event("failed", do="pointer")
    couple.share.say({"do": "revoke", "permission": "view"})
    couple.connect.event("ended")
    assert couple.connect.finish() == 8


def test_second_caller_is_told_that_the_customer_is_busy(couple: Couple) -> None:
    """While a session runs nobody else gets in, and the session goes on."""
    couple.begin("view", "control")
    first = couple.connect
    couple.folder = couple.folder / "other"
    couple.start_connect()
    couple.connect.event("ended", reason="busy")
    assert couple.connect.finish() == 4
    couple.connect = first
    couple.do(do="pointer", x=1, y=2)


def test_closing_the_customers_program_ends_access(couple: Couple) -> None:
    """When `share` is ended the technician is out at once, and stays out."""
    couple.begin("view", "control")
    couple.share.signal(signal.SIGTERM)
    couple.connect.event("ended", by_peer=True, timeout=10.0)
    assert couple.share.finish() == 0
    assert couple.connect.finish() == 8
    couple.start_connect()
    couple.connect.event("ended", reason="unreachable")
    assert couple.connect.finish() == 3


def _pointer(display: Display) -> tuple[int, int]:
    fields = dict(
        line.split("=")
        for line in display.run("xdotool", "getmouselocation", "--shell").split()
    )
    return int(fields["X"]), int(fields["Y"])


def _any_key_down(display: Display) -> bool:
    return bool(keys_down(display))
