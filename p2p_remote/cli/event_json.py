"""Service events as the JSON of the command-line contract (docs/cli.md)."""

from typing import Any

from p2p_remote.errors import BusyError, RefusedError
from p2p_remote.services import events as se
from p2p_remote.services.wishes import WISHES
from p2p_remote.wire import peer_id


def as_json(event: se.ServiceEvent) -> tuple[str, dict[str, Any]] | None:
    """Name and fields of an event; None for events that scripts are not told."""
    if isinstance(event, se.GrantChanged):
        if event.granted:
            return "granted", {"permission": event.permission}
        why = {"why": event.why, "seconds": event.wait} if event.why else {}
        return "declined", {"permission": event.permission, **why}
    for kind, name, fields in _TABLE:
        if type(event) is kind:
            return name, fields(event)
    return None


def left(code: int = 0) -> tuple[str, dict[str, Any]]:
    """Name and fields of the end of a call that was given up here, with exit `code`."""
    reason, text = "ended", "You ended it."
    if code:
        reason, text = "failed", "It was broken off."
    ended = se.Ended(reason, text, 0.0, by_peer=False, exit_code=code)
    return "ended", _ended(ended)


def _path(kind: str, rtt_ms: float | None, why: str) -> dict[str, Any]:
    return {"kind": kind, "rtt_ms": rtt_ms, "why": why}


def _request(event: se.Request) -> dict[str, Any]:
    return {
        "request": event.number,
        "name": event.name,
        "id": peer_id.plain(event.peer_id),
        "verified": event.verified or False,
        "mode": event.mode,
        "grants": list(WISHES[event.mode].grants),
        "path": event.path_kind,
        "digits_expected": event.digits_expected,
        "seconds": event.seconds,
    }


def _more_time(event: se.MoreTime) -> dict[str, Any]:
    if event.permission:
        return {"permission": event.permission, "seconds": event.seconds}
    return {"request": event.number, "seconds": event.seconds}


def _started(event: se.Started) -> dict[str, Any]:
    return {
        "peer": {"id": peer_id.plain(event.peer_id), "name": event.name},
        "grants": list(event.grants),
        "verified": event.verified,
        "seconds": event.seconds,
        "screen": {"width": event.width, "height": event.height},
        "path": _path(event.path_kind, None, event.reason),
    }


def _file(file: se.FileFacts) -> dict[str, Any]:
    return {
        "transfer": file.number,
        "direction": _direction(incoming=file.incoming),
        "name": file.name,
        "size": file.size,
        "to": file.folder,
    }


def _transfer(event: se.TransferReport) -> dict[str, Any]:
    return {
        "transfer": event.number,
        "direction": _direction(incoming=event.incoming),
        "name": event.name,
        "size": event.size,
        "bytes": event.position,
        "state": event.state,
        "over": "tcp" if event.lane else "session",
        "error": event.text,
        "file": event.path,
    }


def _direction(*, incoming: bool) -> str:
    return "in" if incoming else "out"


def _ended(event: se.Ended) -> dict[str, Any]:
    return {
        "reason": event.reason,
        "text": event.text,
        "duration_s": event.duration_s,
        "by_peer": event.by_peer,
    }


_FAILURES = {3: "unreachable", 4: "refused", 5: "authentication", 6: "network"}


def _failed(event: se.Failed) -> dict[str, Any]:
    error = event.error
    reason = _FAILURES.get(error.exit_code, "failed")
    wait = {"seconds": error.wait} if isinstance(error, RefusedError) else {}
    return {
        "reason": "busy" if isinstance(error, BusyError) else reason,
        "text": str(error),
        "duration_s": 0.0,
        "by_peer": False,
        **wait,
    }


_TABLE: tuple[tuple[type[Any], str, Any], ...] = (
    (
        se.Ready,
        "ready",
        lambda e: {
            "id": peer_id.plain(e.peer_id),
            "rendezvous": e.rendezvous,
            "lan": e.lan,
        },
    ),
    (se.Trouble, "trouble", lambda e: {"text": e.text}),
    (se.Request, "request", _request),
    (
        se.HeldBack,
        "held_back",
        lambda e: {"calls": e.calls, "why": e.why, "seconds": e.wait},
    ),
    (se.MoreTime, "more_time", _more_time),
    (se.WrongDigits, "wrong_digits", lambda e: {"tries_left": e.tries_left}),
    (se.Started, "started", _started),
    (
        se.Shared,
        "shared",
        lambda e: {
            "what": e.what,
            "names": list(e.names),
            "width": e.width,
            "height": e.height,
            "why": e.why,
        },
    ),
    (
        se.Asked,
        "asked",
        lambda e: {
            "permission": e.permission,
            "seconds": e.seconds,
            **({} if e.file is None else {"file": _file(e.file)}),
        },
    ),
    (se.AskedNoMore, "asked_no_more", lambda e: {"permission": e.permission}),
    (se.TransferReport, "transfer", _transfer),
    (
        se.Revoked,
        "revoked",
        lambda e: {"permissions": list(e.permissions), "by": e.by},
    ),
    (se.ControlPaused, "paused", lambda e: {"paused": e.paused}),
    (se.PathReport, "path", lambda e: _path(e.kind, e.rtt_ms, e.why)),
    (se.Silence, "silence", lambda e: {"seconds": e.seconds}),
    (se.Ended, "ended", _ended),
    (se.Calling, "calling", lambda e: {"id": peer_id.plain(e.peer_id)}),
    (
        se.Ringing,
        "ringing",
        lambda e: {
            "digits": e.digits,
            "name": e.name,
            "digits_expected": e.digits_expected,
        },
    ),
    (
        se.Frame,
        "frame",
        lambda e: {
            "generation": e.generation,
            "width": e.width,
            "height": e.height,
        },
    ),
    (
        se.Stats,
        "stats",
        lambda e: {"rtt_ms": e.rtt_ms, "kbit_s": e.kbit_s, "fps": e.fps},
    ),
    (se.Failed, "ended", _failed),
)
