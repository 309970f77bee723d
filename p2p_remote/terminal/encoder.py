"""Changed cells -> the string that draws them.

One table holds every string a frame can need, an index array says which ones in which
order, and one join makes the frame. Runs of changed cells begin with an absolute
cursor position; a gap on the same row is skipped by a relative move, which is shorter.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from p2p_remote.terminal.cells import SPACE, Cells, glyph_column
from p2p_remote.terminal.colors import ColorDepth, sgr_tables

BEGIN_SYNC = "\x1b[?2026h"  # DEC private mode 2026: draw what follows at once
END_SYNC = "\x1b[?2026l"
SAVE_CURSOR = "\x1b7"  # DECSC: position and colours
RESTORE_CURSOR = "\x1b8"  # DECRC
RESET_COLORS = "\x1b[0m"

_COLORS = 65536
_BACKGROUND_AFTER = _COLORS
_BACKGROUND_ALONE = 2 * _COLORS
_GLYPH = 3 * _COLORS
_PARTS = 3  # foreground, background, glyph of a cell


@cache
def _strings(depth: ColorDepth) -> NDArray[np.object_]:
    """All strings of a depth; glyphs come twice, the second time after an `m`."""
    tables = sgr_tables(depth)
    glyphs = glyph_column()
    closing = np.array([f"m{glyph}" for glyph in glyphs], dtype=object)
    return np.concatenate(
        [
            tables.foreground_open,
            tables.background_after,
            tables.background_alone,
            glyphs,
            closing,
        ]
    )


def prepare(depth: ColorDepth) -> None:
    """Build the tables of a depth now instead of with the first frame."""
    _strings(depth)


def encode_diff(
    shown: Cells, wanted: Cells, depth: ColorDepth, origin: tuple[int, int] = (0, 0)
) -> str:
    """Escape codes that turn `shown` into `wanted`; empty when nothing differs.

    Args:
        shown: What the terminal shows.
        wanted: What it shall show; same shape.
        depth: How colours are told.
        origin: Column and row on the terminal of the first cell, from 0.

    Returns:
        Text that moves the cursor and leaves its own colours set: put it between
        `SAVE_CURSOR` and `RESTORE_CURSOR` (see `wrap_update`).

    """
    positions = np.flatnonzero(wanted.changed(shown))
    if not positions.size:
        return ""
    return _encode(wanted, positions, depth, origin)


def encode_row(cells: Cells, depth: ColorDepth) -> str:
    """One row of cells as a string without cursor moves, colours reset at its end."""
    count = cells.columns
    if not count:
        return ""
    pieces, _ = _pieces(cells, np.arange(count), depth)
    return "".join(pieces.tolist()) + RESET_COLORS


def wrap_update(body: str, *, sync: bool, report: str = "") -> str:
    """A whole frame: drawn at once, the cursor and its colours as before.

    Args:
        body: Result of `encode_diff`.
        sync: Whether the terminal knows synchronised updates (mode 2026).
        report: What asks the terminal for a sign when it has come this far.

    """
    frame = f"{SAVE_CURSOR}{body}{report}{RESTORE_CURSOR}"
    return f"{BEGIN_SYNC}{frame}{END_SYNC}" if sync else frame


def _encode(
    cells: Cells,
    positions: NDArray[np.intp],
    depth: ColorDepth,
    origin: tuple[int, int],
) -> str:
    """Draw the cells at flat `positions` (ascending)."""
    rows, columns = np.divmod(positions, cells.columns)
    begins_row = np.empty(positions.size, np.bool_)
    begins_row[0] = True
    begins_row[1:] = rows[1:] != rows[:-1]
    skipped = np.zeros(positions.size, np.intp)
    skipped[1:] = positions[1:] - positions[:-1] - 1
    moves = begins_row | (skipped > 0)
    pieces, starts = _pieces(cells, positions, depth)
    left, top = origin
    at = np.flatnonzero(moves)
    texts = [
        f"\x1b[{row + top + 1};{column + left + 1}H"
        if absolute
        else f"\x1b[{gap}C"
        if gap > 1
        else "\x1b[C"
        for row, column, gap, absolute in zip(
            rows[at].tolist(),
            columns[at].tolist(),
            skipped[at].tolist(),
            begins_row[at].tolist(),
            strict=True,
        )
    ]
    first = starts[at]
    pieces[first] = np.array(texts, dtype=object) + pieces[first]
    return "".join(pieces.tolist())


def _pieces(
    cells: Cells, positions: NDArray[np.intp], depth: ColorDepth
) -> tuple[NDArray[np.object_], NDArray[np.intp]]:
    """Strings of the cells in order, and where among them each cell begins.

    A colour is set only where it differs from the cell before; a cell without
    foreground (a space) leaves the foreground as it was.
    """
    foreground = cells.foreground.ravel()[positions]
    background = cells.background.ravel()[positions]
    glyph = cells.glyph.ravel()[positions]
    count = positions.size
    sets_background = np.empty(count, np.bool_)
    sets_background[0] = True
    sets_background[1:] = background[1:] != background[:-1]
    sets_foreground = np.zeros(count, np.bool_)
    visible = np.flatnonzero(glyph != SPACE)
    if visible.size:
        colors = foreground[visible]
        differs = np.empty(visible.size, np.bool_)
        differs[0] = True
        differs[1:] = colors[1:] != colors[:-1]
        sets_foreground[visible] = differs

    strings = _strings(depth)
    glyph_count = (strings.size - _GLYPH) // 2
    index = np.empty((count, _PARTS), np.int32)
    index[:, 0] = foreground
    index[:, 1] = background
    index[:, 1] += np.where(sets_foreground, _BACKGROUND_AFTER, _BACKGROUND_ALONE)
    index[:, 2] = glyph
    index[:, 2] += _GLYPH
    index[sets_foreground & ~sets_background, 2] += glyph_count
    keep = np.empty((count, _PARTS), np.bool_)
    keep[:, 0] = sets_foreground
    keep[:, 1] = sets_background
    keep[:, 2] = True
    starts = np.zeros(count, np.intp)
    np.cumsum(keep.sum(axis=1)[:-1], out=starts[1:])
    return strings[index[keep]], starts
