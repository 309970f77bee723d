"""The remote screen in the terminal, and the technician's way to reach into it.

While `control_enabled` is set and the view has the focus it consumes every key, also
those of priority bindings of the App (Ctrl+Q, Ctrl+P, Ctrl+C): Textual asks
`check_consume_key`. Keys in `local_keys` stay with the App, and `prefix_key` opens a
command mode for one key, which is posted as `PrefixKey`.
"""

from collections.abc import Callable, Iterable
from typing import ClassVar

from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from p2p_remote.input.pointer import PointerMap
from p2p_remote.screen.cursor import PointerShape
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.viewport import Viewport
from p2p_remote.terminal.capabilities import Capabilities
from p2p_remote.terminal.colors import ColorDepth, Pixels
from p2p_remote.terminal.picture import CellPicture
from p2p_remote.terminal.renderer import HALF_BLOCK, CellRenderer
from p2p_remote.tui.terminal_parser import RepeatedKey
from p2p_remote.tui.widgets.attention import Attention
from p2p_remote.tui.widgets.fast_strip import FastStrip
from p2p_remote.tui.widgets.frame_output import FrameOutput
from p2p_remote.tui.widgets.remote_input import RemoteInput
from p2p_remote.tui.widgets.remote_messages import (
    RemoteKey,
    RemoteText,
    ViewportChanged,
)
from p2p_remote.tui.widgets.remote_mouse import RemoteMouse

PAN_STEP = 8  # a step of panning is this fraction of the region
TYPING_MARGIN = 8  # what is typed stays this fraction of the region from its edges
WAITING = "waiting for the picture"
_TYPING = (RemoteText, RemoteKey)
_DEFAULT_CELL = (1, 2)  # width : height of a cell when the terminal does not tell


class KeyReleased(Message, bubble=False):
    """A key was let go; in the view's own queue, behind the presses."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key


class RemoteView(Widget, can_focus=True):
    """Shows a framebuffer that somebody else keeps, and posts what is done to it.

    Posts the messages of `p2p_remote.tui.widgets.remote_messages`. Without
    `control_enabled` the mouse moves and zooms the picture instead.
    """

    ALLOW_SELECT: ClassVar[bool] = False
    DEFAULT_CSS = """
    RemoteView {
        width: 1fr;
        height: 1fr;
        padding: 0;
        border: none;
    }
    """

    control_enabled: reactive[bool] = reactive(default=False, repaint=False)

    def __init__(
        self,
        *,
        renderer: CellRenderer = HALF_BLOCK,
        depth: ColorDepth = ColorDepth.TRUECOLOR,
        capabilities: Capabilities | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.input = RemoteInput()
        self.follows = True  # a zoomed picture goes with typing and the pointer
        self.picture = CellPicture(renderer, depth)
        self.picture.show_notice(WAITING)
        self.output = FrameOutput(self, self.picture)
        self.viewport: Viewport | None = None
        self._attention = Attention()
        self._capabilities = capabilities or Capabilities()
        self.mouse = RemoteMouse(self)

    # What the App calls

    def update_frame(self, framebuffer: Pixels, damage: list[Rect]) -> None:
        """Show what has changed in the framebuffer; it is read, never kept a copy of.

        Args:
            framebuffer: Shape (height, width, 4), BGRX; may be another one each time.
            damage: Changed rectangles in pixels.

        """
        before = self.output.frame
        self.output.frame = framebuffer
        if self.picture.notice == WAITING:
            self.picture.show_notice("")
        if before is None or before.shape != framebuffer.shape:
            self._new_display(framebuffer.shape[1], framebuffer.shape[0])
            return
        self.picture.damage(damage)
        size = (framebuffer.shape[1], framebuffer.shape[0])
        typed = self._attention.changed(damage, size, self.output.clock())
        if typed is None or not self._follow_typing(typed):
            self.output.flush()

    def update_pointer(
        self, x: int, y: int, shape: PointerShape | None = None, *, visible: bool = True
    ) -> None:
        """Show where the remote pointer is, in pixels of the framebuffer, and how."""
        if self.viewport is None:
            return
        before = self.picture.pointer
        if visible and before is not None and before != (x, y):
            self.attend(x, y)
        self.picture.move_pointer((x, y) if visible else None, shape)
        if visible and self.follow(x, y, margin=0):
            return
        self.output.flush()

    def show_stale(self, seconds: float | None) -> None:
        """Dim the picture and say how long none has come; None shows it plainly."""
        if self.output.frame is None:
            return
        text = "" if seconds is None else f"no picture for {int(seconds)} s"
        self.picture.show_notice(text)
        self.output.flush()

    def set_renderer(self, renderer: CellRenderer, depth: ColorDepth) -> None:
        """Draw with other characters or colours."""
        self.picture.renderer = renderer
        self.picture.depth = depth
        frame = self.output.frame
        if frame is not None:
            self.viewport = None
            self._new_display(frame.shape[1], frame.shape[0])

    def zoom_in(self) -> None:
        """Show less of the screen, larger."""
        self.change_viewport(Viewport.zoom_in)

    def zoom_out(self) -> None:
        """Show more of the screen, smaller."""
        self.change_viewport(Viewport.zoom_out)

    def fit(self) -> None:
        """Show the whole screen."""
        self.change_viewport(Viewport.fit)

    def one_to_one(self) -> None:
        """Show one remote pixel in one sub-pixel, where something goes on."""
        self._zoom_to_attention(Viewport.one_to_one)

    def next_zoom(self) -> None:
        """From the whole screen in steps to one to one, and back again.

        The place where somebody last clicked, moved the remote pointer or typed stays
        in view; before that, what has changed last, or the top left.
        """
        self._zoom_to_attention(Viewport.next_zoom)

    def _zoom_to_attention(self, zoom: Callable[[Viewport], None]) -> None:
        def change(viewport: Viewport) -> None:
            zoom(viewport)
            viewport.show(self._attention.place)

        self.change_viewport(change)

    def attend(self, x: int, y: int) -> None:
        """Somebody pointed at a pixel of the framebuffer."""
        self._attention.pointed(x, y)

    def _follow_typing(self, typed: Rect) -> bool:
        """Keep what is typed in view, with a margin; whether the picture moved."""
        viewport = self.viewport
        if viewport is None or viewport.region.contains(typed):
            return False
        region = viewport.region
        margin = min(region.width, region.height) // TYPING_MARGIN
        moved = self.follow(typed.x, typed.y, margin)
        # The caret is at this end, which counts where not all of it fits.
        return self.follow(typed.right - 1, typed.bottom - 1, margin) or moved

    def pan(self, across: int, down: int) -> None:
        """Move the region by steps of an eighth of its size."""
        if self.viewport is not None:
            region = self.viewport.region
            step = (region.width // PAN_STEP or 1, region.height // PAN_STEP or 1)
            self.viewport.pan(across * step[0], down * step[1])
            self.viewport_moved()

    # What the driver calls

    def terminal_answered(self) -> None:
        """The terminal has digested a frame."""
        self.output.answered()

    def terminal_restarted(self) -> None:
        """The terminal is ours again after a suspension."""
        self.output.restarted()

    def key_released(self, key: str, character: str | None) -> None:
        """A key was let go."""
        self.post_message(KeyReleased(key))

    # What Textual calls

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Whether bindings of the screen and the App must leave this key alone."""
        return self.input.consumes(key)

    def render_line(self, y: int) -> Strip:
        """One line of cells."""
        return self.render_lines(Region(0, y, self.size.width, 1))[0]

    def render_lines(self, crop: Region) -> list[Strip]:
        """Lines of cells; what is shown at this moment, copied."""
        shown = self.picture.shown
        right = min(crop.right, shown.columns)
        lines: list[Strip] = []
        for row in crop.line_range:
            if row < shown.rows and crop.x < right:
                cells = shown.part(crop.x, row, right, row + 1).copy()
                strip: Strip = FastStrip(cells, self.picture.depth)
                lines.append(strip.adjust_cell_length(crop.width))
            else:
                lines.append(Strip.blank(crop.width))
        return lines

    def watch_control_enabled(self, enabled: bool) -> None:  # noqa: FBT001
        """Let go of everything when control ends."""
        if not enabled:
            self._let_go()
        self.input.control_enabled = enabled
        if self.is_attached:
            self.screen.refresh_bindings()

    def _on_mount(self, event: events.Mount) -> None:
        self.output.attach()
        driver = self.output.driver
        if driver is not None:
            self._capabilities = driver.capabilities
            self.input.releases_reported = driver.capabilities.kitty_keyboard
            driver.listen(self)

    def _on_unmount(self) -> None:
        if self.output.driver is not None:
            self.output.driver.forget(self)

    def _on_resize(self, event: events.Resize) -> None:
        self.picture.resize(event.size.width, event.size.height)
        if self.viewport is not None:
            self.viewport.resize(*self._output_size())
            self._place()
        self.output.redraw()

    def _on_blur(self, event: events.Blur) -> None:
        self._let_go()

    def _let_go(self) -> None:
        """Nothing is held any more, here and on the remote side."""
        self.mouse.let_go()
        self.post_all(self.input.let_go())

    async def _on_key(self, event: events.Key) -> None:
        repeated = isinstance(event, RepeatedKey)
        messages = self.input.key(event.key, event.character, repeated=repeated)
        if messages is None:
            return
        event.stop()
        event.prevent_default()
        self.mouse.flush()
        if any(isinstance(message, _TYPING) for message in messages):
            self._attention.typed(self.output.clock())
        self.post_all(messages)

    def on_key_released(self, message: KeyReleased) -> None:
        """Tell the remote side of a key that was let go."""
        self.post_all(self.input.key_released(message.key))

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        self._attention.typed(self.output.clock())
        self.post_all(self.input.paste(event.text))

    async def _on_mouse_down(self, event: events.MouseDown) -> None:
        self.mouse.button(event, pressed=True)

    async def _on_mouse_up(self, event: events.MouseUp) -> None:
        self.mouse.button(event, pressed=False)

    def _on_mouse_move(self, event: events.MouseMove) -> None:
        self.mouse.move(event)

    def _on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.mouse.scroll(event, 0, -1)

    def _on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self.mouse.scroll(event, 0, 1)

    def _on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        self.mouse.scroll(event, -1, 0)

    def _on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        self.mouse.scroll(event, 1, 0)

    def post_all(self, messages: Iterable[Message]) -> None:
        """Post messages in their order."""
        for message in messages:
            self.post_message(message)

    # Viewport

    def follow(self, x: int, y: int, margin: int) -> bool:
        """Move the region so far that a pixel is in view; whether it moved."""
        viewport = self.viewport
        if viewport is None or viewport.is_fit or not self.follows:
            return False
        if not viewport.follow(x, y, margin):
            return False
        self.viewport_moved()
        return True

    def change_viewport(self, change: Callable[[Viewport], None]) -> None:
        """Zoom by one of the methods of the viewport and show the result."""
        if self.viewport is not None:
            change(self.viewport)
            self.viewport_moved()

    def _new_display(self, width: int, height: int) -> None:
        """The framebuffer has another size, or is the first."""
        if self.viewport is None:
            renderer = self.picture.renderer
            cell = self._capabilities.cell_pixels or _DEFAULT_CELL
            aspect = (cell[0] * renderer.sub_rows) / (cell[1] * renderer.sub_columns)
            self.viewport = Viewport(width, height, *self._output_size(), aspect)
        else:
            self.viewport.resize_display(width, height)
            self._attention = Attention()
        self.viewport_moved()

    def viewport_moved(self) -> None:
        """Show what the viewport says now."""
        self._place()
        self.output.flush()

    def _output_size(self) -> tuple[int, int]:
        """Sub-pixels of the view."""
        renderer, shown = self.picture.renderer, self.picture.shown
        return shown.columns * renderer.sub_columns, shown.rows * renderer.sub_rows

    def _place(self) -> None:
        """Put the region that the viewport shows on the cells."""
        if self.viewport is None:
            return
        region, place = self.viewport.region, self.viewport.placement
        renderer = self.picture.renderer
        self.picture.place(region, place)
        self.mouse.map = PointerMap(
            region,
            place,
            renderer.sub_columns,
            renderer.sub_rows,
            exact=self.output.driver is not None and self._capabilities.pixel_mouse,
        )
        self.post_message(ViewportChanged(region, place.width, place.height))
