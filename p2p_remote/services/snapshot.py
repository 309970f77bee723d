"""A picture of the remote screen as a PNG file."""

from pathlib import Path
from typing import Any

import numpy as np

from p2p_remote.errors import StateError
from p2p_remote.screen.png import png_bytes


def write_png(path: Path, picture: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
    """Write (height, width, 3) RGB pixels.

    Raises:
        StateError: the file cannot be written.

    """
    try:
        path.write_bytes(png_bytes(picture))
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror}.") from error
