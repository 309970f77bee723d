"""What the interface knows of an outgoing call and session. No widgets in here."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from p2p_remote.services import events as se
from p2p_remote.services.notices import wrong_digits
from p2p_remote.tui import words
from p2p_remote.tui.safe_text import quoted
from p2p_remote.wire.text import clean

BANNER_SECONDS = 8.0  # s that a message lies over the picture


class Phase(Enum):
    """Where an outgoing call is."""

    CALLING = "calling"
    RINGING = "ringing"
    ACTIVE = "active"
    ENDED = "ended"
    FAILED = "failed"


@dataclass(slots=True)
class CallState:
    """One outgoing call; `apply` takes the events of the service in order.

    Times are seconds of the clock that is passed to `apply`.
    """

    target: int
    phase: Phase = Phase.CALLING
    name: str = ""
    digits: str = ""
    digits_expected: bool = True
    wrong_digits: str = ""  # what came of the last try
    grants: frozenset[str] = frozenset()
    verified: bool = False
    own_view_only: bool = False
    path_kind: str = ""
    path_why: str = ""
    rtt_ms: float | None = None
    kbit_s: float = 0.0
    fps: float = 0.0
    shared: str = ""  # what is seen, if it is not everything
    paused: bool = False
    silent_since: float | None = None
    banner: str = ""
    banner_until: float = 0.0
    started: float | None = None
    expires: float | None = None
    ended: se.Ended | None = None
    failure: words.Failure | None = None
    files: dict[int, se.TransferReport] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)

    @property
    def control_granted(self) -> bool:
        """Whether the customer allows mouse and keyboard."""
        return "control" in self.grants

    @property
    def control(self) -> bool:
        """Whether input is sent: granted, and not switched off on this side."""
        return (
            self.phase is Phase.ACTIVE
            and self.control_granted
            and not self.own_view_only
            and self.silent_since is None
        )

    @property
    def exit_code(self) -> int:
        """Exit code of the command line for how it ended."""
        if self.failure is not None:
            return self.failure.exit_code
        return self.ended.exit_code if self.ended is not None else 0

    def warning(self, now: float) -> str:
        """The sentence that lies over the picture at `now`, or nothing."""
        if self.silent_since is not None:
            return (
                f"{words.WARN} No answer for {self.silent(now):.0f} s. "
                "Nothing is sent; the picture is old."
            )
        if self.paused:
            return (
                f"{words.WARN} The customer is using mouse and keyboard, or is asked."
            )
        return self.banner if now < self.banner_until else ""

    def silent(self, now: float) -> float:
        """Seconds since the other side was last heard, 0 if it is there."""
        return 0.0 if self.silent_since is None else now - self.silent_since

    def say(self, text: str, now: float) -> None:
        """Lay a message over the picture for a while."""
        self.banner, self.banner_until = text, now + BANNER_SECONDS

    @property
    def moving(self) -> str:
        """The file that is on its way, and how far it is; nothing if there is none."""
        if not self.files:
            return ""
        file = next(iter(self.files.values()))
        sign = words.IN if file.incoming else words.OUT
        more = f" +{len(self.files) - 1}" if len(self.files) > 1 else ""
        return (
            f"{sign} {quoted(file.name)} {words.share(file.position, file.size)}{more}"
        )

    def apply(self, event: se.ServiceEvent, now: float) -> None:
        """Take one event."""
        take = _TAKES.get(type(event))
        if take is not None:
            take(self, event, now)

    def _on_calling(self, _event: se.Calling, _now: float) -> None:
        self.phase = Phase.CALLING

    def _on_ringing(self, event: se.Ringing, _now: float) -> None:
        self.phase = Phase.RINGING
        self.digits, self.name = event.digits, event.name
        self.digits_expected = event.digits_expected

    def _on_wrong_digits(self, event: se.WrongDigits, _now: float) -> None:
        self.wrong_digits = (
            f"{words.WARN} {wrong_digits(event.tries_left)} Read them again, slowly."
        )

    def _on_started(self, event: se.Started, now: float) -> None:
        self.phase = Phase.ACTIVE
        self.name, self.grants = event.name, frozenset(event.grants)
        self.verified = event.verified
        self.path_kind, self.path_why = event.path_kind, event.reason
        self.started, self.expires = now, now + event.seconds
        if not self.control_granted:
            self.say(f"{words.OFF} View only: you see, they keep control.", now)

    def _on_shared(self, event: se.Shared, now: float) -> None:
        everything = event.what == "everything"
        seen = words.shared(event.what, event.names)
        text = "the whole screen" if everything else seen
        if not everything or self.shared:
            self.say(f"{words.OFF} You see {text}.", now)
        self.shared = "" if everything else seen

    def _on_grant(self, event: se.GrantChanged, now: float) -> None:
        if event.permission == "control":
            given = f"{words.GOOD} You have control now."
            self.say(given if event.granted else self._refused(), now)
        if event.granted:
            self.grants |= {event.permission}

    def _refused(self) -> str:
        if self.verified:
            return f"{words.OFF} The customer did not give you control."
        return (
            f"{words.OFF} No control: it needs your six digits, typed by the "
            "customer when you call."
        )

    def _on_revoked(self, event: se.Revoked, now: float) -> None:
        had_control = self.control_granted
        self.grants -= set(event.permissions)
        if had_control and not self.control_granted:
            self.paused = False
            self.say(f"{words.WARN} Control taken back by the customer.", now)

    def _on_paused(self, event: se.ControlPaused, _now: float) -> None:
        self.paused = event.paused

    def _on_transfer(self, event: se.TransferReport, now: float) -> None:
        if event.state == "running":
            self.files[event.number] = event
            return
        self.files.pop(event.number, None)
        name = quoted(event.name)
        if event.state == "failed":
            self.say(f"{words.WARN} {name}: {clean(event.text, 200)}", now)
        elif event.incoming:
            place = clean(str(Path(event.path).absolute()), 500)
            self.say(f"{words.GOOD} {name} is here: {place}", now)
        else:
            self.say(f"{words.GOOD} {name} has arrived.", now)

    def _on_path(self, event: se.PathReport, _now: float) -> None:
        self.path_kind, self.path_why = event.kind, event.why
        if event.rtt_ms is not None:
            self.rtt_ms = event.rtt_ms

    def _on_silence(self, event: se.Silence, now: float) -> None:
        self.silent_since = now - event.seconds if event.seconds else None

    def _on_stats(self, event: se.Stats, _now: float) -> None:
        self.rtt_ms = event.rtt_ms
        self.kbit_s, self.fps = event.kbit_s, event.fps

    def _on_trouble(self, event: se.Trouble, _now: float) -> None:
        self.troubles.append(event.text)

    def _on_ended(self, event: se.Ended, _now: float) -> None:
        self.ended = event
        if self.phase is Phase.ACTIVE:
            self.phase = Phase.ENDED
        else:
            self.phase = Phase.FAILED
            text = words.technician_end(event.reason, by_peer=event.by_peer)
            self.failure = words.failure(event.exit_code, text)

    def _on_failed(self, event: se.Failed, _now: float) -> None:
        self.phase = Phase.FAILED
        self.failure = words.failure_of(event.error)

    @property
    def who(self) -> str:
        """The other side's self-chosen name in quotes."""
        return quoted(self.name)


_TAKES: dict[type, Callable[[CallState, Any, float], None]] = {
    se.Calling: CallState._on_calling,  # noqa: SLF001 -- the table of this class
    se.Ringing: CallState._on_ringing,  # noqa: SLF001
    se.WrongDigits: CallState._on_wrong_digits,  # noqa: SLF001
    se.Started: CallState._on_started,  # noqa: SLF001
    se.Shared: CallState._on_shared,  # noqa: SLF001
    se.GrantChanged: CallState._on_grant,  # noqa: SLF001
    se.Revoked: CallState._on_revoked,  # noqa: SLF001
    se.ControlPaused: CallState._on_paused,  # noqa: SLF001
    se.TransferReport: CallState._on_transfer,  # noqa: SLF001
    se.PathReport: CallState._on_path,  # noqa: SLF001
    se.Silence: CallState._on_silence,  # noqa: SLF001
    se.Stats: CallState._on_stats,  # noqa: SLF001
    se.Trouble: CallState._on_trouble,  # noqa: SLF001
    se.Ended: CallState._on_ended,  # noqa: SLF001
    se.Failed: CallState._on_failed,  # noqa: SLF001
}
"""What each event changes; other events change nothing here."""
