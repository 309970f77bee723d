"""Regions of video: found, sent without refinement while they move, then exact."""

import numpy as np
import pytest

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen import jpeg, side
from p2p_remote.screen.arrays import SEGMENT, frame_of
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.photo_coder import HALF, PREVIEW, PhotoCoder
from p2p_remote.screen.side import ARRANGEMENT_REGION
from p2p_remote.screen.video import VideoFinder
from tests.support.screen_link import Link
from tests.support.screen_scenes import Font, page, photo

needs_jpeg = pytest.mark.skipif(not jpeg.available(), reason="simplejpeg is missing")
WIDTH, HEIGHT = 640, 480
PLAYER = Rect(107, 83, 320, 180)  # on no grid


class Screen:
    """A page of text with a film in it, and a viewer on a line of some rate."""

    def __init__(self, rate=1_500_000.0):
        self.random = np.random.default_rng(3)
        font = Font(2, 19, is_smooth=True)
        self.frame = page(self.random, HEIGHT, WIDTH, font)
        self.link = Link(WIDTH, HEIGHT)
        self.sides = []
        self.send()
        self.link.encoder.lossy = True
        self.link.encoder.link_rate = rate

    def show(self, budget=None):
        """The next picture of the film; returns the updates."""
        area = PLAYER
        picture = photo(self.random, area.height, area.width)
        self.frame[area.y : area.bottom, area.x : area.right] = picture
        return self.send(budget)

    def send(self, budget=None):
        """What has changed; kept apart by whether it is a picture."""
        updates = self.link.encoder.encode(self.frame, None, budget=budget)
        self.link.carry(updates)
        self.sides = [update.side for update in updates if update.side]
        return updates

    def lacks(self):
        """Pixels that the viewer has otherwise."""
        shown = self.link.decoder.framebuffer[..., :3]
        return (shown != self.frame[..., :3]).any(axis=2)


@needs_jpeg
def test_a_film_becomes_one_picture_per_update():
    """After five updates it is a region of exactly its pixels; the page is exact."""
    screen = Screen()
    for _ in range(6):
        screen.show()
    updates = screen.show()
    assert len(updates) == 1
    assert screen.link.encoder.only_video
    (data,) = screen.sides
    part = side.parse(data, WIDTH, HEIGHT)
    assert part.arrangement == ARRANGEMENT_REGION
    assert part.box == PLAYER
    lacks = screen.lacks()
    assert lacks[PLAYER.y : PLAYER.bottom, PLAYER.x : PLAYER.right].any()
    lacks[PLAYER.y : PLAYER.bottom, PLAYER.x : PLAYER.right] = False
    assert not lacks.any()


@needs_jpeg
def test_a_film_is_refined_only_after_it_has_stopped():
    """Nothing while it moves; afterwards text beside it is never made lossy."""
    screen = Screen()
    for _ in range(8):
        screen.show()
    encoder = screen.link.encoder
    beside = ~screen.lacks()
    beside[PLAYER.y : PLAYER.bottom, PLAYER.x : PLAYER.right] = False
    assert encoder.refine(still=9.0, video_still=0.05) == []
    for still in (0.3, 1.0):
        screen.link.carry(encoder.refine(still=still, video_still=still))
        assert not (screen.lacks() & beside).any()
    screen.link.carry(encoder.refine())
    assert screen.link.shows(screen.frame)
    assert not encoder.refinable


@needs_jpeg
def test_other_photographs_are_refined_while_a_film_runs():
    """They become exact; the film itself is left alone."""
    screen = Screen()
    screen.frame[320:448, 448:608] = photo(screen.random, 128, 160)
    for _ in range(8):
        screen.show()
    assert screen.lacks()[320:448, 448:608].any()
    screen.link.carry(screen.link.encoder.refine(still=9.0, video_still=0.0))
    lacks = screen.lacks()
    assert not lacks[320:448, 448:608].any()
    assert lacks[PLAYER.y : PLAYER.bottom, PLAYER.x : PLAYER.right].any()


@needs_jpeg
def test_text_goes_before_the_film():
    """A letter is in the first update and exact at once, on a thin line too."""
    screen = Screen(rate=250_000.0)
    for _ in range(8):
        screen.show(12_000)
    screen.frame[440:452, 30:37] = 0
    updates = screen.show(12_000)
    assert not screen.lacks()[440:452, 30:37].any()
    assert not updates[0].side
    assert updates[-1].side
    assert not screen.link.encoder.only_video


@needs_jpeg
def test_on_a_thin_line_a_film_is_small_and_moves():
    """At 2 Mbit/s a picture takes at most a fifteenth of a second."""
    screen = Screen(rate=250_000.0)
    for _ in range(8):
        screen.show(25_000)
    for _ in range(8):
        (update,) = screen.show(25_000)
        assert len(update.side) < 1.3 * 250_000 / 15


def test_quality_of_a_film_follows_line_and_budget():
    """From half to a quarter of the size, and never nothing."""
    coder = PhotoCoder()
    film = Rect(0, 0, 640, 360)
    assert coder.video_quality_for(film, None, None) == 50
    assert coder.video_quality_for(film, None, 1_500_000.0) == 50
    assert coder.video_quality_for(film, None, 250_000.0) in {50, 30, HALF}
    assert coder.video_quality_for(film, 9_000, 250_000.0) == HALF
    assert coder.video_quality_for(film, 100, 250_000.0) == PREVIEW


@needs_jpeg
def test_scrolled_pictures_are_no_film():
    """What scrolling uncovers changes in every update, and is a photograph."""
    screen = Screen()
    long = photo(screen.random, 1200, WIDTH)
    screen.frame[:] = long[:HEIGHT]
    screen.send()
    for step in range(1, 12):
        screen.frame[:] = long[40 * step : 40 * step + HEIGHT]
        screen.send()
    assert not screen.link.encoder._video._regions


def test_a_slide_show_is_no_film():
    """A picture that changes now and then, while other things do, is refined."""
    finder = VideoFinder(640, 480)
    photographs = np.ones((15, 20), np.bool_)
    nothing = np.zeros((15, 20), np.bool_)
    for _ in range(20):
        finder.note(photographs, photographs)
        finder.note(nothing, nothing)
        finder.note(nothing, nothing)
        assert not finder.blocks.any()


def test_a_film_is_forgotten_when_it_has_ended():
    """Blocks that stay as they are leave the region."""
    finder = VideoFinder(640, 480)
    film = np.zeros((15, 20), np.bool_)
    film[3:9, 4:14] = True
    for _ in range(5):
        finder.note(film, film)
    assert np.array_equal(finder.blocks, film)
    for _ in range(8):
        finder.note(~film, np.zeros_like(film))
    assert not finder.blocks.any()


def test_two_films_are_two_regions():
    """Each of its own size; a caption between them is in neither."""
    finder = VideoFinder(640, 480)
    films = np.zeros((15, 20), np.bool_)
    films[1:5, 1:8] = True
    films[8:14, 10:19] = True
    for _ in range(5):
        finder.note(films, films)
    reference = np.zeros((480, 640), np.uint32)
    current = reference.copy()
    areas = [Rect(32, 40, 210, 110), Rect(330, 256, 271, 190)]
    for area in areas:
        current[area.y : area.bottom, area.x : area.right] = 0x808080
    segments = np.zeros((480, 640 // SEGMENT), np.bool_)
    for area in areas:
        across = slice(area.x // SEGMENT, -(-area.right // SEGMENT))
        segments[area.y : area.bottom, across] = True
    assert sorted(finder.moving(segments, current, reference)) == areas
    segments[:200] = False
    assert finder.moving(segments, current, reference) == areas[1:]


def region(box, shift=0, kind=side.KIND_JPEG, payload=b""):
    empty = np.zeros((0, 0), np.bool_)
    return side.build(side.Side(kind, ARRANGEMENT_REGION, shift, box, empty, payload))


@pytest.mark.parametrize(
    "data",
    [
        region(Rect(0, 0, 0, 9)),
        region(Rect(0, 0, 9, 0)),
        region(Rect(1, 0, 100, 9)),
        region(Rect(0, 1, 9, 100)),
        region(Rect(0, 0, 9, 9), kind=side.KIND_DELTA),
        region(Rect(0, 0, 9, 9), shift=4),
        region(Rect(0, 0, 9, 9), payload=bytes(3000)),
    ],
)
def test_broken_regions_are_refused(data):
    """Each field of the header, just beyond its bound, on 100x100 pixels."""
    with pytest.raises(MalformedMessageError):
        side.parse(data, 100, 100)


def test_regions_of_more_than_a_megapixel_are_refused():
    """They come in several updates."""
    with pytest.raises(MalformedMessageError):
        side.parse(region(Rect(0, 0, 1025, 1024)), 4096, 4096)
    assert side.parse(region(Rect(0, 0, 1024, 1024)), 4096, 4096).payload == b""


@needs_jpeg
@pytest.mark.parametrize("quality", [50, HALF, PREVIEW])
def test_regions_are_written_to_the_pixel(quality):
    """At every size of the picture, and nothing beside them."""
    image = np.full((100, 130), 0x808080, np.uint32)
    target = np.zeros_like(image)
    box = Rect(11, 7, 95, 83)
    part = side.parse(PhotoCoder().encode_region(image, box, quality), 130, 100)
    side.paste(part, side.decode_picture(part, 130, 100), target)
    inside = np.zeros(image.shape, np.bool_)
    inside[box.y : box.bottom, box.x : box.right] = True
    assert not target[~inside].any()
    assert (abs(frame_of(target)[inside][:, :3].astype(int) - 0x80) <= 2).all()
