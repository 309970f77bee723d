"""Byte strings of terminals -> events."""

import pytest
from textual import events
from textual.keys import Keys

from p2p_remote.terminal.late_answers import LateAnswers
from p2p_remote.terminal.pastes import Pastes
from p2p_remote.tui.frame_driver import ASK_FOR_SIGN
from p2p_remote.tui.terminal_parser import ReleasedKey, RemoteParser, RepeatedKey


def parsed(text, parser=None):
    """Events of a string, fed at once."""
    return list((parser or RemoteParser()).feed(text))


def keys(text):
    """(name, character) of the key events of a string."""
    return [(event.key, event.character) for event in parsed(text)]


@pytest.mark.parametrize(
    ("text", "key", "character", "kind"),
    [
        # kitty, flags 31
        ("\x1b[97;;97u", "a", "a", events.Key),
        ("\x1b[97;1:1;97u", "a", "a", events.Key),
        ("\x1b[97;1:2;97u", "a", "a", RepeatedKey),
        ("\x1b[97;1:3u", "a", None, ReleasedKey),
        ("\x1b[97:65;2:1;65u", "A", "A", events.Key),
        ("\x1b[97;5u", "ctrl+a", None, events.Key),
        ("\x1b[97;5:3u", "ctrl+a", None, ReleasedKey),
        ("\x1b[1089::99;5u", "ctrl+c", None, events.Key),
        ("\x1b[1089::99;;1089u", "с", "с", events.Key),
        ("\x1b[13;2:2u", "shift+enter", None, RepeatedKey),
        ("\x1b[1;1:2D", "left", None, RepeatedKey),
        ("\x1b[1;1:3D", "left", None, ReleasedKey),
        ("\x1b[3;5:1~", "ctrl+delete", None, events.Key),
        ("\x1b[57441;2:1u", "left_shift", None, events.Key),
        ("\x1b[57441;2:3u", "left_shift", None, ReleasedKey),
        ("\x1b[13;2~", "shift+f3", None, events.Key),
        ("\x1b[105;5u", "ctrl+i", None, events.Key),
        # xterm
        ("\x1b[1;2R", "shift+f3", None, events.Key),
        ("\x1b[1;5R", "ctrl+f3", None, events.Key),
        ("\x1b[1;6R", "ctrl+shift+f3", None, events.Key),
        ("\x1b[1;2P", "shift+f1", None, events.Key),
        ("\x1bOR", "f3", None, events.Key),
        ("\x1b[1;5D", "ctrl+left", None, events.Key),
        ("\x1ba", "alt+a", "a", events.Key),
    ],
)
def test_key_sequences(text, key, character, kind):
    """Names and characters are Textual's; repeats and releases are told apart."""
    (event,) = [
        found
        for parser in (RemoteParser(),)
        for found in [*parser.feed(text), *_timeout(parser)]
    ]
    assert type(event) is kind
    assert event.key == key
    if kind is not ReleasedKey:
        assert event.character == (key if len(key) == 1 else character)


def _timeout(parser):
    """What the parser makes of a sequence that does not go on."""
    if parser._timeout_time is None:
        return []
    parser._timeout_time = 0.0
    return list(parser.tick())


def test_repeats_are_keys_for_textual():
    """A handler `on_key` gets them, and bindings see a key."""
    (event,) = parsed("\x1b[97;1:2;97u")
    assert isinstance(event, events.Key)
    assert event.handler_name == "on_key"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("\x1b.", ["alt+full_stop"]),
        ("\x1ba\x1b[A", ["alt+a", "up"]),
        ("\x1baz", ["alt+a", "z"]),
        ("\x1bf", ["alt+f"]),
        ("x\x1b\r\x1bOP", ["x", "alt+enter", "f1"]),
        ("\x1bA", ["alt+shift+a"]),
    ],
)
def test_alt_keys_are_known_at_once(text, names):
    """Whatever comes behind them, and with signs as well as letters."""
    assert [name for name, _ in keys(text)] == names


def test_an_answer_behind_an_alt_key_or_escape_spoils_nothing():
    """Cursor reports come at any time."""
    assert [type(event).__name__ for event in parsed("\x1ba\x1b[2;1R")] == [
        "Key",
        "CursorPosition",
    ]
    parser = RemoteParser()
    found = [*parser.feed("\x1b"), *parser.feed("\x1b[2;1R"), *parser.feed("x")]
    assert [type(event).__name__ for event in found] == ["Key", "CursorPosition", "Key"]
    assert found[0].key == "escape"


@pytest.mark.parametrize("late", ["burst", "[", "\x1b[A", "\x1ba"])
def test_what_comes_long_after_escape_is_not_lost(late):
    """Escape was told of when its time was over; the next piece stands for itself."""
    parser = RemoteParser()
    assert parsed("\x1b", parser) == []
    parser._timeout_time = 0.0  # the time is over
    assert [event.key for event in parser.tick()] == ["escape"]
    found = [event.key for event in parsed(late, parser)]
    assert found == [event.key for event in parsed(late)]
    assert found


def test_escape_and_a_letter_in_two_pieces_are_two_keys():
    """Typed fast, Escape and "a" are not Alt+a; a split sequence is still one."""
    parser = RemoteParser()
    found = [*parser.feed("\x1b"), *parser.feed("a")]
    assert [event.key for event in found] == ["escape", "a"]
    parser = RemoteParser()
    assert [event.key for event in [*parser.feed("\x1b"), *parser.feed("[A")]] == ["up"]


def test_pasted_text_is_no_keys():
    """A paste is one event, also when it comes in pieces, and keys go on behind it."""
    parser = RemoteParser()
    pieces = ["\x1b[200~one", " two", " three\x1b[201~", "\x1by"]
    found = [event for piece in pieces for event in parser.feed(piece)]
    assert [type(event).__name__ for event in found] == ["Paste", "Key"]
    assert found[0].text == "one two three"
    assert found[1].key == "alt+y"


def read(pieces):
    """Events of a stream in pieces, through all that the driver puts it through."""
    pastes, late_answers, parser = Pastes(), LateAnswers(), RemoteParser()
    found = []
    for piece in pieces:
        text = late_answers.filter(pastes.filter(piece))
        found += parser.feed(text) if text else ()
    return found


@pytest.mark.parametrize(
    "pasted",
    [
        "AAA\x1b[31mBBB",
        "one\rtwo\x1bthree",
        "\x1b",
        "\x1b\x1b[20\x1b[201",
        "\x1b[200~\x1b[A\x1b[2;1R\x1b[I",
        "an answer \x1b[?1;2c and \x1bP>|XTerm(1)\x1b\\",
        "Grüße 12€\tß Ж",
    ],
)
def test_a_paste_arrives_whole_wherever_the_stream_is_cut(pasted):
    """Escape sequences in it mean nothing, and keys around it stay in their order."""
    stream = f"a\x1b[200~{pasted}\x1b[201~\x1b[Bz"
    cuts = [[stream], list(stream)]
    cuts += [[stream[:at], stream[at:]] for at in range(1, len(stream))]
    for pieces in cuts:
        found = read(pieces)
        assert [type(event).__name__ for event in found] == ["Key", "Paste"] + [
            "Key"
        ] * 2, pieces
        assert found[1].text == pasted, pieces
        assert [found[at].key for at in (0, 2, 3)] == ["a", "down", "z"], pieces


def test_what_looks_like_the_beginning_of_a_paste_is_still_a_key():
    """Escape, and keys that begin like the marker, are told of at once."""
    assert [event.key for event in read(["\x1b[2~", "\x1b[20~", "\x1ba", "x"])] == [
        "insert",
        "f9",
        "alt+a",
        "x",
    ]
    pastes = Pastes()
    assert pastes.filter("\x1b[20") == "\x1b[20"
    pastes.flush()
    assert pastes.filter("0~\x1b[A") == "0~\x1b[A"


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[99999999:1;2u",
        "\x1b[:::;u",
        "\x1b[97;1:2;1114112u",
        "\x1b[97;1:9:9u",
        "\x1b[97:65:66:67;1u",
    ],
)
def test_broken_key_sequences_are_ignored(text):
    """Nothing raises, and the key after it is read."""
    parser = RemoteParser()
    first = [event for event in parser.feed(text) if event.key != Keys.Ignore]
    assert not [event for event in first if not isinstance(event, events.Key)]
    assert [event.key for event in parser.feed("z")][-1] == "z"


def test_cursor_reports_and_f3_are_told_apart():
    """Our questions are asked on the second row; the first row is F3."""
    (report,) = parsed("\x1b[2;1R")
    assert isinstance(report, events.CursorPosition)
    assert (report.x, report.y) == (0, 1)
    (far,) = parsed("\x1b[1;80R")
    assert isinstance(far, events.CursorPosition)
    assert ASK_FOR_SIGN.startswith("\x1b[2;1H")


@pytest.mark.parametrize("code", [128, 129, 130, 131, 160, 161])
def test_further_mouse_buttons_are_no_left_or_middle_button(code):
    """Buttons 8 to 11, pressed, released and moved with."""
    assert parsed(f"\x1b[<{code};10;10M\x1b[<{code};10;10m") == []


def test_mouse_buttons_and_wheel():
    """The three buttons, moves and the wheel arrive as Textual's events."""
    found = parsed("\x1b[<0;5;7M\x1b[<2;5;7m\x1b[<35;6;7M\x1b[<64;6;7M\x1b[<67;6;7M")
    assert [type(event) for event in found] == [
        events.MouseDown,
        events.MouseUp,
        events.MouseMove,
        events.MouseScrollUp,
        events.MouseScrollRight,
    ]
    assert [event.button for event in found[:3]] == [1, 3, 0]
    assert (found[0].x, found[0].y) == (4, 6)


def test_mouse_in_pixels_gives_fractions_of_cells():
    """One pixel of a cell of 8x16 is an eighth of a column."""
    parser = RemoteParser()
    parser.mouse_pixels = True
    parser.terminal_size = (100, 40)
    parser.terminal_pixel_size = (800, 640)
    first, second = parsed("\x1b[<35;298;161M\x1b[<35;299;161M", parser)
    assert first.pointer_x == 297 / 8
    assert second.pointer_x - first.pointer_x == 1 / 8
    assert first.pointer_y == 10.0
