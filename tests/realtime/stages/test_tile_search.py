"""Where and when newcomers are looked for."""

from types import SimpleNamespace

import pytest

from emotion.realtime.stages.tile_search import (
    CROWD_SECONDS,
    LOOK_SECONDS,
    SCAN_SECONDS,
    TileSearch,
    is_cut,
    tiles,
)

PICTURE = SimpleNamespace(width=640, height=480, part=lambda *tile: tile)
TILE = (100, 100, 300, 300)


class FakeDetector:
    """Finds the same boxes wherever it looks, and keeps where that was."""

    def __init__(self, *boxes):
        self.boxes, self.looks, self.closed = boxes, [], False

    def detect(self, picture):
        self.looks.append(picture)
        return list(self.boxes)

    def close(self):
        self.closed = True


@pytest.mark.parametrize(
    ("size", "squares"),
    [
        ((640, 480), [(x, y, x + 288, y + 288) for y in (0, 192) for x in (0, 176, 352)]),
        (
            (1280, 720),
            [(x, y, x + 360, y + 360) for y in (0, 180, 360) for x in (0, 230, 460, 690, 920)]
            + [(x, 0, x + 720, 720) for x in (0, 280, 560)],
        ),
        ((360, 288), [(x, 0, x + 288, 288) for x in (0, 72)]),
        ((359, 288), []),
        ((288, 100), []),
    ],
)
def test_squares_of_half_the_shorter_side_cover_the_picture(size, squares):
    assert tiles(*size) == squares


@pytest.mark.parametrize(
    "size", [(640, 480), (1280, 720), (1920, 1080), (1080, 1920), (1920, 800), (2560, 720), (1920, 360)]
)
def test_a_face_that_is_too_small_for_the_whole_picture_is_whole_in_a_square(size):
    width, height = size
    face = max(size) // 8 - 2
    picture = SimpleNamespace(width=width, height=height)
    squares = tiles(width, height)
    for left in range(0, width - face, face // 9):
        for top in range(0, height - face, face // 9):
            box = (left, top, left + face, top + face)
            assert any(_lies_in(box, tile) and not is_cut(box, tile, picture) for tile in squares), box


def _lies_in(box, tile):
    return box[0] >= tile[0] and box[1] >= tile[1] and box[2] <= tile[2] and box[3] <= tile[3]


@pytest.mark.parametrize(
    ("box", "cut"),
    [
        ((101, 101, 299, 299), False),
        ((100, 150, 200, 250), True),
        ((150, 100, 200, 250), True),
        ((150, 150, 300, 250), True),
        ((150, 150, 200, 300), True),
        ((90, 150, 200, 250), True),
        ((150, 150, 310, 250), True),
    ],
)
def test_a_face_at_the_edge_of_a_square_may_be_cut(box, cut):
    assert is_cut(box, TILE, PICTURE) is cut


@pytest.mark.parametrize(
    ("tile", "box"),
    [
        ((0, 100, 200, 300), (0, 150, 100, 250)),
        ((100, 0, 300, 200), (150, 0, 200, 100)),
        ((440, 100, 640, 300), (500, 150, 640, 250)),
        ((100, 280, 300, 480), (150, 300, 200, 480)),
    ],
)
def test_at_the_edge_of_the_picture_nothing_more_is_to_be_seen(tile, box):
    assert not is_cut(box, tile, PICTURE)


def test_all_squares_are_looked_at_at_first_and_then_in_turn():
    search = TileSearch(detector := FakeDetector())
    count = len(tiles(640, 480))
    list(search.small(PICTURE, 0.0))
    assert detector.looks == tiles(640, 480)
    for step in range(1, 2 * count + 1):
        detector.looks.clear()
        list(search.small(PICTURE, 1.0001 * step * SCAN_SECONDS / count))
        assert detector.looks == [tiles(640, 480)[(step - 1) % count]]
    detector.looks.clear()
    list(search.small(PICTURE, 2 * SCAN_SECONDS + 0.01))
    assert not detector.looks, "none is due yet"
    list(search.small(PICTURE, 0.0))
    assert sorted(detector.looks) == sorted(tiles(640, 480)), "time goes back: all are due"


@pytest.mark.parametrize("rate", [10, 24, 30, 60])
@pytest.mark.parametrize("size", [(640, 480), (1280, 720), (1920, 1080), (1920, 800)])
def test_each_square_has_its_turn_in_time_whatever_the_rate(size, rate):
    search = TileSearch(detector := FakeDetector())
    picture = SimpleNamespace(width=size[0], height=size[1], part=lambda *tile: tile)
    last = {}
    for number in range(8 * rate):
        detector.looks.clear()
        list(search.small(picture, number / rate))
        for tile in detector.looks:
            assert number / rate - last.get(tile, 0.0) <= SCAN_SECONDS + 1.001 / rate
            last[tile] = number / rate
    assert sorted(last) == sorted(tiles(*size))
    assert min(last.values()) >= 8 - SCAN_SECONDS - 2 / rate


def test_of_what_a_square_shows_only_whole_faces_count():
    whole, cut = (120, 120, 160, 160), (0, 120, 288, 160)
    search = TileSearch(FakeDetector(whole, cut))
    found = list(search.small(PICTURE, 0.0))
    assert found == [whole]


@pytest.mark.parametrize(
    ("look", "seconds"),
    [
        (lambda s, t: s.large(PICTURE, t, ["somebody"], 5), LOOK_SECONDS),
        (lambda s, t: s.crowd(PICTURE, t, []), CROWD_SECONDS),
    ],
    ids=["large", "crowd"],
)
def test_the_whole_picture_is_looked_at_now_and_then(look, seconds):
    search = TileSearch(detector := FakeDetector())
    for time, looks in ((0.0, 1), (seconds - 0.01, 1), (seconds, 2), (seconds + 0.01, 2), (0.5 * seconds, 3)):
        look(search, time)
        assert len(detector.looks) == looks
    search.close()
    assert detector.closed


def test_where_nobody_is_known_each_picture_is_looked_at():
    search = TileSearch(detector := FakeDetector((0, 0, 9, 9), (20, 20, 29, 29), (40, 40, 49, 49)))
    for step in range(5):
        assert len(search.large(PICTURE, step / 25, [], 2)) == 2
    assert len(detector.looks) == 5
    assert search.crowd(PICTURE, 0.0, []) == 3
    assert search.crowd(PICTURE, 0.5, []) == 0
