"""Whole programs on lines that carry less than the program's usual datagrams."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.couple import Couple
from tests.system.nat_lab import NatLab, nat_lab
from tests.system.requirements import require

pytestmark = [pytest.mark.netns, pytest.mark.timeout(240)]

TUNNEL = 1100  # bytes; a VPN in a VPN
SIZE = 300_000  # bytes of a file


@pytest.fixture
def lab() -> Iterator[NatLab]:
    """Two ordinary routers, one of them at a tunnel that drops without a word."""
    require("netns")
    with nat_lab("portrest", "portrest", delay=0.01) as made:
        made.narrow("customer", TUNNEL)
        yield made


def test_a_session_through_a_tunnel_that_says_nothing(
    lab: NatLab, tmp_path: Path
) -> None:
    """Call and files pass, directly and by the server."""
    couple = Couple(tmp_path, lab.programs, lab)
    couple.start_rendezvous()
    couple.start_share("--screen", "synthetic", "--downloads", str(tmp_path / "in"))
    couple.begin("view", "file_in")
    for side in (couple.share, couple.connect):
        side.event("path", kind="direct")
    sent = tmp_path / "report.pdf"
    sent.write_bytes(os.urandom(SIZE))
    couple.do(do="send", file=str(sent))
    lab.cut_direct()
    for side in (couple.share, couple.connect):
        side.event("path", kind="relay")
    couple.do(do="send", file=str(sent))
    for name in ("report.pdf", "report (2).pdf"):
        assert (tmp_path / "in" / name).read_bytes() == sent.read_bytes()
