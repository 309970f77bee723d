"""The customer's side in plain lines: a yes is always explicit."""

from typing import Any

import pytest

from p2p_remote.cli.share_lines import PlainLines
from p2p_remote.errors import UsageError
from p2p_remote.services import events as se

REQUEST = se.Request("Anna\x1b", 482_913_070, "", "relay", True, 60)
KNOWN = se.Request("Anna", 482_913_070, "known since 2026-11-22", "lan", False, 60)


class RecordingService:
    """Notes what the customer decided."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        def note(*arguments: Any) -> bool:
            self.calls.append((name, *arguments))
            return True

        return note


@pytest.fixture
def lines() -> tuple[PlainLines, RecordingService, list[str]]:
    """Plain lines with a service that only records."""
    service, written = RecordingService(), []
    return PlainLines(service, True, written.append), service, written  # type: ignore[arg-type, return-value]


Lines = tuple[PlainLines, RecordingService, list[str]]


def test_the_id_is_shown_in_groups(lines: Lines) -> None:
    """The ID is grouped 3-3-3 and nothing is said twice."""
    plain, _, written = lines
    plain.show(se.Ready(482_913_070, rendezvous=True, lan=True))
    plain.show(se.Ready(482_913_070, rendezvous=True, lan=True))
    assert sum("482 913 070" in line for line in written) == 1


@pytest.mark.parametrize(
    ("typed", "call"),
    [
        ("123456", ("approve", ["view", "control"], "123456")),
        ("123 456", ("approve", ["view", "control"], "123456")),
        ("look", ("approve", ["view"])),
        ("no", ("deny",)),
    ],
)
def test_answers_to_a_first_contact(
    lines: Lines, typed: str, call: tuple[Any, ...]
) -> None:
    """Digits allow control, `look` the view, `no` nothing."""
    plain, service, written = lines
    plain.show(REQUEST)
    assert any("Did YOU call them?" in line for line in written)
    assert not plain.answer(typed)
    assert service.calls == [call]


@pytest.mark.parametrize("typed", ["", "yes", "y", "12345", "1234567", "control"])
def test_unclear_answers_allow_nothing(lines: Lines, typed: str) -> None:
    """Anything that is not a clear answer changes nothing and is explained."""
    plain, service, written = lines
    plain.show(REQUEST)
    before = len(written)
    plain.answer(typed)
    assert service.calls == []
    assert len(written) > before


def test_a_known_technician_is_allowed_by_yes(lines: Lines) -> None:
    """Somebody verified before needs no digits, but still a yes."""
    plain, service, _ = lines
    plain.show(KNOWN)
    plain.answer("yes")
    assert service.calls == [("approve", ["view", "control"])]


def test_asked_permissions_default_to_no(lines: Lines) -> None:
    """A request for more is granted by yes and declined by anything else."""
    plain, service, _ = lines
    for typed in ("yes", "", "what"):
        plain.show(se.Asked("control", 60))
        plain.answer(typed)
    assert service.calls == [
        ("grant", "control"),
        ("decline", "control"),
        ("decline", "control"),
    ]


def test_commands_in_a_session(lines: Lines) -> None:
    """stop, end and quit do what they say; errors are shown."""
    plain, service, written = lines
    plain.answer("stop")
    plain.answer("end")
    assert plain.answer("quit")
    assert service.calls == [("revoke", "control"), ("end",)]

    def refuse(_permission: str) -> None:
        raise UsageError("There is no session.")

    service.revoke = refuse  # type: ignore[method-assign]
    plain.answer("stop")
    assert written[-1] == "There is no session."


def test_every_event_of_a_session_can_be_shown(lines: Lines) -> None:
    """A whole session is told without an error, and its end says access is over."""
    plain, _, written = lines
    for event in (
        REQUEST,
        se.WrongDigits(2),
        se.Started("Anna", 1, ("view", "control"), "relay", "", 1, 1, True, 60),
        se.PathReport("direct", 3.0, "why"),
        se.GrantChanged("control", granted=True),
        se.Revoked(("control",), "customer"),
        se.Silence(3.0),
        se.Silence(0.0),
        se.Trouble("hm"),
        se.Ended("ended", "Bye.", 65.0, True, 0),
    ):
        plain.show(event)
    assert any("1:05 minutes" in line for line in written)
    assert written[-1] == "Nobody can see or control this machine now."
