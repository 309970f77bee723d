"""The table of commands and options; parser, completion and docs/cli.md use it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Option:
    """One argument as argparse takes it."""

    names: tuple[str, ...]
    keywords: dict[str, Any]
    default: Any = None

    @property
    def destination(self) -> str:
        """Attribute of the parsed arguments."""
        named: str = self.keywords.get("dest", "")
        return named or self.names[0].lstrip("-").replace("-", "_")


@dataclass(frozen=True)
class Command:
    """One command: `run` is `module:function`, imported when it is called."""

    name: str
    help: str
    run: str
    options: tuple[Option, ...] = ()


GLOBAL_OPTIONS = (
    Option(
        ("--state-dir",),
        {
            "metavar": "DIR",
            "help": "folder of identity, settings and known peers "
            "(environment: P2P_REMOTE_STATE_DIR)",
        },
    ),
    Option(
        ("--rendezvous",),
        {
            "metavar": "HOST[:PORT]",
            "help": "the server that introduces both sides (environment: "
            "P2P_REMOTE_RENDEZVOUS); none: local network only",
        },
    ),
    Option(
        ("--proxy",),
        {
            "metavar": "URL",
            "help": "HTTP proxy to the server, http://HOST:PORT or 'none' "
            "(environment: HTTPS_PROXY; default: the system's); asked only where "
            "nothing else works",
        },
    ),
    Option(
        ("--no-lan",),
        {"action": "store_true", "help": "do not look for peers on the local network"},
        default=False,
    ),
    Option(
        ("--name",),
        {"metavar": "NAME", "help": "your name as the other side is shown it"},
    ),
    Option(
        ("--json",),
        {
            "action": "store_true",
            "help": "one JSON object per line on stdout, answers by lines on stdin",
        },
        default=False,
    ),
    Option(
        ("-v", "--verbose"),
        {"action": "store_true", "dest": "verbose", "help": "say more on stderr"},
        default=False,
    ),
)

_PASSWORD_FILE = Option(
    ("--password-file",),
    {"metavar": "FILE", "help": "file with the session password ('-': stdin)"},
)

COMMANDS = (
    Command("", "the terminal interface", "p2p_remote.cli.interface:run_home"),
    Command("id", "show the ID of this machine", "p2p_remote.cli.simple:run_id"),
    Command(
        "share",
        "share this screen, in plain lines",
        "p2p_remote.cli.share:run",
        (
            Option(
                ("--screen",),
                {
                    "choices": ("auto", "x11", "mss", "synthetic"),
                    "default": "auto",
                    "help": "where the picture comes from (default: auto)",
                },
            ),
            Option(
                ("--monitor",),
                {
                    "metavar": "NAME",
                    "help": "share this monitor only: its name, its place in the "
                    "list, or 'primary'",
                },
            ),
            Option(
                ("--window",),
                {
                    "metavar": "TITLE",
                    "action": "append",
                    "help": "share this window only, by its number, its title or "
                    "part of it; more than once for several",
                },
            ),
            _PASSWORD_FILE,
            Option(
                ("--downloads",),
                {
                    "metavar": "DIR",
                    "help": "folder for files that come in (default: your downloads)",
                },
            ),
            Option(
                ("--once",),
                {"action": "store_true", "help": "leave after the first session"},
            ),
            Option(
                ("--attached",),
                {
                    "action": "store_true",
                    "help": "leave when standard input ends, for programs that run "
                    "this one: access never outlives them",
                },
            ),
        ),
    ),
    Command(
        "connect",
        "see and control another screen",
        "p2p_remote.cli.interface:run_connect",
        (
            Option(("id",), {"metavar": "ID", "help": "the nine digits"}),
            _PASSWORD_FILE,
            Option(
                ("--view-only",),
                {"action": "store_true", "help": "never ask for control"},
            ),
        ),
    ),
    Command(
        "send",
        "send files to another machine",
        "p2p_remote.cli.files:run_send",
        (
            Option(("id",), {"metavar": "ID", "help": "the nine digits"}),
            Option(
                ("file",), {"metavar": "FILE", "nargs": "+", "help": "what to send"}
            ),
            _PASSWORD_FILE,
        ),
    ),
    Command(
        "get",
        "get a file from another machine",
        "p2p_remote.cli.files:run_get",
        (
            Option(("id",), {"metavar": "ID", "help": "the nine digits"}),
            Option(("path",), {"metavar": "PATH", "help": "where it is over there"}),
            Option(("to",), {"metavar": "DEST", "help": "folder or name here"}),
            _PASSWORD_FILE,
        ),
    ),
    Command("lan", "list peers on the local network", "p2p_remote.cli.simple:run_lan"),
    Command(
        "doctor",
        "check display, hotkey, terminal, network; say what to do next",
        "p2p_remote.cli.doctor:run",
    ),
    Command(
        "demo",
        "try everything on this machine: server, customer and technician",
        "p2p_remote.cli.demo:run",
        (
            Option(
                ("--screen",),
                {
                    "choices": ("auto", "x11", "mss", "synthetic"),
                    "default": "auto",
                    "help": "what the customer shares (default: a display if there "
                    "is one, else Xvfb, else a drawn desktop)",
                },
            ),
        ),
    ),
)
