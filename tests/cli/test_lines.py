"""Lines in and out: whatever they hold, they are answered."""

import asyncio
import io
import json
import signal
from collections.abc import Callable
from typing import Any

import pytest

from p2p_remote.cli.input_commands import input_messages
from p2p_remote.cli.lines import LineReader, emit, parse_command, why_failed, writable
from p2p_remote.cli.signals import before, stop_on_signals
from p2p_remote.errors import UsageError


@pytest.mark.parametrize(
    "line", ["", "[", "[" * 100_000, "[]", '{"do": 1}', "9" * 9999]
)
def test_what_is_no_command_is_wrong_usage(line: str) -> None:
    """Rubbish of any depth is refused in one way."""
    with pytest.raises(UsageError):
        parse_command(line)


def test_events_pass_through_any_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    """An event is ASCII, and comes back as it was, half characters included."""
    emit("x", text="ä€\ud800")
    line = capsys.readouterr().out
    assert line.isascii()
    assert json.loads(line) == {"event": "x", "text": "ä€\ud800"}


def test_quotes_survive_a_poor_terminal() -> None:
    """Quotes around a name stay quotes in ASCII; a rich terminal keeps its own."""
    assert writable("“Ann?”, ID", "ascii") == '"Ann?", ID'
    assert writable("“Ann?”, ID", "utf-8") == "“Ann?”, ID"


@pytest.mark.parametrize(
    "command",
    [
        {"do": "text", "text": "\ud800"},
        {"do": "key", "keysym": "a", "action": []},
        {"do": "key", "keysym": [], "action": "tap"},
        {"do": "click", "x": 1, "y": 1, "button": {}},
    ],
)
def test_input_of_a_wrong_kind_is_wrong_usage(command: dict[str, Any]) -> None:
    """Values of a wrong type, and text that no wire carries, are refused."""
    with pytest.raises(UsageError):
        input_messages(command["do"], command)


def test_a_defect_has_a_text_too() -> None:
    """An unexpected error is told by its kind, an expected one by its text."""
    assert why_failed(UsageError("so not")) == "so not"
    assert "ZeroDivisionError" in why_failed(ZeroDivisionError())


async def test_a_missing_or_broken_stdin_is_at_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The end comes even if there is nothing to read from, or reading fails."""
    monkeypatch.setattr("sys.stdin", None)
    broken = io.TextIOWrapper(io.BytesIO(b"\xff\n"), "utf-8")
    for reader in (LineReader(), LineReader(broken)):
        assert await reader.next() is None


async def test_signals_end_a_command_where_the_loop_takes_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without SIGHUP and without a loop that takes signals, SIGTERM still ends."""
    loop = asyncio.get_running_loop()
    handlers: dict[int, Callable[..., None]] = {}

    def refuse(*_arguments: Any) -> None:
        raise NotImplementedError

    monkeypatch.setattr(loop, "add_signal_handler", refuse)
    monkeypatch.delattr(signal, "SIGHUP")
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    stopped: asyncio.Future[int] = loop.create_future()
    stop_on_signals(stopped.set_result, 8)
    assert set(handlers) == {signal.SIGTERM, signal.SIGINT}
    handlers[signal.SIGTERM](signal.SIGTERM, None)
    assert await asyncio.wait_for(stopped, 5.0) == 8


async def test_what_waits_is_cut_short_when_the_command_is_over() -> None:
    """A signal ends also what waits for a name server or a peer."""
    over: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    ended: list[str] = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("wait")

    asyncio.get_running_loop().call_later(0.001, over.set_result, 8)
    assert not await before(over, wait())
    assert ended == ["wait"]


async def test_what_is_done_in_time_counts_and_its_errors_too() -> None:
    """Without a signal it is as if there were none."""
    over: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def fail() -> None:
        raise UsageError("no")

    assert await before(over, asyncio.sleep(0))
    with pytest.raises(UsageError):
        await before(over, fail())
