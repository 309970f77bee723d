"""Whole programs in networks that let no UDP through, or TCP to port 443 only."""

from pathlib import Path

import pytest

from tests.system.couple import Couple
from tests.system.nat_lab import NatLab, nat_lab
from tests.system.programs import P2P_REMOTE, RENDEZVOUS

pytestmark = pytest.mark.netns

ROUND_TRIP = 0.03  # s from a site to the internet


class CoupleInLab(Couple):
    """Both sides of a session, and a server on 3479 and 443."""

    def start_rendezvous(self, *more: str) -> None:
        """Listen on both ports, by UDP and TCP."""
        assert self._network is not None
        host = self._network.addresses["middle"]
        listen = [*("--listen", f"{host}:3479"), *("--listen", f"{host}:443")]
        self.rendezvous = self._start("middle", *RENDEZVOUS, *listen, *more)
        self.server = self.rendezvous.line("listening ").split()[1]


def session(lab: NatLab, folder: Path) -> CoupleInLab:
    """A session that has just been approved."""
    couple = CoupleInLab(folder, lab.programs, lab)
    couple.start_rendezvous()
    couple.start_share("--screen", "synthetic")
    couple.begin("view")
    return couple


def look(couple: CoupleInLab, folder: Path) -> None:
    """Let the technician see the picture as it is now."""
    couple.do(do="snapshot", file=str(folder / "seen.png"), wait_settled=True)


@pytest.mark.parametrize("kinds", [("noudp", "portrest"), ("noudp", "noudp")])
def test_two_ends_meet_by_tcp_where_udp_is_dropped(
    kinds: tuple[str, str], tmp_path: Path
) -> None:
    """Directly, through both routers, by simultaneous open; the picture goes on."""
    with nat_lab(*kinds, delay=ROUND_TRIP) as lab:
        couple = session(lab, tmp_path)
        for side in (couple.share, couple.connect):
            side.event("path", kind="direct")
        look(couple, tmp_path)
        lab.cut_server()
        look(couple, tmp_path)


def test_where_only_tcp_443_is_open_the_server_relays(tmp_path: Path) -> None:
    """And both sides are told why."""
    with nat_lab("tcp443", "portrest", delay=ROUND_TRIP) as lab:
        couple = session(lab, tmp_path)
        why = couple.connect.event("path", kind="relay")["why"]
        assert "the other side lets no UDP through" in why
        why = couple.share.event("path", kind="relay")["why"]
        assert "this side lets no UDP through" in why
        look(couple, tmp_path)


def test_a_session_survives_the_loss_of_udp(tmp_path: Path) -> None:
    """A router that begins to drop UDP in mid session: the relay goes on by TCP."""
    with nat_lab("portrest", "symrandom", delay=ROUND_TRIP) as lab:
        couple = session(lab, tmp_path)
        look(couple, tmp_path)
        lab.become("customer", "tcp443")
        look(couple, tmp_path)


@pytest.mark.parametrize(
    ("kind", "server_says", "passes"),
    [
        ("noudp", "does not answer by UDP, but by TCP on port 3479", "no UDP"),
        ("udp443", "answers by UDP on port 443 only", "UDP through to port 443 only"),
    ],
)
def test_doctor_says_that_udp_is_blocked(
    kind: str, server_says: str, passes: str, tmp_path: Path
) -> None:
    """With the way that works, and what to do."""
    with nat_lab(kind, delay=ROUND_TRIP) as lab:
        couple = CoupleInLab(tmp_path, lab.programs, lab)
        couple.start_rendezvous()
        doctor = lab.start(
            "customer", *P2P_REMOTE, "doctor", *couple.arguments("customer")
        )
        server = doctor.event("check", subject="server")
        assert server_says in server["text"]
        assert "Allow UDP" in server["advice"]
        router = doctor.event("check", subject="router")
        assert passes in router["text"]
