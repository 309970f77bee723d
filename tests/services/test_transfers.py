"""Files between two services on real folders; the line between them loses nothing."""

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from p2p_remote.errors import SessionAbortedError, UsageError
from p2p_remote.net.interfaces import InterfaceAddress
from p2p_remote.services import events as se
from p2p_remote.services import (
    lane_process,
    transfer_by_lane,
    transfer_lanes,
    transfers,
)
from p2p_remote.services.customer_transfers import CustomerTransfers, shown_path
from p2p_remote.services.lane_process import LaneWorker
from p2p_remote.services.technician_transfers import TechnicianTransfers
from p2p_remote.services.transfer_by_lane import TransferByLane
from p2p_remote.services.transfer_job import Job
from p2p_remote.session import file_events as fe
from p2p_remote.session.roles import State
from p2p_remote.store.incoming_files import Expected, IncomingFile
from p2p_remote.wire.address import Endpoint
from tests.support.files import FilePair

BIG = 12_000_000  # bytes: enough for a lane

processes = pytest.mark.skipif(
    not lane_process.INHERITS, reason="no descriptors are inherited here"
)


class Ends:
    """A technician's and a customer's service, joined by a `FilePair`."""

    def __init__(self, folder: Path, *granted: str) -> None:
        self.folder = folder
        self.pair = FilePair(*granted)
        self.asked: list[tuple[str, se.FileFacts]] = []
        self.reports: dict[str, list[se.TransferReport]] = {"t": [], "c": []}
        self._poked = False
        self.technician = TechnicianTransfers(
            self._session(self.pair.technician),
            self._running(),
            self.reports["t"].append,  # type: ignore[arg-type]
        )
        self.customer = CustomerTransfers(
            self._session(self.pair.customer),
            self._running(),
            self.reports["c"].append,  # type: ignore[arg-type]
            folder / "in",
            lambda permission, file: self.asked.append((permission, file)),
        )
        self.pair.technician._emit = self.technician.on_event
        self.pair.customer._emit = self.customer.on_event

    @staticmethod
    def _session(machine: Any) -> Any:
        handshake = SimpleNamespace(peer_public=b"p" * 32, check_key=b"k" * 32)
        path = Endpoint("127.0.0.1", 9)
        return SimpleNamespace(
            files=machine, handshake=handshake, path=path, state=State.ACTIVE
        )

    def _running(self) -> Any:
        return SimpleNamespace(clock=lambda: self.pair.now, poke=self._poke)

    def _poke(self) -> None:
        if not self._poked:
            self._poked = True
            asyncio.get_running_loop().call_soon(self._deliver)

    def _deliver(self) -> None:
        self._poked = False
        self.pair.run()
        for machine in (self.pair.technician, self.pair.customer):
            machine.room_available()

    def make(self, size: int = 200_000) -> Path:
        """Write a file of random bytes."""
        path = self.folder / "a.bin"
        path.write_bytes(os.urandom(size))
        return path

    def make_for_lane(self, size: int) -> Path:
        """The same, and the session carries nothing before `free`."""
        self.pair.to_customer.free = self.pair.to_technician.free = 0
        return self.make(size)

    def free(self) -> None:
        """Let the session carry bytes of files."""
        self.pair.to_customer.free = self.pair.to_technician.free = 1 << 16
        self._poke()

    def last(self, end: str) -> str:
        """State in the last report of an end."""
        return self.reports[end][-1].state if self.reports[end] else ""

    def is_asked(self) -> bool:
        """Whether a question about a file has been asked."""
        self.customer.ask_next()
        return bool(self.asked)

    @property
    def stored(self) -> Path:
        """Where the customer gets it."""
        return self.folder / "in" / "a.bin"


async def until(check: Callable[[], bool]) -> None:
    """Wait for something that other tasks and threads bring about."""
    for _ in range(5000):
        if check():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("it did not happen")


@pytest.fixture
async def ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ends]:
    """Two ends whose only address is that of the loopback."""
    monkeypatch.setattr(
        transfer_lanes,
        "interface_addresses",
        lambda: [InterfaceAddress("lo", "127.0.0.1", 8)],
    )
    monkeypatch.setattr(transfer_lanes, "is_usable", lambda _: True)
    made = Ends(tmp_path, "file_in", "file_out")
    yield made
    await made.technician.close()
    await made.customer.close()


async def test_a_file_goes_and_comes(ends: Ends) -> None:
    path = ends.make()
    sent = await ends.technician.send(path)
    assert (sent.state, sent.position) == ("done", 200_000)
    assert ends.stored.read_bytes() == path.read_bytes()
    assert ends.reports["c"][-1].path == str(ends.stored)
    got = await ends.technician.get(str(path), ends.folder / "back.bin")
    assert got.path == str(ends.folder / "back.bin")
    assert (ends.folder / "back.bin").read_bytes() == path.read_bytes()


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
    path = ends.make_for_lane(3 * BIG)
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
    path = ends.make_for_lane(3 * BIG)
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
        assert 0 < part.stat().st_size <= 3 * BIG
    elif who != "session":
        await until(lambda: not list(ends.folder.glob("**/*.part")))


@pytest.mark.parametrize("left", [0, 100])
async def test_a_file_that_shrinks_on_the_lane_is_one_clear_error(
    ends: Ends, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = ends.make_for_lane(3 * BIG)
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
    path = ends.make_for_lane(3 * BIG)
    report = await ends.technician.send(path)
    assert late == [True]
    assert report.state == "done"
    assert first.worker.is_over
    assert ends.stored.read_bytes() == path.read_bytes()


async def test_only_so_many_files_have_workers(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer_by_lane, "MOST_WORKERS", 0)
    path = ends.make(BIG)
    report = await ends.technician.send(path)
    assert (report.state, report.lane) == ("done", False)
    assert ends.stored.read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("/srv/report.pdf", "/srv/report.pdf"),
        ("/srv/./././public/../secret/./key", "/srv/secret/key"),
        ("~/docs/../.ssh/key", "~/.ssh/key"),
        ("docs//key", "~/docs/key"),
    ],
)
def test_a_question_shows_where_a_path_leads(asked: str, shown: str) -> None:
    """Detours would push what matters out of sight."""
    assert shown_path(asked) == shown.replace("~", str(Path.home()))


async def test_nothing_comes_without_a_yes(tmp_path: Path) -> None:
    ends = Ends(tmp_path)
    path = ends.make()
    sending = asyncio.create_task(ends.technician.send(path))
    await until(ends.is_asked)
    permission, file = ends.asked[0]
    assert (permission, file.name, file.size) == ("file_in", "a.bin", 200_000)
    assert file.folder == str(tmp_path / "in")
    assert not (tmp_path / "in").exists()
    ends.customer.withdraw("file_in", declined=True)
    ends._poke()
    assert (await sending).text == "The customer said no to this file."
    getting = asyncio.create_task(ends.technician.get(str(path), tmp_path / "b"))
    ends.asked.clear()
    await until(ends.is_asked)
    assert ends.asked[0][0] == "file_out"
    ends.customer.allow(ends.asked[0][1].number)
    assert (await getting).state == "done"
    await ends.technician.close()
    await ends.customer.close()


@pytest.mark.parametrize("who", ["technician", "customer", "grants"])
async def test_stopped_in_the_middle_nothing_is_left(ends: Ends, who: str) -> None:
    ends.pair.to_customer.free = 1 << 14
    sending = asyncio.create_task(ends.technician.send(ends.make(3 * BIG)))
    await until(lambda: bool(ends.reports["c"]))
    if who == "grants":
        ends.customer.withdraw("file_in")
    else:
        getattr(ends, who).stop(1)
    ends._poke()
    assert (await sending).state == "failed"
    await until(lambda: not list((ends.folder / "in").iterdir()))
    with pytest.raises(UsageError):
        ends.technician.stop(1)


@pytest.mark.parametrize("state", [State.ACTIVE, State.ENDED])
async def test_a_grant_that_is_gone_before_the_loop_knows(
    ends: Ends, state: State
) -> None:
    """Taken back by a key, nothing is left; lost with the session, what came is."""
    ends.pair.to_customer.free = 1 << 14
    sending = asyncio.create_task(ends.technician.send(ends.make(3 * BIG)))
    folder = ends.folder / "in"
    await until(lambda: bool(ends.reports["c"]))
    await until(lambda: any(part.stat().st_size for part in folder.glob("*")))
    ends.customer._session.state = state  # type: ignore[misc]
    ends.pair.grants.revoke_all()
    await until(lambda: ends.reports["c"][-1].state == "failed")
    assert bool(list(folder.iterdir())) == (state is State.ENDED)
    ends._poke()
    await sending


async def test_the_end_of_the_session_keeps_what_came(ends: Ends) -> None:
    ends.pair.to_customer.free = 1 << 14
    path = ends.make(3 * BIG)
    sending = asyncio.create_task(ends.technician.send(path))
    await until(lambda: bool(ends.reports["c"]))
    await ends.customer.close()
    await ends.technician.close()
    assert (await sending).text == "The session has ended."
    (part,) = (ends.folder / "in").iterdir()
    assert part.name.endswith(".part")
    assert part.stat().st_size > 0


async def test_a_file_that_is_opened_too_late_is_let_go_of(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session ends while a part of it is being hashed; the next one goes on."""
    began, go_on = threading.Event(), threading.Event()
    opened: list[IncomingFile] = []

    def slow(*arguments: Any) -> IncomingFile:
        began.set()
        assert go_on.wait(10)
        opened.append(IncomingFile(*arguments))
        return opened[-1]

    expected = Expected(b"p" * 32, "a.bin", 5, 0)
    sink = IncomingFile(ends.folder / "in", expected, lambda: True)
    sink.write(0, b"abc")
    sink.close(keep=True)
    job = transfers.Job(1, "a.bin", 5, incoming=True)
    opening = ends.customer._open(slow, ends.folder / "in", expected, lambda: True)
    task = ends.customer._start(job, opening)
    await until(began.is_set)
    await ends.customer.close()
    assert (await task).state == "failed"
    go_on.set()
    await until(lambda: bool(opened) and opened[0]._descriptor < 0)
    again = IncomingFile(ends.folder / "in", expected, lambda: True)
    assert again.position == 3
    again.close(keep=False)


async def test_what_cannot_be_read_is_one_clear_error(ends: Ends) -> None:
    missing = ends.folder / "missing"
    own = await ends.technician.send(missing)
    assert own.text == f"{missing} cannot be read: No such file or directory."
    theirs = await ends.technician.get(str(missing), ends.folder)
    assert theirs.text == "The other side cannot read this file."


async def test_a_lane_leads_only_to_the_peer(ends: Ends) -> None:
    """No address that the session itself has not proven is dialled."""
    async with asyncio.timeout(10):
        connected = asyncio.Event()
        server = await asyncio.start_server(lambda *_: connected.set(), "127.0.0.2", 0)
        port = server.sockets[0].getsockname()[1]
        search = transfer_lanes.LaneSearch(
            ends._session(ends.pair.technician), 1, ends._running(), lambda _: None
        )
        elsewhere = Endpoint("127.0.0.2", port)
        search.dial(fe.LaneOffered(1, bytes(32), (elsewhere,)))
        assert not search._door._tasks
        server.close()
    assert not connected.is_set()
    search.close()


async def test_the_end_answers_files_that_wait_for_others(tmp_path: Path) -> None:
    """Those whose turn never came, too; the one under way reports its failure."""
    ends = Ends(tmp_path)
    path = ends.make()
    sending = [asyncio.ensure_future(ends.technician.send(path)) for _ in range(2)]
    getting = [
        asyncio.ensure_future(ends.technician.get("/a", tmp_path / "x"))
        for _ in range(2)
    ]
    await until(lambda: len(ends.pair.customer.open_numbers) == 2)
    await ends.technician.close()
    await asyncio.wait((*sending, *getting))
    for first, second in (sending, getting):
        assert first.result().state == "failed"
        assert isinstance(second.exception(), SessionAbortedError)
    await ends.customer.close()


async def test_the_end_answers_a_file_that_has_just_been_asked_for(
    ends: Ends,
) -> None:
    """Also when the session ends before its task has run for the first time."""
    getting = asyncio.ensure_future(ends.technician.get("/a", ends.folder / "x"))
    closing = asyncio.ensure_future(ends.technician.close())
    report = await getting
    assert (report.state, report.text) == ("failed", "The session has ended.")
    await closing
