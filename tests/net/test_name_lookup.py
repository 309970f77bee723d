"""Names are looked up, and a name server that does not answer holds up nobody."""

import asyncio
import socket
import threading
from typing import Any

import pytest

from p2p_remote.net.name_lookup import look_up


async def test_a_number_needs_no_name_server() -> None:
    """What is an address already comes back as one."""
    found = await look_up("127.0.0.1", 3479)
    assert [entry[4] for entry in found] == [("127.0.0.1", 3479)]


@pytest.mark.parametrize(
    "error", [socket.gaierror(-2, "unknown"), UnicodeError("long")]
)
async def test_an_unknown_name_is_one_kind_of_error(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Whatever the search fails with."""

    def search(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", search)
    with pytest.raises(OSError, match=r"unknown|long"):
        await look_up("name.example", 3479)


def test_a_search_without_end_does_not_hold_up_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who gives up is free at once, and a late answer disturbs nobody."""
    begun, answer = threading.Event(), threading.Event()
    searching: list[threading.Thread] = []

    def search(*_: Any, **__: Any) -> list[Any]:
        searching.append(threading.current_thread())
        begun.set()
        assert answer.wait(20)
        return []

    async def give_up() -> None:
        task = asyncio.ensure_future(look_up("name.example", 3479))
        assert await asyncio.to_thread(begun.wait, 20)
        task.cancel()

    monkeypatch.setattr(socket, "getaddrinfo", search)
    asyncio.run(give_up())
    assert searching[0].daemon
    assert searching[0].is_alive()
    answer.set()
    searching[0].join(20)
    assert not searching[0].is_alive()
