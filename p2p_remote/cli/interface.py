"""The terminal interface: `p2p-remote` and `p2p-remote connect ID`."""

import argparse
import sys

from p2p_remote.errors import UsageError
from p2p_remote.services.context import load_context, read_password
from p2p_remote.wire import peer_id


def require_terminal() -> None:
    """Refuse to draw where nobody can see it.

    Raises:
        UsageError: stdin or stdout is not a terminal.

    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "This needs a terminal. Use 'p2p-remote share' for plain lines, or add "
            "--json for scripts."
        )


def run_home(arguments: argparse.Namespace) -> int:
    """Show the home screen."""
    if arguments.json:
        raise UsageError("--json needs a command, for example: p2p-remote id --json")
    require_terminal()
    context = load_context(arguments)
    from p2p_remote.tui.app import Start, run

    return run(
        Start(
            context.node_options(listed=False),
            share_arguments=_share_arguments(arguments),
        )
    )


def run_connect(arguments: argparse.Namespace) -> int:
    """Connect, in the interface or for a script."""
    target = peer_id.parse(arguments.id)
    if arguments.json:
        from p2p_remote.cli.connect import run_json

        return run_json(arguments)
    require_terminal()
    context = load_context(arguments)
    password = read_password(arguments.password_file)
    from p2p_remote.tui.app import Start, run

    return run(
        Start(
            context.node_options(listed=False),
            target=target,
            password=password,
            view_only=arguments.view_only,
        )
    )


def _share_arguments(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Repeat for the customer's process what this one was told."""
    given: list[str] = []
    for name in ("state_dir", "rendezvous", "name"):
        value = getattr(arguments, name)
        if value is not None:
            given += [f"--{name.replace('_', '-')}", value]
    if arguments.no_lan:
        given.append("--no-lan")
    return tuple(given)
