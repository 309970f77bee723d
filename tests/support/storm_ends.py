"""The two ends of a session in a storm: who shows a screen, and who looks at it."""

import random
from typing import Any

import numpy as np

from p2p_remote.errors import MalformedMessageError, PermissionNotGrantedError
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.hot_view import HotView
from p2p_remote.services.screen_coder import Haste, Hints, ScreenCoder
from p2p_remote.session import events as ev
from p2p_remote.wire import input as wire_input
from p2p_remote.wire.constants import CHANNEL_HOT
from p2p_remote.wire.screen import HotPatch
from tests.scenarios.world import World
from tests.support.drawn_screen import DrawnScreen

SIZES = ((192, 128), (320, 96), (97, 131))  # pixels


class Customer:
    """Draws on a screen and sends it, as the program does."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self._network = world.network
        self._rng = rng
        self.screen = DrawnScreen(*rng.choice(SIZES))
        self.typed: list[str] = []  # what arrived
        self.view: Rect | None = None
        self._key_frame = False
        self._input_at = -1.0
        self._lossy = rng.random() < 0.5
        session = world.customer_session()
        self._session = session
        self._coder = ScreenCoder(
            session.grants,
            self.screen,
            self.screen.reopen,
            lambda: world.network.now,
            self._send_patch,
        )

    def take(self, event: Any) -> None:
        """Do what the session wants."""
        match event:
            case ev.InputArrived(message=wire_input.TextInput(text=text)):
                self.typed.append(text)
                self._input_at = self._network.now
                number = int(text)
                at = Rect(number * 8 % 80, number // 10 * 12 % 80, 8, 12)
                self.screen.paint(at, number * 37 % 256)
            case ev.KeyFrameAsked():
                self._key_frame = True
            case ev.ViewportAsked(viewport=port):
                self.view = Rect(port.x, port.y, port.width, port.height)

    def draw(self) -> None:
        """Change something on the screen."""
        rng, screen = self._rng, self.screen
        width, height = rng.randint(1, screen.width), rng.randint(1, screen.height)
        x = rng.randint(0, screen.width - width)
        y = rng.randint(0, screen.height - height)
        rect = Rect(x, y, width, height)
        kind = rng.random()
        if kind < 0.4:
            screen.paint(rect, rng.randint(0, 255))
        elif kind < 0.6:
            noise = np.frombuffer(rng.randbytes(width * height * 4), np.uint8)
            screen.paint(rect, noise.reshape(height, width, 4))
        else:
            screen.paint(rect, np.roll(screen.pixels, 5, axis=0)[_area(rect)])

    def resize(self) -> None:
        """Change the resolution."""
        self.screen.resize(*self._rng.choice(SIZES))
        self.view = None

    def look(self) -> None:
        """Capture, encode, send."""
        now = self._network.now
        session = self._session
        statistics = session.statistics()
        hurried = now < self._input_at + 0.5
        room = session.screen_room(now)
        room = room if room >= 256 else 0
        if not (room or hurried):
            return
        waits = statistics.channels[CHANNEL_HOT].bytes_waiting
        haste = Haste(4_000, is_behind=True, slow=2_000)
        hints = Hints(
            room,
            link_rate=statistics.rate,
            lossy=self._lossy,
            view=self.view,
            key_frame=self._key_frame,
            haste=haste if hurried and waits < 4_096 else None,
        )
        self._key_frame = False
        try:
            step = self._coder.step(hints)
        except PermissionNotGrantedError:
            return
        if step.resized is not None:
            session.resize_display(*step.resized, now)
        for update in step.updates:
            session.send_screen(update, now)

    def _send_patch(self, patch: HotPatch) -> None:
        now = self._network.now
        self._session.send_hot(patch, now)


class Technician:
    """Looks, and asks for a key frame where it cannot follow."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.view = HotView()
        self._asked_at = -10.0

    def take(self, event: Any) -> None:
        """Show what has come."""
        try:
            if isinstance(event, ev.ScreenArrived):
                self.view.apply(event.update)
            elif isinstance(event, ev.PatchArrived):
                self.view.show(event.patch)
        except MalformedMessageError:
            now = self._world.network.now
            if now >= self._asked_at + 2.5:
                self._asked_at = now
                self._world.technician_session().request_key_frame(now)

    def sees(self, screen: DrawnScreen) -> bool:
        """Whether this is the very picture that the customer has."""
        shown = self.view.framebuffer
        return (
            self.view.patches == 0
            and shown.shape == screen.pixels.shape
            and np.array_equal(shown[..., :3], screen.pixels[..., :3])
        )


def _area(rect: Rect) -> tuple[slice, slice]:
    return slice(rect.y, rect.bottom), slice(rect.x, rect.right)
