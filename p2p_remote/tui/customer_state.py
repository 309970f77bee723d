"""What the interface knows of the customer's half. No widgets in here.

Its events are those of `p2p-remote share --json`, as dicts.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from p2p_remote.errors import MissingCapabilityError
from p2p_remote.services.notices import held_back
from p2p_remote.services.wishes import WISHES, Wish
from p2p_remote.tui import words
from p2p_remote.tui.safe_text import quoted, safe
from p2p_remote.wire.peer_id import group_partial

Event = dict[str, Any]
FILES = ("file_in", "file_out")  # permissions for all files of a direction
PATIENCE = 5.0  # s for the first answer of the server before we say that it is missing


class Stage(Enum):
    """Where the customer's half is."""

    STARTING = "starting"
    WAITING = "waiting"
    ASKED = "asked"
    SHARING = "sharing"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody asks to be let in; `wish` is what they say they want."""

    name: str
    peer_id: str
    verified: str
    path_kind: str
    digits_expected: bool
    seconds: int
    number: int | None = None
    wish: Wish = WISHES["support"]

    @property
    def who(self) -> str:
        """Their self-chosen name in quotes."""
        return quoted(self.name)


@dataclass(frozen=True, slots=True)
class Monitor:
    """A monitor that could be shared alone."""

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class Window:
    """A window that could be shared alone."""

    number: int
    label: str


@dataclass(slots=True)
class CustomerState:
    """The customer's half; `apply` takes its events in order.

    Args:
        has_server: A rendezvous server is set.
        lan: This machine can be found on the local network.

    """

    has_server: bool
    lan: bool
    stage: Stage = Stage.STARTING
    born: float | None = None
    registered: bool = False
    answered: bool = False
    notes: list[str] = field(default_factory=list)
    trouble: str = ""
    request: Request | None = None
    answer_by: float = 0.0  # when no answer to the request counts as No
    tries_left: int | None = None
    problem: str = ""
    name: str = ""
    peer_id: str = ""
    verified: bool = False
    held_back: str = ""  # the latest line about calls that were not shown
    remembered: bool = False  # the last command that was carried out was that
    grants: frozenset[str] = frozenset()
    monitors: tuple[Monitor, ...] = ()
    windows: tuple[Window, ...] = ()
    shared: str = "everything on your screen"
    asked: str = ""
    asked_seconds: int = 0
    asked_by: float = 0.0  # when no answer to what is asked counts as No
    asked_file: Event | None = None
    last_file: Event | None = None
    files: dict[int, Event] = field(default_factory=dict)
    path_kind: str = ""
    path_why: str = ""
    rtt_ms: float | None = None
    paused: bool = False
    silent_s: float = 0.0
    revoked_by: str = ""
    started: float | None = None
    expires: float | None = None
    ended: Event | None = None

    @property
    def who(self) -> str:
        """The technician's self-chosen name in quotes."""
        return quoted(self.name)

    def file_lines(self) -> list[str]:
        """The files that move, or the last one that did."""
        lines = []
        for file in self.files.values():
            sign = words.IN if file.get("direction") == "in" else words.OUT
            position, size = int(file.get("bytes") or 0), int(file.get("size") or 0)
            name = quoted(str(file.get("name") or ""))
            lines.append(f"{sign} {name} {words.share(position, size)}")
        last = self.last_file
        if not lines and last is not None:
            name = quoted(str(last.get("name") or ""))
            incoming = last.get("direction") == "in"
            text = str(last.get("error") or "")
            if last.get("state") == "done":
                text = str(last.get("file")) if incoming else "has been sent"
            lines.append(f"{words.IN if incoming else words.OUT} {name}: {text}")
        return lines

    @property
    def takes_files(self) -> bool:
        """Whether a file moves, or may without a question."""
        return bool(self.files) or not self.grants.isdisjoint(FILES)

    @property
    def is_seen(self) -> bool:
        """Whether the technician sees the screen, or came for files alone."""
        return "view" in self.grants

    @property
    def control(self) -> bool:
        """Whether the technician may use mouse and keyboard."""
        return "control" in self.grants

    def apply(self, event: Event, now: float) -> None:
        """Take one event."""
        if self.born is None:
            self.born = now
        take = _TAKES.get(str(event.get("event")))
        if take is not None:
            take(self, event, now)

    def status(self, now: float) -> tuple[str, str]:
        """Symbol and words for the home screen."""
        if self.stage is Stage.STOPPED:
            return words.BAD, f"this machine cannot be helped from here: {self.trouble}"
        if self.stage is Stage.SHARING:
            what = "sees your screen" if self.is_seen else "is here for files"
            return words.WARN, f"{self.who} {what}"
        if self.stage is Stage.ASKED:
            return words.WARN, "somebody asks to be let in"
        if self.registered:
            return words.GOOD, "ready: nobody is connected"
        return self._unregistered(now) if self.has_server else self._without_server()

    def _unregistered(self, now: float) -> tuple[str, str]:
        waited = 0.0 if self.born is None else now - self.born
        if not self.trouble and waited < PATIENCE:
            return words.OFF, "getting ready"
        reason = self.trouble or "The server has not answered yet."
        reach = "local network only." if self.lan else "nobody can reach you."
        return words.WARN, f"{reach} {reason}"

    def _without_server(self) -> tuple[str, str]:
        if self.stage is Stage.STARTING:
            return words.OFF, "getting ready"
        if self.lan:
            return words.WARN, "local network only: nobody is connected"
        return words.WARN, "nobody can reach you: no server, and the LAN is off"

    def _on_ready(self, event: Event, _now: float) -> None:
        if self.stage is Stage.STARTING:
            self.stage = Stage.WAITING
        self.answered = True
        self.registered = bool(event.get("rendezvous"))
        self.trouble = ""

    def _on_trouble(self, event: Event, _now: float) -> None:
        text = str(event.get("text", ""))
        if self.answered and self.has_server:
            self.registered, self.trouble = False, text
        else:
            self.notes.append(text)

    def _on_request(self, event: Event, now: float) -> None:
        self.stage = Stage.ASKED
        self.tries_left, self.problem, self.ended = None, "", None
        self.request = Request(
            str(event.get("name") or ""),
            group_partial(str(event.get("id") or "")),
            str(event.get("verified") or ""),
            str(event.get("path") or ""),
            bool(event.get("digits_expected")),
            int(event.get("seconds") or 0),
            event.get("request"),
            WISHES.get(str(event.get("mode")), WISHES["support"]),
        )
        self.answer_by = now + self.request.seconds

    def _on_held_back(self, event: Event, _now: float) -> None:
        calls, wait = int(event.get("calls") or 0), int(event.get("seconds") or 0)
        self.held_back = held_back(calls, str(event.get("why")), wait)

    def _on_more_time(self, event: Event, now: float) -> None:
        by = now + float(event.get("seconds") or 0)
        if self.asked and self.asked == event.get("permission"):
            self.asked_by = by
        elif self.request is not None and self.request.number == event.get("request"):
            self.answer_by = by

    def _on_wrong_digits(self, event: Event, _now: float) -> None:
        left = self.tries_left = int(event.get("tries_left") or 0)
        self.problem = (
            "These are not the digits of this session. Ask for them again. "
            f"{left} {'try' if left == 1 else 'tries'} left."
        )

    def _on_failed(self, event: Event, _now: float) -> None:
        # After wrong digits the answer is reported as failed too: say it once.
        self.problem = self.problem or str(event.get("error") or "")

    def _on_started(self, event: Event, now: float) -> None:
        peer = event.get("peer") or {}
        path = event.get("path") or {}
        self.stage, self.request = Stage.SHARING, None
        self.name = str(peer.get("name") or "")
        self.peer_id = group_partial(str(peer.get("id") or ""))
        self.grants = frozenset(map(str, event.get("grants") or ()))
        self.verified = bool(event.get("verified"))
        self.started = now
        self.expires = now + float(event.get("seconds") or 0)
        self.asked = self.revoked_by = self.problem = ""
        self.files, self.last_file = {}, None
        self.paused, self.silent_s, self.ended = False, 0.0, None
        self._on_path(path, now)

    def _on_screens(self, event: Event, _now: float) -> None:
        self.monitors = tuple(
            Monitor(
                str(one["name"]),
                safe(
                    f"Monitor {one['name']}, {one['width']} x {one['height']}"
                    + (", the main one" if one.get("primary") else "")
                ).plain,
            )
            for one in event.get("monitors") or ()
        )
        self.windows = tuple(
            Window(int(one["id"]), safe(f"Window: {one['title']}").plain)
            for one in event.get("windows") or ()
        )

    def _on_shared(self, event: Event, _now: float) -> None:
        what, names = str(event.get("what")), event.get("names") or ()
        self.shared = words.shared(what, [str(name) for name in names])
        if what == "nothing":
            self.shared += f": {safe(str(event.get('why') or '')).plain}"

    def _on_done(self, event: Event, _now: float) -> None:
        self.remembered = event.get("do") == "remember"

    def _on_asked(self, event: Event, now: float) -> None:
        self.asked = str(event.get("permission") or "")
        self.asked_seconds = int(event.get("seconds") or 0)
        self.asked_by = now + self.asked_seconds
        self.asked_file = event.get("file") or None

    def _on_granted(self, event: Event, _now: float) -> None:
        permission = str(event.get("permission") or "")
        self.grants |= {permission}
        self.revoked_by = ""
        self._answered(permission)

    def _on_declined(self, event: Event, _now: float) -> None:
        self._answered(str(event.get("permission") or ""))

    def _on_transfer(self, event: Event, _now: float) -> None:
        number = int(event.get("transfer") or 0)
        if event.get("state") == "running":
            self.files[number] = event
        else:
            self.files.pop(number, None)
            self.last_file = event

    def _answered(self, permission: str) -> None:
        if self.asked == permission:
            self.asked = ""

    def _on_revoked(self, event: Event, _now: float) -> None:
        permissions = set(map(str, event.get("permissions") or ()))
        self.grants -= permissions
        if "control" in permissions:
            self.revoked_by = str(event.get("by") or "")

    def _on_paused(self, event: Event, _now: float) -> None:
        self.paused = bool(event.get("paused"))

    def _on_path(self, event: Event, _now: float) -> None:
        self.path_kind = str(event.get("kind") or "")
        self.path_why = str(event.get("why") or "")
        self.rtt_ms = event.get("rtt_ms")

    def _on_silence(self, event: Event, _now: float) -> None:
        self.silent_s = float(event.get("seconds") or 0)

    def _on_ended(self, event: Event, _now: float) -> None:
        self.stage = Stage.WAITING
        self.grants, self.asked = frozenset(), ""
        self.ended = event

    def _on_stopped(self, event: Event, now: float) -> None:
        if self.stage is Stage.SHARING and self.started is not None:
            self.ended = {
                "reason": "missing_capability",
                "duration_s": now - self.started,
            }
        self.stage, self.grants, self.request = Stage.STOPPED, frozenset(), None
        code = event.get("code")
        text = str(event.get("text") or "")
        if code == MissingCapabilityError.exit_code and "--" in text:
            # The next step that follows the reason is one of other commands.
            text = text.partition(". ")[0].rstrip(".") + "."
        self.trouble = text or f"its process has ended (code {code})."


_TAKES: dict[str, Callable[[CustomerState, Event, float], None]] = {
    "ready": CustomerState._on_ready,  # noqa: SLF001 -- the table of this class
    "trouble": CustomerState._on_trouble,  # noqa: SLF001
    "request": CustomerState._on_request,  # noqa: SLF001
    "held_back": CustomerState._on_held_back,  # noqa: SLF001
    "more_time": CustomerState._on_more_time,  # noqa: SLF001
    "wrong_digits": CustomerState._on_wrong_digits,  # noqa: SLF001
    "failed": CustomerState._on_failed,  # noqa: SLF001
    "screens": CustomerState._on_screens,  # noqa: SLF001
    "shared": CustomerState._on_shared,  # noqa: SLF001
    "done": CustomerState._on_done,  # noqa: SLF001
    "started": CustomerState._on_started,  # noqa: SLF001
    "asked": CustomerState._on_asked,  # noqa: SLF001
    "granted": CustomerState._on_granted,  # noqa: SLF001
    "declined": CustomerState._on_declined,  # noqa: SLF001
    "asked_no_more": CustomerState._on_declined,  # noqa: SLF001
    "transfer": CustomerState._on_transfer,  # noqa: SLF001
    "revoked": CustomerState._on_revoked,  # noqa: SLF001
    "paused": CustomerState._on_paused,  # noqa: SLF001
    "path": CustomerState._on_path,  # noqa: SLF001
    "silence": CustomerState._on_silence,  # noqa: SLF001
    "ended": CustomerState._on_ended,  # noqa: SLF001
    "stopped": CustomerState._on_stopped,  # noqa: SLF001
}
"""What each event changes; other events change nothing here."""
