"""What the technician sees pictures with, loaded only when a call rings.

numpy and the codecs take 0.3 s to load, in which a call could ring already.
"""

from typing import TYPE_CHECKING

from p2p_remote.wire import control
from p2p_remote.wire.constants import MAX_SCREEN_PIXELS

if TYPE_CHECKING:
    from p2p_remote.screen.hot_view import HotView


def load_decoder() -> "tuple[HotView, int]":
    """Return an empty view and the `control.ABILITY_*` bits. Any thread."""
    from p2p_remote.screen import jpeg, vp8
    from p2p_remote.screen.hot_view import HotView

    bits = control.ABILITY_JPEG if jpeg.available() else 0
    bits |= control.ABILITY_VP8 if vp8.available() else 0
    return HotView(MAX_SCREEN_PIXELS), bits
