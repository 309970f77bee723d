"""The first question in plain lines: what each answer would give."""

from dataclasses import replace

import pytest

from p2p_remote.cli.share_lines import PlainLines
from p2p_remote.services import events as se
from tests.cli.test_share_lines import KNOWN, REQUEST, Clock, RecordingService


def plain_lines() -> tuple[PlainLines, RecordingService, list[str]]:
    """Plain lines with a service that only records."""
    service, written = RecordingService(), list[str]()
    plain = PlainLines(service, True, written.append, Clock())  # type: ignore[arg-type]
    return plain, service, written


@pytest.mark.parametrize(
    ("mode", "says", "grants"),
    [
        ("support", "wants to see and control this screen", ["view", "control"]),
        ("view", "wants only to look at this screen", ["view"]),
        ("send", "wants to send you a file", []),
        ("get", "wants to have a file of yours", []),
    ],
)
def test_a_yes_gives_what_was_asked_for(
    mode: str, says: str, grants: list[str]
) -> None:
    """Digits, or yes to somebody known, give no more than the caller wants."""
    plain, service, written = plain_lines()
    for request, typed, digits in ((REQUEST, "123456", ("123456",)), (KNOWN, "y", ())):
        plain.show(replace(request, mode=mode))
        assert any(says in line for line in written)
        for_files = any("nothing of this screen" in line for line in written)
        assert for_files is not bool(grants)
        plain.answer(typed)
        answer = ("approve", grants, *digits, request.number)
        assert service.calls[-1] == answer


def test_who_comes_for_a_file_is_not_let_look() -> None:
    """Neither `look` nor a yes without the digits is an answer then."""
    plain, service, written = plain_lines()
    plain.show(replace(REQUEST, mode="send"))
    for typed in ("look", "look 123456", "yes"):
        plain.answer(typed)
        assert "six digits" in written[-1]
    assert {call[0] for call in service.calls} == {"is_there"}


def test_a_session_for_files_is_called_that() -> None:
    """Nobody is told that their screen is seen when it is not."""
    plain, _, written = plain_lines()
    plain.show(replace(REQUEST, mode="send"))
    plain.show(se.Started("Anna", 482_913_070, (), "relay", "", 640, 480, True, 3600))
    told = " ".join(written[-2:])
    assert "sees nothing of this screen" in told
    assert "can see" not in told
