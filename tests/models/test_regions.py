import inspect

import cv2
import numpy as np
import pytest

from emotion.models import regions
from emotion.models.data import dataset
from emotion.models.regions import (
    ANCHOR_PLACES,
    ANCHORS,
    EYES,
    FACE,
    LIPS,
    Region,
    align,
    alignment_error,
    crop,
    eye_distance,
    read_region,
    write_region,
)
from emotion.realtime.stages import crops
from tests.helpers.landmarks import gradient, landmarks


@pytest.mark.parametrize(
    ("scale", "angle", "shift"), [(1, 0, (0, 0)), (2.5, 0.4, (80, 30)), (0.3, -1.2, (9, 70))]
)
def test_align_undoes_a_similarity_transform(scale, angle, shift):
    points = landmarks(scale, angle, shift)
    transform = align(points)
    placed = points[ANCHORS] @ transform[:, :2].T + transform[:, 2]
    np.testing.assert_allclose(placed, ANCHOR_PLACES, atol=1e-3)
    assert alignment_error(points) < 1e-3


def test_alignment_error_grows_when_the_head_turns():
    points = landmarks()
    points[:, 0] = 64 + 0.5 * (points[:, 0] - 64)
    assert alignment_error(points) > 5


def test_align_never_stretches_nor_mirrors():
    points = landmarks()
    points[:, 0] *= 1.7
    (a, b), (c, d) = align(points)[:, :2]
    assert (a, b) == pytest.approx((d, -c))
    assert a * d - b * c > 0


def test_points_that_fall_together_are_refused():
    with pytest.raises(ValueError, match="one point"):
        align(np.ones((478, 2), np.float32))


@pytest.mark.parametrize("region", [EYES, LIPS])
@pytest.mark.parametrize("scale", [0.4, 1.0, 3.7, 9.0])
def test_crop_looks_the_same_at_every_size_of_the_face(region, scale):
    side = round(200 * scale)
    image = gradient(side, side)
    small = gradient(200, 200)
    expected = crop(small, landmarks(1.0), region).image.astype(int)
    found = crop(image, landmarks(scale), region).image.astype(int)
    both = (expected > 0) & (found > 0)
    assert both.mean() > 0.5
    assert np.abs(expected - found)[both].max() <= 3


def test_fine_texture_is_averaged_and_does_not_alias():
    checks = np.indices((1600, 1600)).sum(axis=0) % 2 * 255
    image = np.repeat(checks.astype(np.uint8)[..., None], 3, axis=2)
    found = crop(image, landmarks(9.0), EYES).image
    inside = cv2.erode((found > 0).astype(np.uint8), np.ones((5, 5))) > 0
    assert found[inside].std() < 40


def test_outside_the_face_oval_is_black():
    white = np.full((200, 200, 3), 255, np.uint8)
    eyes = crop(white, landmarks(), EYES).image
    lips = crop(white, landmarks(), LIPS).image
    assert eyes[24, 48] == 255
    assert lips[20, 36] == 255
    assert eyes[0, 0] == 0  # the canvas corner is outside the oval
    assert lips[-1, 0] == 0


@pytest.mark.parametrize("region", [EYES, LIPS])
def test_margin_only_adds_around_the_same_middle(region):
    image = gradient(300, 300)
    points = landmarks(1.6, 0.2, (20, 10))
    plain = crop(image, points, region).image
    wide = crop(image, points, region, margin=8).image
    assert wide.shape == region.padded_size(8)
    middle = wide[8:-8, 8:-8].astype(int)
    assert np.abs(middle - plain)[(middle > 0) & (plain > 0)].max() <= 1


def test_visible_share_counts_what_is_in_the_picture():
    image = gradient(200, 200)
    assert crop(image, landmarks(), EYES).visible == pytest.approx(1.0, abs=0.02)
    assert crop(image[:, :64], landmarks(), EYES).visible == pytest.approx(0.5, abs=0.05)
    assert crop(image[:80], landmarks(), LIPS).visible == 0.0
    assert crop(image, landmarks(shift=(5000, 0)), EYES).visible == 0.0


def test_gray_and_colour_pictures_give_the_same_crop():
    image = gradient(200, 200)
    colour = crop(image, landmarks(), EYES).image
    gray = crop(image[..., 0].copy(), landmarks(), EYES).image
    assert np.abs(colour.astype(int) - gray).max() <= 1


def test_training_and_streaming_share_one_cropping_code():
    """Both import `emotion.models.regions.crop` itself and call it with the same regions."""
    assert dataset.crop is regions.crop
    assert crops.crop is regions.crop
    for module in (dataset, crops):
        assert "warpAffine" not in inspect.getsource(module)
    image, points = gradient(300, 300), landmarks(1.53, 0.11, (13.3, 4.7))
    for region in (EYES, LIPS):
        training = dataset.crop(image, points, region, 8).image[8:-8, 8:-8]
        streaming = crops.crop(image, points, region).image
        assert np.abs(training.astype(int) - streaming).max() <= 1


def test_eye_distance_is_in_pixels():
    assert eye_distance(landmarks(2.0)) == pytest.approx(160)


def test_a_region_is_a_name_and_four_numbers():
    assert read_region("face") == FACE
    assert (FACE.size, FACE.padded_size(4)) == ((128, 112), (136, 120))
    assert read_region("brows=8,12,112,36") == Region("brows", 8, 12, 112, 36)
    assert read_region("brows = 8, 12, 112, 36 @ 1.5").size == (54, 168)
    for text in ("chin", "brows=8,12,112", "brows=8,12,112,36@", "Brows=8,12,112,36", "brows=-1,0,9,9"):
        with pytest.raises(ValueError, match=r"(region|canvas|brows)"):
            read_region(text)


def test_a_face_covers_its_eyes_and_lips_and_not_the_other_way_round():
    assert FACE.covers(EYES)
    assert FACE.covers(LIPS)
    assert not EYES.covers(FACE)
    assert not EYES.covers(LIPS)
    assert Region("brows", 8, 8, 112, 30).covers(EYES) is False


@pytest.mark.parametrize(
    "region",
    [
        FACE,
        Region("brows", 8, 12, 112, 36, 32 / 36),
        Region("eyes", 0, 12, 128, 64, 0.75 * 0.7),
        Region("jaw", 1 / 3, 100, 100, 50.5),
    ],
)
def test_a_region_is_read_as_it_was_written(region):
    assert read_region(write_region(region)) == region


def test_of_a_long_picture_only_the_part_that_is_cut_out_is_sampled(monkeypatch):
    """OpenCV 4 samples no side of 32,767 pixels."""
    rng = np.random.default_rng(0)
    image, transform = (
        rng.integers(0, 256, (90, 400, 3), np.uint8),
        np.array([[1.0, 0, -300.5], [0, 1.0, 20]]),
    )
    whole, sampled = regions.warp_gray(image, transform, (40, 60)), []
    warp = cv2.warpAffine

    def warped(shown, *rest, **how):
        sampled.append(shown.shape)
        return warp(shown, *rest, **how)

    monkeypatch.setattr(regions, "LONGEST_SIDE", 399)
    monkeypatch.setattr("cv2.warpAffine", warped)
    assert np.array_equal(regions.warp_gray(image, transform, (40, 60)), whole)
    assert max(sampled[0]) < 100
