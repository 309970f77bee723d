"""The customer's pointer as the technician's side knows it."""

import logging
from typing import TYPE_CHECKING

from p2p_remote.errors import MalformedMessageError
from p2p_remote.services import events as se
from p2p_remote.wire.screen import CursorPosition, CursorShape

if TYPE_CHECKING:
    from p2p_remote.screen.cursor import PointerShape

_LOG = logging.getLogger(__name__)


class RemotePointer:
    """Puts together what comes apart: where the pointer is, and what it looks like."""

    def __init__(self) -> None:
        """Nowhere, and of no known shape."""
        self._place = CursorPosition(0, 0, 0)
        self._shape: PointerShape | None = None

    def take(self, cursor: CursorPosition | CursorShape) -> se.Pointer:
        """Take news of it; a shape that cannot be read leaves it without one."""
        if isinstance(cursor, CursorPosition):
            self._place = cursor
        else:
            # It brings arrays, which are not needed before there is a picture.
            from p2p_remote.screen.cursor import unpack_shape

            try:
                self._shape = unpack_shape(cursor)
            except MalformedMessageError as error:
                _LOG.info("the pointer has no shape: %s", error)
                self._shape = None
        place = self._place
        return se.Pointer(place.x, place.y, bool(place.visible), self._shape)
