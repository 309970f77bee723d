"""Layouts of the handshake: round trips, exact lengths, bounds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire import handshake as wire
from p2p_remote.wire.refusals import unpack_reason

KEYS = st.binary(min_size=32, max_size=32)
ECHOES = st.binary(min_size=16, max_size=16)
NAMES = st.text(st.characters(codec="ascii", categories=("L", "N", "P")), max_size=64)
U16, U32, COUNTER = (
    st.integers(0, 2**16 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 255),
)

REQUESTS = st.builds(
    wire.CallRequest,
    suites=U16,
    target_id=U32,
    nonce=KEYS,
    commitment=KEYS,
    token=ECHOES,
    cookie=KEYS,
)
SIGNATURES = st.binary(min_size=64, max_size=64)
# strategy, length, type
MESSAGES = {
    "M0": (st.builds(wire.CookieReply, ECHOES, KEYS), 49),
    "M2": (
        st.builds(wire.CallAnswer, ECHOES, U16, KEYS, KEYS, KEYS, KEYS, U16, U32),
        153,
    ),
    "M3": (
        st.builds(
            wire.CallerProof,
            ECHOES,
            KEYS,
            KEYS,
            KEYS,
            st.binary(min_size=399, max_size=399),
        ),
        512,
    ),
    "M3 inside": (
        st.builds(wire.CallerIdentity, KEYS, SIGNATURES, COUNTER, U32, NAMES),
        167,
    ),
    "M4": (
        st.builds(wire.Acceptance, ECHOES, st.binary(min_size=215, max_size=215)),
        232,
    ),
    "M4 inside": (
        st.builds(wire.ResponderIdentity, KEYS, KEYS, SIGNATURES, COUNTER, U32, NAMES),
        199,
    ),
    "M5": (st.builds(wire.Refusal, ECHOES, st.binary(min_size=17, max_size=17)), 34),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_messages_round_trip_in_exactly_their_length(name):
    """What is packed is read back; one byte more or less is malformed."""
    strategy, length = MESSAGES[name]

    @settings(max_examples=20, derandomize=True)
    @given(strategy)
    def check(message):
        data = message.pack()
        assert len(data) == length
        assert type(message).unpack(data) == message
        for other in (data[:-1], data + b"\0", b""):
            with pytest.raises(MalformedMessageError):
                type(message).unpack(other)
        if " " not in name:
            with pytest.raises(MalformedMessageError):
                type(message).unpack(b"\x4f" + data[1:])
            assert wire.echo_of(data) == message.echo

    check()


@settings(max_examples=30, derandomize=True)
@given(REQUESTS)
def test_both_forms_of_m1(request):
    """119 bytes, or 512 with zeros; the transcript has no cookie."""
    core, direct = request.pack(), request.pack_direct()
    assert (len(core), len(direct)) == (119, 512)
    assert wire.CallRequest.unpack(core, direct=False) == request
    assert wire.CallRequest.unpack(direct, direct=True) == request
    for data, is_direct in ((core, True), (direct, False), (direct[:-1] + b"\1", True)):
        with pytest.raises(MalformedMessageError):
            wire.CallRequest.unpack(data, direct=is_direct)
    assert request.transcript() == core[:-32] + bytes(32)
    assert wire.echo_of(core) is None


@settings(max_examples=200, derandomize=True)
@given(st.binary(max_size=1300))
def test_any_bytes_parse_or_are_malformed(data):
    """No parser raises anything else."""
    parsers = [
        wire.CookieReply.unpack,
        lambda d: wire.CallRequest.unpack(d, direct=True),
        lambda d: wire.CallRequest.unpack(d, direct=False),
        wire.CallAnswer.unpack,
        wire.CallerProof.unpack,
        wire.CallerIdentity.unpack,
        wire.Acceptance.unpack,
        wire.ResponderIdentity.unpack,
        wire.Refusal.unpack,
        wire.unpack_proof_plaintext,
        unpack_reason,
        wire.echo_of,
    ]
    for parser in parsers:
        try:
            parser(data)
        except MalformedMessageError:
            continue


def test_names_are_cut_at_a_character_and_cleaned():
    """64 bytes at most; escape sequences do not survive."""
    caller = wire.CallerIdentity(bytes(32), bytes(64), 0, 0, "ä" * 40)
    assert wire.CallerIdentity.unpack(caller.pack()).name == "ä" * 32
    odd = wire.CallerIdentity(bytes(32), bytes(64), 0, 0, "x" + "ä" * 40)
    assert wire.CallerIdentity.unpack(odd.pack()).name == "x" + "ä" * 31
    evil = wire.CallerIdentity(bytes(32), bytes(64), 0, 0, "a\x1b[2J\u202eb\n")
    name = wire.CallerIdentity.unpack(evil.pack()).name
    assert name.isprintable()
    assert "\x1b" not in name


def test_counters_and_name_fields_are_bounded():
    """A counter above 255, a length above 64, or rubbish behind a name: malformed."""
    good = wire.CallerIdentity(bytes(32), bytes(64), 255, 0, "abc").pack()
    counter = good[:96] + b"\0\1" + good[98:]
    length = good[:102] + b"\x41" + good[103:]
    behind = good[:-1] + b"x"
    for data in (counter, length, behind):
        with pytest.raises(MalformedMessageError):
            wire.CallerIdentity.unpack(data)


def test_padding_inside_m3_is_zero():
    """The sealed identity is followed by zeros only."""
    plaintext = wire.pack_proof_plaintext(b"s" * wire.SEALED_CALLER_LENGTH)
    assert len(plaintext) == wire.PROOF_PLAINTEXT_LENGTH
    assert wire.unpack_proof_plaintext(plaintext) == b"s" * wire.SEALED_CALLER_LENGTH
    with pytest.raises(MalformedMessageError):
        wire.unpack_proof_plaintext(plaintext[:-1] + b"\1")


def test_no_answer_is_larger_than_its_question():
    """A forged sender address gains nothing."""
    assert wire.COOKIE_REPLY_LENGTH < wire.CALL_REQUEST_LENGTH
    assert wire.CALL_ANSWER_LENGTH < wire.DIRECT_CALL_REQUEST_LENGTH
    assert wire.ACCEPTANCE_LENGTH < wire.CALLER_PROOF_LENGTH
    assert wire.REFUSAL_LENGTH < wire.CALLER_PROOF_LENGTH
