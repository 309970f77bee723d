"""The customer's side in plain lines: a yes is always explicit."""

from dataclasses import replace
from typing import Any

import pytest

from p2p_remote.cli.share_lines import PlainLines
from p2p_remote.errors import UsageError
from p2p_remote.services import events as se
from p2p_remote.services.notices import SERVER_SILENT
from p2p_remote.tui import words

REQUEST = se.Request("Anna\x1b", 482_913_070, "", "relay", True, 60, 7)
KNOWN = se.Request("Anna", 482_913_070, "known since 2026-11-22", "lan", False, 60, 8)


class RecordingService:
    """Notes what the customer decided."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        def note(*arguments: Any, **named: Any) -> bool:
            self.calls.append((name, *arguments, *named.values()))
            return True

        return note


class Clock:
    """Each look is two seconds after the one before, unless it is stopped."""

    def __init__(self) -> None:
        self.now, self.step = 0.0, 2.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The time of a person who reads before answering."""
    return Clock()


@pytest.fixture
def lines(
    clock: Clock,
) -> tuple[PlainLines, RecordingService, list[str]]:
    """Plain lines with a service that only records."""
    service = RecordingService()
    written: list[str] = []
    plain = PlainLines(service, True, written.append, clock)  # type: ignore[arg-type]
    return plain, service, written


Lines = tuple[PlainLines, RecordingService, list[str]]


def test_the_id_is_shown_in_groups(lines: Lines) -> None:
    """The ID is grouped 3-3-3 and nothing is said twice."""
    plain, _, written = lines
    plain.show(se.Ready(482_913_070, rendezvous=True, lan=True))
    plain.show(se.Ready(482_913_070, rendezvous=True, lan=True))
    assert sum("482 913 070" in line for line in written) == 1


def test_it_says_ready_as_the_technician_is_told_to_ask(lines: Lines) -> None:
    """The advice for a wrong ID and the customer's lines use the same word."""
    plain, _, written = lines
    plain.show(se.Ready(482_913_070, rendezvous=True, lan=True))
    assert "“ready”" in words.failure(3, "").next_step
    assert any("ready" in line.lower() for line in written)


def test_help_names_every_command(lines: Lines) -> None:
    """Also those that choose what is shared."""
    plain, _, written = lines
    plain.answer("help")
    for word in ("stop", "end", "quit", "remember", "abort", "screens", "share all"):
        assert word in written[-1]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.0, "The session is over after less than a minute."),
        (0.4, "The session is over after less than a minute."),
        (59.9, "The session is over after less than a minute."),
        (60.0, "The session is over after 1:00 minutes."),
    ],
)
def test_how_long_it_took(lines: Lines, seconds: float, told: str) -> None:
    """Minutes are told from one minute on."""
    plain, _, written = lines
    plain.show(se.Started("Anna", 1, ("view",), "lan", "", 1, 1, False, 60))
    plain.show(se.Ended("ended", "Bye.", seconds, True, 0))
    assert told in written


def test_a_request_that_came_to_nothing_was_no_session(lines: Lines) -> None:
    """Also after a session that did come about."""
    plain, _, written = lines
    plain.show(se.Started("Anna", 1, ("view",), "lan", "", 1, 1, False, 60))
    plain.show(se.Ended("ended", "Bye.", 0.0, True, 0))
    assert "No session came about." not in written
    plain.show(REQUEST)
    plain.show(se.Ended("denied", "No.", 0.0, False, 4))
    assert "No session came about." in written


def test_the_server_is_told_to_be_back(lines: Lines) -> None:
    """A warning is taken back, once, and only if there was one."""
    plain, _, written = lines
    ready = se.Ready(482_913_070, rendezvous=True, lan=True)
    back = "The server answers: you can be called from anywhere."
    plain.show(ready)
    plain.show(ready)
    assert back not in written
    plain.show(se.Trouble(SERVER_SILENT))
    plain.show(ready)
    plain.show(ready)
    assert written.count(back) == 1


def test_where_the_server_is_silent_the_local_network_has_the_id(lines: Lines) -> None:
    """It is told once that nobody else can call, and once that everybody can."""
    plain, _, written = lines
    for _ in range(2):
        plain.show(se.Ready(482_913_070, rendezvous=False, lan=True))
        plain.show(se.Trouble(SERVER_SILENT))
    assert sum("482 913 070" in line for line in written) == 1
    assert sum("local network only" in line for line in written) == 1
    plain.show(se.Ready(482_913_070, rendezvous=True, lan=True))
    assert sum("from anywhere" in line for line in written) == 1


@pytest.mark.parametrize(("at_terminal", "how"), [(True, "Type"), (False, "Stop this")])
def test_how_to_leave(at_terminal: bool, how: str) -> None:
    """Nobody is told to type where nothing can be typed."""
    written: list[str] = []
    service: Any = RecordingService()
    plain = PlainLines(service, True, written.append, at_terminal=at_terminal)
    plain.show(se.Ready(482_913_070, rendezvous=True, lan=True))
    assert written[-1].startswith(how)


@pytest.mark.parametrize(
    ("why", "told"),
    [
        ("no", "They may not send you files."),
        ("unanswered", "No answer is a no"),
        ("too_soon", "They asked again"),
        ("not_verified", "no digits were typed"),
        ("no_hotkey", "F11"),
        ("something new", "They may not send you files."),
    ],
)
def test_why_something_was_refused(lines: Lines, why: str, told: str) -> None:
    """The true reason, and the way out while they have to wait."""
    plain, service, written = lines
    plain.show(se.GrantChanged("file_in", granted=False, why=why, wait=40))
    assert any(told in line for line in written)
    assert any("40 seconds" in line for line in written)
    plain.answer("y")
    assert service.calls == [("let_ask_again",)]
    assert written[-1] == "They can ask you again now."


def test_a_way_is_told_once(lines: Lines) -> None:
    """The one that the session began on was told with the request."""
    plain, _, written = lines
    plain.show(se.Started("Anna", 1, ("view",), "lan", "", 1, 1, False, 60))
    for kind in ("lan", "direct", "direct"):
        plain.show(se.PathReport(kind, 3.0, "why"))
    assert [line for line in written if "Connected" in line] == ["Connected directly."]


@pytest.mark.parametrize(
    ("typed", "call"),
    [
        ("123456", ("approve", ["view", "control"], "123456", 7)),
        ("123 456", ("approve", ["view", "control"], "123456", 7)),
        (" 12-34-56 ", ("approve", ["view", "control"], "123456", 7)),
        ("look", ("approve", ["view"], 7)),
        ("look 123 456", ("approve", ["view"], "123456", 7)),
        ("look123456", ("approve", ["view"], "123456", 7)),
        ("no", ("deny", 7)),
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
    assert service.calls == [("is_there",), call]


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "yes",
        "y",
        "12345",
        "1234567",
        "control",
        "no, they read 123456",
        "١٢٣٤٥٦",
        "look 12345",
        "looks 123456",
    ],
)
def test_unclear_answers_allow_nothing(lines: Lines, typed: str) -> None:
    """Anything that is not a clear answer changes nothing and is explained."""
    plain, service, written = lines
    plain.show(REQUEST)
    before = len(written)
    plain.answer(typed)
    assert service.calls == [("is_there",)]
    assert len(written) > before


def test_a_known_technician_is_allowed_by_yes(lines: Lines) -> None:
    """Somebody verified before needs no digits, but still a yes."""
    plain, service, _ = lines
    plain.show(KNOWN)
    plain.answer("yes")
    assert service.calls[1:] == [("approve", ["view", "control"], 8)]


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

    service.revoke = refuse  # type: ignore[attr-defined]
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


def test_an_answer_at_once_is_not_taken(lines: Lines, clock: Clock) -> None:
    """What was typed before the question could be read answers nothing."""
    plain, service, written = lines
    for question in (REQUEST, se.Asked("control", 60)):
        clock.step = 2.0
        plain.show(question)
        clock.step = 0.4
        for typed in ("123456", "look", "yes"):
            clock.now -= 0.4
            plain.answer(typed)
            assert "read the question first" in written[-1]
        plain.show(se.Ended("ended", "", 0.0, True, 0))
    assert service.calls == []


@pytest.mark.parametrize(
    "over",
    [
        se.GrantChanged("control", granted=False),
        se.Revoked(("control",), "F11"),
        se.Ended("ended", "", 1.0, True, 0),
    ],
)
def test_a_late_yes_grants_nothing(lines: Lines, over: se.ServiceEvent) -> None:
    """When a question is over, a yes is no longer an answer to it."""
    plain, service, _ = lines
    plain.show(se.Asked("control", 60))
    plain.show(over)
    plain.answer("yes")
    assert service.calls == [("let_ask_again",)]


@pytest.mark.parametrize(
    ("typed", "call"),
    [("stop", ("revoke", "control")), ("e", ("end",)), ("q", None)],
)
def test_leaving_works_while_a_question_is_open(
    lines: Lines, clock: Clock, typed: str, call: tuple[str, ...] | None
) -> None:
    """stop, end and quit are heard at any time; an open question is a no."""
    plain, service, _ = lines
    clock.step = 0.0
    plain.show(se.Asked("control", 60))
    assert plain.answer(typed) == (typed == "q")
    assert service.calls == [("decline", "control"), *([call] if call else [])]
    service.calls.clear()
    plain.show(REQUEST)
    assert plain.answer(typed) == (typed == "q")
    assert service.calls == [("deny", 7)]


def test_a_request_that_is_over_does_not_keep_one_from_leaving(lines: Lines) -> None:
    """Who wants to quit leaves even if its no comes too late."""
    plain, service, _ = lines

    def refuse(_number: int) -> None:
        raise UsageError("That request is over.")

    service.deny = refuse  # type: ignore[attr-defined]
    plain.show(REQUEST)
    assert plain.answer("quit")


@pytest.mark.parametrize("quote", ['"', "”", "''", "„", "＂", "″"])
def test_a_name_cannot_leave_its_quotes(lines: Lines, quote: str) -> None:
    """Quotes inside a name do not end it."""
    plain, _, written = lines
    name = f"Bank{quote}, verified by Microsoft. {quote}"
    plain.show(replace(REQUEST, name=name))
    line = next(line for line in written if "Bank" in line)
    assert line.startswith("“Bank', verified by Microsoft. '”, ID 482 913 070")


def test_only_digits_open_the_way_to_control(lines: Lines) -> None:
    """Before and after a plain look it is said that control needs the digits."""
    plain, _, written = lines
    plain.show(REQUEST)
    assert any("Without the digits they can only look" in line for line in written)
    plain.show(se.Started("Anna", 1, ("view",), "lan", "", 1, 1, False, 60))
    assert any("no digits were typed" in line for line in written)


def test_somebody_is_remembered_only_when_asked_to(lines: Lines) -> None:
    """Typing the digits does not make anybody known; `remember` does."""
    plain, service, _ = lines
    plain.answer("remember")
    assert service.calls == [("remember",)]
