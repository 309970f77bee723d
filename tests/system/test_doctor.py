"""`p2p-remote doctor` where something is wrong with the network."""

from pathlib import Path

import pytest

from tests.system.nat_lab import SERVERS, NatLab, nat_lab
from tests.system.programs import P2P_REMOTE

pytestmark = [pytest.mark.netns, pytest.mark.timeout(120)]


def examine(lab: NatLab, folder: Path) -> dict[str, dict[str, str]]:
    """What it finds, by subject."""
    options = ("--state-dir", str(folder), "--json", "--rendezvous", SERVERS[0])
    doctor = lab.start("customer", *P2P_REMOTE, "doctor", *options)
    subjects = ("server", "local network")
    found = {each: doctor.event("check", subject=each) for each in subjects}
    assert doctor.finish(60.0) == 1
    assert not doctor.errors
    return found


def test_what_is_wrong_is_told_apart(tmp_path: Path) -> None:
    """A server that does not run, a silent line, no gateway, no network at all."""
    with nat_lab("portrest") as lab:
        found = examine(lab, tmp_path)["server"]
        assert "is there, but no rendezvous server answers" in found["text"]
        assert "Is the server running" in found["advice"]
        lab.cut_server()
        found = examine(lab, tmp_path)["server"]
        assert "nothing comes back" in found["text"]
        lab.ip("customer", "route", "del", "default")
        found = examine(lab, tmp_path)["server"]
        assert "no way leads out of this network" in found["text"]
        lab.ip("customer", "link", "set", "eth0", "down")
        for each in examine(lab, tmp_path).values():
            assert "this machine is in no network" in each["text"]
            assert "Plug the cable in" in each["advice"]
