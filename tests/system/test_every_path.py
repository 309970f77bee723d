"""Whole programs in networks that let out only TLS, or only what a proxy passes on."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.system.displays import Display
from tests.system.mid_session import MidSession
from tests.system.nat_lab import NatLab, nat_lab
from tests.system.nat_rules import TLS_GATE_PORT
from tests.system.programs import P2P_REMOTE, Program
from tests.system.test_blocked_udp import CoupleInLab

pytestmark = [pytest.mark.netns, pytest.mark.timeout(240)]

ROUND_TRIP = 0.03  # s from a site to the internet
INSIDE = "192.168.1.1"  # address of a router, to hosts behind it
PROXY = f"http://{INSIDE}:3128"
USER = "me:se%20cret"
NAME = "rendezvous.test"


def start_proxy(lab: NatLab, at: str, *more: str) -> Program:
    """A proxy on the router of a site, which lets only port 443 through."""
    command = (P2P_REMOTE[0], "-m", "tests.support.connect_proxy", INSIDE, "3128")
    program = lab.start(f"{at}-router", *command, *more)
    program.line("listening ")
    return program


def start_gate(lab: NatLab, at: str) -> Program:
    """What the router of a site gives all TCP to."""
    command = (P2P_REMOTE[0], "-m", "tests.support.tls_gate", str(TLS_GATE_PORT))
    program = lab.start(f"{at}-router", *command)
    program.line("listening ")
    return program


def in_session(
    lab: NatLab, display: Display, folder: Path, env: Mapping[str, str]
) -> MidSession:
    """Somebody types, and the picture moves; `env` is the customer's."""
    couple = CoupleInLab(folder, lab.programs, lab, {**display.env, **env})
    return MidSession(lab, display, folder, couple)


def goes_on_by_relay(session: MidSession, own: str, others: str) -> None:
    """What is typed and shown arrives, and each side is told why there is no more."""
    why = session.couple.share.event("path", kind="relay", timeout=60)["why"]
    assert own in why
    why = session.couple.connect.event("path", kind="relay", timeout=60)["why"]
    assert others in why
    session.wait_for_words(10)
    session.check()


def test_a_customer_behind_a_proxy_is_helped(xvfb: Display, tmp_path: Path) -> None:
    """Nothing else gets out, and with a name and a password only."""
    with nat_lab("proxyonly", "portrest", delay=ROUND_TRIP) as lab:
        proxy = start_proxy(lab, "customer", "--user", USER.replace("%20", " "))
        env = {"HTTPS_PROXY": PROXY.replace("//", f"//{USER}@")}
        with in_session(lab, xvfb, tmp_path, env) as session:
            goes_on_by_relay(session, "this side gets out through", "the other side")
        proxy.line("CONNECT 203.0.113.1:443 200")
        assert "cret" not in session.couple.share.transcript()


def test_where_only_tls_passes_the_customer_is_helped(
    xvfb: Display, tmp_path: Path
) -> None:
    """Whatever begins with something else than a ClientHello is dropped on the way."""
    with nat_lab("tlsonly", "portrest", delay=ROUND_TRIP) as lab:
        gate = start_gate(lab, "customer")
        with in_session(lab, xvfb, tmp_path, {}) as session:
            goes_on_by_relay(session, "this side lets no UDP", "the other side lets no")
        gate.line("passed 203.0.113.1:443")


def test_a_name_that_only_the_proxies_know(tmp_path: Path) -> None:
    """Both ends behind one; the server knows itself by that name."""
    with nat_lab("proxyonly", "proxyonly", delay=ROUND_TRIP) as lab:
        couple = CoupleInLab(tmp_path, lab.programs, lab)
        for at in lab.sites:
            start_proxy(lab, at, "--name", f"{NAME}=203.0.113.1")
            lab.name_hosts(at, "another.test", "203.0.113.9")
        couple.start_rendezvous("--public", f"{NAME}:443")
        couple.server = NAME
        couple.more = ("--proxy", PROXY)
        couple.start_share("--screen", "synthetic")
        couple.begin("view")
        why = couple.connect.event("path", kind="relay")["why"]
        assert "both sides get out through a proxy only" in why
        couple.do(do="snapshot", file=str(tmp_path / "seen.png"), wait_settled=True)


@pytest.mark.parametrize(
    ("kind", "url", "text", "advice"),
    [
        (
            "proxyonly",
            PROXY,
            "and not through the proxy",
            "wants a name and a password",
        ),
        (
            "proxyonly",
            PROXY.replace("//", "//me:wrong@"),
            "and not through the proxy",
            "does not accept this name and password",
        ),
        (
            "proxyonly",
            PROXY.replace("//", f"//{USER}@"),
            "through your network's proxy",
            "Allow UDP",
        ),
        ("tlsonly", "", "lets only TLS through", "Allow UDP"),
    ],
)
def test_doctor_says_what_the_network_wants(
    kind: str, url: str, text: str, advice: str, tmp_path: Path
) -> None:
    """In plain words, with the next step; never a password."""
    with nat_lab(kind, delay=ROUND_TRIP) as lab:
        couple = CoupleInLab(tmp_path, lab.programs, lab)
        couple.start_rendezvous()
        if kind == "tlsonly":
            start_gate(lab, "customer")
        else:
            start_proxy(lab, "customer", "--user", USER.replace("%20", " "))
        arguments = (*P2P_REMOTE, "doctor", *couple.arguments("customer"))
        doctor = lab.start("customer", *arguments, env={"HTTPS_PROXY": url})
        server = doctor.event("check", subject="server")
        assert text in server["text"]
        assert advice in server["advice"]
        doctor.wait()
        assert not {"wrong", "cret"} & set(doctor.transcript().split())
