"""At most two frames on their way to the terminal."""

from p2p_remote.terminal.frame_gate import LOST_AFTER, FrameGate


def test_two_frames_may_be_out_and_an_answer_makes_room():
    """A third frame waits until the terminal has digested the first."""
    gate = FrameGate()
    for now in (1.0, 1.1):
        assert gate.may_send(now)
        gate.frame_sent(now)
    assert not gate.may_send(1.2)
    gate.answer_received(1.3)
    assert gate.may_send(1.3)
    assert gate.answers
    assert gate.outstanding == 1


def test_a_lost_answer_blocks_only_for_a_while():
    """A terminal that never answers still gets a frame every ten seconds."""
    gate = FrameGate()
    gate.frame_sent(0.0)
    gate.frame_sent(0.5)
    assert gate.next_timer() == LOST_AFTER
    assert not gate.may_send(LOST_AFTER - 0.01)
    assert gate.may_send(LOST_AFTER)
    assert gate.next_timer() is None
    assert not gate.answers


def test_round_trip_is_smoothed():
    """One slow frame does not make a slow terminal."""
    gate = FrameGate()
    gate.frame_sent(0.0)
    gate.answer_received(0.01)
    assert gate.round_trip == 0.01
    gate.frame_sent(1.0)
    gate.answer_received(1.09)
    assert abs(gate.round_trip - 0.02) < 1e-9


def test_answers_without_a_question_change_nothing():
    """Somebody else's cursor report is not ours."""
    gate = FrameGate()
    gate.answer_received(1.0)
    assert gate.round_trip is None
    assert gate.outstanding == 0
