"""Identity: the ID follows from the key; damaged files are told, not used."""

import pytest

from p2p_remote.crypto.identity import SERIALISED_LENGTH, Identity, derive_id
from p2p_remote.errors import StateError
from tests.crypto.reference import id_of
from tests.support.handshakes import CALLER, seeded


def test_a_generated_identity_has_the_id_of_its_key():
    """The ID is fixed for ever: a change of it would take everybody's number away."""
    identity = Identity.generate(seeded("golden"))
    assert identity.peer_id == 143_346_908 == id_of(identity.public, 0)
    assert identity.counter == 0
    second = identity.next_id()
    assert (second.public, second.counter) == (identity.public, 1)
    assert second.peer_id == derive_id(identity.public, 1)
    assert second.peer_id != identity.peer_id


def test_counters_are_bounded():
    """After 255 there is no further ID, and no other counter has one."""
    last = Identity(CALLER.secret, CALLER.public, 255, 123_456_789)
    with pytest.raises(StateError, match="identity"):
        last.next_id()
    for public, counter in ((CALLER.public, 256), (CALLER.public, -1), (b"short", 0)):
        with pytest.raises(ValueError, match=r"32 bytes"):
            derive_id(public, counter)


def test_file_form_round_trip():
    """What was written is read back, without deriving the ID again."""
    data = CALLER.to_bytes()
    assert len(data) == SERIALISED_LENGTH
    assert Identity.from_bytes(data) == CALLER


def test_damaged_files_are_state_errors():
    """Every flipped bit and every other length is one clear line."""
    data = CALLER.to_bytes()
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(StateError) as caught:
            Identity.from_bytes(bytes(changed))
        assert len(str(caught.value).splitlines()) == 1
    for length in (0, 1, len(data) - 1, len(data) + 1):
        with pytest.raises(StateError):
            Identity.from_bytes(data.ljust(length, b"\0")[:length])


@pytest.mark.parametrize(
    "identity",
    [
        Identity(CALLER.secret, bytes(32), 0, 123_456_789),
        Identity(CALLER.secret, CALLER.public, 256, 123_456_789),
        Identity(CALLER.secret, CALLER.public, 0, 99),
    ],
)
def test_files_that_contradict_themselves_are_state_errors(identity):
    """A key that is not the seed's, a counter or ID out of range: refused."""
    with pytest.raises(StateError, match="matching"):
        Identity.from_bytes(identity.to_bytes())


def test_the_secret_is_not_shown():
    """Its repr tells the public half only."""
    assert "secret" not in repr(CALLER)
