"""The mouse on a remote view: for the remote side, else for the picture."""

from typing import TYPE_CHECKING

from textual import events
from textual.timer import Timer

from p2p_remote.input.pointer import PointerMap
from p2p_remote.screen.viewport import Viewport

if TYPE_CHECKING:
    from p2p_remote.tui.widgets.remote_view import RemoteView

MOVE_INTERVAL = 1 / 60  # s between two pointer moves on the wire
EDGE_CELLS = 2  # so near to the edge of the view the mouse moves a zoomed picture


class RemoteMouse:
    """Turns mouse events of `view` into messages, or into panning and zooming.

    Moves are merged: at most one each `MOVE_INTERVAL`. Whatever else is sent comes
    after the last move, so a click is where the mouse was.
    """

    def __init__(self, view: "RemoteView") -> None:
        self.map: PointerMap | None = None
        self._view = view
        self._waiting: tuple[int, int] | None = None
        self._timer: Timer | None = None
        self._drag_from: tuple[float, float] | None = None

    def button(self, event: events.MouseEvent, *, pressed: bool) -> None:
        """A button on the picture; outside of it only its release counts."""
        event.stop()
        view = self._view
        if self.map is None:
            return
        x, y = _position(event)
        if pressed:
            if not self.map.contains(x, y):
                return
            view.attend(*self.map.to_remote(x, y))
        if view.control_enabled:
            self.flush()
            position = self.map.to_remote(x, y)
            view.post_all(view.input.button(position, event.button, pressed=pressed))
            self._hold(held=view.input.buttons != 0)
        else:
            self._drag_from = (x, y) if pressed else None
            self._hold(held=pressed)

    def move(self, event: events.MouseEvent) -> None:
        """A move, with or without a button."""
        if self._drag_from is not None:
            self._drag(event)
            return
        held = self._view.input.buttons != 0
        if self.map is not None and (held or self.map.contains(*_position(event))):
            self._waiting = self.map.to_remote(*_position(event))
            if self._timer is None:
                self._send()

    def scroll(self, event: events.MouseEvent, dx: int, dy: int) -> None:
        """The wheel: for the remote side, or zoom without control."""
        event.stop()
        event.prevent_default()
        view = self._view
        if self.map is None or not self.map.contains(*_position(event)):
            return
        position = self.map.to_remote(*_position(event))
        if view.control_enabled:
            self.flush()
            view.post_all(view.input.scrolled(position, dx, dy))
        elif dy and view.viewport is not None:
            if dy < 0:
                view.viewport.center_on(*position)
            view.change_viewport(Viewport.zoom_in if dy < 0 else Viewport.zoom_out)

    def flush(self) -> None:
        """Send the position that waits, before something else is sent."""
        position, self._waiting = self._waiting, None
        view = self._view
        if position is None or not view.control_enabled:
            return
        view.post_all(view.input.moved(position))
        if view.viewport is not None:
            cells = EDGE_CELLS * view.picture.renderer.sub_columns
            view.follow(*position, margin=round(cells * view.viewport.zoom))

    def let_go(self) -> None:
        """Forget what is under way: focus or control is lost."""
        self._waiting = None
        self._drag_from = None
        self._hold(held=False)

    def _send(self) -> None:
        """Send the newest position, at most every `MOVE_INTERVAL`."""
        self._timer = None
        if self._waiting is not None:
            self.flush()
            self._timer = self._view.set_timer(MOVE_INTERVAL, self._send)

    def _drag(self, event: events.MouseEvent) -> None:
        """Move the picture with the mouse."""
        viewport = self._view.viewport
        if self._drag_from is None or self.map is None or viewport is None:
            return
        before = self.map.to_remote(*self._drag_from)
        after = self.map.to_remote(*_position(event))
        if before != after:
            self._drag_from = _position(event)
            viewport.pan(before[0] - after[0], before[1] - after[1])
            self._view.viewport_moved()

    def _hold(self, *, held: bool) -> None:
        """Get all moves while a button is down, also from beside the view."""
        if held:
            self._view.capture_mouse()
        elif self._view.is_attached and self._view.app.mouse_captured is self._view:
            self._view.release_mouse()


def _position(event: events.MouseEvent) -> tuple[float, float]:
    """Where the mouse is in the view, in cells."""
    return event.pointer_x, event.pointer_y
