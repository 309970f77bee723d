"""What a system test needs from the machine, and what happens when it is not there.

A test skips and names the Debian package to install. Where the environment variable
P2P_REQUIRE lists the need (`P2P_REQUIRE=x11,tmux` for example, and all in .ci/run), the
missing package is a failure instead, so that nothing is skipped by accident.
"""

import functools
import os
import shutil
import subprocess

import pytest

# Need -> the commands that serve it and the Debian package of each.
COMMANDS = {
    "x11": {
        "Xvfb": "xvfb",
        "xdotool": "xdotool",
        "xdpyinfo": "x11-utils",
        "xrandr": "x11-xserver-utils",
        "xterm": "xterm",
    },
    "tmux": {"tmux": "tmux"},
    "netns": {"ip": "iproute2", "nft": "nftables"},
    "redis": {"redis-server": "redis-server"},
    "compositor": {"picom": "picom"},
    "tigervnc": {"Xtigervnc": "tigervnc-standalone-server"},
}


@functools.cache
def missing(need: str) -> str:
    """Why `need` cannot be served here; empty when it can."""
    packages = sorted(
        package
        for command, package in COMMANDS[need].items()
        if shutil.which(command, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None
    )
    if packages:
        return f"needs the Debian package(s) {', '.join(packages)}"
    if need == "netns":
        return _namespaces_refused()
    return ""


def _namespaces_refused() -> str:
    if os.geteuid() != 0:
        return "needs root to make network namespaces"
    name = f"p2p-probe-{os.getpid()}"
    made = subprocess.run(
        ["ip", "netns", "add", name], capture_output=True, text=True, check=False
    )
    if made.returncode:
        return f"needs network namespaces: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "delete", name], check=True)
    return ""


def require(need: str) -> None:
    """Skip the running test, or fail it, when `need` cannot be served here."""
    reason = missing(need)
    if not reason:
        return
    if need in os.environ.get("P2P_REQUIRE", "").split(","):
        pytest.fail(f"{need} is required here: {reason}", pytrace=False)
    pytest.skip(reason)
