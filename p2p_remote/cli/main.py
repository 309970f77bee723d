"""Entry point of `p2p-remote`: arguments, errors and exit codes; nothing heavy."""

import argparse
import importlib
import io
import logging
import os
import sys
from collections.abc import Callable, Sequence

from p2p_remote import __version__
from p2p_remote.cli.commands import COMMANDS, GLOBAL_OPTIONS, Command
from p2p_remote.errors import RemoteSupportError

_INTERRUPTED = 130
_EXIT_CODES = """\
exit codes:
  0 done                       5 authentication failed
  1 failure                    6 network: server or path not reachable
  2 usage                      7 missing capability (display, permission)
  3 no such ID, or offline     8 revoked or aborted in mid session
  4 refused or timed out     130 Ctrl-C
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; completion, man page and docs come from the same table."""
    shared = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    for option in GLOBAL_OPTIONS:
        shared.add_argument(*option.names, **option.keywords)
    parser = argparse.ArgumentParser(
        prog="p2p-remote",
        description="Remote support in the terminal. Without a command: the screen "
        "with your own ID and the field for the other one.",
        epilog=_EXIT_CODES,
        parents=[shared],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for command in COMMANDS:
        if not command.name:
            continue
        sub = commands.add_parser(
            command.name,
            help=command.help,
            description=command.help,
            epilog=_EXIT_CODES,
            parents=[shared],
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        for option in command.options:
            sub.add_argument(*option.names, **option.keywords)
    return parser


def _find(name: str | None) -> Command:
    return next(command for command in COMMANDS if command.name == (name or ""))


def _load(target: str) -> Callable[[argparse.Namespace], int]:
    """Import the function that a command names; only what it needs is loaded."""
    module, _, function = target.partition(":")
    loaded: Callable[[argparse.Namespace], int] = getattr(
        importlib.import_module(module), function
    )
    return loaded


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    defaults = {option.destination: option.default for option in GLOBAL_OPTIONS}
    for name, value in defaults.items():
        if not hasattr(arguments, name):
            setattr(arguments, name, value)
    logging.basicConfig(
        level=logging.DEBUG if arguments.verbose else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    _never_fail_on_characters()
    try:
        return _load(_find(arguments.command).run)(arguments)
    except RemoteSupportError as error:
        print(f"p2p-remote: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; nothing is left to be told.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _never_fail_on_characters() -> None:
    """Bytes that are no text, and text that a terminal lacks, become "?"."""
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
