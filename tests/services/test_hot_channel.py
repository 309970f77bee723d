"""Hot patches beside the stream of updates: ahead of it, and gone in time."""

from collections.abc import Callable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.screen.geometry import Rect
from tests.support.drawn_screen import DrawnScreen
from tests.support.screen_link import PLENTY, Race

WIDTH, HEIGHT = 320, 200
VIDEO = Rect(16, 16, 128, 96)
LINE = Rect(160, 150, 8, 14)  # first letter of a line of text
LITTLE = 400  # bytes of room


def started(*, tells_damage: bool = True) -> Race:
    """A couple that shows the same, with plenty under way so far."""
    race = Race(DrawnScreen(WIDTH, HEIGHT))
    race.screen.tells_damage = tells_damage
    race.screen.paint(Rect(0, 0, WIDTH, HEIGHT), noise(9, WIDTH, HEIGHT) // 128 * 90)
    race.settle()
    assert race.shows_screen()
    return race


def noise(
    seed: int, width: int, height: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (height, width, 4), np.uint8)


def letter(race: Race, number: int) -> Rect:
    """Type a letter of its own; there are 14 places for them."""
    rect = LINE.moved(10 * (number % 14), 0)
    race.screen.paint(rect, noise(number, rect.width, rect.height))
    return rect


def is_right(race: Race, rect: Rect) -> bool:
    area = slice(rect.y, rect.bottom), slice(rect.x, rect.right), slice(0, 3)
    return np.array_equal(race.view.framebuffer[area], race.screen.pixels[area])


def test_a_letter_passes_a_stream_that_waits() -> None:
    """It is right as soon as the patch is there, and right when the patch is gone."""
    race = started()
    race.screen.paint(VIDEO, noise(1, VIDEO.width, VIDEO.height))
    race.step(hurry=False)
    rect = letter(race, 0)
    race.step(room=0)
    assert not is_right(race, rect)
    race.deliver_patches()
    assert is_right(race, rect)
    race.step()
    race.deliver_updates()
    assert race.shows_screen()


def test_letters_one_after_the_other_stay() -> None:
    """A patch does not take away an earlier one that the stream has not brought yet."""
    race = started()
    rects = []
    for number in range(6):
        race.screen.paint(VIDEO, noise(number, VIDEO.width, VIDEO.height))
        rects.append(letter(race, number))
        race.step(room=LITTLE)
        race.deliver_patches()
        assert all(is_right(race, rect) for rect in rects)


def test_what_came_back_before_it_was_sent_leaves_no_patch() -> None:
    """A caret that blinked twice while the line was full: no update has it."""
    race = started()
    before = race.screen.pixels[LINE.y : LINE.bottom, LINE.x : LINE.right].copy()
    race.screen.paint(LINE, 255)
    race.step(room=0)
    race.screen.paint(LINE, before)
    race.settle()
    assert race.patches_made == 1
    assert race.shows_screen()


def test_a_running_video_is_not_taken_for_an_answer() -> None:
    """Once it has run for a while patches have what is typed and nothing else."""
    race = started()
    rect = LINE
    for number in range(40):
        race.now += 0.03
        race.screen.paint(VIDEO, noise(number, VIDEO.width, VIDEO.height))
        if number >= 20:
            rect = letter(race, number)
        made = race.patches_made
        race.patches.clear()
        race.step(room=LITTLE)
        if number >= 20:
            assert race.patches_made == made + 1
            assert len(race.patches[0]) < 3 * rect.area + 100
        elif number >= 10:
            assert race.patches_made == made


def test_without_damage_a_letter_is_found_as_well() -> None:
    """Where the system does not tell what changed."""
    race = started(tells_damage=False)
    rect = letter(race, 0)
    race.step(room=0)
    race.deliver_patches()
    assert is_right(race, rect)
    race.settle()
    assert race.shows_screen()


def test_a_line_without_waiting_updates_gets_no_patch() -> None:
    """Nothing is sent twice where it does not help."""
    race = started()
    letter(race, 0)
    race.step(hurry=False)
    assert race.patches_made == 0


def test_nothing_outside_of_the_view_is_patched() -> None:
    """What the technician does not look at is not sent early either."""
    race = started()
    letter(race, 0)
    race.step(room=0, view=Rect(0, 0, 100, 100))
    assert race.patches_made == 0


def test_pixels_never_go_back_in_time() -> None:
    """With patches at once and updates as late as can be, only newer pixels come."""
    race = Race(DrawnScreen(WIDTH, HEIGHT))
    race.settle()
    random = np.random.default_rng(5)
    before = race.view.framebuffer[..., 0].copy()
    for number in range(1, 120):
        x, y, width, height = random.integers(0, (280, 160, 40, 40)).tolist()
        race.screen.paint(Rect(x, y, width + 1, height + 1), number)
        room = [0, 0, LITTLE, PLENTY][int(random.integers(4))]
        race.step(room=room, focus=Rect(x, y, 60, 60))
        race.deliver_patches()
        race.deliver_updates(int(random.integers(3)))
        shown = race.view.framebuffer[..., 0]
        assert (shown >= before).all()
        before = shown.copy()
    race.settle()
    assert race.patches_made > 20
    assert race.shows_screen()


PLACES = st.builds(
    Rect,
    st.integers(0, 250),
    st.integers(0, 150),
    st.integers(1, 120),
    st.integers(1, 60),
)
ACTIONS: dict[str, Callable[[Race, Rect, int], object]] = {
    "paint": lambda race, rect, seed: race.screen.paint(
        rect,
        noise(seed, WIDTH, HEIGHT)[: rect.height, : rect.width]
        if rect.right <= WIDTH and rect.bottom <= HEIGHT and race.screen.width == WIDTH
        else seed,
    ),
    "type": lambda race, _, seed: letter(race, seed),
    "look": lambda race, rect, _: race.step(room=0, focus=rect),
    "little": lambda race, rect, _: race.step(room=LITTLE, focus=rect),
    "much": lambda race, _, seed: race.step(hurry=seed % 2 == 0),
    "key frame": lambda race, _, seed: race.step(
        room=seed % 2 * LITTLE, key_frame=True
    ),
    "view": lambda race, rect, _: race.step(room=LITTLE, view=rect),
    "lossy": lambda race, *_: race.step(room=LITTLE, lossy=True, link_rate=1e5),
    "wait": lambda race, _, seed: setattr(race, "now", race.now + seed / 100),
    "updates": lambda race, _, seed: race.deliver_updates(seed % 4),
    "patches": lambda race, _, seed: race.deliver_patches(seed % 4),
    "resize": lambda race, _, seed: race.screen.resize(WIDTH - seed % 3, HEIGHT),
}


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(ACTIONS)), PLACES, st.integers(0, 255)),
        max_size=40,
    ),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_whatever_races_the_picture_becomes_exact(
    actions: list[tuple[str, Rect, int]], tells_damage: bool
) -> None:
    """Any order of changes, arrivals, key frames and sizes ends in the very screen."""
    race = started(tells_damage=tells_damage)
    for name, rect, seed in actions:
        ACTIONS[name](race, rect, seed)
    race.now += 5.0
    race.settle()
    race.now += 5.0
    race.settle()
    assert race.shows_screen()
