"""Bad files, ports and displays: one clear line and the documented exit code."""

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from p2p_remote.wire.first_byte import NO_CHANNEL
from tests.system.couple import Couple, eventually
from tests.system.programs import P2P_REMOTE, RENDEZVOUS, ROOT, Programs
from tests.system.terminals import Tmux

SILENT_SERVER = ("--no-lan", "--rendezvous", "127.0.0.1:9")  # nobody listens there


def run(
    *arguments: str | Path, env: Mapping[str, str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [str(argument) for argument in arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=30,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        check=False,
    )


def says(
    result: subprocess.CompletedProcess[str],
    code: int,
    words: str,
    events: Sequence[str] = (),
) -> None:
    """Check exit code, events on stdout and no more, and one clear line on stderr."""
    assert result.returncode == code, result
    lines = result.stdout.splitlines()
    assert [json.loads(line)["event"] for line in lines] == list(events)
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("command", [["id"], ["share"], ["connect", "482913070"]])
def test_malformed_identity(tmp_path: Path, command: list[str]) -> None:
    """A damaged identity is exit code 1, and is left as it is."""
    file = tmp_path / "identity"
    file.write_bytes(b"rubbish")
    file.chmod(0o600)
    result = run(*P2P_REMOTE, *command, "--json", "--state-dir", tmp_path)
    is_call = command[0] == "connect"
    says(result, 1, "damaged", ["ended"] if is_call else [])
    assert file.read_bytes() == b"rubbish"


def test_unwritable_state_folder(tmp_path: Path) -> None:
    """A state folder that cannot be made is exit code 1."""
    (tmp_path / "file").write_text("")
    result = run(*P2P_REMOTE, "id", "--state-dir", tmp_path / "file" / "state")
    says(result, 1, "--state-dir")


@pytest.mark.parametrize(
    "command",
    [
        ["send", "482913070", "/nonexistent"],
        ["get", "482913070", "report.pdf", "/nonexistent/folder/x"],
        ["share", "--password-file", "/nonexistent"],
        ["share", "--downloads", "/dev/null/x"],
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, command: list[str]) -> None:
    """What is not there, or cannot be made, is exit code 1 before anything starts."""
    result = run(*P2P_REMOTE, *command, "--state-dir", tmp_path)
    says(result, 1, command[-1].removesuffix("/x"))


def test_missing_display(tmp_path: Path) -> None:
    """Sharing without a display is exit code 7, with the next step."""
    result = run(*P2P_REMOTE, "share", "--state-dir", tmp_path)
    says(result, 7, "No display")


def test_display_that_does_not_answer(tmp_path: Path) -> None:
    """A display that is not there is exit code 7."""
    env = {"DISPLAY": ":987"}
    result = run(*P2P_REMOTE, "share", "--state-dir", tmp_path, env=env)
    says(result, 7, ":987")


def test_wayland_is_refused_honestly(tmp_path: Path) -> None:
    """Under Wayland nothing black is shared; it says so."""
    env = {"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":987"}
    result = run(*P2P_REMOTE, "share", "--state-dir", tmp_path, env=env)
    says(result, 7, "Wayland")


def test_no_terminal(tmp_path: Path) -> None:
    """Without a terminal there is no interface but exit code 2 with a hint."""
    says(run(*P2P_REMOTE, "--state-dir", tmp_path), 2, "terminal")
    says(run(*P2P_REMOTE, "connect", "482913070", "--state-dir", tmp_path), 2, "--json")
    says(run(*P2P_REMOTE, "demo"), 2, "terminal")


def test_wrong_id_and_unknown_server(tmp_path: Path) -> None:
    """A mistyped ID is exit code 2; a server that is not known is 6."""
    common = ["--json", "--state-dir", tmp_path, "--no-lan"]
    says(run(*P2P_REMOTE, "connect", "12345", *common), 2, "nine digits")
    server = ["--rendezvous", "no-such-host.invalid"]
    result = run(*P2P_REMOTE, "share", "--screen", "synthetic", *server, *common)
    assert result.returncode == 6
    assert "no-such-host.invalid" in result.stderr


def test_busy_port() -> None:
    """A port that is taken is exit code 6."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = run(*RENDEZVOUS, "--listen", address)
    says(result, 6, "another program")


def test_bad_commands_are_answered_and_lose_nothing(
    programs: Programs, tmp_path: Path
) -> None:
    """Rubbish on standard input gets `failed`, and the session goes on."""
    couple = Couple(tmp_path, programs)
    couple.start_rendezvous()
    couple.start_share("--screen", "synthetic")
    for line in ("rubbish", "[]", '{"do": 1}', '{"do": "fly"}', '{"do":"approve"}'):
        couple.share.say(line)
        couple.share.event("failed")
    couple.begin("view", "control")
    for line in (
        "rubbish",
        '{"do": "click", "x": -1, "y": 2}',
        '{"do": "click", "x": 1, "y": 2, "button": "left foot"}',
        '{"do": "key", "keysym": "NoSuchKey"}',
        '{"do": "text"}',
        '{"do": "snapshot", "file": "/no/such/folder/x.png"}',
        '{"do": "viewport", "region": [1], "size": [2, 3]}',
        '{"do": "viewport", "region": [0, 0, 9, 9], "size": [0, 3]}',
        '{"do": "viewport", "region": [0, 0, 0, 9], "size": [2, 3]}',
        '{"do": "key", "keysym": "a", "action": []}',
        '{"do": "text", "text": "\\ud800"}',
        '{"do": "snapshot", "file": "\\ud800"}',
        "[" * 100_000,
        '{"do": "request", "permission": "everything"}',
    ):
        couple.connect.say(line)
        couple.connect.event("failed")
    couple.do(do="click", x=1, y=2)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """Undecodable and endless input is answered, and its end still ends an attached."""
    common = ["--screen", "synthetic", "--state-dir", str(tmp_path)]
    result = subprocess.run(
        [*P2P_REMOTE, "share", *common, "--json", "--attached", *SILENT_SERVER],
        input=b"\xff\xfe\n" + b"[" * 100_000 + b'\n{"do": "fly \\ud800"}\n',
        capture_output=True,
        timeout=30,
        cwd=ROOT,
        env={**os.environ, "PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONIOENCODING": ""},
        check=False,
    )
    assert result.returncode == 0, result
    assert result.stdout.count(b'"event": "failed"') == 3
    assert b"Traceback" not in result.stderr


def test_nobody_reads_what_is_said(programs: Programs, tmp_path: Path) -> None:
    """When the reader of stdout has gone, both sides leave instead of running on."""
    couple = Couple(tmp_path, programs)
    couple.start_rendezvous()
    couple.start_share("--screen", "synthetic")
    calls = {
        0: ["share", "--screen", "synthetic", *couple.arguments("other")],
        8: ["connect", couple.peer_id, *couple.arguments("technician")],
    }
    for code, command in calls.items():
        read, write = os.pipe()
        os.close(read)
        with subprocess.Popen(
            [*P2P_REMOTE, *command],
            stdin=subprocess.PIPE,
            stdout=write,
            stderr=subprocess.PIPE,
            cwd=ROOT,
        ) as process:
            os.close(write)
            try:
                assert process.wait(20) == code
            finally:
                process.kill()
            assert process.stderr is not None
            assert b"Traceback" not in process.stderr.read()


@pytest.mark.skipif(not shutil.which("setpriv"), reason="needs util-linux: setpriv")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_killed_demo_leaves_nothing_running(
    tmux: Tmux, number: signal.Signals
) -> None:
    """Server, customer and the demo's display end with it, however it ends."""
    tmux.start(*P2P_REMOTE, "demo", width=120, height=40)
    tmux.wait_for("Demo customer", timeout=30)
    demo = tmux.command_pid()
    children = Path(f"/proc/{demo}/task/{demo}/children").read_text("ascii").split()
    assert len(children) >= 2
    tmux.kill(number)
    assert eventually(lambda: not any(map(_is_running, children)))


def test_garbage_on_the_wire(programs: Programs, tmp_path: Path) -> None:
    """A burst of garbage at server and customer leaves a running session alone."""
    couple = Couple(tmp_path, programs)
    couple.start_rendezvous()
    couple.start_share("--screen", "synthetic")
    couple.begin("view", "control")
    rng = random.Random(1)
    host, _, port = couple.server.rpartition(":")
    targets = [(host, int(port))]
    targets += [("127.0.0.1", p) for p in _udp_ports(couple.share.pid)]
    assert len(targets) >= 2
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("127.0.0.1", 0))
        for _ in range(5000):
            first = rng.choice((0x10, 0x12, 0x14, 0x30, 0x41, 0x43, 0x50, 0xC3))
            data = bytes([first]) + rng.randbytes(rng.randrange(1400))
            sender.sendto(data, rng.choice(targets))
        sender.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while answer := sender.recv(2000):
                # Only the server's hint, shorter than what it answers.
                assert answer[0] == NO_CHANNEL
                assert len(answer) == 5
    couple.do(do="click", x=1, y=2)
    assert couple.rendezvous.returncode is None


def _is_running(pid: str) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text("ascii")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def _udp_ports(pid: int) -> list[int]:
    """UDP ports that a process is bound to."""
    inodes = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        target = str(entry.readlink())
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    ports = []
    for line in Path("/proc/net/udp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[9] in inodes:
            ports.append(int(fields[1].rpartition(":")[2], 16))
    return ports


def test_sharing_that_nobody_could_reach(tmp_path: Path) -> None:
    """Without a server and without the local network, sharing is exit code 2."""
    arguments = ["share", "--no-lan", "--screen", "synthetic", "--state-dir", tmp_path]
    says(run(*P2P_REMOTE, *arguments), 2, "--rendezvous")
