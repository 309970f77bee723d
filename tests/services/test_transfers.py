"""Files between two services on real folders; the line between them loses nothing."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from p2p_remote.errors import SessionAbortedError, UsageError
from p2p_remote.services import denials, transfer_lanes, transfers
from p2p_remote.services.customer_transfers import shown_path
from p2p_remote.session import file_events as fe
from p2p_remote.session.roles import State
from p2p_remote.store.incoming_files import Expected, IncomingFile
from p2p_remote.wire.address import Endpoint
from tests.support.transfers import BIG, Ends
from tests.support.waiting import until


async def test_a_file_goes_and_comes(ends: Ends) -> None:
    path = ends.make()
    sent = await ends.technician.send(path)
    assert (sent.state, sent.position) == ("done", 200_000)
    assert ends.stored.read_bytes() == path.read_bytes()
    assert ends.reports["c"][-1].path == str(ends.stored)
    got = await ends.technician.get(str(path), ends.folder / "back.bin")
    assert got.path == str(ends.folder / "back.bin")
    assert (ends.folder / "back.bin").read_bytes() == path.read_bytes()


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
    ends.customer.decline("file_in", denials.BY_PERSON)
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
    sending = asyncio.create_task(ends.technician.send(ends.make(BIG)))
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
    sending = asyncio.create_task(ends.technician.send(ends.make(BIG)))
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
    path = ends.make(BIG)
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
    assert theirs.text == (
        "The other side cannot read this: it is missing, protected, or no file."
    )


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
