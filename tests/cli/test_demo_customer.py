"""The demo's customer answers by rule."""

import json
import subprocess
import sys

from p2p_remote.cli.demo_customer import DemoCustomer, approval, yes_to

# Asks like `share --json`, and leaves with 0 if it got the answers that it expects.
SHARE = """
import json, sys
asked = json.loads(sys.argv[1])
for event, answer in asked:
    print(json.dumps(event), flush=True)
    if answer and json.loads(sys.stdin.readline()) != answer:
        sys.exit(1)
"""


def test_everything_that_is_asked_is_allowed() -> None:
    """The request with the digits, then files and permissions; the rest is read."""
    file = {"event": "asked", "permission": "file_in", "file": {"transfer": 7}}
    control = {"event": "asked", "permission": "control", "seconds": 60}
    assert yes_to(file) == {"do": "allow", "transfer": 7}
    talk = [
        ({"event": "request"}, approval("123456")),
        ({"event": "started"}, None),
        (file, yes_to(file)),
        (control, {"do": "grant", "permission": "control"}),
    ]
    with subprocess.Popen(
        [sys.executable, "-c", SHARE, json.dumps(talk)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        DemoCustomer(process).hear("123456")
        assert process.wait(60) == 0
