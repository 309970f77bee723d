"""A local network without any rendezvous."""

import json
from pathlib import Path

from tests.system.couple import Couple
from tests.system.namespaces import Network
from tests.system.programs import P2P_REMOTE


def test_lan_lists_the_other_and_a_session_works(lan: Network, tmp_path: Path) -> None:
    """With no server set the peer is found by its ID, listed, and reached directly."""
    couple = Couple(tmp_path, lan.programs, lan)
    number = couple.start_share("--screen", "synthetic")
    found = lan.start("technician", *P2P_REMOTE, "lan", *couple.arguments("technician"))
    peer = found.event("peer")
    assert peer["id"] == number
    assert any(lan.addresses["customer"] in text for text in peer["addresses"])
    assert found.finish() == 0

    couple.begin("view", "control")
    file = tmp_path / "seen.png"
    couple.do(do="snapshot", file=str(file), wait_settled=True)
    assert file.stat().st_size > 1000
    couple.connect.say({"do": "end"})
    assert couple.connect.finish() == 0
    started = [json.loads(line) for line in couple.connect.output]
    kinds = {e["path"]["kind"] for e in started if e["event"] == "started"}
    assert kinds == {"lan"}


def test_nothing_personal_is_advertised(lan: Network, tmp_path: Path) -> None:
    """What is seen on the wire names neither the user nor the computer."""
    couple = Couple(tmp_path, lan.programs, lan)
    capture = lan.start(
        "technician", "python3", "-c", _LISTEN, lan.addresses["technician"]
    )
    capture.line("ready")
    couple.start_share("--screen", "synthetic")
    seen = bytes.fromhex(capture.line("seen ").split()[1])
    host = Path("/etc/hostname").read_text(encoding="utf-8").strip()
    assert b"_p2pr" in seen
    assert host.encode() not in seen
    assert b"root" not in seen
    assert b"customer" not in seen


_LISTEN = """
import socket, struct, sys
listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("", 5353))
group = socket.inet_aton("224.0.0.251") + socket.inet_aton(sys.argv[1])
listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
print("ready", flush=True)
listener.settimeout(15)
while True:
    data = listener.recv(9000)
    # An announcement is an answer that carries the port (SRV record, type 33).
    if data[2] & 0x80 and b"_p2pr" in data and b"\\x00\\x21" in data:
        print("seen", data.hex(), flush=True)
        break
"""


def test_unknown_id_on_the_lan_exits_3(lan: Network, tmp_path: Path) -> None:
    """Without a server an ID that is not on the network is exit code 3."""
    couple = Couple(tmp_path, lan.programs, lan)
    connect = couple.start_connect("999999999")
    connect.event("ended", reason="unreachable")
    assert connect.finish() == 3
