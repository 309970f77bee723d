"""Files in the interface: sent, fetched, asked about, watched and stopped."""

from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from p2p_remote.services import events as se
from p2p_remote.tui.screens.question import QuestionScreen
from p2p_remote.tui.screens.sharing import SharingScreen
from tests.support.tui import (
    STARTED,
    Stage,
    begin,
    calling_start,
    command,
    rest,
    settle,
    text_of,
)


def report(state: str, **fields: Any) -> se.TransferReport:
    """What the service tells of a file that goes out."""
    known: dict[str, Any] = {"number": 1, "incoming": False, "name": "a.pdf"}
    known |= {"size": 1000, "position": 450, "lane": False, **fields}
    return se.TransferReport(state=state, **known)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the program runs, with a file and a folder in it."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "a.pdf").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
async def test_the_technician_sends_and_gets_by_key() -> None:
    stage = Stage(calling_start())
    async with stage.app.run_test() as pilot:
        await begin(stage, pilot)
        await command(pilot, "f")
        await settle(pilot)
        await pilot.press("enter")  # nothing is in the field yet
        await pilot.press(*"a.pdf", "enter")
        await settle(pilot)
        await command(pilot, "g")
        await settle(pilot)
        await pilot.press(*"log.txt", "enter")
        await settle(pilot)
        await command(pilot, "s")
        await settle(pilot)
    assert stage.technician.files == [
        ("send", "a.pdf"),
        ("get", "log.txt", "."),
        ("stop",),
    ]


async def paste(pilot: Pilot[Any], text: str) -> None:
    """Put a text into the field that has the focus."""
    field = pilot.app.screen.focused
    assert isinstance(field, Input)
    field.value = ""
    field.post_message(events.Paste(text))
    await settle(pilot)


@pytest.mark.parametrize(
    ("keys", "bad", "words", "good", "answer"),
    [
        (("f",), "nope", "“nope” is not there", "a.pdf", ("send", "a.pdf")),
        (("f",), "folder", "“folder” is a folder", "a.pdf", ("send", "a.pdf")),
        (("f",), "~no-one/x", "cannot be read", "a.pdf", ("send", "a.pdf")),
        (("g", "x", "tab"), "no/b", "stored in “no/b”", "b", ("get", "x", "b")),
    ],
)
@pytest.mark.usefixtures("folder")
async def test_a_path_that_cannot_be_used_stays_to_be_corrected(
    keys: tuple[str, ...], bad: str, words: str, good: str, answer: tuple[str, ...]
) -> None:
    """The form says why and stays open, with what was typed."""
    stage = Stage(calling_start())
    async with stage.app.run_test() as pilot:
        await begin(stage, pilot)
        await command(pilot, *keys)
        await paste(pilot, bad)
        await pilot.press("enter")
        await settle(pilot)
        assert words in text_of(stage.app)
        assert bad in [field.value for field in stage.app.screen.query(Input)]
        assert not stage.technician.files
        await paste(pilot, good)
        await pilot.press("enter")
        await settle(pilot)
    assert stage.technician.files == [answer]


async def test_a_pasted_path_has_no_control_characters() -> None:
    """One line of it, in its order, without what a terminal acts on."""
    stage = Stage(calling_start())
    async with stage.app.run_test() as pilot:
        await begin(stage, pilot)
        await command(pilot, "f")
        await paste(pilot, "\nAAA\x1b[31mBBB\x07\x9b.pdf\nsecond")
        field = stage.app.screen.focused
        assert isinstance(field, Input)
        assert field.value == "AAA[31mBBB.pdf"


async def test_a_form_that_is_left_does_nothing() -> None:
    stage = Stage(calling_start())
    async with stage.app.run_test() as pilot:
        await begin(stage, pilot)
        await command(pilot, "f")
        await settle(pilot)
        await pilot.press("x", "escape")
        await settle(pilot)
    assert not stage.technician.files


async def test_the_status_line_shows_how_far_a_file_is() -> None:
    stage = Stage(calling_start())
    async with stage.app.run_test(size=(120, 30)) as pilot:
        await begin(stage, pilot)
        stage.technician.notify(report("running"))
        await settle(pilot)
        assert "↑ “a.pdf” 45 %" in text_of(stage.app)
        stage.technician.notify(report("failed", text="The customer said no."))
        await settle(pilot)
        shown = text_of(stage.app)
        assert "45 %" not in shown
        assert "“a.pdf”: The customer said no." in shown
        stage.technician.notify(report("done", incoming=True, path="/x/a.pdf"))
        await settle(pilot)
        assert "“a.pdf” is here: /x/a.pdf" in text_of(stage.app)


ASKED: dict[str, Any] = {"transfer": 3, "name": "fix.exe", "size": 1_500_000}


async def test_the_customer_is_asked_about_a_file_with_no_as_default() -> None:
    """A yes is for this file; who asks, what it is called and how large is shown."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        await settle(pilot)
        stage.share.event("started", **STARTED)
        await settle(pilot)
        for keys, answer in (
            (["enter"], {"do": "decline", "permission": "file_in"}),
            (["tab", "enter"], {"do": "allow", "transfer": 3}),
            (["tab", "tab", "enter"], {"do": "grant", "permission": "file_in"}),
        ):
            file = {**ASKED, "direction": "in"}
            stage.share.event("asked", permission="file_in", seconds=60, file=file)
            await rest(pilot)
            shown = " ".join(text_of(stage.app).split())
            assert "“Anna Berg” wants to send you “fix.exe”, 1.5 MB" in shown
            await pilot.press(*keys)
            await settle(pilot)
            assert stage.share.answers.pop() == answer
            assert isinstance(stage.app.screen, SharingScreen)


async def test_all_files_are_taken_until_that_is_taken_back() -> None:
    """The button that stops files also ends the yes to all of them."""
    stage = Stage()
    async with stage.app.run_test(size=(50, 20)) as pilot:
        await settle(pilot)
        stage.share.event("started", **STARTED)
        file = {**ASKED, "direction": "out"}
        stage.share.event("asked", permission="file_out", seconds=60, file=file)
        await settle(pilot)
        await pilot.click("#all")
        assert not stage.share.answers
        await rest(pilot)
        await pilot.click("#all")
        await settle(pilot)
        assert stage.share.answers == [{"do": "grant", "permission": "file_out"}]
        stage.share.event("granted", permission="file_out")
        await settle(pilot)
        assert stage.app.screen.query_one("#stop-files").display
        assert stage.app.customer is not None
        stage.app.customer.stop_files()
        assert stage.share.answers[1:] == [{"do": "revoke", "permission": "file_out"}]
        stage.share.event("revoked", permissions=["file_out"], by="customer")
        await settle(pilot)
        assert not stage.app.screen.query_one("#stop-files").display
        assert stage.app.customer.state.revoked_by == ""


async def test_a_long_path_shows_both_ends_and_a_question_can_vanish() -> None:
    stage = Stage()
    async with stage.app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        stage.share.event("started", **STARTED)
        await settle(pilot)
        path = "/home/you/" + "x" * 300 + "/secret.kdbx"
        file = {"transfer": 4, "direction": "out", "name": path, "size": 0}
        stage.share.event("asked", permission="file_out", seconds=60, file=file)
        await rest(pilot)
        shown = " ".join(text_of(stage.app).split())
        assert "“/home/you/xxx" in shown
        assert "secret.kdbx”" in shown
        stage.share.event("asked_no_more", permission="file_out")
        await settle(pilot)
        assert not isinstance(stage.app.screen, QuestionScreen)
        assert not stage.share.answers


async def test_the_customer_sees_files_move_and_stops_them() -> None:
    stage = Stage()
    async with stage.app.run_test(size=(100, 40)) as pilot:
        await settle(pilot)
        stage.share.event("started", **STARTED)
        await settle(pilot)
        assert not stage.app.screen.query_one("#stop-files").display
        moving = {**ASKED, "direction": "in", "bytes": 300_000}
        stage.share.event("transfer", state="running", **moving)
        await settle(pilot)
        assert "↓ “fix.exe” 20 %" in text_of(stage.app)
        await pilot.click("#stop-files")
        await settle(pilot)
        assert stage.share.answers == [{"do": "abort", "transfer": 3}]
        stage.share.event("transfer", state="failed", error="Stopped.", **moving)
        await settle(pilot)
        assert "“fix.exe”: Stopped." in text_of(stage.app)
        assert not stage.app.screen.query_one("#stop-files").display
