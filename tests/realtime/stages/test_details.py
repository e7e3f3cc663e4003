"""What is measured of a face's picture, and where it is cut."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from emotion.models.errors import OptionError
from emotion.realtime.details import detail_columns
from emotion.realtime.messages import Box, EmotionFrame
from emotion.realtime.stages.details import Details, pose_of
from emotion.realtime.stages.options import VoteOptions
from tests.fakes.decoded import DecodedPicture
from tests.helpers.results import face, video_frame


def quality(image, box):
    """What is reported of a face in that box: by the names of the columns."""
    item = EmotionFrame(replace(video_frame(0), picture=image), (face("fear", box=box),))
    (reported,) = Details(("quality",), 0.5).process([item])
    return reported.faces[0].details


def gray(levels):
    return np.repeat(np.asarray(levels, np.uint8)[:, :, None], 3, axis=2)


@pytest.mark.parametrize("edge", [np.s_[0, :], np.s_[-1, :], np.s_[:, 0], np.s_[:, -1]])
@pytest.mark.parametrize("beyond", [0, 3])
def test_light_is_the_mean_of_all_of_a_face_that_lies_in_the_picture(edge, beyond):
    levels = np.zeros((6, 8))
    levels[edge] = 255
    box = Box(-beyond, -beyond, 8 + 2 * beyond, 6 + 2 * beyond)
    assert quality(gray(levels), box)["light"] == pytest.approx(levels.mean() / 255)


def test_only_the_box_counts_to_the_nearest_pixel():
    levels = np.full((20, 30), 255.0)
    levels[5:9, 10:17] = 51
    assert quality(gray(levels), Box(9.6, 5.4, 7.0, 4.0))["light"] == pytest.approx(0.2)


def test_sharpness_is_the_spread_of_the_laplacian_of_a_face_128_pixels_wide():
    levels = np.random.default_rng(0).integers(0, 255, (300, 256)).astype(np.uint8)
    small = cv2.resize(levels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    reported = quality(gray(levels), Box(0, 0, 256, 300))["sharpness"]
    assert reported == pytest.approx(cv2.Laplacian(small, cv2.CV_32F).std(), rel=1e-5)
    reported = quality(gray(levels[:100, :100]), Box(0, 0, 100, 100))["sharpness"]
    assert reported == pytest.approx(cv2.Laplacian(levels[:100, :100], cv2.CV_32F).std(), rel=1e-5)


def test_outside_of_the_picture_nothing_is_measured():
    reported = quality(gray(np.zeros((6, 8))), Box(8, 0, 4, 4))
    assert (reported["light"], reported["sharpness"]) == (None, None)


def test_bounds_that_are_alike_are_in_order():
    same = VoteOptions(lead=0.1, margin=0.1, doubtful=0.4, certain=0.4)
    assert (same.lead, same.doubtful) == (same.margin, same.certain)
    for wrong in ({"lead": 0.11, "margin": 0.1}, {"doubtful": 0.41, "certain": 0.4}):
        with pytest.raises(OptionError):
            VoteOptions(**wrong)


def test_blendshapes_are_told_by_their_names_and_nothing_where_they_are_not_known():
    shapes = np.arange(52, dtype=np.float32) / 64
    item = EmotionFrame(video_frame(0), (face("fear", shapes=shapes), face("fear", track=2)))
    (reported,) = Details(("blendshapes",), 0.5).process([item])
    known, unknown = (one.details for one in reported.faces)
    assert tuple(known) == tuple(unknown) == detail_columns(["blendshapes"])
    assert list(known.values()) == shapes.tolist()
    assert set(unknown.values()) == {None}


def turned(yaw, pitch, roll, scale=(1.0, 1.0, 1.0)):
    """The matrix of a face that is rolled, then looks up and then to the side, in degrees."""
    y, p, r = np.radians([yaw, pitch, roll])
    side = [[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]]
    up = [[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]]
    tilt = [[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]]
    matrix = np.eye(4, dtype=np.float32)
    matrix[:3, :3] = np.array(side) @ up @ tilt * scale
    matrix[:3, 3] = (3, -7, -40)
    return matrix


@pytest.mark.parametrize("scale", [(1.0, 1.0, 1.0), (5.0, 5.0, 5.0), (0.5, 2.0, 8.0)])
@pytest.mark.parametrize("yaw", [-120, -40, 0, 15, 80])
@pytest.mark.parametrize("pitch", [-70, -10, 0, 35])
def test_a_head_is_turned_to_the_side_and_up_by_what_it_was_turned(yaw, pitch, scale):
    reported = pose_of(turned(yaw, pitch, 0, scale))
    assert (reported["yaw"], reported["pitch"]) == pytest.approx((yaw, pitch), abs=1e-3)
    assert reported["roll"] == pytest.approx(0 if abs(yaw) < 90 else 180, abs=1e-3)
    # Rolling a head about where it looks changes neither.
    rolled = pose_of(turned(yaw, pitch, 25, scale))
    assert (rolled["yaw"], rolled["pitch"]) == pytest.approx((yaw, pitch), abs=1e-3)


@pytest.mark.parametrize("roll", [-170, -90, -30, 0, 20, 135])
def test_a_head_is_tilted_as_the_line_across_it_is(roll):
    assert pose_of(turned(0, 0, roll))["roll"] == pytest.approx(roll, abs=1e-3)
    # Seen from the side the line is shorter across.
    seen = np.degrees(np.arctan2(np.sin(np.radians(roll)), np.cos(np.radians(roll)) * np.cos(np.radians(50))))
    assert pose_of(turned(50, 0, roll))["roll"] == pytest.approx(seen, abs=1e-3)


@pytest.mark.parametrize("up", [1, -1])
def test_a_head_that_looks_straight_up_or_down_has_a_pose_however_numbers_are_rounded(up):
    for size in np.linspace(0.1, 9, 200, dtype=np.float32):
        matrix = np.diag([1, 1, 1, 1]).astype(np.float32)
        matrix[:3, 2] = np.array([1e-5, up, 1e-5], np.float32) * size
        assert pose_of(matrix)["pitch"] == pytest.approx(90 * up, abs=0.05)


def test_of_a_head_whose_pose_is_not_known_none_is_reported():
    assert pose_of(None) == {"yaw": None, "pitch": None, "roll": None}


@pytest.mark.parametrize("box", [Box(0, 6, 4, 4), Box(-9, 0, 4, 4), Box(0, -9, 4, 4), Box(2, 2, 0, 3)])
def test_beside_the_picture_on_any_side_nothing_is_measured(box):
    reported = quality(gray(np.zeros((6, 8))), box)
    assert (reported["light"], reported["sharpness"], reported["eye_distance"]) == (None, None, None)


def test_the_distance_of_the_eyes_and_what_is_hidden_are_reported_wherever_the_face_is():
    points = np.zeros((478, 2), np.float32)
    points[33], points[263] = (10, 20), (40, 60)
    for box in (Box(0, 0, 8, 6), Box(50, 50, 8, 6)):
        seen = replace(face("fear", box=box, eyes=False, lips=False), points=points)
        image = gray(np.full((6, 8), 51))
        (reported,) = Details(("quality",), 0.5).process(
            [EmotionFrame(replace(video_frame(0), picture=image), (seen,))]
        )
        assert reported.faces[0].details["eye_distance"] == pytest.approx(50)
        assert reported.faces[0].details["hidden"] == "eyes lips"


@pytest.mark.parametrize("box", [Box(2, 1, 4, 3), Box(-2, -1, 5, 5), Box(6.4, 3.6, 9, 9), Box(50, 50, 8, 6)])
def test_of_a_decoded_picture_only_the_faces_are_made_an_image(box):
    image = np.random.default_rng(1).integers(0, 256, (60, 80, 3)).astype(np.uint8)
    pictures = image, DecodedPicture(image)
    items = [
        EmotionFrame(replace(video_frame(0), picture=picture), (face("fear", box=box),))
        for picture in pictures
    ]
    one, other = (found.faces[0].details for found in Details(("quality",), 0.5).process(items))
    assert one == other
    assert pictures[1].made == ["part of bgr"]


# Put together here, so that it is equal to the constant and not the same object.
UNNAMED = "".join(("un", "certain"))


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (face("fear", share=0.9), None),
        (face("fear", share=0.3), None),
        (face("fear", share=0.5, label=UNNAMED), "brief"),
        (face("fear", share=0.9, label=UNNAMED), "brief"),
        (face("fear", share=0.49, label=UNNAMED), "undecided"),
        (replace(face("fear", share=0.9, label=UNNAMED), probabilities_frame=None, age=0.5), "hidden"),
        (replace(face("fear", label=UNNAMED), probabilities=None, probabilities_frame=None), "hidden"),
    ],
)
def test_why_a_face_has_no_name(one, why):
    (reported,) = Details(("reason",), 0.5).process([EmotionFrame(video_frame(0), (one,))])
    assert reported.faces[0].details == {"uncertain_because": why}


def test_only_what_is_requested_is_reported():
    one = replace(face("fear"), matrix=turned(10, 0, 0))
    (reported,) = Details(("pose",), 0.5).process([EmotionFrame(video_frame(0), (one,))])
    assert tuple(reported.faces[0].details) == detail_columns(["pose"])
    assert reported.details == ("pose",)
    (reported,) = Details((), 0.5).process([EmotionFrame(video_frame(0), (one,))])
    assert reported.faces[0].details == {}
