"""Ways from a changed display to bytes: ours, and VNC servers on the same display."""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import simplejpeg

from p2p_remote.desktop.x11_screen import X11Screen
from p2p_remote.screen import vp8
from p2p_remote.screen.decoder import Decoder
from p2p_remote.services.screen_coder import Hints, ScreenCoder
from p2p_remote.session.permissions import Grants
from p2p_remote.wire.screen import SCREEN, ScreenUpdate
from tests.bench.bench_screen_stage import Picture
from tests.bench.rfb import HEXTILE, TIGHT, ZRLE, RfbClient, encodings
from tests.system.displays import Display, free_port

QUIET = 0.1  # s without an update after which a VNC server has sent everything
_START = 10.0  # s for a VNC server to listen, or for a change to show
ROOM = 1 << 24  # bytes; an update at a time may have any size


class Lane(Protocol):
    """One measured program. `settled` returns bytes and CPU seconds since `mark`.

    `error` is the mean square of what the viewer's picture lacks then; 0 is exact.
    """

    name: str
    error: float

    def mark(self) -> None: ...

    def settled(self, motion: tuple[int, int] | None) -> tuple[int, float]: ...

    def close(self) -> None: ...


def squared_error(one: Picture, two: Picture) -> float:
    """Mean square of the difference of two pictures, in steps of a colour."""
    if np.array_equal(one[:, :, :3], two[:, :, :3]):
        return 0.0
    differences = one[:, :, :3].astype(np.int32) - two[:, :, :3]
    return float(np.square(differences).mean())


class Ours:
    """X11Screen and ScreenCoder in this thread, every update decoded and compared."""

    def __init__(
        self,
        name: str,
        display: Display,
        rate: float | None,
        *,
        lossy: bool = False,
        takes_vp8: bool = False,
    ) -> None:
        self.name = name
        self._takes_vp8 = takes_vp8
        self._source = X11Screen(display.name)
        grants = Grants()
        grants.grant("view", float("inf"))
        self._coder = ScreenCoder(
            grants, self._source, lambda: X11Screen(display.name), time.monotonic
        )
        self._rate, self._lossy = rate, lossy
        self._decoder = Decoder(1 << 24, takes_vp8=takes_vp8)
        self.error = 0.0
        self.decode_seconds = 0.0

    def mark(self) -> None:
        """Nothing runs between the steps."""

    def settled(self, motion: tuple[int, int] | None) -> tuple[int, float]:
        """Send what differs; refinement is not part of an update."""
        size, seconds = 0, 0.0
        hints = Hints(
            ROOM,
            link_rate=self._rate,
            lossy=self._lossy,
            takes_vp8=self._takes_vp8,
            motion=motion,
        )
        while True:
            begin = time.thread_time()
            if self._coder.needs_change(None):
                self._coder.wait(_START)
            step = self._coder.step(hints)
            seconds += time.thread_time() - begin
            size += sum(len(SCREEN.encode(update)) for update in step.updates)
            self._follow(step.updates)
            if not self._coder._encoder.pending:
                break
        self.error = squared_error(
            self._decoder.framebuffer, self._source.capture().frame
        )
        if self.error and not self._lossy:
            raise SystemExit(f"{self.name}: the decoded picture differs")
        return size, seconds

    def _follow(self, updates: Sequence[ScreenUpdate]) -> None:
        begin = time.thread_time()
        for update in updates:
            self._decoder.apply(update)
        self.decode_seconds += time.thread_time() - begin

    def close(self) -> None:
        self._source.close()


class Vnc:
    """A VNC server in a process of its own, with one client."""

    def __init__(
        self,
        name: str,
        display: Display,
        wanted: tuple[int, ...],
        *,
        program: str = "X0tigervnc",
        rate: float | None = None,
        refreshes: bool = False,
    ) -> None:
        self.name = name
        self.error = 0.0
        self._refreshes = refreshes
        self._display = display
        port = free_port()
        options = ["-localhost", "-rfbport", str(port)]
        if program == "x11vnc":
            options += ["-nopw", "-forever", "-quiet", "-noipv6"]
        else:
            options += ["-SecurityTypes", "None"]
        self._server = subprocess.Popen(
            [program, "-display", display.name, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self.client = self._connect(port, wanted, rate)
        except BaseException:
            self._end()
            raise
        self._begin = 0.0

    @staticmethod
    def _connect(port: int, wanted: tuple[int, ...], rate: float | None) -> RfbClient:
        deadline = time.monotonic() + _START
        while True:
            try:
                return RfbClient(port, wanted, rate)
            except ConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def cpu(self) -> float:
        """Seconds that the server has run, of all its threads."""
        total = 0
        for task in Path(f"/proc/{self._server.pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def mark(self) -> None:
        self._begin = self.cpu()

    def settled(self, motion: tuple[int, int] | None) -> tuple[int, float]:
        """Read updates until none comes for a while.

        A server that `refreshes` sends its JPEG pictures again, in many small pieces
        that get better; like refinement of ours, that does not count. So of such a
        server only the largest update of a step does, with the time until then.
        """
        size, seconds = 0, self.cpu()
        pictures: list[tuple[int, int, bytes]] = []
        while got := self.client.update(QUIET):
            if not self._refreshes:
                size, seconds = size + got, self.cpu()
            elif got > size:
                size, seconds, pictures = got, self.cpu(), self.client.pictures
        self.error = self._judged(pictures)
        return size, seconds - self._begin

    def _judged(self, pictures: list[tuple[int, int, bytes]]) -> float:
        """Error of the JPEG pictures, over the whole screen."""
        if not pictures:
            return 0.0
        source = X11Screen(self._display.name)
        frame = source.capture().frame
        source.close()
        shown = frame.copy()
        for x, y, data in pictures:
            picture = simplejpeg.decode_jpeg(data, colorspace="BGRX")
            height, width = picture.shape[:2]
            shown[y : y + height, x : x + width] = picture
        return squared_error(shown, frame)

    def close(self) -> None:
        self.client.close()
        self._end()

    def _end(self) -> None:
        self._server.terminate()
        try:
            self._server.wait(3.0)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()


FAST, SLOW, PHOTO = "ours, fast line", "ours, thin line", "ours, JPEG 70"
TIGHT_LANE, JPEG_LANE = "x0 Tight", "x0 Tight q5"
THIN = 250_000.0  # bytes/s
FILM_JPEG, FILM_VP8 = "ours, JPEG", "ours, VP8"
_MIDDLE = 1_500_000.0  # bytes/s: JPEG at its usual quality


def open_lanes(display: Display, *, all_rivals: bool) -> list[Lane]:
    """Every way, in the order of the table."""
    lanes: list[Lane] = [
        Ours(FAST, display, None),
        Ours(SLOW, display, THIN),
        Ours(PHOTO, display, _MIDDLE, lossy=True),
        Vnc(TIGHT_LANE, display, encodings(TIGHT)),
        Vnc(JPEG_LANE, display, encodings(TIGHT, 5), refreshes=True),
    ]
    if all_rivals:
        lanes += [
            Vnc("x0 ZRLE", display, encodings(ZRLE)),
            Vnc("x0 Hextile", display, encodings(HEXTILE)),
            Vnc("x11vnc Tight", display, encodings(TIGHT), program="x11vnc"),
        ]
    return lanes


def film_lanes(display: Display) -> list[Lane]:
    """Ways of a film over a line of 2 Mbit/s."""
    lanes: list[Lane] = [Ours(FILM_JPEG, display, THIN, lossy=True)]
    if vp8.available():
        lanes.append(Ours(FILM_VP8, display, THIN, lossy=True, takes_vp8=True))
    return lanes
