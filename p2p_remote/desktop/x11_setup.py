"""What an X11 server says of itself when a connection begins."""

import struct
from dataclasses import dataclass

from p2p_remote.errors import MissingCapabilityError


@dataclass(frozen=True, slots=True)
class Setup:
    """What the server says of itself and of the default screen."""

    resource_base: int
    resource_mask: int
    least_significant_first: bool
    min_keycode: int
    max_keycode: int
    root: int
    width: int
    height: int
    depth: int
    bits_per_pixel: int
    masks: tuple[int, int, int]  # red, green, blue

    @property
    def is_bgrx(self) -> bool:
        """Whether the server's images are rows of BGRX bytes."""
        return (
            self.least_significant_first
            and self.bits_per_pixel == 32
            and self.masks == (0xFF0000, 0xFF00, 0xFF)
        )


def parse_setup(data: bytes, screen_number: int) -> Setup:
    """Read the server's first answer, for the screen with that number.

    Raises MissingCapabilityError when the display has no screen.
    """
    base, mask = struct.unpack_from("<II", data, 12)
    (vendor,) = struct.unpack_from("<H", data, 24)
    screens, formats, byte_order = data[28], data[29], data[30]
    min_keycode, max_keycode = data[34], data[35]
    offset = 40 + vendor + -vendor % 4
    bits = {
        data[place]: data[place + 1] for place in range(offset, offset + 8 * formats, 8)
    }
    offset += 8 * formats
    for number in range(screens):
        root = struct.unpack_from("<I", data, offset)[0]
        width, height = struct.unpack_from("<HH", data, offset + 20)
        depth, masks, offset = _parse_visuals(data, offset)
        if number == min(screen_number, screens - 1):
            return Setup(
                resource_base=base,
                resource_mask=mask,
                least_significant_first=byte_order == 0,
                min_keycode=min_keycode,
                max_keycode=max_keycode,
                root=root,
                width=width,
                height=height,
                depth=depth,
                bits_per_pixel=bits.get(depth, 0),
                masks=masks,
            )
    raise MissingCapabilityError("The display has no screen.")


def _parse_visuals(data: bytes, offset: int) -> tuple[int, tuple[int, int, int], int]:
    """Return depth and masks of a screen's root, and where the next screen starts."""
    (root_visual,) = struct.unpack_from("<I", data, offset + 32)
    root_depth, depths = data[offset + 38], data[offset + 39]
    offset += 40
    masks = (0, 0, 0)
    for _ in range(depths):
        (visuals,) = struct.unpack_from("<H", data, offset + 2)
        offset += 8
        for place in range(offset, offset + 24 * visuals, 24):
            identity, red, green, blue = struct.unpack_from("<I4xIII", data, place)
            if identity == root_visual:
                masks = (red, green, blue)
        offset += 24 * visuals
    return root_depth, masks, offset
