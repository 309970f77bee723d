"""Writes tests/vectors/{handshake,packets}.json from the reference.

python -m tests.crypto.make_vectors
"""

import json
from pathlib import Path
from typing import Any

from nacl import bindings as sodium

from tests.crypto.reference import (
    Run,
    le,
    next_chain,
    packet,
    packet_key,
    stream,
    verify_key,
)

VECTORS = Path(__file__).parent.parent / "vectors"
TARGET_ID = 482_913_070


def case(title: str, **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "title": title,
        "password": "",
        "target_id": TARGET_ID,
        "token": bytes(16).hex(),
        "caller": stream(f"{title}/caller", 32).hex(),
        "called": stream(f"{title}/called", 32).hex(),
        "caller_random": stream(f"{title}/caller/random", 128).hex(),
        "called_random": stream(f"{title}/called/random", 128).hex(),
        "caller_counter": 0,
        "called_counter": 0,
        "caller_name": "Technician",
        "called_name": "Customer",
        "wanted": 3,
        "capabilities": 0,
    }
    return made | fields


CASES = [
    case("no password"),
    case("password", password=stream("prs", 32).hex()),
    case("another password", password=stream("prs 2", 32).hex()),
    case("invitation", target_id=100_000_000, token=stream("token", 16).hex()),
    case("highest ID", target_id=999_999_999),
    case("counters", caller_counter=1, called_counter=255),
    case("names of 64 bytes", caller_name="x" * 64, called_name="ä" * 32),
    case("no names", caller_name="", called_name=""),
    case("all bits", wanted=2**32 - 1, capabilities=2**32 - 1),
    case("password and invitation", password="11" * 32, token="22" * 16),
]

LOW_ORDER = bytes.fromhex(
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"
)

# Title, case, message that is bad, what is changed, what its receiver does with it.
NEGATIVE: list[tuple[str, int, str, dict[str, Any], str]] = [
    ("M1 offers no known suite", 0, "m1", {"suites": 4}, "silence"),
    ("M1 calls an ID that nobody listens for", 0, "m1", {"target": 1}, "silence"),
    (
        "M1 without the token of the invitation",
        3,
        "m1",
        {"token": "00" * 16},
        "silence",
    ),
    ("M1 with a cookie of its own making", 0, "m1", {"cookie": b"x" * 32}, "M0"),
    (
        "M1 direct with padding that is not zero",
        0,
        "m1_direct",
        {"padding": bytes(1080) + b"\1"},
        "silence",
    ),
    ("M2 chooses a suite that was not offered", 0, "m2", {"suite": 2}, "silence"),
    ("M2 names another ID", 0, "m2", {"target": TARGET_ID + 1}, "silence"),
    ("M2 with an X25519 key of low order", 0, "m2", {"e_r": LOW_ORDER}, "silence"),
    ("M2 with a CPace share of low order", 0, "m2", {"share_r": LOW_ORDER}, "silence"),
    ("M2 asks for a password", 0, "m2", {"policy": 1}, "AuthenticationFailedError"),
    ("M2 asks for none", 1, "m2", {"policy": 0}, "AuthenticationFailedError"),
    (
        "M3 with another opening than committed to",
        0,
        "m3",
        {"r_i": bytes(32)},
        "forged",
    ),
    ("M3 with keys that were not committed to", 0, "m3", {"c_i": bytes(32)}, "forged"),
    ("M3 with an X25519 key of low order", 0, "m3", {"e_i": LOW_ORDER}, "forged"),
    (
        "M3 with padding that is not zero",
        0,
        "m3",
        {"inner_padding": b"\1" * 200},
        "forged",
    ),
    ("M3 with the wrong password", 1, "m3", {"prs_i": "00" * 32}, "PasswordFailed"),
    (
        "M3 with a CPace share of low order",
        1,
        "m3",
        {"share_i": LOW_ORDER},
        "PasswordFailed",
    ),
    ("M3 with a wrong signature", 0, "m3", {"sig_i": bytes(64)}, "refused"),
    ("M3 with a counter above 255", 0, "m3", {"counter_i": 256}, "refused"),
    (
        "M3 with a name length above 64",
        0,
        "m3",
        {"name_i": b"\x41" + bytes(64)},
        "refused",
    ),
    ("M3 in the name of the responder", 0, "m3", {"id_i": "called"}, "refused"),
    (
        "M4 with another opening than committed to",
        0,
        "m4",
        {"r_r": bytes(32)},
        "AuthenticationFailedError",
    ),
    (
        "M4 with a wrong signature",
        0,
        "m4",
        {"sig_r": bytes(64)},
        "AuthenticationFailedError",
    ),
    (
        "M4 in the name of the initiator",
        0,
        "m4",
        {"id_r": "caller"},
        "AuthenticationFailedError",
    ),
    (
        "M4 with a counter above 255",
        0,
        "m4",
        {"counter_r": 256},
        "AuthenticationFailedError",
    ),
    ("M5 with an unknown reason", 0, "m5", {"reason": 4}, "silence"),
    ("M5, the password was wrong", 0, "m5", {"reason": 1}, "AuthenticationFailedError"),
    ("M5, too many attempts", 0, "m5", {"reason": 2}, "RefusedError"),
    ("M5, call again in 70 s", 0, "m5", {"reason": 77}, "RefusedError"),
]


def handshake_vectors() -> dict[str, Any]:
    positive = []
    for each in CASES:
        run = Run(each)
        messages = {m: getattr(run, m).hex() for m in ("m1", "m2", "m3", "m4")}
        values = {name: value.hex() for name, value in run.values.items()}
        positive.append(each | messages | {"sas": run.sas} | values)
    negative = []
    for title, index, message, changes, outcome in NEGATIVE:
        overrides = dict(changes)
        for name in ("id_i", "id_r"):
            if name in overrides:
                seed = bytes.fromhex(CASES[index][overrides[name]])
                overrides[name] = verify_key(seed)
        run = Run(CASES[index], **overrides)
        negative.append(
            {
                "title": title,
                "case": index,
                "m1": run.m1.hex()
                if {"e_i", "c_i"} & set(changes)
                else positive[index]["m1"],
                "message": message,
                "bytes": getattr(run, message).hex(),
                "outcome": outcome,
            }
        )
    return {"handshakes": positive, "negative": negative}


def packet_vectors() -> dict[str, Any]:
    chain = stream("packets/chain", 32)
    index_i, index_r = 0x01020304, 0xA1B2C3D4
    secret_i, secret_r = stream("packets/x_i", 32), stream("packets/x_r", 32)
    offer = le(1, 4) + sodium.crypto_scalarmult_base(secret_i)
    answer = le(1, 4) + sodium.crypto_scalarmult_base(secret_r)
    shared = sodium.crypto_scalarmult(secret_i, answer[4:])
    chain_1 = next_chain(chain, shared, offer, answer)
    texts = [b"", b"hello", bytes(range(256))]
    packets = []
    for epoch, key, first in ((0, chain, 0), (1, chain_1, 3)):
        for direction, index in ((0, index_r), (1, index_i)):
            for number, text in enumerate(texts, start=first):
                data = packet(
                    key,
                    epoch=epoch,
                    direction=direction,
                    index=index,
                    number=number,
                    text=text,
                )
                packets.append(
                    {
                        "epoch": epoch,
                        "direction": direction,
                        "number": number,
                        "plaintext": text.hex(),
                        "datagram": data.hex(),
                    }
                )
    return {
        "chain_key": chain.hex(),
        "index_i": index_i,
        "index_r": index_r,
        "secret_i": secret_i.hex(),
        "secret_r": secret_r.hex(),
        "offer": offer.hex(),
        "answer": answer.hex(),
        "chain_key_1": chain_1.hex(),
        "keys": {
            f"{epoch}/{direction}": packet_key(key, direction).hex()
            for epoch, key in ((0, chain), (1, chain_1))
            for direction in (0, 1)
        },
        "packets": packets,
    }


def main() -> None:
    for name, vectors in (
        ("handshake", handshake_vectors()),
        ("packets", packet_vectors()),
    ):
        text = json.dumps(vectors, indent=1, ensure_ascii=False)
        (VECTORS / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
