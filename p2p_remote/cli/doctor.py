"""`p2p-remote doctor`: what works here, what does not, and the next step."""

import argparse
import asyncio

from p2p_remote.cli.lines import emit
from p2p_remote.services import checks, findings, network_checks
from p2p_remote.services.context import load_context
from p2p_remote.wire import peer_id

_SYMBOLS = {findings.GOOD: "●", findings.WARNING: "▲", findings.BAD: "✖"}


def run(arguments: argparse.Namespace) -> int:
    """Report one finding a line; returns 0 unless a finding is bad."""
    context = load_context(arguments)
    report = _Report(as_json=arguments.json)
    number = peer_id.grouped(context.identity.peer_id)
    report.add(findings.Finding("identity", findings.GOOD, f"ID {number}"))
    for finding in (*checks.check_desk(), *checks.check_terminal()):
        report.add(finding)

    options = context.node_options(listed=False)

    async def network() -> None:
        async for finding in network_checks.check_network(options):
            report.add(finding)

    asyncio.run(network())
    return 1 if report.is_bad else 0


class _Report:
    """Prints findings as they come."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self.is_bad = False

    def add(self, finding: findings.Finding) -> None:
        """Print one finding."""
        self.is_bad |= finding.state == findings.BAD
        if self._as_json:
            emit(
                "check",
                subject=finding.subject,
                state=finding.state,
                text=finding.text,
                advice=finding.advice,
            )
            return
        symbol = _SYMBOLS[finding.state]
        print(f"{symbol} {finding.subject:14} {finding.text}", flush=True)
        if finding.advice:
            print(f"  {'':14} {finding.advice}", flush=True)
