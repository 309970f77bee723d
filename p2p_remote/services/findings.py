"""What `doctor` says: what was found, what that means, and what to do next."""

from dataclasses import dataclass

GOOD, WARNING, BAD = "ok", "warning", "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `advice` is the next step; empty when none is needed."""

    subject: str
    state: str
    text: str
    advice: str = ""
