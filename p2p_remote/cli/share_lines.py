"""The customer's side for people, in plain lines: for screen readers and small tasks.

Every question says what a yes means, and anything but a clear yes is a no.
"""

import contextlib
import re
import time
from collections.abc import Callable

from p2p_remote.cli.share_questions import answers, question
from p2p_remote.errors import RemoteSupportError
from p2p_remote.services import events as se
from p2p_remote.services.customer import CustomerService
from p2p_remote.services.names import quoted, size
from p2p_remote.services.notices import SERVER_SILENT, held_back
from p2p_remote.services.wishes import WISHES
from p2p_remote.wire import peer_id

READING_SECONDS = 1.0  # s after a question in which no answer can be meant for it

_DIGITS = re.compile(r"[ -]*(?:[0-9][ -]*){6}")
_STOP = ("stop", "s")
_END = ("end", "e")
_QUIT = ("quit", "q", "exit")
_ALL = ("all", "a")
_YES = ("yes", "y")

_PATHS = {
    "lan": "inside your local network",
    "direct": "directly",
    "relay": "through the server, which cannot read it",
}


class PlainLines:
    """Prints events and understands answers."""

    def __init__(
        self,
        service: CustomerService,
        has_hotkey: bool,  # noqa: FBT001 -- one fact about the machine, always given
        write: Callable[[str], None] = print,
        clock: Callable[[], float] = time.monotonic,
        *,
        at_terminal: bool = True,
    ) -> None:
        """Answers go to `service`; lines go to `write`; `clock` counts seconds.

        `at_terminal`: a person can type `quit` where this runs.
        """
        self._service = service
        self._has_hotkey = has_hotkey
        self._write = write
        self._clock = clock
        self._question_at = float("-inf")
        self._asked: str | None = None
        self._asked_file: se.FileFacts | None = None
        self._moving: set[int] = set()
        self._request: se.Request | None = None
        self._ready = False
        self._at_terminal = at_terminal
        self._is_server_silent = False
        self._has_begun = False  # the session, not only the request
        self._path = ""

    def show(self, event: se.ServiceEvent) -> None:
        """Print what a person needs to know of an event."""
        shown = _SHOWN.get(type(event))
        if shown is not None:
            shown(self, event)

    def answer(self, line: str) -> bool:
        """Take one line that was typed; True if the person wants to leave."""
        word = line.strip().lower()
        try:
            if word in (*_STOP, *_END, *_QUIT):
                self._stop(word)
            elif self._asked is None and self._request is None:
                self._command(word)
            elif self._clock() - self._question_at < READING_SECONDS:
                self._write("Please read the question first, then answer.")
            elif self._asked is not None:
                self._answer_permission(self._asked, word)
            elif self._request is not None:
                self._service.is_there()
                self._answer_request(self._request, word)
        except RemoteSupportError as error:
            self._write(str(error))
        return word in _QUIT

    def _stop(self, word: str) -> None:
        """Less access, at any time: an open question is answered with no."""
        if self._request is not None:
            self._service.deny(self._request.number)
            return
        asked, self._asked = self._asked, None
        if asked is not None:
            with contextlib.suppress(RemoteSupportError):
                self._service.decline(asked)
        if word in _STOP:
            self._service.revoke("control")
        elif word in _END:
            self._service.end()

    def _command(self, word: str) -> None:
        if word in ("control", "c"):
            self._service.grant("control")
        elif word in (*_YES, *_ALL):
            again = self._service.let_ask_again()
            shown = "They can ask you again now." if again else "Nothing is asked now."
            self._write(shown)
        elif word == "remember":
            self._service.remember()
            self._write("They are known from now on; you are still asked each time.")
        elif word == "abort":
            for number in tuple(self._moving):
                self._service.answer_file(number, allow=False)
        elif word:
            self._write(
                "Type: stop (mouse and keyboard back), end, quit, remember, "
                "abort (files), screens (what there is), share (what they see: "
                "share 2, share window TITLE, share all)."
            )

    def _answer_permission(self, permission: str, word: str) -> None:
        self._asked = None
        file, self._asked_file = self._asked_file, None
        if word in _YES and file is not None:
            self._service.answer_file(file.number, allow=True)
        elif word in (*_YES, *(_ALL if file is not None else ())):
            self._service.grant(permission)
        else:
            self._service.decline(permission)

    def _answer_request(self, request: se.Request, word: str) -> None:
        number, wish = request.number, WISHES[request.mode]
        look, digits = _look_and_digits(word)
        grants = ["view"] if look else list(wish.grants)
        is_clear = bool(digits or look or (word in _YES and request.verified))
        if word in ("no", "n"):
            self._service.deny(number)
        elif not is_clear or (look and wish.is_for_files):
            self._write(answers(request))
        elif digits:
            self._service.approve(grants, digits, request=number)
        else:
            self._service.approve(grants, request=number)

    def _on_ready(self, event: se.Ready) -> None:
        if self._ready:
            if self._is_server_silent and event.rendezvous:
                self._is_server_silent = False
                self._write("The server answers: you can be called from anywhere.")
            return
        self._ready, self._is_server_silent = True, False
        self._write("")
        self._write("Ready: you can be called.")
        self._write(f"  Your ID:   {peer_id.grouped(event.peer_id)}")
        self._write("")
        self._write("Read it to the person who helps you. Nobody is connected yet;")
        self._write("nothing is shown to anybody before you say yes here.")
        if not event.rendezvous:
            self._write("Without a server: reachable in your local network only.")
        if not self._has_hotkey:
            self._write("F11 is not heard here; type 'stop' to take control back.")
        how = "Type quit" if self._at_terminal else "Stop this program"
        self._write(f"{how} to leave; then nobody can reach this machine.")

    def _on_request(self, event: se.Request) -> None:
        self._request = event
        self._question_at = self._clock()
        self._write("")
        self._write(f"{_who(event.name)}, ID {peer_id.grouped(event.peer_id)},")
        self._write(f"{WISHES[event.mode].asks}.")
        self._write(f"They reach you {_PATHS[event.path_kind]}.")
        for line in question(event):
            self._write(line)
        self._write(f"No answer within {event.seconds} seconds is a no.")

    def _on_wrong_digits(self, event: se.WrongDigits) -> None:
        if event.tries_left:
            left = "1 try" if event.tries_left == 1 else f"{event.tries_left} tries"
            self._write("These are not the digits of this session. Ask them to read")
            self._write(f"them again. If they differ again: type no. {left} left.")

    def _on_held_back(self, event: se.HeldBack) -> None:
        self._write(f"Note: {held_back(event.calls, event.why, event.wait)}")

    def _on_more_time(self, event: se.MoreTime) -> None:
        self._write(f"You have {event.seconds} seconds more to answer.")

    def _on_started(self, event: se.Started) -> None:
        self._request = None
        self._has_begun, self._path = True, event.path_kind
        control = "control" in event.grants
        self._write("")
        if "view" not in event.grants:
            self._write(f"{_who(event.name)} is connected, and sees nothing of this")
            self._write("screen. You are asked about each file. Type end to end it.")
            return
        self._write(f"{_who(event.name)} can see this screen now.")
        if control:
            self._write("They can use mouse and keyboard.")
            if self._has_hotkey:
                self._write("F11 takes that back at once; F12 ends the session.")
        elif event.verified:
            self._write("They can only look. Type control to let them do more.")
        else:
            self._write("They can only look: no digits were typed, so mouse and")
            self._write("keyboard cannot be allowed in this session.")
        stop = "stop to take control back, " if control else ""
        self._write(f"Type {stop}end to end the session.")

    def _on_shared(self, event: se.Shared) -> None:
        if event.what == "nothing":
            self._write(f"{event.why} Only grey can be seen now.")
            self._write("Type screens to choose what is shared.")
        elif event.what == "monitor":
            self._write(f"Shared: the monitor {event.names[0]} and nothing else.")
        elif event.what == "windows":
            titles = ", ".join(quoted(name) for name in event.names)
            self._write(f"Shared: {titles}, with dialogs and menus, and nothing else.")
        elif self._ready:
            self._write("Shared: the whole screen.")

    def _on_asked(self, event: se.Asked) -> None:
        self._asked, self._asked_file = event.permission, event.file
        self._question_at = self._clock()
        self._write("")
        if event.file is None:
            self._write(f"They want to {_describe(event.permission)}.")
            self._write("Type yes or no.")
            return
        file = event.file
        if file.incoming:
            self._write(
                f"They want to send you {quoted(file.name)}, {size(file.size)}."
            )
            self._write(f"It would be stored in {file.folder}. Nobody has checked it")
            self._write("for viruses.")
        else:
            self._write(f"They want to have this file of yours: {quoted(file.name)}.")
        self._write("Type yes for this file, all for every file they ask for in this")
        self._write("session, or no.")

    def _on_asked_no_more(self, event: se.AskedNoMore) -> None:
        if self._asked == event.permission:
            self._asked = self._asked_file = None
            self._write("They no longer want this file.")

    def _on_transfer(self, event: se.TransferReport) -> None:
        name = quoted(event.name)
        if event.state == "running":
            if event.number not in self._moving:
                self._moving.add(event.number)
                way = "comes in" if event.incoming else "goes out"
                self._write(f"{name}, {size(event.size)}, {way}. abort stops it.")
            return
        self._moving.discard(event.number)
        if event.state == "failed":
            self._write(f"{name}: {event.text}")
        elif event.incoming:
            self._write(f"{name} is here: {event.path}")
        else:
            self._write(f"{name} has been sent.")

    def _on_granted(self, event: se.GrantChanged) -> None:
        if event.permission == self._asked:
            self._asked = None
        what = _describe(event.permission)
        if event.granted:
            self._write(f"They may {what} now.")
            return
        self._write(_DENIED.get(event.why, "They may not {}.").format(what))
        if event.wait:
            self._write(f"They can ask again in {event.wait} seconds, or at once when")
            self._write("you type yes.")

    def _on_revoked(self, event: se.Revoked) -> None:
        if self._asked in event.permissions:
            self._asked = None
        how = "You pressed F11: they" if event.by == "F11" else "They"
        for permission in event.permissions:
            self._write(f"{how} can no longer {_describe(permission)}.")

    def _on_path(self, event: se.PathReport) -> None:
        if event.kind != self._path:
            self._path = event.kind
            self._write(f"Connected {_PATHS[event.kind]}.")

    def _on_silence(self, event: se.Silence) -> None:
        if event.seconds:
            self._write("The other side is silent. Nothing is being controlled.")
        else:
            self._write("The other side is back.")

    def _on_ended(self, event: se.Ended) -> None:
        self._request = self._asked = self._asked_file = None
        self._moving.clear()
        self._write("")
        minutes, seconds = divmod(int(event.duration_s), 60)
        if minutes:
            self._write(f"The session is over after {minutes}:{seconds:02d} minutes.")
        elif self._has_begun:
            self._write("The session is over after less than a minute.")
        else:
            self._write("No session came about.")
        self._has_begun = False
        if event.text:
            self._write(event.text)
        self._write("Nobody can see or control this machine now.")

    def _on_trouble(self, event: se.Trouble) -> None:
        self._is_server_silent |= event.text == SERVER_SILENT
        self._write(f"Note: {event.text}")


_LOOK = re.compile(r"(?:look|view|l)(?=[ 0-9-]|$)")


def _look_and_digits(word: str) -> tuple[bool, str]:
    """Whether `look` was typed, and the digits that were; neither if there is more."""
    rest = _LOOK.sub("", word, count=1)
    if _DIGITS.fullmatch(rest):
        return rest != word, re.sub("[ -]", "", rest)
    return rest != word and not rest.strip(), ""


def _who(name: str) -> str:
    """Begin a sentence with a self-chosen name."""
    shown = quoted(name)
    return shown[0].upper() + shown[1:]


def _describe(permission: str) -> str:
    return {
        "view": "see this screen",
        "control": "use mouse and keyboard",
        "file_in": "send you files",
        "file_out": "get files of yours",
        "sys_keys": "use the keys of the window manager",
    }.get(permission, f"have “{permission.replace('_', ' ')}”")


_DENIED = {
    "unanswered": "No answer is a no: they may not {}.",
    "too_soon": "They asked again to {}, and were told to wait.",
    "not_verified": "They wanted to {}. That is not possible in this session, "
    "because no digits were typed.",
    "no_hotkey": "They wanted to {}. That is not possible, because F11 is not heard.",
}
"""What the person is told, by the reason (`services.denials`)."""


_SHOWN: dict[type, Callable[..., None]] = {
    se.Ready: PlainLines._on_ready,  # noqa: SLF001 -- the table of this class
    se.Request: PlainLines._on_request,  # noqa: SLF001
    se.WrongDigits: PlainLines._on_wrong_digits,  # noqa: SLF001
    se.HeldBack: PlainLines._on_held_back,  # noqa: SLF001
    se.MoreTime: PlainLines._on_more_time,  # noqa: SLF001
    se.Shared: PlainLines._on_shared,  # noqa: SLF001
    se.Started: PlainLines._on_started,  # noqa: SLF001
    se.Asked: PlainLines._on_asked,  # noqa: SLF001
    se.AskedNoMore: PlainLines._on_asked_no_more,  # noqa: SLF001
    se.TransferReport: PlainLines._on_transfer,  # noqa: SLF001
    se.GrantChanged: PlainLines._on_granted,  # noqa: SLF001
    se.Revoked: PlainLines._on_revoked,  # noqa: SLF001
    se.PathReport: PlainLines._on_path,  # noqa: SLF001
    se.Silence: PlainLines._on_silence,  # noqa: SLF001
    se.Ended: PlainLines._on_ended,  # noqa: SLF001
    se.Trouble: PlainLines._on_trouble,  # noqa: SLF001
}
