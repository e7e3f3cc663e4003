"""Crops to a fraction of a pixel: of pictures whose pixels tell where they are, of faces placed by hand.

A crop's pixel (row, column) shows the canvas' point (left + column / p, top + row / p), p being
`Region.pixels_per_point`; where that point lies in the picture is what `landmarks` was told.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from emotion.models.data import dataset, stored
from emotion.models.data.dataset import DatasetOptions
from emotion.models.data.image_io import read_gray
from emotion.models.regions import ANCHOR_PLACES, ANCHORS, EYES, FACE_OVAL, LIPS, Regions, align, crop
from emotion.realtime.stages.crops import cut
from tests.helpers.landmarks import coordinates, landmarks, without_oval

REGIONS = [EYES, LIPS]


@dataclass(frozen=True)
class Place:
    """How a face lies in its picture: scale, angle and shift of the canvas."""

    scale: float
    angle: float
    shift: tuple[float, float]

    @property
    def points(self):
        return landmarks(self.scale, self.angle, self.shift)

    def of(self, canvas):
        """Columns and rows of canvas points, float (..., 2)."""
        turn = np.array([[np.cos(self.angle), np.sin(self.angle)], [-np.sin(self.angle), np.cos(self.angle)]])
        return self.scale * np.asarray(canvas) @ turn + self.shift


def canvas_of(region, margin=0):
    """The canvas point that each pixel of a crop shows, float (height, width, 2)."""
    height, width = region.padded_size(margin)
    rows, columns = np.mgrid[:height, :width].astype(float)
    p = region.pixels_per_point
    return np.stack([region.left + (columns - margin) / p, region.top + (rows - margin) / p], axis=-1)


PLACES = [
    Place(1.0, 0.0, (20.0, 10.0)),
    Place(1.0, 0.0, (20.5, 10.25)),
    Place(1.7, 0.0, (33.0, 17.0)),
    Place(2.31, 0.35, (210.3, 20.7)),
    Place(0.83, -0.6, (40.2, 130.9)),
    # So large that the picture is averaged before it is warped: by 2, 3 and 5.
    Place(3.4, 0.0, (40.0, 20.0)),
    Place(3.4, 0.3, (340.0, 21.5)),
    Place(5.0, 0.1, (210.0, 20.0)),
    Place(7.9, -0.15, (70.3, 250.0)),
]


def shown(place, region, axis, margin=0):
    """Where each pixel of a crop lies in the picture: as read from the crop, and as it should be."""
    wanted = place.of(canvas_of(region, margin))
    size = int(np.ceil(place.of([(0, 0), (128, 0), (0, 160), (128, 160)]).max())) + 20
    read = np.full(wanted.shape[:2], np.nan)
    for middle in np.arange(np.floor(wanted[..., axis].min()), wanted[..., axis].max() + 25, 50):
        image = coordinates(size, size, axis, middle)
        gray = crop(image, without_oval(place.points), region, margin).image.astype(float)
        clear = np.abs(gray - 128) < 110
        read[clear] = middle + (gray[clear] - 128) / 4
    # Near its edges a picture is mixed with the black around it.
    inside = ((wanted > place.scale + 1) & (wanted < size - place.scale - 2)).all(axis=-1)
    assert not np.isnan(read[inside]).any()
    return read[inside], wanted[..., axis][inside]


@pytest.mark.parametrize("axis", [0, 1], ids=["columns", "rows"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("region", REGIONS, ids=["eyes", "lips"])
def test_every_pixel_of_a_crop_comes_from_where_it_should(region, place, axis):
    read, wanted = shown(place, region, axis)
    assert read.size > 0.6 * np.prod(region.size)
    # Half a gray level of rounding is an eighth of a pixel; `warpAffine` places pixels to 1/32.
    assert np.abs(read - wanted).max() < 0.25 + 0.03 * place.scale
    assert abs((read - wanted).mean()) < 0.06


@pytest.mark.parametrize("region", REGIONS, ids=["eyes", "lips"])
def test_the_corners_of_a_crop_are_the_regions(region):
    """At four times the canvas' size each canvas point is four pixels, so corners are told exactly."""
    place = Place(4.0, 0.0, (40.0, 20.0))
    height, width = region.size
    p = region.pixels_per_point
    expected = {
        (0, 0): (region.left, region.top),
        (0, width - 1): (region.left + (width - 1) / p, region.top),
        (height - 1, 0): (region.left, region.top + (height - 1) / p),
        (height - 1, width - 1): (region.left + (width - 1) / p, region.top + (height - 1) / p),
    }
    for (row, column), (x, y) in expected.items():
        for axis, canvas in ((0, x), (1, y)):
            pixel = 4 * canvas + place.shift[axis]
            image = coordinates(700, 600, axis, pixel, 8.0)
            gray = int(crop(image, without_oval(place.points), region).image[row, column])
            assert gray == pytest.approx(128, abs=2), "an eighth of a pixel is a gray level"


def test_regions_lie_where_the_models_learnt_them():
    """Rows 12 to 76 are the eyes with the brows, rows 86 to 150 and columns 16 to 112 mouth and chin."""
    assert (EYES.left, EYES.top, EYES.left + EYES.width, EYES.top + EYES.height) == (0, 12, 128, 76)
    assert (LIPS.left, LIPS.top, LIPS.left + LIPS.width, LIPS.top + LIPS.height) == (16, 86, 112, 150)
    assert (EYES.size, LIPS.size) == ((48, 96), (48, 72))
    assert (EYES.padded_size(16), LIPS.padded_size(16)) == ((80, 128), (80, 104))


def test_anchors_are_eye_corners_nose_bridge_and_nose_base():
    places = dict(zip(ANCHORS.tolist(), ANCHOR_PLACES.tolist(), strict=True))
    assert places == {33: [24, 52], 133: [50, 53], 362: [78, 53], 263: [104, 52], 168: [64, 46], 2: [64, 90]}


@pytest.mark.parametrize("margin", [1, 8, 16])
@pytest.mark.parametrize("region", REGIONS, ids=["eyes", "lips"])
def test_a_margin_shows_more_around_the_same_middle(region, margin):
    place = PLACES[3]
    for axis in (0, 1):
        read, wanted = shown(place, region, axis, margin)
        assert np.abs(read - wanted).max() < 0.35


@pytest.mark.parametrize("shift", [0.125, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("axis", [0, 1], ids=["columns", "rows"])
def test_a_face_that_moves_by_a_fraction_of_a_pixel_moves_its_crop_by_that(axis, shift):
    # Turned a little, so that roundings differ from pixel to pixel.
    before = Place(1.37, 0.1, (50.0, 40.0))
    moved = Place(1.37, 0.1, (50.0 + shift * (axis == 0), 40.0 + shift * (axis == 1)))
    image = coordinates(320, 320, axis, 130.0, 1.0)
    first, second = (
        crop(image, without_oval(place.points), EYES).image.astype(float) for place in (before, moved)
    )
    clear = (np.abs(first - 128) < 110) & (np.abs(second - 128) < 110)
    assert (second - first)[clear].mean() == pytest.approx(shift, abs=0.06)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("region", REGIONS, ids=["eyes", "lips"])
def test_outside_the_face_oval_and_only_there_it_is_black(region, place):
    """The oval of `landmarks` is an ellipse around (64, 84), 62 points wide and 80 high to each side."""
    size = int(np.ceil(place.of([(0, 0), (128, 0), (0, 170), (128, 170)]).max())) + 20
    shown = crop(np.full((size, size, 3), 200, np.uint8), place.points, region).image
    x, y = np.moveaxis(canvas_of(region) - (64, 84), -1, 0)
    away = np.hypot(x / 62, y / 80)
    # The contour has 36 corners, between which it runs straight; its border is drawn, too.
    in_picture = (place.of(canvas_of(region)) > 1).all(axis=-1)
    assert (shown[(away < 0.96) & in_picture] == 200).all()
    assert (shown[away > 1.03] == 0).all()


def test_the_ovals_border_belongs_to_the_face():
    points = landmarks(2.0, 0.0, (40.0, 20.0))
    # A square oval whose edges fall on whole pixels of the eyes' crop: 8, 88, 4 and far below.
    corners = np.array([(10.667, 17.333), (117.333, 17.333), (117.333, 200), (10.667, 200)])
    points[FACE_OVAL] = np.repeat(2.0 * corners + (40, 20), 9, axis=0)
    shown = crop(np.full((500, 400, 3), 200, np.uint8), points, EYES).image
    assert (shown[4:, 8:89] == 200).all()
    assert shown[:4].max() == shown[:, :8].max() == shown[:, 89:].max() == 0


@pytest.mark.parametrize(
    ("cut", "share"),
    [
        ((0, 0, 400, 500), 1.0),
        ((0, 0, 168, 500), 0.5),
        ((0, 0, 400, 20 + 2 * 44), 0.5),
        ((0, 0, 40, 500), 0.0),
    ],
)
def test_visible_is_the_share_of_the_region_in_the_picture(cut, share):
    """A face at twice the canvas' size, shifted by (40, 20), whose picture ends in the middle of the eyes."""
    left, top, right, bottom = cut
    image = np.full((500, 400, 3), 200, np.uint8)[top:bottom, left:right]
    found = crop(image, without_oval(landmarks(2.0, 0.0, (40.0, 20.0))), EYES)
    assert found.visible == pytest.approx(share, abs=0.025)
    assert (found.image > 0).mean() == pytest.approx(share, abs=0.025)


@pytest.mark.parametrize(
    ("colour", "gray"), [((0, 0, 255), 76), ((0, 255, 0), 150), ((255, 0, 0), 29), ((255, 255, 255), 255)]
)
@pytest.mark.parametrize("scale", [1.0, 5.0])
def test_red_green_and_blue_become_the_gray_that_the_models_learnt(colour, gray, scale):
    """Blue comes first in a picture; green looks brightest, then red (ITU-R BT.601)."""
    side = round(180 * scale)
    image = np.full((side, side, 3), colour, np.uint8)
    shown = crop(image, without_oval(landmarks(scale, 0.0, (10.0, 5.0))), EYES).image
    assert shown[24, 48] == gray


class FakeLandmarks:
    """One face, as landmarkers tell it."""

    blendshapes = np.linspace(0, 1, 52, dtype=np.float32)
    matrix = None

    def __init__(self, points):
        self.points = points


@pytest.mark.parametrize("margin", [0, 8, 16])
@pytest.mark.parametrize("place", [PLACES[1], PLACES[3], PLACES[6]])
def test_training_and_streaming_cut_the_same_pixels(place, margin, monkeypatch, tmp_path):
    """A photograph's crops in a data set without their margin, and those of the same picture in a stream."""
    noise = np.random.default_rng(0).integers(0, 256, (900, 900, 3), np.uint8)
    # As smooth as photographs are, at full contrast.
    image = np.asarray(
        cv2.normalize(cv2.GaussianBlur(noise, None, 3 * place.scale), None, 0, 255, cv2.NORM_MINMAX)
    )
    found = FakeLandmarks(place.points)
    monkeypatch.setattr(dataset, "find_portrait", lambda landmarker, image: found)
    monkeypatch.setattr(dataset, "_landmarker", None, raising=False)
    options = DatasetOptions(margin=margin)
    photograph = dataset.Photograph(Path("a.png"), "set/a.png", "fear", None, None)
    finding = dataset._cut_out(photograph, image, tmp_path, options)
    streamed = cut(image[..., ::-1].copy(), found.points, Regions((EYES, LIPS)))
    for region, streaming in zip(("eyes", "lips"), streamed, strict=True):
        one = read_gray(stored.crop_path(tmp_path, region, finding))
        difference = np.abs(one[options.middle].astype(int) - streaming.image)
        # A margin moves where fixed-point arithmetic rounds, and the oval's border where it is drawn.
        assert np.quantile(difference, 0.99) <= 3
        assert difference.mean() < 1
        shifted = np.abs(np.roll(one[options.middle], 1, axis=1).astype(int) - streaming.image)
        assert shifted.mean() > 4, "else a shift by a pixel would not show"
        assert finding[f"{region}_visible"] == pytest.approx(streaming.visible, abs=0.05)


def test_align_is_the_least_squares_fit():
    """Checked against NumPy's own solution of the same problem, on landmarks that fit no face."""
    points = landmarks(2.0, 0.3, (40.0, 20.0))
    points[ANCHORS] += np.random.default_rng(0).normal(0, 6, (6, 2)).astype(np.float32)
    x, y = points[ANCHORS].astype(float).T
    one, zero = np.ones(6), np.zeros(6)
    rows = np.concatenate([np.column_stack([x, -y, one, zero]), np.column_stack([y, x, zero, one])])
    a, b, c, d = np.linalg.lstsq(rows, ANCHOR_PLACES.T.ravel(), rcond=None)[0]
    np.testing.assert_allclose(align(points), [[a, -b, c], [b, a, d]], atol=1e-6)
