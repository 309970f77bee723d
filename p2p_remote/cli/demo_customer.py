"""The person in front of the demo's other machine: says yes to all that is asked."""

import contextlib
import json
import queue
import subprocess
import threading
from typing import Any

Event = dict[str, Any]


class DemoCustomer:
    """Reads the events of `share --json` and answers them by rule, in a thread.

    So a full pipe never stops that process either.
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        """Answer this process from now on."""
        self._process = process
        self._digits: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="demo customer", daemon=True).start()

    def hear(self, digits: str) -> None:
        """The technician reads the digits out."""
        self._digits.put(digits)

    def _run(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # it has gone
            for line in self._process.stdout or ():
                event = json.loads(line)
                if event.get("event") == "request":
                    self._say(approval(self._digits.get()))
                elif event.get("event") == "asked":
                    self._say(yes_to(event))

    def _say(self, answer: Event) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(json.dumps(answer) + "\n")
            self._process.stdin.flush()


def approval(digits: str) -> Event:
    """Let them see and control, with the digits typed."""
    return {"do": "approve", "grants": ["view", "control"], "digits": digits}


def yes_to(asked: Event) -> Event:
    """Allow what an event `asked` asks for, a file or a permission."""
    file = asked.get("file")
    if file:
        return {"do": "allow", "transfer": file["transfer"]}
    return {"do": "grant", "permission": asked["permission"]}
