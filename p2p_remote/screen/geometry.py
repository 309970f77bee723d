"""Rectangles in pixels: half-open, x to the right, y down."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Rect:
    """Pixels with `x <= column < x + width` and `y <= row < y + height`.

    A width or height of 0 or less is an empty rectangle.
    """

    x: int
    y: int
    width: int
    height: int

    @classmethod
    def from_edges(cls, left: int, top: int, right: int, bottom: int) -> "Rect":
        """Rectangle between edges; right and bottom are excluded."""
        return cls(left, top, right - left, bottom - top)

    @property
    def right(self) -> int:
        """First column beyond the rectangle."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """First row beyond the rectangle."""
        return self.y + self.height

    @property
    def area(self) -> int:
        """Pixels inside."""
        return self.width * self.height if self else 0

    def __bool__(self) -> bool:
        """Whether any pixel is inside."""
        return self.width > 0 and self.height > 0

    def intersection(self, other: "Rect") -> "Rect":
        """Common part, possibly empty."""
        return Rect.from_edges(
            max(self.x, other.x),
            max(self.y, other.y),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )

    def intersects(self, other: "Rect") -> bool:
        """Whether a pixel lies in both."""
        return bool(self.intersection(other))

    def contains(self, other: "Rect") -> bool:
        """Whether every pixel of `other` lies in this rectangle."""
        return not other or (
            self.x <= other.x
            and self.y <= other.y
            and other.right <= self.right
            and other.bottom <= self.bottom
        )

    def union(self, other: "Rect") -> "Rect":
        """Smallest rectangle around both; empty ones do not count."""
        if not self:
            return other
        if not other:
            return self
        return Rect.from_edges(
            min(self.x, other.x),
            min(self.y, other.y),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def moved(self, dx: int, dy: int) -> "Rect":
        """The same rectangle elsewhere."""
        return Rect(self.x + dx, self.y + dy, self.width, self.height)

    def distance(self, other: "Rect") -> int:
        """Gap in pixels (larger of the two axes); 0 when touching or overlapping."""
        return max(
            self.x - other.right,
            other.x - self.right,
            self.y - other.bottom,
            other.y - self.bottom,
            0,
        )


def bounding(rectangles: Iterable[Rect]) -> Rect:
    """Smallest rectangle around all; empty when there are none."""
    box = Rect(0, 0, 0, 0)
    for rectangle in rectangles:
        box = box.union(rectangle)
    return box


def clipped(rectangles: Iterable[Rect], bounds: Rect) -> list[Rect]:
    """Non-empty parts of `rectangles` inside `bounds`."""
    parts = (rectangle.intersection(bounds) for rectangle in rectangles)
    return [part for part in parts if part]


def merged(rectangles: Iterable[Rect], limit: int) -> list[Rect]:
    """At most `limit` rectangles that cover the given ones.

    Neighbours in reading order are joined, in groups of equal number.
    """
    ordered = sorted(
        (rectangle for rectangle in rectangles if rectangle),
        key=lambda rectangle: (rectangle.y, rectangle.x),
    )
    step = -(-len(ordered) // max(limit, 1))
    if step <= 1:
        return ordered
    return [
        bounding(ordered[start : start + step])
        for start in range(0, len(ordered), step)
    ]
