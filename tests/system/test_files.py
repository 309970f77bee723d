"""Files between two real processes: both ways, asked about, stopped, taken up again."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.system.couple import Couple, eventually
from tests.system.namespaces import Network
from tests.system.programs import P2P_REMOTE, Programs

BIG = 24_000_000  # bytes: some seconds on the slow wire


@pytest.fixture
def couple(programs: Programs, tmp_path: Path) -> Couple:
    """Rendezvous and customer on the loopback, sharing a drawn desktop."""
    couple = Couple(tmp_path, programs)
    couple.start_rendezvous()
    couple.start_share("--screen", "synthetic", "--downloads", str(tmp_path / "in"))
    return couple


@pytest.fixture
def slow_lan(lan: Network, tmp_path: Path) -> Couple:
    """Two hosts on a wire of 50 Mbit/s: a big file takes some seconds."""
    for host in ("customer", "technician"):
        shape = "tc qdisc add dev eth0 root tbf rate 50mbit burst 64kb latency 50ms"
        lan.run(host, *shape.split())
    couple = Couple(tmp_path, lan.programs, lan)
    couple.start_share("--screen", "synthetic", "--downloads", str(tmp_path / "in"))
    couple.begin("view", "control", "file_in", "file_out")
    return couple


def make(folder: Path, name: str, size: int) -> Path:
    """Write a file of random bytes."""
    path = folder / name
    path.write_bytes(os.urandom(size))
    return path


def partial(folder: Path) -> list[Path]:
    """Partial files that are left in a folder."""
    return list(folder.glob("*.part"))


def test_a_file_each_way(couple: Couple, tmp_path: Path) -> None:
    """Both directions, names that are taken, an empty file, times kept."""
    couple.begin("view", "file_in", "file_out")
    sent = make(tmp_path, "report.pdf", 300_000)
    os.utime(sent, (1_000_000, 1_000_000))
    for name in ("report.pdf", "report (2).pdf"):
        assert couple.do(do="send", file=str(sent))["bytes"] == 300_000
        there = tmp_path / "in" / name
        assert there.read_bytes() == sent.read_bytes()
        assert there.stat().st_mtime == 1_000_000
        done = couple.share.event("transfer", state="done")
        assert (done["file"], done["direction"]) == (str(there), "in")
    log = make(tmp_path, "app.log", 100_000)
    (tmp_path / "here").mkdir()
    got = couple.do(do="get", path=str(log), to=str(tmp_path / "here"))
    assert got["file"] == str(tmp_path / "here" / "app.log")
    assert (tmp_path / "here" / "app.log").read_bytes() == log.read_bytes()
    empty = make(tmp_path, "empty", 0)
    couple.do(do="get", path=str(empty), to=str(tmp_path / "here" / "own name"))
    assert (tmp_path / "here" / "own name").read_bytes() == b""
    couple.connect.say({"do": "get", "path": "/no/such", "to": str(tmp_path / "here")})
    failed = couple.connect.event("failed", do="get")
    assert "cannot read this" in failed["error"]
    assert not partial(tmp_path / "in")
    assert not partial(tmp_path / "here")


def test_a_send_and_a_get_in_one_burst(couple: Couple, tmp_path: Path) -> None:
    """Both arrive, whichever of them is ready first, and the session goes on."""
    couple.begin("view", "file_in", "file_out")
    there, here = make(tmp_path, "there", 1000), make(tmp_path, "here", 2000)
    send = {"do": "send", "file": str(here)}
    get = {"do": "get", "path": str(there), "to": str(tmp_path / "got")}
    couple.connect.say(f"{json.dumps(send)}\n{json.dumps(get)}")
    for _ in range(2):
        couple.connect.event("done")
    assert (tmp_path / "in" / "here").read_bytes() == here.read_bytes()
    assert (tmp_path / "got").read_bytes() == there.read_bytes()
    couple.do(do="viewport", region=[0, 0, 64, 64], size=[64, 64])


def test_the_end_answers_every_command(couple: Couple, tmp_path: Path) -> None:
    """Files that wait for others fail with the session, and the process leaves."""
    couple.begin("view")  # the customer is asked about each file
    file = make(tmp_path, "file", 1000)
    os.mkfifo(tmp_path / "pipe")
    commands = [
        {"do": "send", "file": str(file)},
        {"do": "get", "path": str(file), "to": str(tmp_path / "x")},
        {"do": "send", "file": str(file)},
        {"do": "get", "path": str(file), "to": str(tmp_path / "x")},
        {"do": "snapshot", "file": str(tmp_path / "pipe"), "wait_settled": True},
        {"do": "text", "text": "never"},
    ]
    couple.connect.say("\n".join(json.dumps(command) for command in commands))
    couple.share.event("asked")
    couple.share.say({"do": "end"})
    couple.connect.event("ended")
    assert couple.connect.wait() == 8
    events = [json.loads(line) for line in couple.connect.output]
    failed = [event["do"] for event in events if event["event"] == "failed"]
    assert sorted(failed) == sorted(command["do"] for command in commands)


def test_the_customer_is_asked_about_each_file(couple: Couple, tmp_path: Path) -> None:
    """Yes for one file is not yes for the next; no is no, for all that follow."""
    couple.begin("view")
    first, second = make(tmp_path, "one", 10), make(tmp_path, "two", 20)
    couple.connect.say({"do": "send", "file": str(first)})
    asked = couple.share.event("asked", permission="file_in")
    assert asked["file"]["name"] == "one"
    assert asked["file"]["size"] == 10
    couple.share.say({"do": "allow", "transfer": asked["file"]["transfer"]})
    couple.connect.event("done", do="send")
    couple.connect.say({"do": "send", "file": str(second)})
    couple.share.event("asked", permission="file_in")
    couple.share.say({"do": "decline", "permission": "file_in"})
    failed = couple.connect.event("failed", do="send")
    assert failed["error"].startswith("The customer said no to this file.")
    couple.connect.say({"do": "get", "path": str(second), "to": str(tmp_path / "x")})
    asked = couple.share.event("asked", permission="file_out")
    assert asked["file"]["name"] == str(second)
    couple.share.say({"do": "grant", "permission": "file_out"})
    couple.connect.event("done", do="get")
    assert (tmp_path / "x").read_bytes() == second.read_bytes()
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["one"]


def test_either_side_stops_a_file(slow_lan: Couple, tmp_path: Path) -> None:
    """A stop of either side and a permission taken back leave nothing behind."""
    couple = slow_lan
    big = make(tmp_path, "big", BIG)
    for stop in ("technician", "customer", "revoke"):
        couple.connect.say({"do": "send", "file": str(big)})
        running = couple.connect.event("transfer", state="running")
        number = running["transfer"]
        if stop == "technician":
            couple.connect.say({"do": "abort", "transfer": number})
        elif stop == "customer":
            couple.share.say({"do": "abort", "transfer": number})
        else:
            couple.share.say({"do": "revoke", "permission": "file_in"})
        couple.connect.event("failed", do="send")
        couple.share.event("transfer", state="failed", transfer=number)
        assert eventually(lambda: not list((tmp_path / "in").iterdir()))
    couple.do(do="viewport", region=[0, 0, 64, 64], size=[64, 64])


def test_a_cut_file_goes_on_where_it_was(slow_lan: Couple, tmp_path: Path) -> None:
    """After the technician's process was killed, the next session goes on."""
    couple = slow_lan
    big = make(tmp_path, "big.iso", BIG)
    couple.connect.say({"do": "send", "file": str(big)})
    folder = tmp_path / "in"
    assert eventually(lambda: any(p.stat().st_size > 400_000 for p in partial(folder)))
    couple.connect.signal(signal.SIGKILL)
    couple.share.say({"do": "end"})
    couple.share.event("ended")
    assert eventually(lambda: bool(partial(folder)))
    couple.begin("view", "file_in")
    couple.connect.say({"do": "send", "file": str(big)})
    running = couple.connect.event("transfer", state="running")
    assert running["bytes"] >= 400_000
    couple.connect.event("done", 60.0, do="send")
    assert (folder / "big.iso").read_bytes() == big.read_bytes()
    assert not partial(folder)


def test_on_a_lan_files_have_a_connection_of_their_own(
    slow_lan: Couple, tmp_path: Path
) -> None:
    """Both ways over TCP, while the session goes on; nothing listens afterwards."""
    couple, big = slow_lan, make(tmp_path, "big", BIG)
    couple.connect.say({"do": "send", "file": str(big)})
    couple.connect.event("transfer", state="running", over="tcp")
    couple.share.event("transfer", state="running", over="tcp")
    couple.do(do="text", text="meanwhile")
    couple.connect.event("done", 60.0, do="send")
    assert (tmp_path / "in" / "big").read_bytes() == big.read_bytes()
    couple.connect.say({"do": "get", "path": str(big), "to": str(tmp_path / "back")})
    couple.connect.event("transfer", state="running", over="tcp")
    couple.connect.event("done", 60.0, do="get")
    assert (tmp_path / "back").read_bytes() == big.read_bytes()


def test_a_file_outlives_its_connection(
    slow_lan: Couple, lan: Network, tmp_path: Path
) -> None:
    """When TCP is cut off in the middle, the session carries the rest."""
    couple, big = slow_lan, make(tmp_path, "big", BIG)
    couple.connect.say({"do": "send", "file": str(big)})
    couple.connect.event("transfer", state="running", over="tcp")
    lan.nft(
        "customer",
        """
        add table inet cut
        add chain inet cut input { type filter hook input priority 0; }
        add rule inet cut input meta l4proto tcp drop
        """,
    )
    couple.connect.event("transfer", 60.0, state="running", over="session")
    couple.connect.event("done", 120.0, do="send")
    assert (tmp_path / "in" / "big").read_bytes() == big.read_bytes()
    assert not partial(tmp_path / "in")


@pytest.mark.parametrize("end", ["share", "connect"])
def test_no_worker_outlives_its_session(
    slow_lan: Couple, tmp_path: Path, end: str
) -> None:
    """Whoever is killed while a file moves by TCP: nothing goes on without it."""
    couple, big = slow_lan, make(tmp_path, "big", 2 * BIG)
    couple.connect.say({"do": "send", "file": str(big)})
    couple.share.event("transfer", state="running", over="tcp")
    program = getattr(couple, end)
    workers = children(program.pid)
    assert len(workers) == 1
    program.signal(signal.SIGKILL)
    assert eventually(lambda: not any(map(is_running, workers)))


def children(pid: int) -> list[int]:
    """Processes that a process has started."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(x) for task in tasks for x in (task / "children").read_text().split()]


def is_running(pid: int) -> bool:
    """Whether a process is there and not only waited for."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rsplit(")", 1)[1].split()[0] != "Z"


def test_send_and_get_as_commands(
    couple: Couple, programs: Programs, tmp_path: Path
) -> None:
    """`send` and `get` say what they want, move their files and see nothing else."""
    file = make(tmp_path, "one.txt", 1000)
    for verb, words in (
        ("send", [str(file)]),
        ("get", [str(file), str(tmp_path / "back.txt")]),
    ):
        options = couple.arguments("technician")
        program = programs.start(*P2P_REMOTE, verb, couple.peer_id, *words, *options)
        digits = program.event("ringing")["digits"]
        request = couple.share.event("request")
        assert (request["mode"], request["grants"]) == (verb, [])
        couple.share.say({"do": "approve", "grants": [], "digits": digits})
        assert couple.share.event("started")["grants"] == []
        asked = couple.share.event("asked")["file"]
        couple.share.say({"do": "allow", "transfer": asked["transfer"]})
        program.event("transfer", state="done")
        assert program.finish() == 0
        couple.share.event("ended")
    assert (tmp_path / "in" / "one.txt").read_bytes() == file.read_bytes()
    assert (tmp_path / "back.txt").read_bytes() == file.read_bytes()
