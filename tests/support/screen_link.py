"""An encoder and a decoder in step, for tests."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from p2p_remote.screen import layout
from p2p_remote.screen.arrays import Frame
from p2p_remote.screen.decoder import Decoder
from p2p_remote.screen.encoder import Encoder
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.packing import History, unpack
from p2p_remote.wire.screen import SCREEN, ScreenUpdate


class Link:
    """An encoder and a decoder in step; reads bodies as the decoder does."""

    def __init__(self, width: int, height: int) -> None:
        self.encoder = Encoder(width, height)
        self.decoder = Decoder()
        self.history = History()
        self.bodies: list[layout.Body] = []

    def carry(self, updates: Iterable[ScreenUpdate]) -> int:
        """Apply updates by way of their wire form; returns their bytes."""
        total = 0
        for update in updates:
            data = SCREEN.encode(update)
            raw = unpack(update.packer, update.body, update.raw_length, self.history)
            body = layout.parse(raw)
            self.bodies.append(body)
            if body.size:
                self.history.clear()
            if body.remember:
                self.history.remember(raw)
            self.decoder.apply(SCREEN.decode(data))
            total += len(data)
        return total

    def send(
        self, frame: Frame, damage: Iterable[Rect] | None = None, **options: Any
    ) -> int:
        """Encode one call's worth and carry it."""
        return self.carry(self.encoder.encode(frame, damage, **options))

    def shows(self, frame: Frame) -> bool:
        """Whether the decoder has exactly `frame`."""
        shown = self.decoder.framebuffer
        return (
            shown.shape == frame.shape
            and np.array_equal(shown[..., :3], frame[..., :3])
            and bool((shown[..., 3] == 255).all())
        )
