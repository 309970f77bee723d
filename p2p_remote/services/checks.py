"""What `doctor` finds on the machine itself: its desktop, and its terminal."""

import sys

from p2p_remote.errors import RemoteSupportError
from p2p_remote.services.desk import Desk
from p2p_remote.services.findings import GOOD, WARNING, Finding
from p2p_remote.terminal.capabilities import Capabilities
from p2p_remote.terminal.probe import probe_terminal


def check_desk() -> list[Finding]:
    """Look whether this machine can be shared and controlled, and F11 is heard."""
    try:
        desk = Desk("auto")
    except RemoteSupportError as error:
        advice = "This machine can still help others: p2p-remote connect ID"
        return [Finding("screen", WARNING, str(error), advice)]
    try:
        source = desk.source
        size = f"{source.width} x {source.height} pixels by {source.name}"
        found = [Finding("screen", GOOD, size)]
        if desk.sink is not None:
            found.append(Finding("input", GOOD, "mouse and keyboard can be controlled"))
        else:
            found.append(Finding("input", WARNING, "others can only look here"))
        if desk.has_hotkey:
            text = "F11 takes control back from anywhere, F12 ends a session"
            found.append(Finding("hotkey", GOOD, text))
        else:
            advice = "Type 'stop' in the window of p2p-remote instead."
            found.append(Finding("hotkey", WARNING, "F11 is not heard here", advice))
        found += [Finding("screen", WARNING, reason) for reason in desk.reasons]
        return found
    finally:
        desk.close()


def check_terminal() -> list[Finding]:
    """Look how well a remote screen can be drawn here."""
    if not sys.stdout.isatty():
        advice = "Run doctor without a pipe or a file to see what your terminal can do."
        text = "the output does not go to a terminal"
        return [Finding("terminal", WARNING, text, advice)]
    found: Capabilities = probe_terminal()
    colours = "24-bit colour" if found.truecolor else "256 colours"
    text = f"{found.name}, {colours}"
    if found.truecolor:
        return [Finding("terminal", GOOD, text)]
    advice = "Pictures look better in a terminal with 24-bit colour (COLORTERM)."
    return [Finding("terminal", WARNING, text, advice)]
