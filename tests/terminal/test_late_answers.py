"""Answers that come when keys are already read."""

import pytest

from p2p_remote.terminal.late_answers import LateAnswers


@pytest.mark.parametrize(
    "answer",
    [
        "\x1bP>|kitty(0.26.5)\x1b\\",
        "\x1b_Gi=31;OK\x1b\\",
        "\x1bP1$r0;48:2:1:2:3m\x1b\\",
        "\x1bP0$r\x1b\\",
        "\x1b[?62;4c",
        "\x1b[?0u",
        "\x1b[4;944;1600t",
    ],
)
def test_late_answers_are_no_keys(answer):
    """Whole or in two pieces, they vanish; keys around them stay."""
    for cut in range(3, len(answer)):
        late = LateAnswers()
        got = late.filter("a" + answer[:cut]) + late.filter(answer[cut:] + "b")
        assert got == "ab"


@pytest.mark.parametrize(
    "text", ["\x1bP", "\x1b_", "\x1b[A", "\x1b[?2026;2$y", "\x1b[<0;5;7M", "\x1b", "é"]
)
def test_what_is_no_answer_passes(text):
    """Alt+P, keys, mode reports and the mouse go through at once or after a while."""
    late = LateAnswers()
    assert late.filter(text) + late.flush() == text
    assert late.filter("x") == "x"


def test_held_back_text_is_bounded():
    """An answer without end is passed on, not kept."""
    late = LateAnswers()
    endless = "\x1b_G" + "x" * 5000
    assert late.filter(endless) == endless
