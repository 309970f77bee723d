"""Pitch and phase of text lines in a rectangle."""

import numpy as np
from numpy.typing import NDArray

from p2p_remote.screen.arrays import Pixels

MIN_PITCH, MAX_PITCH = 8, 48  # rows of a text line
_DEFAULT_PITCH = 16  # where no rhythm is found
_MIN_SHARE = 0.15  # of the variance that a pitch must explain
_NEARLY = 0.85  # of the best share; a shorter pitch with that is preferred
_SAMPLED = 480  # columns looked at; text lines are wider


def row_activity(block: Pixels) -> NDArray[np.int64]:
    """Pixels per row that differ from their left neighbour."""
    width = block.shape[1]
    if width > 2 * _SAMPLED:
        half = (width - _SAMPLED) // 2
        block = block[:, half : half + _SAMPLED]
    height, width = block.shape
    differs = np.zeros((height, -(-width // 8) * 8), np.bool_)
    np.not_equal(block[:, 1:], block[:, :-1], out=differs[:, : width - 1])
    # Eight counts of a byte are added up at once; there are fewer than 256 words.
    counts = np.add.reduce(differs.view(np.uint64), axis=1)
    activity: NDArray[np.int64] = (
        counts.view(np.uint8).reshape(-1, 8).sum(axis=1, dtype=np.int64)
    )
    return activity


def _best_pitch(activity: NDArray[np.float64]) -> int:
    """Rows after which the activity repeats: the shortest good explanation.

    For each pitch, the share of the variance that the row within the line explains,
    adjusted for how many rows explain it. Every multiple of a pitch explains as much.
    """
    height = len(activity)
    total = float(activity @ activity)
    pitches = range(MIN_PITCH, min(MAX_PITCH, height // 2) + 1)
    shares = []
    for pitch in pitches:
        lines = height // pitch
        folded = np.add.reduce(activity[: lines * pitch].reshape(lines, pitch))
        rest = max(total - float(folded @ folded) / lines, 0.0)
        shares.append(1 - rest / total * (height - 1) / (height - pitch))
    strong = max(max(shares) * _NEARLY, _MIN_SHARE)
    for pitch, share in zip(pitches, shares, strict=True):
        if share >= strong:
            return pitch
    return _DEFAULT_PITCH


def rhythm_of(block: Pixels) -> tuple[int, int]:
    """Pitch and phase for `scan` of `block` (height, width).

    Rows of text are busy in the middle of a line and quiet between lines; strips begin
    at the quietest row. A block of about one line is a single strip.
    """
    height = len(block)
    if height <= MAX_PITCH // 2 or block.shape[1] < 8:
        return min(height, 255), 0
    activity = row_activity(block)
    centred = activity - activity.mean()
    if not centred.any():
        return _DEFAULT_PITCH, 0
    pitch = _best_pitch(centred)
    rows = height // pitch * pitch
    quiet = activity[:rows].reshape(-1, pitch).sum(axis=0)
    return pitch, int(quiet.argmin())
