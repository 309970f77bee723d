"""A worker as a process, from the session's end: used, stopped, lost, lying."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

import p2p_remote
from p2p_remote.net.bulk_lane import Lane
from p2p_remote.services import lane_process
from p2p_remote.services.lane_process import LaneWorker
from p2p_remote.services.lane_worker import BROKEN, DONE, LaneJob
from p2p_remote.session.lane import LaneKeys, LaneSealer
from tests.support.files import tcp_pair
from tests.support.traps import set_traps

KEYS = LaneKeys(b"s" * 32, b"r" * 32)
SIZE = 8_000_000

processes = pytest.mark.skipif(
    not lane_process.INHERITS, reason="no descriptors are inherited here"
)


class Pair:
    """A worker at each end of a connection."""

    def __init__(self, folder: Path) -> None:
        there, here = tcp_pair()
        self.content = os.urandom(SIZE)
        (folder / "there").write_bytes(self.content)
        self.here = folder / "here"
        self.files = [
            os.open(folder / "there", os.O_RDONLY),
            os.open(self.here, os.O_RDWR | os.O_CREAT),
        ]
        self.lanes = [
            Lane(there, KEYS),
            Lane(here, LaneKeys(KEYS.receive, KEYS.send)),
        ]
        self.moved: list[list[int]] = [[], []]
        self.workers: list[LaneWorker] = []

    def worker(self, end: int) -> LaneWorker:
        """Start the worker of the sender, 0, or of the receiver, 1."""
        lane, sends = self.lanes[end], end == 0
        key = lane.keys.send if sends else lane.keys.receive
        connection = lane.connection.fileno()
        job = LaneJob(sends, key, 0, 5, SIZE, connection, self.files[end])
        moved = self.moved[end]
        worker = LaneWorker(lane, job, lambda position, _: moved.append(position))
        self.workers.append(worker)
        return worker

    async def close(self) -> None:
        """End everything."""
        for worker in self.workers:
            worker.stop()
            await worker.over()
        for lane in self.lanes:
            lane.close()
        for file in self.files:
            os.close(file)


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    """Two ends, whose workers are ended in the end."""
    made = Pair(tmp_path)
    async with asyncio.timeout(20):
        yield made
        await made.close()


@pytest.fixture(params=[pytest.param(True, marks=processes), False])
def inherits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As processes, and as threads."""
    monkeypatch.setattr(lane_process, "INHERITS", request.param)


@pytest.mark.usefixtures("inherits")
async def test_two_workers_move_a_file(pair: Pair) -> None:
    sender, receiver = pair.worker(0), pair.worker(1)
    assert await sender.ready()
    sending = asyncio.create_task(sender.run(0, 0))
    assert await receiver.ready()
    last = await receiver.run(0, 0)
    assert last.kind == (await sending).kind == DONE
    assert pair.here.read_bytes() == pair.content
    assert [moved[-1] for moved in pair.moved] == [SIZE, SIZE]
    assert sender.is_over
    assert pair.lanes[0].connection.fileno() < 0


@pytest.mark.usefixtures("inherits")
@pytest.mark.parametrize("when", ["at once", "before the start", "in the middle"])
async def test_a_worker_that_is_stopped_moves_nothing_more(
    pair: Pair, when: str
) -> None:
    """And says nothing more."""
    worker = pair.worker(1)
    running: asyncio.Task[object] | None = None
    if when != "at once":
        sealer = LaneSealer(KEYS.send)
        pair.lanes[0].connection.sendall(sealer.chunk(5, 0, pair.content[:50_000]))
        assert await worker.ready()
    if when == "in the middle":
        running = asyncio.create_task(worker.run(0, 0))
        await _until(lambda: pair.here.stat().st_size == 50_000)
    worker.stop()
    told = list(pair.moved[1])
    await worker.over()
    assert not await worker.ready()
    assert pair.moved[1] == told
    assert pair.here.stat().st_size == (50_000 if when == "in the middle" else 0)
    if running is not None:
        await running


@processes
@pytest.mark.parametrize("fault", ["killed", "input closed"])
async def test_a_process_that_is_lost_is_noticed(pair: Pair, fault: str) -> None:
    """Its connection is closed, so that the other end notices too."""
    worker = pair.worker(0)
    assert await worker.ready()
    running = asyncio.create_task(worker.run(0, 0))
    await asyncio.sleep(0)
    process = worker._process
    assert process is not None
    assert process.stdin is not None
    if fault == "killed":
        process.send_signal(signal.SIGKILL)
    else:
        process.stdin.close()  # as when its parent has died
    assert (await running).kind == BROKEN
    assert pair.lanes[0].connection.fileno() < 0
    assert process.returncode is not None


@processes
async def test_a_process_that_cannot_be_started_is_no_error(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    worker = pair.worker(0)
    assert not await worker.ready()
    assert pair.lanes[0].connection.fileno() < 0


@processes
@pytest.mark.parametrize("said", ["nothing", "garbage", "ready, then garbage"])
async def test_a_process_that_says_nonsense_is_ended(
    pair: Pair, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = {"nothing": b"", "garbage": b"x" * 100}.get(said, bytes(10) + b"x" * 100)
    program = f"import os, time; os.write(1, {output!r})"
    monkeypatch.setattr(lane_process, "_PROGRAM", f"{program}; time.sleep(0.05)")
    worker = pair.worker(0)
    await worker.ready()
    assert (await worker.run(0, 0)).kind == BROKEN
    assert not pair.moved[0]


@processes
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
async def test_no_key_is_shown_to_other_users(pair: Pair) -> None:
    """Neither arguments nor environment have it."""
    worker = pair.worker(0)
    assert await worker.ready()
    assert worker._process is not None
    about = Path(f"/proc/{worker._process.pid}")
    for name in ("cmdline", "environ"):
        assert KEYS.send[:8] not in (about / name).read_bytes()
    descriptors = {str(each.readlink()) for each in (about / "fd").iterdir()}
    assert str(pair.here) not in descriptors  # only what the job needs


@processes
async def test_nothing_is_imported_from_the_current_folder(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the search path of this process names it; a file may have come there."""
    traces = set_traps(tmp_path, "struct", "nacl")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), "", ".", *sys.path])
    assert await pair.worker(0).ready()
    assert not traces()


@processes
async def test_the_standard_library_goes_before_our_folder(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if our package lies in the current folder itself."""
    (tmp_path / "p2p_remote").symlink_to(Path(p2p_remote.__file__).parent)
    traces = set_traps(tmp_path, "struct")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        p2p_remote, "__file__", str(tmp_path / "p2p_remote" / "__init__.py")
    )
    assert await pair.worker(0).ready()
    assert not traces()


async def _until(check: Callable[[], bool]) -> None:
    while not check():  # noqa: ASYNC110 -- it looks at the disk
        await asyncio.sleep(0.002)
