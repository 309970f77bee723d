"""The map of two characters."""

import pytest

from p2p_remote.screen.viewport import Viewport
from p2p_remote.tui.widgets.part_shown import part_shown


@pytest.mark.parametrize(
    ("centre", "shown"),
    [((0, 0), "[⠛⠀]"), ((800, 480), "[⠀⣤]"), ((400, 240), "[⠰⠆]")],
)
def test_a_quarter_of_the_screen_sets_a_quarter_of_the_dots(centre, shown):
    """At the corners and in the middle."""
    view = Viewport(800, 480, 400, 240)
    view.one_to_one()
    view.center_on(*centre)
    assert part_shown(view) == shown


def test_a_small_part_still_sets_a_dot():
    """However small it is, and wherever it lies."""
    view = Viewport(8000, 4800, 80, 48)
    view.one_to_one()
    for centre, shown in (((0, 0), "[⠁⠀]"), ((8000, 4800), "[⠀⢀]")):
        view.center_on(*centre)
        assert part_shown(view) == shown
