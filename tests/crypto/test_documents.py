"""docs/protocol says what the code does: sizes, times, limits, vectors."""

import json
import re
from pathlib import Path

from p2p_remote.crypto import half_open, initiator, rekey, replay
from p2p_remote.wire import handshake as wire
from tests.crypto.make_vectors import VECTORS

PROTOCOL = Path(__file__).parent.parent.parent / "docs" / "protocol"
HANDSHAKE = (PROTOCOL / "handshake.md").read_text("utf-8")
PACKET = (PROTOCOL / "packet.md").read_text("utf-8")


def table_after(title: str) -> list[tuple[int, int]]:
    """Offsets and sizes of the table that follows a title."""
    part = HANDSHAKE[HANDSHAKE.index(f"**{title}**") :]
    rows = part[: part.index("\n\n", part.index("|---"))]
    found = re.findall(r"^\| (\d+) \| (\d+) \|", rows, re.MULTILINE)
    return [(int(offset), int(size)) for offset, size in found]


def test_byte_tables_have_no_gaps_and_the_sizes_of_the_code():
    """Every field begins where the one before ends; the sum is the message."""
    for title, length in (
        ("M0", wire.COOKIE_REPLY_LENGTH),
        ("M1", wire.DIRECT_CALL_REQUEST_LENGTH),
        ("M2", wire.CALL_ANSWER_LENGTH),
        ("M3", wire.CALLER_PROOF_LENGTH),
        ("M4", wire.ACCEPTANCE_LENGTH),
        ("M5", wire.REFUSAL_LENGTH),
    ):
        position = 0
        for offset, size in table_after(title):
            assert offset == position
            position += size
        assert position == length
        assert re.search(rf"\*\*{title}\*\*.*{length} bytes", HANDSHAKE)


def test_figures_of_the_text_are_those_of_the_code():
    """Times and limits are stated as they are."""
    limits = half_open.Limits()
    flat = " ".join(HANDSHAKE.split())
    for text in (
        f"fewer than {limits.half_open} half-open",
        f"fewer than {limits.per_network} begun in {limits.half_open_time:.0f} s",
        f"more than {limits.cookies_above} half-open calls",
        f"the {limits.forgeries}th ends the call",
        f"fewer than {limits.calls} calls past M3",
        f"fewer than {limits.attempts} attempts in {limits.attempts_time:.0f} s",
        f"a ringing one {limits.silence:.0f} s after its last M3",
        f"an answered one after {limits.answer_kept:.0f} s",
        f"No M2 in {initiator.ANSWER_TIMEOUT:.0f} s",
        f"time ({initiator.RINGING_TIMEOUT:.0f} s)",
        f"fewer than {initiator.MAX_COOKIES + 1} on this path",
    ):
        assert text in flat
    flat = " ".join(PACKET.split())
    for text in (
        f"within {replay.WINDOW} of it",
        f"Due {rekey.REKEY_AFTER_INITIATOR:.0f} s after the last one",
        f"{rekey.REKEY_AFTER_RESPONDER:.0f} s at the responder",
        f"{rekey.REJECT_AFTER:.0f} s after the last rekey",
        f"opened for {rekey.OLD_EPOCH_GRACE:.0f} s more",
    ):
        assert text in flat
    assert rekey.REKEY_AFTER_PACKETS == 2**20
    assert rekey.REJECT_AFTER_PACKETS == 2**24


def test_printed_vectors_are_the_published_ones():
    """The hex strings of the documents stand in the vector files."""
    handshakes = (VECTORS / "handshake.json").read_text("utf-8")
    packets = (VECTORS / "packets.json").read_text("utf-8")
    for document, published in ((HANDSHAKE, handshakes), (PACKET, packets)):
        block = document[document.index("Vectors\n") :]
        strings = re.findall(r"\b[0-9a-f]{54,}\b", block)
        assert len(strings) >= 9
        for string in strings:
            assert string in published
    vectors = json.loads(handshakes)
    assert f"holds {len(vectors['handshakes'])} handshakes" in HANDSHAKE
    assert f"{len(vectors['negative'])} bad" in HANDSHAKE
    (case,) = [c for c in vectors["handshakes"] if c["title"] == "password"]
    assert f"digits {case['sas']}" in HANDSHAKE
