"""The laboratory itself: its displays, terminals and networks do what they promise."""

import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.system import requirements
from tests.system.displays import Display
from tests.system.namespaces import Network
from tests.system.programs import Program, Programs
from tests.system.terminals import Tmux

ECHO_SERVER = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.bind((sys.argv[1], 3479))
    print('{"event": "listening"}')
    while True:
        data, peer = server.recvfrom(2000)
        server.sendto(peer[0].encode(), peer)
"""
ECHO_CLIENT = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.settimeout(1.0)
    client.sendto(b"?", (sys.argv[1], 3479))
    try:
        print("seen as", client.recv(100).decode())
    except TimeoutError:
        print("no answer")
"""


def python(script: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", script, *arguments]


def test_a_display_has_the_size_that_was_asked_for(
    start_xvfb: Callable[[int, int], Display],
) -> None:
    small, large = start_xvfb(640, 480), start_xvfb(1920, 1080)
    assert small.name != large.name
    assert "640x480" in small.run("xdpyinfo")
    assert "1920x1080" in large.run("xdpyinfo")


def test_a_display_takes_injected_input_and_shows_programs(
    xvfb: Display, programs: Programs
) -> None:
    xvfb.run("xdotool", "mousemove", "123", "45")
    assert "x:123 y:45" in xvfb.run("xdotool", "getmouselocation")
    programs.start("xterm", "-T", "lab", env=xvfb.env)
    assert xvfb.run("xdotool", "search", "--sync", "--name", "^lab$").strip()


def test_a_vnc_display_speaks_rfb(xtigervnc: Display) -> None:
    script = (
        "import socket, sys\n"
        "with socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5) as c:\n"
        "    print(c.recv(12))"
    )
    assert "RFB 003" in xtigervnc.run(*python(script, str(xtigervnc.vnc_port)))


def test_a_terminal_is_typed_into_and_read(tmux: Tmux) -> None:
    tmux.start("bash", "--norc", width=100, height=30, env={"PS1": "ready> "})
    tmux.wait_for("ready>")
    tmux.type("stty size; printf '%s\\n' grüße-$((6 * 7)); exit 3")
    tmux.press("Enter")
    assert "30 100" in tmux.wait_for("grüße-42")
    assert tmux.wait_for_exit() == 3
    assert "grüße-42" in tmux.text()


def test_peers_meet_through_the_router_under_their_own_addresses(
    netns: Network,
) -> None:
    server = netns.start("middle", *python(ECHO_SERVER, netns.addresses["middle"]))
    server.event("listening")
    for peer in ("customer", "technician"):
        seen = netns.run(peer, *python(ECHO_CLIENT, netns.addresses["middle"]))
        assert seen.strip() == f"seen as {netns.addresses[peer]}"
        netns.run(peer, *_ping(netns.addresses6["middle"]))


def test_a_blocked_pair_still_reaches_the_middle(netns: Network) -> None:
    for name in ("technician", "middle"):
        server = netns.start(name, *python(ECHO_SERVER, netns.addresses[name]))
        server.event("listening")

    def ask(name: str) -> str:
        return netns.run("customer", *python(ECHO_CLIENT, netns.addresses[name]))

    assert "seen as" in ask("technician")
    netns.block("customer", "technician")
    assert "no answer" in ask("technician")
    assert "seen as" in ask("middle")
    netns.unblock()
    assert "seen as" in ask("technician")
    netns.cable("customer", "down")
    assert "no answer" in ask("technician")
    netns.cable("customer", "up")
    assert "seen as" in ask("technician")


def test_the_router_can_be_a_nat(netns: Network) -> None:
    netns.nft(
        "router",
        "add table ip nat\n"
        "add chain ip nat out { type nat hook postrouting priority 100; }\n"
        'add rule ip nat out iifname "customer" masquerade',
    )
    server = netns.start("middle", *python(ECHO_SERVER, netns.addresses["middle"]))
    server.event("listening")
    seen = netns.run("customer", *python(ECHO_CLIENT, netns.addresses["middle"]))
    assert seen.strip() == "seen as 203.0.113.1"


def test_peers_on_one_wire_reach_each_other(lan: Network) -> None:
    server = lan.start("customer", *python(ECHO_SERVER, lan.addresses["customer"]))
    server.event("listening")
    seen = lan.run("technician", *python(ECHO_CLIENT, lan.addresses["customer"]))
    assert seen.strip() == "seen as 192.168.77.3"


def test_nothing_of_a_network_stays_behind(netns: Network) -> None:
    names = [netns.namespace(n) for n in ("customer", "technician", "middle", "router")]
    program = netns.start("customer", "sleep", "60")
    netns.close()
    assert program.returncode == -signal.SIGTERM
    left = subprocess.run(
        ["ip", "netns", "list"], check=True, capture_output=True, text=True
    ).stdout
    assert not [name for name in names if name in left]


def test_a_program_is_read_in_order_and_answers(programs: Programs) -> None:
    talker = programs.start(
        *python(
            "import json\n"
            'print(\'{"event": "ready", "id": "1"}\')\n'
            "print('plain line')\n"
            "print(json.dumps({'event': 'heard', **json.loads(input())}))\n"
            "raise SystemExit(4)"
        )
    )
    assert talker.event("ready")["id"] == "1"
    talker.line("plain")
    talker.say({"do": "end"})
    talker.event("heard", do="end")
    assert talker.finish() == 4


def test_a_silent_program_fails_with_all_it_said(programs: Programs) -> None:
    program = programs.start(
        *python("import sys; print('a'); print('b', file=sys.stderr)")
    )
    with pytest.raises(AssertionError, match=r"it ended[\s\S]*out: a\n  err: b"):
        program.event("ready")


def test_a_program_ends_with_its_children() -> None:
    with Programs() as programs:
        shell: Program = programs.start("bash", "-c", "sleep 60 & echo $!; wait")
        child = shell.line("").strip()
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", child], capture_output=True, text=True, check=False
    ).stdout.strip()
    assert state in {"", "Z", "Zs"}


def test_a_missing_package_skips_by_name_or_fails_where_it_is_required(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(requirements.COMMANDS, "moon", {"no-such-cmd": "moon-utils"})
    monkeypatch.delenv("P2P_REQUIRE", raising=False)
    with pytest.raises(pytest.skip.Exception, match="moon-utils"):
        requirements.require("moon")
    monkeypatch.setenv("P2P_REQUIRE", "x11,moon")
    with pytest.raises(pytest.fail.Exception, match="moon-utils"):
        requirements.require("moon")


def _ping(address: str) -> list[str]:
    """A datagram to a closed port comes back as an ICMP error: the host is there."""
    return python(
        "import socket, sys\n"
        "with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:\n"
        "    s.settimeout(5)\n"
        "    s.connect((sys.argv[1], 9))\n"
        "    s.send(b'?')\n"
        "    try:\n"
        "        s.recv(1)\n"
        "    except ConnectionRefusedError:\n"
        "        pass\n",
        address,
    )
