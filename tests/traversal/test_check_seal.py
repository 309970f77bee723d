"""Authentication of checks."""

import json
from pathlib import Path

import pytest

from p2p_remote.errors import AuthenticationFailedError
from p2p_remote.traversal.check_seal import CheckSeal
from p2p_remote.traversal.pair import OPEN_ROUND, PRIMED_ROUND
from p2p_remote.wire.address import Endpoint, RelayPath
from p2p_remote.wire.connectivity import Check, CheckResponse

KEY = bytes(range(32))
TRANSACTION = bytes.fromhex("010000000102030405060708")
CHECK = Check(2, TRANSACTION, 77, nominate=True)
TESTS = Path(__file__).parent.parent
VECTORS = TESTS / "vectors" / "connectivity.json"
DOCUMENT = TESTS.parent / "docs" / "protocol" / "traversal.md"


def ends() -> tuple[CheckSeal, CheckSeal]:
    return CheckSeal(KEY, controlling=True), CheckSeal(KEY, controlling=False)


def test_the_other_end_opens_it():
    """Both roles, both messages."""
    for one, other in (ends(), ends()[::-1]):
        response = CheckResponse(1, TRANSACTION, bytes(18))
        assert other.open(one.seal(CHECK)) == CHECK
        assert other.open(one.seal(response)) == response


def test_a_reflected_datagram_fails():
    """Our own check, sent back to us, is not from the peer."""
    for one in ends():
        with pytest.raises(AuthenticationFailedError):
            one.open(one.seal(CHECK))


def test_every_single_bit_counts():
    """No bit of a check may be changed."""
    one, other = ends()
    datagram = one.seal(CHECK)
    for bit in range(8, 8 * len(datagram)):
        changed = bytearray(datagram)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(AuthenticationFailedError):
            other.open(bytes(changed))


def test_another_key_fails():
    """Checks of another session are strangers."""
    stranger = CheckSeal(bytes(32), controlling=True)
    with pytest.raises(AuthenticationFailedError):
        ends()[1].open(stranger.seal(CHECK))


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_the_seen_address_is_hidden_and_comes_back(host):
    """Routers that rewrite addresses in payloads find none."""
    one, other = ends()
    seen = Endpoint(host, 4711)
    sealed = one.seal_address(seen, TRANSACTION)
    response = CheckResponse(1, TRANSACTION, sealed)
    assert other.open_address(response) == seen
    assert (4711).to_bytes(2, "little") != sealed[16:]


def test_over_a_relay_no_address_is_seen():
    """A relay channel has none to tell."""
    one, other = ends()
    sealed = one.seal_address(RelayPath(Endpoint("192.0.2.1", 1), 2), TRANSACTION)
    assert other.open_address(CheckResponse(1, TRANSACTION, sealed)) is None


def test_transactions_count_up():
    """The counter is for the replay window, the rest is random."""
    seal = ends()[0]
    made = [seal.new_transaction(lambda count: b"r" * count) for _ in range(3)]
    assert [each[:4] for each in made] == [b"\1\0\0\0", b"\2\0\0\0", b"\3\0\0\0"]
    assert {each[4:] for each in made} == {b"r" * 8}


def test_published_vectors():
    """The bytes printed in docs/protocol/traversal.md."""
    vectors = json.loads(VECTORS.read_text())
    seal = CheckSeal(bytes.fromhex(vectors["check_key"]), controlling=True)
    answering = CheckSeal(bytes.fromhex(vectors["check_key"]), controlling=False)
    transaction = bytes.fromhex(vectors["transaction"])
    check = Check(vectors["receiver_index"], transaction, vectors["priority"])
    assert seal.seal(check).hex() == vectors["check"]
    sealed = answering.seal_address(
        Endpoint(vectors["seen_host"], vectors["seen_port"]), transaction
    )
    response = CheckResponse(vectors["sender_index"], transaction, sealed)
    assert answering.seal(response).hex() == vectors["response"]


def test_the_document_prints_the_vectors_and_the_times():
    """docs/protocol/traversal.md is what the code does."""
    text = DOCUMENT.read_text()
    vectors = json.loads(VECTORS.read_text())
    assert f"\n{vectors['check']}\n{vectors['response']}\n" in text
    for offsets in (OPEN_ROUND[1:-1], PRIMED_ROUND[2:-1]):
        assert ", ".join(f"{offset}" for offset in offsets) in text
