"""The files that operators install, and what systemd is told."""

import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from p2p_remote.traversal.registration_events import Registered
from p2p_remote.wire.address import Endpoint
from rendezvous.cli import parser
from tests.system.rendezvous_processes import PATIENCE, Client, run_until, running

PACKAGING = Path(__file__).parent.parent.parent / "packaging" / "rendezvous"
UNIT = PACKAGING / "p2p-rendezvous.service"
PORT_443 = PACKAGING / "port-443.conf"
WORST_SCORE = 1.5


@pytest.mark.parametrize(
    ("file", "listen"), [(UNIT, []), (PORT_443, [":3479", ":443"])]
)
def test_the_unit_starts_the_server_with_options_that_it_has(file, listen):
    """What ExecStart says is what the command line takes."""
    (line,) = re.findall(r"^ExecStart=(.+)$", file.read_text(), re.MULTILINE)
    program, *arguments = line.split()
    assert program.endswith("/p2p-rendezvous")
    options = parser().parse_args(arguments)
    assert options.database
    assert options.handover
    assert options.listen == listen


def test_systemd_finds_nothing_wrong_with_the_unit_and_little_exposed(tmp_path):
    """`systemd-analyze verify`, and a security score of 1.5 at most."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("needs systemd-analyze")
    text = re.sub(
        r"ExecStart=\S+", f"ExecStart={shutil.which('true')}", UNIT.read_text()
    )
    unit = tmp_path / UNIT.name
    unit.write_text(text)
    verified = subprocess.run(
        [analyze, "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert UNIT.name not in verified.stderr
    scored = subprocess.run(
        [analyze, "security", "--offline=yes", "--no-pager", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    (score,) = re.findall(r"exposure level for \S+: ([\d.]+)", scored.stdout)
    assert float(score) <= WORST_SCORE


def test_the_container_takes_libraries_that_the_lock_has():
    """Each name in the Containerfile's pattern is locked."""
    text = (PACKAGING / "Containerfile").read_text()
    (names,) = re.findall(r"\^\(([a-z|]+)\)==", text)
    lock = (PACKAGING.parent.parent / "requirements-dev.txt").read_text()
    for name in names.split("|"):
        assert re.search(rf"^{name}==", lock, re.MULTILINE)


def test_systemd_is_told_when_the_server_is_ready_and_when_it_stops(
    tmp_path, monkeypatch
):
    """READY=1 after the sockets are open, WATCHDOG=1 while it runs, STOPPING=1."""
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(PATIENCE)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        with running() as (process, _):
            assert manager.recv(64) == b"READY=1"
            assert manager.recv(64) == b"WATCHDOG=1"
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
            rest = [manager.recv(64)]
            while rest[-1] != b"STOPPING=1":
                rest.append(manager.recv(64))


def test_a_restart_with_handover_keeps_leases(tmp_path):
    """The next process knows the client; the file is private and read only once."""
    file = tmp_path / "handover"
    with running("--handover", str(file)) as (process, server):
        client = Client("client", server)
        run_until(lambda: client.first(Registered), client)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    where = f"{server.host}:{server.port}"
    with running("--handover", str(file), "-v", host=where) as (process, again):
        assert again == Endpoint(server.host, server.port)
        assert not file.exists()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        assert "1 leases taken over" in process.stderr.read()
    client.socket.close()
