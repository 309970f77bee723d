"""A session in which somebody types and the picture moves, while networks fail."""

import itertools
import json
import shlex
import sys
import threading
import time
from pathlib import Path
from typing import Any, Self

from tests.system.couple import Couple, eventually
from tests.system.displays import Display
from tests.system.nat_lab import NatLab
from tests.system.programs import Program

# What comes from the keyboard goes to a file as it comes, and its time to another.
RECORDER = """
import os, sys, time
typed, times = (os.open(name, os.O_WRONLY | os.O_CREAT) for name in sys.argv[1:])
while data := os.read(0, 4096):
    os.write(typed, data)
    os.write(times, b"%f %d\\n" % (time.monotonic(), len(data)))
"""
MOVING = "while :; do date +%N; sleep 0.1; done"
PATIENCE = 90.0  # s; the tests judge what happens, not how soon


class MidSession:
    """Real processes in a laboratory, with control granted, and somebody typing."""

    def __init__(
        self,
        lab: NatLab,
        display: Display,
        folder: Path,
        couple: Couple | None = None,
        interval: float = 0.1,
    ) -> None:
        """Start everything, with the rendezvous of `couple` if there is one.

        Args:
            lab: where the customer and the technician are.
            display: the customer's.
            folder: for files.
            couple: what to start; made here if left out.
            interval: s between words.

        """
        self._interval = interval
        self.couple = couple or Couple(folder, lab.programs, lab, display.env)
        self._typed = folder / "typed"
        self._times = folder / "times"
        self._display = display
        self._said: list[str] = []
        self._stop = threading.Event()
        self._hand = threading.Thread(target=self._type)
        self._start_windows(lab)
        self.couple.start_rendezvous()
        self.couple.start_share("--screen", "x11")
        self.couple.begin("view", "control")

    def _start_windows(self, lab: NatLab) -> None:
        record = shlex.join([sys.executable, "-S", "-c", RECORDER])
        places = f"{self._typed} {self._times}"
        for title, place, command in (
            ("moving", "+600+100", MOVING),
            ("notes", "+100+100", f"stty raw -echo; exec {record} {places}"),
        ):
            lab.programs.start(
                *("xterm", "-T", title, "-geometry", f"60x20{place}"),
                *("-e", "sh", "-c", command),
                env=self._display.env,
            )
        assert eventually(self._times.exists, PATIENCE)
        window = self._display.run("xdotool", "search", "--sync", "--name", "^notes$")
        self._display.run("xdotool", "windowfocus", "--sync", window.split()[0])

    def _type(self) -> None:
        for number in itertools.count():
            if self._stop.wait(self._interval):
                return
            self._say(f"{number:05d} ")

    def _say(self, text: str) -> None:
        self._said.append(text)
        self.couple.connect.say({"do": "text", "text": text})

    def __enter__(self) -> Self:
        self._hand.start()
        self.wait_for_words(5)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_typing()

    def stop_typing(self) -> None:
        """Let the hands rest."""
        self._stop.set()
        self._hand.join()

    @property
    def typed(self) -> str:
        """What has come out at the customer's keyboard."""
        return self._typed.read_text("ascii")

    @property
    def arrivals(self) -> list[float]:
        """When something was typed, by this machine's monotonic clock."""
        return [float(each.split()[0]) for each in self._times.read_text().splitlines()]

    def wait_for_words(self, count: int) -> None:
        """Wait until so many more words than now have been typed."""
        before = len(self.typed)
        assert eventually(
            lambda: len(self.typed) >= before + count * len("00000 "), PATIENCE
        ), self.transcript()

    @property
    def path_kind(self) -> str:
        """What the technician's side says that it uses."""
        return str(last_event(self.couple.connect, "path").get("kind"))

    def wait_for_path(self, kind: str = "direct") -> None:
        """Wait until both sides say that they use a path of this kind."""
        assert eventually(
            lambda: all(
                last_event(program, "path").get("kind") == kind
                for program in (self.couple.connect, self.couple.share)
            ),
            PATIENCE,
        ), self.transcript()

    def check(self) -> None:
        """Just what was accepted has been typed: nothing lost, doubled or disordered.

        While the other side has been silent for long, input is refused and says so.
        """
        self.stop_typing()
        answers = self._answers()
        accepted = zip(self._said, answers, strict=True)
        expected = "".join(text for text, answer in accepted if answer == "done")
        eventually(lambda: len(self.typed) >= len(expected), PATIENCE)
        time.sleep(0.2)  # for what must not come
        assert self.typed == expected
        assert self.couple.share.returncode is None
        assert self.couple.connect.returncode is None

    def _answers(self) -> list[str]:
        def found() -> list[str]:
            told = map(event_of, list(self.couple.connect.output))
            return [each["event"] for each in told if each.get("do") == "text"]

        assert eventually(lambda: len(found()) >= len(self._said)), self.transcript()
        return found()

    def transcript(self) -> str:
        """What both sides have said."""
        programs = (self.couple.connect, self.couple.share)
        return "\n".join(program.transcript() for program in programs)


def event_of(line: str) -> dict[str, Any]:
    """Event on a line of output."""
    found: dict[str, Any] = json.loads(line)
    return found


def last_event(program: Program, name: str) -> dict[str, Any]:
    """The last event of a name that a program has told; empty if none."""
    told = map(event_of, reversed(list(program.output)))
    return next((each for each in told if each["event"] == name), {})
