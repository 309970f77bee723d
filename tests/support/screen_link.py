"""An encoder and a decoder for tests: in step, or on two channels that race."""

from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np

from p2p_remote.screen import layout
from p2p_remote.screen.arrays import Frame
from p2p_remote.screen.decoder import Decoder
from p2p_remote.screen.encoder import Encoder
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.hot_view import HotView
from p2p_remote.screen.packing import History, unpack
from p2p_remote.services.screen_coder import Haste, Hints, ScreenCoder, Step
from p2p_remote.session.permissions import Grants
from p2p_remote.wire.screen import HOT, SCREEN, HotPatch, ScreenUpdate
from tests.support.drawn_screen import DrawnScreen

PLENTY = 1 << 24  # bytes of room


class Race:
    """The customer's coder and the technician's view, with two channels between them.

    Both channels are ordered and lose nothing, as those of the transport; how long
    anything is under way is up to the test, so patches and updates come in any order.
    """

    def __init__(self, screen: DrawnScreen) -> None:
        grants = Grants()
        grants.grant("view", float("inf"))
        self.now = 0.0
        self.screen = screen
        self.view = HotView()
        self.updates: deque[bytes] = deque()
        self.patches: deque[bytes] = deque()
        self.patches_made = 0
        self._coder = ScreenCoder(
            grants, screen, screen.reopen, lambda: self.now, self._take_patch
        )

    def _take_patch(self, patch: HotPatch) -> None:
        self.patches_made += 1
        self.patches.append(HOT.encode(patch))

    def step(self, room: int = PLENTY, *, hurry: bool = True, **options: Any) -> Step:
        """Let the coder look and encode, 10 ms after the last time.

        With `hurry`, there was input just now and updates wait.
        """
        self.now += 0.01
        haste = Haste(16_000, is_behind=True, slow=1000) if hurry else None
        step = self._coder.step(Hints(room, haste=haste, **options))
        self.updates.extend(SCREEN.encode(update) for update in step.updates)
        return step

    def deliver_updates(self, count: int = 1 << 20) -> None:
        """Let the next updates arrive."""
        for _ in range(min(count, len(self.updates))):
            self.view.apply(SCREEN.decode(self.updates.popleft()))

    def deliver_patches(self, count: int = 1 << 20) -> None:
        """Let the next patches arrive."""
        for _ in range(min(count, len(self.patches))):
            self.view.show(HOT.decode(self.patches.popleft()))

    def settle(self, **options: Any) -> None:
        """Everything is sent and arrives, without another look for patches."""
        for _ in range(1000):
            if self.step(hurry=False, **options).is_complete:
                break
        self.deliver_updates()
        self.deliver_patches()

    def shows_screen(self) -> bool:
        """Whether the technician sees the very screen, and no patch is left."""
        shown, pixels = self.view.framebuffer, self.screen.pixels
        return (
            self.view.patches == 0
            and shown.shape == pixels.shape
            and np.array_equal(shown[..., :3], pixels[..., :3])
        )


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
        return shown.shape == frame.shape and np.array_equal(
            shown[..., :3], frame[..., :3]
        )
