"""A map of two characters: which part of the remote screen is in view."""

from p2p_remote.screen.viewport import Viewport

_BLANK = 0x2800  # Unicode: a braille pattern without dots
# Dots of a braille pattern, from the top left to the bottom right.
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_SIDE = 4  # dots across, in two characters, and down


def part_shown(viewport: Viewport) -> str:
    """The screen in brackets, as 4 x 4 dots; those of the part in view are set."""
    region, display = viewport.region, viewport.display
    columns = _dots(region.x, region.right, display.width)
    rows = _dots(region.y, region.bottom, display.height)
    patterns = [_BLANK, _BLANK]
    for column in columns:
        for row in rows:
            patterns[column // 2] |= _DOTS[row][column % 2]
    return f"[{''.join(map(chr, patterns))}]"


def _dots(first: int, end: int, length: int) -> range:
    """Dots along one side whose middle is in view; the nearest one if none is."""
    begin = round(first * _SIDE / length)
    stop = round(end * _SIDE / length)
    if begin < stop:
        return range(begin, stop)
    nearest = min((first + end) * _SIDE // (2 * length), _SIDE - 1)
    return range(nearest, nearest + 1)
