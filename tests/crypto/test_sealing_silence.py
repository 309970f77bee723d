"""Keys that outlive a silence: once, and without a nonce used twice."""

import pytest

from p2p_remote.crypto.rekey import REJECT_AFTER
from p2p_remote.crypto.sealing import Sealing
from p2p_remote.errors import AuthenticationFailedError, ProtocolError
from tests.crypto.test_sealing import CHAIN, passes, rekey

SILENCE = 600.0  # s


def patient_sealings() -> tuple[Sealing, Sealing]:
    """Both ends with keys that outlive one silence."""
    return tuple(  # type: ignore[return-value]
        Sealing(
            CHAIN,
            initiator=own < other,
            local_index=own,
            remote_index=other,
            now=0.0,
            silence_allowed=SILENCE,
        )
        for own, other in ((1, 2), (2, 1))
    )


def talk(left: Sealing, right: Sealing, now: float) -> None:
    """A packet each way."""
    assert passes(left, right, now)
    assert passes(right, left, now)


def test_no_number_is_used_twice_across_a_silence():
    """Numbers run on, so no nonce comes twice, and what came before stays a replay."""
    left, right = patient_sealings()
    talk(left, right, 100.0)
    sent = [left.seal(b"before", 100.0) for _ in range(3)]
    for _, datagram in sent:
        right.open(datagram, 100.0)
    sent += [left.seal(b"into the silence", 100.0 + 60 * step) for step in range(1, 9)]
    after, datagram = left.seal(b"after", 650.0)
    sent.append((after, datagram))
    numbers = [number for number, _ in sent]
    assert numbers == sorted(set(numbers))
    assert len({datagram[:11] for _, datagram in sent}) == len(sent)
    assert right.open(datagram, 650.0) == (after, b"after")
    for _, old in (*sent[:3], sent[-1]):
        with pytest.raises(AuthenticationFailedError):
            right.open(old, 650.0)


def test_a_silence_is_outlived_once_in_an_epoch():
    """After it there are 30 s to rekey in; a second silence ends it, or a rekey."""
    for rekeys in (False, True):
        left, right = patient_sealings()
        talk(left, right, 100.0)
        talk(left, right, 600.0)
        assert right.expires_at() == 630.0
        if rekeys:
            rekey(right, left, 610.0)
            talk(right, left, 610.0)
            assert right.expires_at() == 610.0 + SILENCE
        assert right.expired(631.0) is not rekeys


def test_a_peer_that_never_rekeys_is_not_listened_to_for_long():
    """Packets that keep coming are no silence: 180 s and the 30 s are all there is."""
    left, right = patient_sealings()
    heard = 0.0
    for second in range(600):
        try:
            talk(left, right, float(second))
        except (AuthenticationFailedError, ProtocolError):
            break
        heard = float(second)
    assert heard <= REJECT_AFTER + 31


def test_a_packet_held_back_for_longer_than_a_silence_is_refused():
    """Whoever holds packets back cannot bring them after the keys have gone."""
    left, right = patient_sealings()
    _, held_back = left.seal(b"an old key press", 10.0)
    assert passes(left, right, 20.0)
    with pytest.raises(AuthenticationFailedError):
        right.open(held_back, 20.0 + SILENCE)
