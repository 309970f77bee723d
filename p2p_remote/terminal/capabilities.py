"""What a terminal can do, read from its answers to a few questions.

Pure: `parse_answers` turns bytes into facts, `capabilities_of` adds the environment
and a table of terminals. The questions are asked by `p2p_remote.terminal.probe`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_GRAPHICS_QUERY = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"  # kitty graphics
# Questions in one write; the answer to the last one (DA1), which every terminal knows,
# says that no other answer will come.
QUESTIONS = (
    b"\x1b[>0q"  # XTVERSION: name and version
    b"\x1b[?2026$p"  # DECRQM: synchronised updates
    b"\x1b[?1016$p"  # DECRQM: mouse in pixels
    b"\x1b[?2048$p"  # DECRQM: in-band size reports
    b"\x1b[?u"  # kitty keyboard protocol: flags
    + _GRAPHICS_QUERY
    + b"\x1b[48;2;1;2;3m\x1bP$qm\x1b\\\x1b[0m"  # DECRQSS: is a 24-bit colour kept?
    b"\x1b[14t\x1b[16t"  # XTWINOPS: size of the text area and of a cell in pixels
    b"\x1b[c"  # DA1, the sentinel
)

_VERSION = re.compile(rb"\x1bP>\|([^\x1b\x07]{0,100})(?:\x1b\\|\x07)")
_MODE = re.compile(rb"\x1b\[\?(\d{1,5});(\d)\$y")
_KEYBOARD = re.compile(rb"\x1b\[\?\d{1,3}u")
_GRAPHICS = re.compile(rb"\x1b_Gi=31;([^\x1b]{0,200})\x1b\\")
_COLOR = re.compile(rb"\x1bP1\$r([\d;:]{0,60})m\x1b\\")
_PIXELS = re.compile(rb"\x1b\[([46]);(\d{1,5});(\d{1,5})t")
_ATTRIBUTES = re.compile(
    rb"\x1b\[\?(\d{1,3}(?:;\d{0,3}){0,20})c"
)  # kitty ends it with ";c"
_TRUECOLOR_KEPT = re.compile(rb"48[:;]2[:;](?:\d*:)?1[:;]2[:;]3")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")

_MODE_KNOWN = (b"1", b"2", b"3")  # set, reset, permanently set; 0 unknown, 4 never


@dataclass(frozen=True, slots=True)
class Answers:
    """Facts that the terminal told; None or False where it kept silent."""

    complete: bool = False  # DA1 came
    version: str = ""
    modes: frozenset[int] = frozenset()  # private modes that can be set
    kitty_keyboard: bool = False
    kitty_graphics: bool = False
    truecolor: bool = False
    sixel: bool = False
    text_area: tuple[int, int] | None = None  # width, height in pixels
    cell: tuple[int, int] | None = None  # width, height in pixels


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What may be used on this terminal."""

    name: str = "unknown"
    truecolor: bool = False
    sync: bool = False
    pixel_mouse: bool = False
    in_band_resize: bool = False
    kitty_keyboard: bool = False
    kitty_graphics: bool = False
    sixel: bool = False
    sextants: bool = False
    cell_pixels: tuple[int, int] | None = None  # width, height

    def color_variables(self) -> dict[str, str]:
        """Environment variables that tell libraries of the colours found.

        TERM=xterm without COLORTERM makes them use 16 colours. To be set before the
        App is made; empty when nothing better is known.
        """
        return {"COLORTERM": "truecolor"} if self.truecolor else {}

    def lines(self) -> list[str]:
        """One line a fact, for people."""
        cell = "unknown"
        if self.cell_pixels:
            cell = f"{self.cell_pixels[0]} x {self.cell_pixels[1]} pixels"
        facts = {
            "24-bit colour": self.truecolor,
            "synchronised updates": self.sync,
            "mouse in pixels": self.pixel_mouse,
            "key releases": self.kitty_keyboard,
            "kitty graphics": self.kitty_graphics,
            "sixel graphics": self.sixel,
            "sextant characters": self.sextants,
        }
        return [
            f"terminal: {self.name}",
            f"cell: {cell}",
            *(f"{fact}: {'yes' if known else 'no'}" for fact, known in facts.items()),
        ]


@dataclass(frozen=True, slots=True)
class _Known:
    """What cannot be asked for, by the beginning of the XTVERSION answer."""

    prefix: str
    sextants: bool = False
    truecolor: bool = True
    graphics: bool = True  # its answer to the kitty graphics query can be trusted


# Sextants need glyphs of Unicode 13 that the terminal draws by itself: a font that
# lacks them shows boxes or nothing.
_TERMINALS = (
    _Known("kitty", sextants=True),
    _Known("foot", sextants=True),
    _Known("ghostty", sextants=True),
    _Known("WezTerm", sextants=True),
    _Known("contour", sextants=True),
    _Known("VTE", sextants=True),
    _Known("iTerm2"),
    _Known("Konsole", graphics=False),
    _Known("XTerm"),
    _Known("mlterm"),
    _Known("tmux"),  # turns 24-bit colours into what the outer terminal has
)


def questions(environment: Mapping[str, str]) -> bytes:
    """The questions that a terminal may be asked, by the environment variables.

    tmux and screen take an APC string, as the query for kitty graphics is one, for
    the title of a window, and show it.
    """
    inside = environment.get("TERM", "").startswith(("tmux", "screen"))
    if inside or environment.get("TMUX") or environment.get("STY"):
        return QUESTIONS.replace(_GRAPHICS_QUERY, b"")
    return QUESTIONS


def parse_answers(data: bytes) -> Answers:
    """Read answers out of what came from the terminal; anything else is skipped.

    Never raises: keys typed meanwhile and broken answers may be among the bytes.
    """
    version = _VERSION.search(data)
    graphics = _GRAPHICS.search(data)
    color = _COLOR.search(data)
    attributes = _ATTRIBUTES.search(data)
    sizes = {
        kind: (int(width), int(height)) for kind, height, width in _PIXELS.findall(data)
    }
    return Answers(
        complete=attributes is not None,
        version=_printable(version[1]) if version else "",
        modes=frozenset(
            int(mode) for mode, state in _MODE.findall(data) if state in _MODE_KNOWN
        ),
        kitty_keyboard=_KEYBOARD.search(data) is not None,
        kitty_graphics=graphics is not None and graphics[1].startswith(b"OK"),
        truecolor=color is not None and _TRUECOLOR_KEPT.search(color[1]) is not None,
        # The first number is the class of the terminal, not an extension.
        sixel=attributes is not None and b"4" in attributes[1].split(b";")[1:],
        text_area=_positive(sizes.get(b"4")),
        cell=_positive(sizes.get(b"6")),
    )


def capabilities_of(
    answers: Answers,
    environment: Mapping[str, str],
    *,
    columns: int,
    rows: int,
    window_pixels: tuple[int, int] | None = None,
) -> Capabilities:
    """Join answers, the environment and the table of terminals.

    Args:
        answers: From `parse_answers`.
        environment: Environment variables.
        columns: Width of the terminal in cells.
        rows: Height in cells.
        window_pixels: Width and height in pixels as the kernel tells them
            (TIOCGWINSZ), if it does.

    """
    name = answers.version or _name_from(environment)
    known = next(
        (row for row in _TERMINALS if name.lower().startswith(row.prefix.lower())),
        _Known("", truecolor=False),
    )
    colorterm = environment.get("COLORTERM", "") in ("truecolor", "24bit")
    cell = _cell_from(_positive(window_pixels), columns, rows)
    cell = cell or answers.cell or _cell_from(answers.text_area, columns, rows)
    return Capabilities(
        name=name,
        truecolor=answers.truecolor or colorterm or known.truecolor,
        sync=2026 in answers.modes,
        pixel_mouse=1016 in answers.modes and cell is not None,
        in_band_resize=2048 in answers.modes,
        kitty_keyboard=answers.kitty_keyboard,
        kitty_graphics=answers.kitty_graphics and known.graphics,
        sixel=answers.sixel,
        sextants=known.sextants,
        cell_pixels=cell,
    )


def _printable(raw: bytes) -> str:
    """ASCII text that may be shown."""
    return _UNPRINTABLE.sub("", raw.decode("ascii", "ignore"))


def _name_from(environment: Mapping[str, str]) -> str:
    """Name of a terminal that does not answer XTVERSION."""
    if environment.get("WT_SESSION"):
        return "Windows Terminal"
    program = environment.get("TERM_PROGRAM", "")
    return _UNPRINTABLE.sub("", program or environment.get("TERM", "")) or "unknown"


def _positive(size: tuple[int, int] | None) -> tuple[int, int] | None:
    """The size, unless a side is zero: then it is not known."""
    return size if size and size[0] > 0 and size[1] > 0 else None


def _cell_from(
    area: tuple[int, int] | None, columns: int, rows: int
) -> tuple[int, int] | None:
    """Size of a cell in an area of `columns` x `rows` cells."""
    if area is None or columns < 1 or rows < 1:
        return None
    return _positive((area[0] // columns, area[1] // rows))
