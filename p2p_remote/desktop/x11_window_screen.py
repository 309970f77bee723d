"""Single windows of an X11 display: everything else of the picture is grey."""

import contextlib
import struct
import threading
from collections.abc import Iterable
from typing import Final

import numpy as np

from p2p_remote.desktop.base import PointerState
from p2p_remote.desktop.blank import GREY
from p2p_remote.desktop.selection import SelectionGoneError
from p2p_remote.desktop.x11_connection import (
    CONFIGURE_NOTIFY,
    X11Connection,
    X11Error,
    request,
)
from p2p_remote.desktop.x11_damage import MAX_RECTANGLES, joined
from p2p_remote.desktop.x11_source import EVENT_MASK, STRUCTURE_NOTIFY, X11Source
from p2p_remote.desktop.x11_window_layer import WindowLayer, start_composite
from p2p_remote.desktop.x11_windows import X11Windows
from p2p_remote.screen.geometry import Rect, clipped

_SUBSTRUCTURE_NOTIFY: Final = 1 << 19
_DESTROY, _UNMAP, _MAP, _REPARENT, _CIRCULATE = 17, 18, 19, 21, 26
_TREE_EVENTS: Final = frozenset({_DESTROY, _UNMAP, _MAP, _REPARENT})
_PLACE_EVENTS: Final = frozenset({_CIRCULATE, CONFIGURE_NOTIFY})
_POINTER_FOCUS: Final = (0, 1)  # no focus, or where the pointer is


class X11WindowScreen(X11Source):
    """The windows of these numbers with their dialogs and menus.

    The picture has the size of the display and the windows lie in it where they are,
    also where others cover them. Raises SelectionGoneError when none of them is there,
    MissingCapabilityError where the server lacks Composite, and what X11Source raises.
    """

    def __init__(self, windows: frozenset[int], display: str | None = None) -> None:
        self._chosen = windows
        self._layers: list[WindowLayer] = []  # the lowest first
        self._shared: frozenset[int] = frozenset()  # top-level windows
        self._is_tree_new = True  # windows may have come, gone, or changed hands
        self._are_places_new = True  # of shared windows, or their order
        self._family: set[int] = set()
        self._hidden: set[int] = set()  # since the layers were brought up to date
        self._guard: X11Connection | None = None
        self._guard_lock = threading.Lock()
        super().__init__(display)

    @property
    def remaining(self) -> frozenset[int]:
        """Numbers of the chosen windows that have not been closed since the start.

        The server gives the number of a closed window to another one, soon.
        """
        return self._chosen

    @property
    def titles(self) -> tuple[str, ...]:
        """Titles of the chosen windows, as they were at the start."""
        return self._titles

    def close(self) -> None:
        """End both connections. Any thread."""
        with self._guard_lock:
            if self._guard is not None:
                self._guard.close()
        super().close()

    # Asked by the injecting thread, on a connection of its own.

    def locate(self, x: int, y: int) -> tuple[int, int] | None:
        """Return the position if what lies on top there is shared."""
        with self._guard_lock:
            guard = self._asking()
            root = guard.root
            answer = guard.call(  # TranslateCoordinates
                request(40, 0, struct.pack("<IIhh", root, root, x, y))
            )
        (top,) = struct.unpack_from("<I", answer, 8)
        return (x, y) if top in self._shared else None

    def takes_keys(self) -> bool:
        """Whether the focus is in a shared window, or the pointer if that decides."""
        with self._guard_lock:
            guard = self._asking()
            answer = guard.call(request(43, 0))  # GetInputFocus
            (focus,) = struct.unpack_from("<I", answer, 8)
            if focus in (*_POINTER_FOCUS, guard.root):
                answer = guard.call(request(38, 0, struct.pack("<I", guard.root)))
                top: int | None = struct.unpack_from("<I", answer, 12)[0]
            else:
                top = X11Windows(guard).top_level(focus)
        return top in self._shared

    def _asking(self) -> X11Connection:
        if self._guard is None:
            self._guard = X11Connection(self._connection.display)
        return self._guard

    # The picture.

    def _open(self) -> None:
        connection = self._connection
        self._composite = start_composite(connection)
        self._windows = X11Windows(connection)
        self._listen(STRUCTURE_NOTIFY | _SUBSTRUCTURE_NOTIFY)
        self._chosen = frozenset(one for one in self._chosen if self._watch(one))
        self._present = self._chosen
        if not self._present:
            raise SelectionGoneError("The windows that were shared are closed.")
        self._titles = tuple(
            self._windows.title(window) for window in sorted(self._present)
        )
        self._canvas = np.full((self.height, self.width, 4), GREY, np.uint8)
        self._frame = self._canvas.view()
        self._frame.flags.writeable = False
        self._update_layers()
        self._is_first = True

    def _note(self, event: bytes) -> bool:
        kind = event[0]
        if kind in _TREE_EVENTS or kind in _PLACE_EVENTS:
            (window,) = struct.unpack_from("<I", event, 8)
            # Where others are does not change the picture.
            if kind in _PLACE_EVENTS and window not in self._shared:
                return False
            self._are_places_new = True
            self._is_tree_new |= kind in _TREE_EVENTS
            if kind == _DESTROY:
                self._chosen -= {window}
            if kind == _UNMAP:
                self._hidden.add(window)
            return True
        return any(layer.is_notice(event) for layer in self._layers)

    def _sort_events(self, events: Iterable[bytes]) -> bool:
        found = super()._sort_events(events)
        if self._is_tree_new and not self._resized:
            # Another set of windows has other names, which have to be told.
            self._chosen = self._find_present()
            self._resized |= self._chosen != self._present
        return found or self._resized

    def _refresh(self) -> list[Rect]:
        if not self._changed:
            return []
        self._changed = False
        for layer in self._layers:
            layer.collect()
        # What a change of the windows has brought about is told before its damage, so
        # now it is known whether what was collected is what a window has drawn.
        self._sort_events(self._connection.events())
        self._changed &= self._are_places_new
        damage = self._update_layers() if self._are_places_new else []
        for layer in self._layers:
            damage += layer.refresh()
        whole = Rect(0, 0, self.width, self.height)
        if self._is_first:
            self._is_first, damage = False, [whole]
        damage = joined(sorted(clipped(damage, whole), key=_by_row), MAX_RECTANGLES)
        for area in damage:
            self._compose(area)
        return damage

    def _see_pointer(self) -> PointerState:
        """Return where the pointer is; over what is not shared it is not shown."""
        seen = self._pointer.state(self._area)
        place = Rect(seen.x, seen.y, 1, 1)
        over = any(layer.area.intersects(place) for layer in self._layers)
        if over:
            return seen
        return PointerState(0, 0, visible=False, shape_serial=seen.shape_serial)

    def _watch(self, window: int) -> bool:
        """Hear of the end of a chosen window; False if it is gone already."""
        mask = struct.pack("<III", window, EVENT_MASK, STRUCTURE_NOTIFY)
        try:
            self._connection.check(request(2, 0, mask))  # ChangeWindowAttributes
        except X11Error:
            return False
        return True

    def _find_present(self) -> frozenset[int]:
        return frozenset(
            window for window in self._chosen if self._windows.attributes(window)
        )

    def _update_layers(self) -> list[Rect]:
        """Follow the windows; return where the picture is another one now."""
        self._are_places_new = False
        if self._is_tree_new:
            self._is_tree_new = False
            self._family = self._windows.family(self._present)
        before = {layer.window: layer for layer in self._layers}
        order = list(before)
        damage: list[Rect] = []
        for window in self._hidden & before.keys():
            # Shown again, it has other memory, in which it has drawn nothing yet.
            damage.append(before[window].area)
            before.pop(window).close()
        self._hidden.clear()
        self._layers = []
        for window in self._windows.stack():
            if window in self._family:
                layer = self._follow(window, before.pop(window, None), damage)
                if layer is not None:
                    self._layers.append(layer)
        for gone in before.values():
            damage.append(gone.area)
            gone.close()
        if [layer.window for layer in self._layers] != order:
            damage += [layer.area for layer in self._layers]
        self._shared = frozenset(layer.window for layer in self._layers)
        return damage

    def _follow(
        self, window: int, layer: WindowLayer | None, damage: list[Rect]
    ) -> WindowLayer | None:
        """Return the layer of a window as it is now, None when it shows nothing."""
        area = None
        attributes = self._windows.attributes(window)
        if attributes and attributes.is_viewable and attributes.has_pixels:
            with contextlib.suppress(X11Error):
                area = self._windows.area(window)
        try:
            if layer is not None and area is not None and area != layer.area:
                damage += [layer.area, area]
                layer.fit(area)
            elif layer is None and area:
                layer = WindowLayer(self._connection, self._composite, window, area)
                damage.append(area)
            if area:
                return layer
        except X11Error:  # it closes, or changes again, at this moment
            self._is_tree_new = self._are_places_new = True
        if layer is not None:
            damage.append(layer.area)
            layer.close()
        return None

    def _compose(self, area: Rect) -> None:
        """Paint an area anew: grey, then the windows from the lowest up."""
        self._canvas[area.y : area.bottom, area.x : area.right, :3] = GREY
        for layer in self._layers:
            part = layer.area.intersection(area)
            if part:
                own = part.moved(-layer.area.x, -layer.area.y)
                self._canvas[part.y : part.bottom, part.x : part.right, :3] = (
                    layer.pixels[own.y : own.bottom, own.x : own.right, :3]
                )


def _by_row(area: Rect) -> tuple[int, int]:
    return area.y, area.x
