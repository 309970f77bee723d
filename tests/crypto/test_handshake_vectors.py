"""The published vectors: the program gives them byte for byte."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from p2p_remote.crypto import primitives
from p2p_remote.crypto.handshake import (
    CallOptions,
    HandshakeFailed,
    Initiator,
    PasswordFailed,
    Responder,
    ResponderOptions,
)
from p2p_remote.crypto.identity import Identity
from p2p_remote.wire import handshake as wire
from tests.crypto import make_vectors
from tests.support.handshakes import CALLER_ENDPOINT, RELAY, Pair

VECTORS = json.loads((make_vectors.VECTORS / "handshake.json").read_text("utf-8"))


def replay(data: str, *, first: bytes = b"") -> Callable[[int], bytes]:
    """Random source that gives `first`, then the bytes of `data`."""
    left = first + bytes.fromhex(data)

    def random(count: int) -> bytes:
        nonlocal left
        part, left = left[:count], left[count:]
        assert len(part) == count
        return part

    return random


def identity(seed: str, counter: int) -> Identity:
    secret = bytes.fromhex(seed)
    return Identity(secret, primitives.ed25519_public(secret), counter, 123_456_789)


def pair_of(case: dict[str, Any]) -> Pair:
    """Both ends as a vector describes them."""
    password, token = bytes.fromhex(case["password"]), bytes.fromhex(case["token"])
    initiator = Initiator(
        identity(case["caller"], case["caller_counter"]),
        case["target_id"],
        replay(case["caller_random"]),
        0.0,
        CallOptions(
            password=password,
            name=case["caller_name"],
            wanted=case["wanted"],
            token=token,
        ),
    )
    responder = Responder(
        identity(case["called"], case["called_counter"]),
        replay(case["called_random"], first=bytes(32)),
        0.0,
        ResponderOptions(name=case["called_name"], capabilities=case["capabilities"]),
    )
    responder.listen(case["target_id"], password=password, token=token)
    return Pair(initiator, responder)


def test_the_files_are_what_the_reference_computes():
    """The reference and its files have not drifted apart."""
    stored = json.loads((make_vectors.VECTORS / "packets.json").read_text("utf-8"))
    assert make_vectors.handshake_vectors() == VECTORS
    assert make_vectors.packet_vectors() == stored
    assert len(VECTORS["handshakes"]) >= 10
    assert len(VECTORS["negative"]) >= 10


@pytest.mark.parametrize("case", VECTORS["handshakes"], ids=lambda c: c["title"])
def test_a_handshake_gives_the_published_messages_and_keys(case):
    """Messages, digits, keys and indexes are the published ones on both sides."""
    pair = pair_of(case)
    assert pair.initiator.first_message().hex() == case["m1"]
    pair.initiator.add_path(RELAY, padded=False)
    seen = []
    for step in range(4):
        if step == 3:
            pair.release()
        sender, receiver = (
            (pair.from_initiator, pair.to_responder)
            if step % 2 == 0
            else (pair.from_responder, pair.to_initiator)
        )
        ((data, path),) = sender()
        seen.append(data.hex())
        receiver(data, path)
    assert seen == [case[name] for name in ("m1", "m2", "m3", "m4")]
    left, right = pair.results()
    for result in (left, right):
        assert result.digits == case["sas"]
        assert result.transcript_hash.hex() == case["th3"]
        assert result.chain_key.hex() == case["chain_key"]
        assert result.check_key.hex() == case["check_key"]
        assert result.exporter("auth").hex() == case["exporter_auth"]
        assert result.password_verified == bool(case["password"])
        assert (result.wanted, result.capabilities) == (
            case["wanted"],
            case["capabilities"],
        )
    assert left.local_index.to_bytes(4, "little").hex() == case["index_i"]
    assert right.local_index.to_bytes(4, "little").hex() == case["index_r"]
    assert (left.remote_index, right.remote_index) == (
        right.local_index,
        left.local_index,
    )
    assert (left.peer_name, right.peer_name) == (
        case["called_name"],
        case["caller_name"],
    )
    assert (left.peer_counter, right.peer_counter) == (
        case["called_counter"],
        case["caller_counter"],
    )


def outcome_at_responder(vector: dict[str, Any], data: bytes) -> str:
    """What a responder does with M1 or M3 of a bad vector."""
    pair = pair_of(VECTORS["handshakes"][vector["case"]])
    direct = vector["message"] == "m1_direct"
    if vector["message"] == "m3":
        pair.to_responder(bytes.fromhex(vector["m1"]), RELAY)
        assert pair.from_responder()
    pair.to_responder(data, CALLER_ENDPOINT if direct else RELAY)
    answers = pair.from_responder()
    if answers:
        return {wire.COOKIE_REPLY: "M0"}[answers[0][0][0]]
    if pair.responder_events:
        (event,) = pair.responder_events
        assert isinstance(event, PasswordFailed)
        return "PasswordFailed"
    if vector["message"] != "m3":
        return "silence"
    (call,) = pair.responder._calls._by_handle.values()
    return "forged" if call.forgeries else "refused"


def outcome_at_initiator(vector: dict[str, Any], data: bytes) -> str:
    """What an initiator does with M2, M4 or M5 of a bad vector."""
    case = VECTORS["handshakes"][vector["case"]]
    pair = pair_of(case)
    if vector["message"] != "m2":
        pair.to_initiator(bytes.fromhex(case["m2"]), RELAY)
        pair.initiator_events.clear()
    pair.to_initiator(data, RELAY)
    if not pair.initiator_events:
        return "silence"
    (event,) = pair.initiator_events
    assert isinstance(event, HandshakeFailed)
    return type(event.error).__name__


@pytest.mark.parametrize("vector", VECTORS["negative"], ids=lambda v: v["title"])
def test_a_bad_message_has_the_published_outcome(vector):
    """Every published bad message is met with what the vector says."""
    data = bytes.fromhex(vector["bytes"])
    at_responder = vector["message"] in {"m1", "m1_direct", "m3"}
    outcome = outcome_at_responder if at_responder else outcome_at_initiator
    assert outcome(vector, data) == vector["outcome"]
