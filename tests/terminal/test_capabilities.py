"""What terminals answer, recorded, and what is made of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.terminal.capabilities import (
    QUESTIONS,
    Answers,
    capabilities_of,
    parse_answers,
    questions,
)

# Answers of real terminals to QUESTIONS.
XTERM = (
    b"\x1bP>|XTerm(379)\x1b\\\x1b[?2026;0$y\x1b[?1016;2$y\x1b[?2048;0$y"
    b"\x1bP1$r48:2::1:2:3m\x1b\\\x1b[?64;1;2;6;9;15;16;17;18;21;22;28c"
)
XTERM_SIXEL = b"\x1b[?63;1;2;4;6;9;15;16;22;28c"
KITTY = (
    b"\x1bP>|kitty(0.26.5)\x1b\\\x1b[?2026;2$y\x1b[?1016;2$y\x1b[?2048;0$y\x1b[?0u"
    b"\x1b_Gi=31;OK\x1b\\\x1bP1$r48:2:1:2:3m\x1b\\\x1b[4;944;1600t\x1b[6;16;8t"
    b"\x1b[?62;c"
)
FOOT = (
    b"\x1bP>|foot(1.13.1)\x1b\\\x1b[?2026;2$y\x1b[?1016;2$y\x1b[?2048;0$y\x1b[?0u"
    b"\x1bP1$r0;48:2::1:2:3m\x1b\\\x1b[4;1248;1824t\x1b[6;16;8t\x1b[?62;4;22c"
)
TMUX = b"\x1bP>|tmux 3.3a\x1b\\\x1b[?1;2c"
KONSOLE = b"\x1bP>|Konsole 23.08.1\x1b\\\x1b_Gi=31;OK\x1b\\\x1b[4;600;800t\x1b[?62;1;4c"


def judged(data, environment=None, **sizes):
    size = {"columns": 200, "rows": 59, **sizes}
    return capabilities_of(parse_answers(data), environment or {}, **size)


def test_xterm_has_pixel_mouse_and_truecolor_but_no_sync():
    """Cell size comes from the kernel, since xterm answers neither 14t nor 16t."""
    xterm = judged(XTERM, window_pixels=(1200, 767))
    assert xterm.name == "XTerm(379)"
    assert xterm.truecolor
    assert xterm.pixel_mouse
    assert xterm.cell_pixels == (6, 13)
    assert not xterm.sync
    assert not xterm.kitty_keyboard
    assert not xterm.kitty_graphics
    assert not xterm.sixel
    assert not xterm.sextants
    assert not xterm.in_band_resize


def test_kitty_has_all_but_sixel():
    """Everything that kitty says is understood; "62;" is no sixel."""
    kitty = judged(KITTY)
    assert kitty.name == "kitty(0.26.5)"
    assert kitty.sync
    assert kitty.kitty_keyboard
    assert kitty.kitty_graphics
    assert kitty.sextants
    assert kitty.pixel_mouse
    assert kitty.cell_pixels == (8, 16)
    assert not kitty.sixel


def test_foot_has_sixel_but_no_kitty_graphics():
    """No answer to the graphics query is a no."""
    foot = judged(FOOT)
    assert foot.sixel
    assert foot.sextants
    assert foot.truecolor
    assert not foot.kitty_graphics


def test_tmux_answers_little_and_gets_truecolor():
    """It turns colours into what the outer terminal has; the rest is unknown."""
    tmux = judged(TMUX, {"TERM": "tmux-256color"}, window_pixels=(1600, 944))
    assert tmux.name == "tmux 3.3a"
    assert tmux.truecolor
    assert tmux.cell_pixels == (8, 16)
    assert not tmux.sync
    assert not tmux.pixel_mouse
    assert not tmux.kitty_keyboard
    assert not tmux.sixel


def test_sixel_is_an_extension_not_a_class():
    """A 4 counts after the first number only."""
    assert parse_answers(XTERM_SIXEL).sixel
    assert not parse_answers(b"\x1b[?4;6c").sixel


def test_konsoles_answer_to_the_graphics_query_is_not_trusted():
    """It says OK and then lacks what is needed."""
    konsole = judged(KONSOLE)
    assert not konsole.kitty_graphics
    assert konsole.sixel
    assert konsole.cell_pixels == (4, 10)


def test_silence_leaves_the_environment():
    """COLORTERM and names from the environment are the fallback."""
    assert judged(b"", {"TERM": "xterm-256color"}).name == "xterm-256color"
    assert judged(b"", {"COLORTERM": "truecolor"}).truecolor
    assert judged(b"", {"WT_SESSION": "1"}).name == "Windows Terminal"
    assert judged(b"").name == "unknown"
    assert not judged(b"", {"TERM": "vt100"}).truecolor


def test_plain_xterm_without_an_answer_is_not_given_truecolor():
    """TERM=xterm is what very different terminals call themselves."""
    assert not judged(b"", {"TERM": "linux"}).truecolor


def test_typed_keys_between_answers_do_no_harm():
    """A user who types while we ask changes nothing."""
    head, separator, tail = KITTY.partition(b"\x1b_G")
    typed = parse_answers(b"q" + head + b"w\r" + separator + tail)
    assert typed == parse_answers(KITTY)
    noisy = parse_answers(b"ab\x1b[A" + FOOT + b"c")
    assert noisy == parse_answers(FOOT)


def test_a_name_is_shown_without_control_characters():
    """What a terminal calls itself goes to the screen."""
    answers = parse_answers(b"\x1bP>|evil\r\x9b31m\xc3\xa4(1)\x1b\\")
    assert answers.version == "evil31m(1)"


def test_pixel_mouse_needs_the_size_of_a_cell():
    """Without it pixels cannot be turned into cells."""
    assert not judged(XTERM).pixel_mouse
    assert not judged(XTERM, window_pixels=(0, 0)).pixel_mouse
    assert judged(b"\x1b[6;0;0t").cell_pixels is None


def test_libraries_are_told_of_the_colours():
    """Only of what was found."""
    assert judged(XTERM).color_variables() == {"COLORTERM": "truecolor"}
    assert judged(b"").color_variables() == {}


def test_doctor_lines_say_every_fact():
    """One line a fact, in words."""
    lines = judged(KITTY).lines()
    assert lines[0] == "terminal: kitty(0.26.5)"
    assert "cell: 8 x 16 pixels" in lines
    assert "sixel graphics: no" in lines
    assert "key releases: yes" in lines
    assert "cell: unknown" in judged(b"").lines()


@pytest.mark.parametrize("recorded", [XTERM, KITTY, FOOT, TMUX])
def test_the_sentinel_comes_last(recorded):
    """Answers are complete with the last byte, not before."""
    assert parse_answers(recorded).complete
    assert not parse_answers(recorded[:-1]).complete
    assert QUESTIONS.endswith(b"\x1b[c")


@pytest.mark.parametrize(
    "environment",
    [{"TERM": "tmux-256color"}, {"TERM": "screen"}, {"TERM": "xterm", "TMUX": "/s,1"}],
)
def test_no_application_string_is_sent_into_tmux_and_screen(environment):
    """They would show it as the title of the window; all else is asked."""
    asked = questions(environment)
    assert b"\x1b_" not in asked
    assert set(asked.split(b"\x1b")) < set(QUESTIONS.split(b"\x1b"))
    assert asked.endswith(b"\x1b[c")
    assert b"\x1b_G" in questions({"TERM": "xterm-kitty"})


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=20),
            st.sampled_from(
                [
                    b"\x1b[",
                    b"\x1b[?",
                    b"\x1bP>|",
                    b"\x1bP1$r",
                    b"\x1b_Gi=31;",
                    b"\x1b\\",
                ]
            ),
            st.sampled_from([b";", b"c", b"t", b"u", b"$y", b"9" * 30, KITTY, XTERM]),
        ),
        max_size=12,
    ),
    st.integers(-1, 300),
    st.integers(-1, 300),
)
def test_any_bytes_give_an_answer(pieces, columns, rows):
    """Nothing that a terminal sends raises."""
    answers = parse_answers(b"".join(pieces))
    assert isinstance(answers, Answers)
    found = capabilities_of(answers, {}, columns=columns, rows=rows)
    assert found.cell_pixels is None or min(found.cell_pixels) > 0
    assert found.name.isascii()
    assert found.name.isprintable()
