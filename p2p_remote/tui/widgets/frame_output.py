"""Brings changed cells of a picture to the terminal, directly or through Textual.

Directly means: the escape codes of the changed cells, at once, past the compositor.
Where another widget lies over the view, or another screen over its screen, or where the
driver is not ours, Textual redraws the lines. Both ways end in the same cells.
"""

import time
from collections.abc import Callable

from textual.geometry import Region
from textual.timer import Timer
from textual.widget import Widget

from p2p_remote.screen.geometry import Rect
from p2p_remote.terminal.cells import Cells
from p2p_remote.terminal.colors import Pixels
from p2p_remote.terminal.encoder import encode_diff, wrap_update
from p2p_remote.terminal.frame_gate import FrameGate
from p2p_remote.terminal.picture import CellPicture
from p2p_remote.tui.frame_driver import ASK_FOR_SIGN, FrameDriver


class FrameOutput:
    """Draws `picture` in the place of `view`; frames pass a gate, the newest counts.

    `clock` is monotonic, seconds; answers of the terminal are waited for by it.
    """

    def __init__(
        self,
        view: Widget,
        picture: CellPicture,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.frame: Pixels | None = None
        self.gate = FrameGate()
        self.driver: FrameDriver | None = None
        self.clock = clock
        self._view = view
        self._picture = picture
        self._timer: Timer | None = None

    def attach(self) -> None:
        """Find out whether the driver of the App is one of ours."""
        # Textual has no public way to its driver.
        driver: object = self._view.app._driver  # noqa: SLF001
        self.driver = driver if isinstance(driver, FrameDriver) else None

    def flush(self) -> None:
        """Draw what is out of date, or leave it for the next answer of the terminal."""
        if not self._picture.has_dirty or not self._view.is_attached:
            return
        if self.driver is None:
            self._refresh(self._paint())
            return
        now = self.clock()
        if not self.gate.may_send(now):
            self._try_again(now)
            return
        covered = self._regions_in_front()
        direct: list[tuple[Rect, Cells]] = []
        composed: list[tuple[Rect, Cells]] = []
        for rectangle, cells in self._paint():
            area = self._on_screen(rectangle)
            hidden = any(area.overlaps(region) for region in covered)
            (composed if hidden else direct).append((rectangle, cells))
        if direct:
            self._write(direct, now)
        if composed:
            self._refresh(composed)
            self.gate.frame_sent(now)
            self._view.call_after_refresh(self._ask)

    def redraw(self) -> None:
        """Bring everything up to date and have Textual draw the whole view."""
        self._assign(self._paint())
        self._view.refresh()

    def answered(self) -> None:
        """The terminal has digested a frame: the next one may go."""
        self.gate.answer_received(self.clock())
        self.flush()

    def restarted(self) -> None:
        """Questions asked before a suspension are not answered any more."""
        self.gate = FrameGate()
        self.flush()

    def _paint(self) -> list[tuple[Rect, Cells]]:
        return self._picture.paint(self.frame)

    def _assign(self, painted: list[tuple[Rect, Cells]]) -> None:
        """Note what is shown from now on."""
        for area, cells in painted:
            self._shown(area).assign(cells)

    def _shown(self, area: Rect) -> Cells:
        return self._picture.shown.part(area.x, area.y, area.right, area.bottom)

    def _write(self, painted: list[tuple[Rect, Cells]], now: float) -> None:
        """Write the difference to what is shown, with a question at its end."""
        if self.driver is None:
            return
        pieces: list[str] = []
        for area, cells in painted:
            place = self._on_screen(area)
            pieces.append(
                encode_diff(
                    self._shown(area), cells, self._picture.depth, (place.x, place.y)
                )
            )
        self._assign(painted)
        body = "".join(pieces)
        if body:
            sync = self.driver.capabilities.sync
            self.driver.write_now(wrap_update(body, sync=sync, report=ASK_FOR_SIGN))
            self.gate.frame_sent(now)

    def _refresh(self, painted: list[tuple[Rect, Cells]]) -> None:
        """Have Textual draw the lines."""
        self._assign(painted)
        self._view.refresh(
            *(
                Region(area.x, area.y, area.width, area.height)
                for area, _cells in painted
            )
        )

    def _ask(self) -> None:
        """Ask for a sign behind what Textual has just drawn."""
        if self.driver is not None:
            self.driver.write_now(wrap_update("", sync=False, report=ASK_FOR_SIGN))

    def _try_again(self, now: float) -> None:
        """Should no answer come, go on after a while."""
        due = self.gate.next_timer()
        if due is None or self._timer is not None:
            return

        def go_on() -> None:
            self._timer = None
            self.flush()

        self._timer = self._view.set_timer(max(due - now, 0.01), go_on)

    def _on_screen(self, area: Rect) -> Region:
        """Cells of the terminal that an area of the view covers."""
        place = self._view.region
        return Region(place.x + area.x, place.y + area.y, area.width, area.height)

    def _regions_in_front(self) -> list[Region]:
        """Regions of the terminal that must be left to Textual."""
        everything = [Region(0, 0, 1 << 20, 1 << 20)]
        screen, app = self._view.screen, self._view.app
        size, shown = self._view.region.size, self._picture.shown
        if app.screen is not screen or app._batch_count:  # noqa: SLF001
            return everything
        if size != (shown.columns, shown.rows):
            return everything  # a new size is on its way
        regions: list[Region] = []
        # In the order of drawing, the one in front first.
        widgets = screen._compositor.visible_widgets  # noqa: SLF001
        for widget, (region, clip) in widgets.items():
            if widget is self._view:
                return regions if clip.contains_region(region) else everything
            regions.append(region.intersection(clip))
        return everything
