"""Large files by a lane and its workers: whole, stopped at once, lost and gone on."""

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from p2p_remote.net.bulk_lane import Lane
from p2p_remote.services import lane_process, transfer_by_lane
from p2p_remote.services.lane_process import LaneWorker
from p2p_remote.services.lane_worker import Report
from p2p_remote.services.transfer_by_lane import TransferByLane
from p2p_remote.services.transfer_job import Job
from p2p_remote.session import file_events as fe
from p2p_remote.session.lane import LaneKeys
from p2p_remote.store.incoming_files import Expected, IncomingFile
from tests.support.files import tcp_pair
from tests.support.transfers import BIG, Ends
from tests.support.waiting import until

processes = pytest.mark.skipif(
    not lane_process.INHERITS, reason="no descriptors are inherited here"
)


async def test_a_large_file_takes_the_lane(ends: Ends) -> None:
    """Both ways."""
    path = ends.make_for_lane(BIG)
    report = await ends.technician.send(path)
    assert (report.state, report.lane) == ("done", True)
    assert ends.reports["c"][-1].lane
    assert ends.stored.read_bytes() == path.read_bytes()
    ends.stored.unlink()
    got = await ends.technician.get(str(path), ends.folder / "back.bin")
    assert (got.state, got.lane) == ("done", True)
    assert (ends.folder / "back.bin").read_bytes() == path.read_bytes()


async def test_a_partial_file_goes_on_by_the_lane(ends: Ends) -> None:
    path = ends.make_for_lane(2 * BIG)
    content = path.read_bytes()
    modified = int(path.stat().st_mtime)
    expected = Expected(b"p" * 32, "a.bin", 2 * BIG, modified)
    sink = IncomingFile(ends.folder / "in", expected, lambda: True)
    sink.write(0, content[:5_000_001])
    sink.close(keep=True)
    report = await ends.technician.send(path)
    assert (report.state, report.lane) == ("done", True)
    assert ends.stored.read_bytes() == content
    assert ends.reports["c"][0].position >= 5_000_001


class FirstMove:
    """Does something, once, when the worker of one side has told how far it is."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        *,
        incoming: bool,
        act: Callable[[Job], Any],
    ) -> None:
        self.job: Job | None = None
        real = TransferByLane._on_moved

        def on_moved(by_lane: TransferByLane, job: Job, *moved: Any) -> None:
            if job.incoming is incoming and self.job is None:
                self.job = job
                act(job)
            real(by_lane, job, *moved)

        monkeypatch.setattr(TransferByLane, "_on_moved", on_moved)

    @property
    def worker(self) -> LaneWorker:
        """The worker that has told it."""
        assert self.job is not None
        assert self.job.worker is not None
        return self.job.worker


def signal_worker(number: signal.Signals, ends: Ends) -> Callable[[Job], None]:
    """What sends a signal to the process of a job, and lets the session go on."""

    def act(job: Job) -> None:
        assert job.worker is not None
        assert job.worker._process is not None
        job.worker._process.send_signal(number)
        ends.free()

    return act


@processes
@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP])
@pytest.mark.parametrize("incoming", [True, False])
async def test_a_worker_that_is_lost_loses_nothing(
    ends: Ends, fault: signal.Signals, incoming: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed or hung, at either end: the session carries the rest, once."""
    monkeypatch.setattr(transfer_by_lane, "STALL_SECONDS", 0.3)
    first = FirstMove(monkeypatch, incoming=incoming, act=signal_worker(fault, ends))
    path = ends.make_for_lane(BIG)
    report = await ends.technician.send(path)
    assert report.state == "done"
    assert ends.stored.read_bytes() == path.read_bytes()
    assert first.worker.is_over


@pytest.mark.parametrize("incoming", [True, False])
@pytest.mark.parametrize("who", ["customer", "grants", "unheard", "session"])
async def test_nothing_moves_by_a_lane_after_a_stop(
    ends: Ends, who: str, incoming: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In both directions; `unheard`: the grant is gone before the loop is told."""
    closing: list[asyncio.Future[None]] = []

    def act(job: Job) -> None:
        if who == "customer":
            ends.customer.stop(job.number)
        elif who == "grants":
            ends.customer.withdraw("file_in" if incoming else "file_out")
        elif who == "unheard":
            ends.pair.grants.revoke_all()
        else:
            closing.append(asyncio.ensure_future(ends.customer.close()))
            closing.append(asyncio.ensure_future(ends.technician.close()))
        ends._poke()

    first = FirstMove(monkeypatch, incoming=incoming, act=act)
    path = ends.make_for_lane(BIG)
    if incoming:
        moving = asyncio.ensure_future(ends.technician.send(path))
    else:
        moving = asyncio.ensure_future(ends.technician.get(str(path), ends.folder))
    await until(lambda: ends.last("c") == "failed")
    assert first.worker.is_over
    assert (await moving).state == "failed"
    for each in closing:
        await each
    if who == "session" and incoming:
        (part,) = ends.folder.glob("in/*.part")
        assert 0 < part.stat().st_size <= BIG
    elif who != "session":
        await until(lambda: not list(ends.folder.glob("**/*.part")))


@pytest.mark.parametrize("left", [0, 100])
async def test_a_file_that_shrinks_on_the_lane_is_one_clear_error(
    ends: Ends, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = ends.make_for_lane(BIG)
    FirstMove(monkeypatch, incoming=False, act=lambda _: os.truncate(path, left))
    report = await ends.technician.send(path)
    assert report.text == f"{path} changed while it was sent."
    await until(lambda: not list((ends.folder / "in").iterdir()))


async def test_bytes_of_the_session_end_the_use_of_the_lane(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender has gone over, so nobody else writes the file any more."""
    late: list[bool] = []

    def act(job: Job) -> None:
        job.put(fe.FileChunk(job.number, 0, b"known already"))
        late.append(job.turn.locked())
        ends.free()

    first = FirstMove(monkeypatch, incoming=True, act=act)
    path = ends.make_for_lane(BIG)
    report = await ends.technician.send(path)
    assert late == [True]
    assert report.state == "done"
    assert first.worker.is_over
    assert ends.stored.read_bytes() == path.read_bytes()


async def test_a_receiver_that_is_slow_to_tell_loses_nothing(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All was written, and that is told when the sender has taken the file back."""

    async def until_stalled(
        job: Job, size: int, running: "asyncio.Future[Report]"
    ) -> None:
        await running
        while job.position < size:
            await job.changed()
        job.on_written(size - 1000)  # as if the last word had not come yet
        raise TimeoutError

    machine, taken_back = ends.pair.technician, []
    real = machine.go_on_from

    def go_on_from(number: int, position: int) -> None:
        real(number, position)
        taken_back.append(position)
        ends.technician._jobs[number].on_written(BIG)  # here it is

    monkeypatch.setattr(transfer_by_lane, "_until_written", until_stalled)
    monkeypatch.setattr(machine, "go_on_from", go_on_from)
    path = ends.make_for_lane(BIG)
    report = await ends.technician.send(path)
    assert taken_back == [BIG - 1000]
    assert (report.state, report.text) == ("done", "")
    assert ends.stored.read_bytes() == path.read_bytes()


async def test_of_lanes_that_cannot_be_watched_the_first_is_used(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two are found in one turn of a loop that watches no sockets, as on Windows."""
    loop, faults = asyncio.get_running_loop(), []

    def add_reader(*_: Any) -> None:
        raise NotImplementedError

    monkeypatch.setattr(loop, "add_reader", add_reader)
    monkeypatch.setattr(lane_process, "INHERITS", False)
    loop.set_exception_handler(lambda _, context: faults.append(context))
    job = Job(1, "a.bin", BIG, incoming=True)
    expected = Expected(b"p" * 32, "a.bin", BIG, 0)
    job.file = IncomingFile(ends.folder / "in", expected, lambda: True)
    ends.customer._jobs[job.number] = job
    pairs = [tcp_pair(), tcp_pair()]
    lanes = [Lane(here, LaneKeys(b"s" * 32, b"r" * 32)) for _, here in pairs]
    try:
        for lane in lanes:
            ends.customer._by_lane._on_lane(job, lane)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not faults
        assert job.has_worker
        assert lanes[0].connection.fileno() >= 0
        assert lanes[1].connection.fileno() < 0
    finally:
        await job.leave_lanes()
        job.file.close(keep=False)
        for there, _ in pairs:
            there.close()


async def test_only_so_many_files_have_workers(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer_by_lane, "MOST_WORKERS", 0)
    path = ends.make(BIG)
    report = await ends.technician.send(path)
    assert (report.state, report.lane) == ("done", False)
    assert ends.stored.read_bytes() == path.read_bytes()
