"""Pitch and phase of text lines in a rectangle."""

import numpy as np
from numpy.typing import NDArray

from p2p_remote.screen.arrays import Pixels

MIN_PITCH, MAX_PITCH = 8, 48  # rows of a text line
_DEFAULT_PITCH = 16  # where no rhythm is found
_MIN_STRENGTH = 0.25  # correlation from which a pitch counts
_SAMPLED = 480  # columns looked at; text lines are wider


def row_activity(block: Pixels) -> NDArray[np.int64]:
    """Pixels per row that differ from their left neighbour."""
    width = block.shape[1]
    if width > 2 * _SAMPLED:
        half = (width - _SAMPLED) // 2
        block = block[:, half : half + _SAMPLED]
    activity: NDArray[np.int64] = np.count_nonzero(
        block[:, 1:] != block[:, :-1], axis=1
    )
    return activity


def rhythm_of(block: Pixels) -> tuple[int, int]:
    """Pitch and phase for `scan` of `block` (height, width).

    The pitch is the peak of the autocorrelation of the row activity; strips begin at
    the quietest row. A block of about one line is a single strip.
    """
    height = len(block)
    if height <= MAX_PITCH // 2 or block.shape[1] < 8:
        return min(height, 255), 0
    activity = row_activity(block)
    centred = activity - activity.mean()
    power = float(centred @ centred)
    if power <= 0:
        return _DEFAULT_PITCH, 0
    lags = range(MIN_PITCH, min(MAX_PITCH, height // 2) + 1)
    strengths = [float(centred[lag:] @ centred[:-lag]) / power for lag in lags]
    best = int(np.argmax(strengths))
    pitch = lags[best] if strengths[best] >= _MIN_STRENGTH else _DEFAULT_PITCH
    rows = height // pitch * pitch
    quiet = activity[:rows].reshape(-1, pitch).sum(axis=0)
    return pitch, int(quiet.argmin())
