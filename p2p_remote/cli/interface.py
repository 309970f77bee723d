"""The terminal interface: `p2p-remote` and `p2p-remote connect ID`."""

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from p2p_remote.cli.signals import leave
from p2p_remote.errors import UsageError
from p2p_remote.services import wishes
from p2p_remote.services.context import Context, load_context, read_password
from p2p_remote.store.settings import keep_theme
from p2p_remote.wire import peer_id

if TYPE_CHECKING:
    from p2p_remote.tui.app import Start


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
    from p2p_remote.tui.app import Start

    return _show(
        Start(
            context.node_options(listed=False),
            share_arguments=_share_arguments(arguments),
            **_looks(context),
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
    wanted = wishes.VIEW if arguments.view_only else wishes.SUPPORT
    from p2p_remote.tui.app import Start

    return _show(
        Start(
            context.node_options(listed=False, wanted=wanted),
            target=target,
            password=password,
            view_only=arguments.view_only,
            **_looks(context),
        )
    )


def _show(start: "Start") -> int:
    """Run the interface; no thread that hangs holds up its end, however it ends."""
    from p2p_remote.tui.app import run

    try:
        code = run(start)
    except SystemExit as error:  # it could not end in good order
        code = error.code if isinstance(error.code, int) else 1
    return leave(code)


def _looks(context: Context) -> dict[str, Any]:
    """Begin in the theme that was chosen last, and keep the next choice."""
    return {
        "theme": context.theme,
        "on_theme": partial(keep_theme, context.state_dir),
    }


def _share_arguments(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Repeat for the customer's process what this one was told."""
    given: list[str] = []
    for name in ("state_dir", "rendezvous", "proxy", "name"):
        value = getattr(arguments, name)
        if value is not None:
            given += [f"--{name.replace('_', '-')}", value]
    if arguments.no_lan:
        given.append("--no-lan")
    return tuple(given)
