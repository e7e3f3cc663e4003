"""The stage that finds faces, with landmarkers that know where they are."""

from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from emotion.models.engines.landmark_nets import LandmarkNets
from emotion.models.engines.providers import NetOptions
from emotion.models.faces.picture import Landmarks
from emotion.models.regions import EYES, LIPS, crop
from emotion.realtime.messages import VideoFrame
from emotion.realtime.stages import faces as stage
from emotion.realtime.stages.faces import FaceFinder
from tests.fakes.decoded import DecodedPicture
from tests.helpers.landmarks import gradient, landmarks
from tests.helpers.results import video_frame

SMALL, LARGE = landmarks(1.0, 0.1, (250.0, 40.0)), landmarks(1.6, 0.0, (20.0, 30.0))


class Fakes:
    """Landmarkers and detectors that see two faces; they note what they were made for."""

    def __init__(self):
        self.made, self.closed, self.asked = [], 0, []

    def landmarker(self, *arguments, **options):
        self.made.append((arguments, options))
        return self

    turns = 1

    def surest(self, picture):
        self.asked.append("heads")
        return 0.9

    def detect(self, picture, seconds=None):
        assert picture.rgb.ndim == 3, "whoever looks has the image made"
        if seconds is None:  # as a detector
            self.asked.append("whole" if picture.width == 480 else "tile")
            ends = [(points.min(axis=0), points.max(axis=0)) for points in (LARGE, SMALL)]
            return np.array([np.concatenate(pair) for pair in ends], np.float32)
        return tuple(
            Landmarks(points, np.zeros(478, np.float32), np.full(52, share, np.float32))
            for points, share in ((SMALL, 0.1), (LARGE, 0.9))
        )

    def detect_all(self, pictures, seconds):
        return [self.detect(*pair) for pair in zip(pictures, seconds, strict=True)]

    def close(self):
        self.closed += 1


@pytest.fixture
def fakes(monkeypatch):
    made = Fakes()
    monkeypatch.setattr(stage, "_mediapipe", lambda confidence, pose: (made.landmarker, lambda: made))
    monkeypatch.setattr(stage, "OnnxLandmarker", made.landmarker)
    monkeypatch.setattr(stage, "OnnxDetector", lambda nets, confidence: made)
    return made


def frames(count):
    image = gradient(360, 480)
    return [replace(video_frame(index), picture=image) for index in range(count)]


def test_faces_come_with_their_crops_the_largest_first(fakes):
    (found,) = FaceFinder().process(frames(1))
    assert found.frame.index == 0
    large, small = found.faces
    for face, points, share in ((large, LARGE, 0.9), (small, SMALL, 0.1)):
        np.testing.assert_array_equal(face.points, points)
        assert face.blendshapes[0] == np.float32(share)
        assert (face.box.left, face.box.top) == pytest.approx(points.min(axis=0))
        for region, cut in zip((EYES, LIPS), face.crops, strict=True):
            np.testing.assert_array_equal(cut.image, crop(found.frame.image, points, region).image)
            assert cut.visible == crop(found.frame.image, points, region).visible


def test_a_decoded_picture_is_only_looked_at_with_red_first(fakes):
    (frame,) = frames(1)
    (expected,) = FaceFinder().process([frame])
    decoded = replace(frame, picture=DecodedPicture(frame.image))
    (found,) = FaceFinder().process([decoded])
    assert found.frame is decoded
    assert decoded.picture.made == ["rgb"]
    for face, other in zip(found.faces, expected.faces, strict=True):
        assert all(np.array_equal(a.image, b.image) for a, b in zip(face.crops, other.crops, strict=True))


def test_frames_come_in_their_order_with_their_own_faces(fakes):
    finder = FaceFinder()
    found = [frame for item in frames(5) for frame in finder.process([item])]
    assert [item.frame.index for item in found] == list(range(5))
    assert [len(item.faces) for item in found] == [2] * 5


@pytest.mark.parametrize(
    ("turns", "stride", "batch", "whole"),
    [
        (1, 1, 1, False),
        (2, 1, 8, True),
        (1, 2, 2, True),
        (1, None, 4, True),
        (2, None, 8, True),
        (3, 1, 6, True),
        (2, 3, 6, True),
        (4, 2, 8, True),
        (3, 4, 12, True),
    ],
)
def test_batches_hold_whole_rounds_of_turns_and_strides(fakes, turns, stride, batch, whole):
    finder = FaceFinder(turns=turns, stride=stride)
    assert (finder.batch, finder.whole) == (batch, whole)


@pytest.mark.parametrize(("size", "made"), [((640, 480), True), ((1280, 720), False), ((1080, 1920), False)])
def test_of_a_large_decoded_picture_no_image_of_the_whole_is_made(size, made):
    nets, (width, height) = LandmarkNets.load(NetOptions("cpu")), size
    planes = [np.full((height // by, width // by), 128, np.uint8) for by in (1, 2, 2)]
    decoded = DecodedPicture(np.full((height, width, 3), 128, np.uint8), tuple(planes))
    frame = VideoFrame(0, 0, Fraction(1, 30), 0.0, decoded)
    FaceFinder(nets=nets).process([frame])
    assert ("rgb" in decoded.made) == made


@pytest.mark.parametrize(
    ("batches", "turns", "teams"),
    [(True, 3, 1), (False, 3, 3), (None, 3, 3), (True, 1, 1), (None, 1, 1)],
)
def test_nets_on_a_gpu_follow_in_one_and_others_in_as_many_as_there_are_turns(fakes, batches, turns, teams):
    """`batches` is of the nets; None: MediaPipe."""
    nets = None if batches is None else SimpleNamespace(batches=batches)
    FaceFinder(nets=nets, turns=turns).process(frames(1))
    two = [(arguments, options) for arguments, options in fakes.made if 2 in arguments]
    assert len(two) == teams
    arguments, _ = two[-1]
    # One that takes all turns is told how many there are.
    assert (arguments[-1] == turns and len(arguments) == 5) == bool(batches)


@pytest.mark.parametrize("confidence", [0.5, 0.7])
def test_nets_are_asked_in_video_mode_with_the_confidence_wanted(fakes, confidence):
    nets = SimpleNamespace(batches=False)
    FaceFinder(nets=nets, min_confidence=confidence).process(frames(1))
    (arguments, options) = fakes.made[-1]
    assert arguments == (nets, 2)
    assert options == {"video": True, "min_confidence": confidence}


@pytest.mark.parametrize(("height", "width", "faces"), [(24, 400, 2), (23, 400, 0), (400, 23, 0)])
def test_pictures_too_small_for_faces_are_not_looked_at(fakes, height, width, faces):
    small = [replace(video_frame(index), picture=gradient(height, width)) for index in range(3)]
    found = list(FaceFinder().process(small))
    assert [len(one.faces) for one in found] == [faces] * 3
    assert [one.frame.index for one in found] == [0, 1, 2]


def test_no_more_faces_than_wanted(fakes):
    FaceFinder(max_faces=1).process(frames(1))
    assert {arguments[0] for arguments, _ in fakes.made} == {1}


def test_all_is_closed(fakes):
    finder = FaceFinder()
    finder.process(frames(1))
    finder.close()
    assert fakes.closed == 2  # what follows, and the detector


@pytest.mark.parametrize(
    ("given", "asked"),
    [({}, (0.5, False)), ({"min_confidence": 0.3, "pose": True}, (0.3, True))],
)
def test_no_pose_is_requested_unless_it_is_wanted(fakes, monkeypatch, given, asked):
    found = []
    make = stage._mediapipe
    monkeypatch.setattr(stage, "_mediapipe", lambda *what: found.append(what) or make(*what))
    FaceFinder(**given)
    assert found == [asked]


@pytest.mark.parametrize(
    ("turns", "stride", "whole", "batch"),
    [
        (1, 1, False, 1),
        (2, 1, True, 8),
        (3, 1, True, 6),
        (1, 2, True, 2),
        (2, 2, True, 8),
        (3, 2, True, 6),
        (9, 1, True, 9),
        (3, 3, True, 9),
    ],
)
def test_so_many_frames_are_taken_together_that_no_turn_waits(fakes, turns, stride, whole, batch):
    finder = FaceFinder(turns=turns, stride=stride)
    assert (finder.whole, finder.batch) == (whole, batch)


def looks(finder, fakes, count, step):
    """What the detector is asked for each of some pictures, while its result is waited for and afterwards."""
    asked = []
    for index, frame in enumerate(frames(count)):
        fakes.asked = []
        finder.process([replace(frame, pts=step * index)])
        during, fakes.asked = fakes.asked, []
        finder.after_results()
        asked.append((during, fakes.asked))
    return asked


def test_live_pictures_wait_for_the_detector_only_until_somebody_is_known(fakes):
    (first, _), *others = looks(FaceFinder(deferred=True), fakes, 90, step=33)
    assert first
    assert not any(during for during, _ in others)
    # Of pictures that come close together one look each: a head is shown as it is and turned.
    assert all(after in ([], ["whole"], ["tile"], ["heads"] * 2) for _, after in others)
    asked = [after[0] for _, after in others if after]
    assert {kind: asked.count(kind) for kind in ("whole", "tile", "heads")} == {
        "whole": 6,
        "tile": 5,
        "heads": 4,
    }


def test_live_pictures_that_come_seldom_have_time_for_all_looks_that_are_due(fakes):
    _, *others = looks(FaceFinder(deferred=True), fakes, 5, step=1000)
    assert not any(during for during, _ in others)
    assert all(after.count("whole") == 1 and "tile" in after and "heads" in after for _, after in others)


def test_nothing_is_left_for_later_where_nobody_is(fakes, monkeypatch):
    def nobody(picture, seconds=None):
        fakes.asked.append("whole" if picture.width == 480 else "tile")
        return np.zeros((0, 4), np.float32)

    monkeypatch.setattr(fakes, "detect", nobody)
    monkeypatch.setattr(fakes, "surest", lambda picture: 0.0)
    asked = looks(FaceFinder(deferred=True), fakes, 12, step=33)
    assert all("whole" in during and not after for during, after in asked)


def test_each_kind_of_look_has_its_turn_where_one_would_always_be_due(fakes, monkeypatch):
    finder = FaceFinder(deferred=True)
    finder.process(frames(1))
    turns = []
    searches = [lambda *_, name=name: turns.append(name) or True for name in "abc"]
    finder._searches.clear()
    finder._searches.extend(searches)
    for frame in frames(7):
        finder.process([replace(frame, pts=10 * frame.index)])
        finder.after_results()
    assert turns[0:3] == ["a", "b", "c"]  # the first of all had time for all
    assert "".join(turns[3:]) == "abcabc"


def test_nothing_is_left_for_later_where_every_picture_counts(fakes):
    asked = looks(FaceFinder(), fakes, 20, step=100)
    assert not any(after for _, after in asked)
    assert sum("whole" in during for during, _ in asked) == 5


def test_of_a_picture_between_no_more_is_made_than_its_faces_and_the_crops_are_the_same(fakes):
    image = gradient(480, 640)
    decoded = [DecodedPicture(image) for _ in range(4)]
    found = []
    for pictures in (decoded, [image] * 4):
        finder = FaceFinder(stride=2, max_faces=2)
        items = [replace(frame, picture=one) for frame, one in zip(frames(4), pictures, strict=True)]
        found.append(list(finder.process(items)))
        finder.close()
    part, whole = ["part of rgb"], ["rgb"]
    assert [one.made for one in decoded] == [whole, [], whole, whole]
    for one, other in zip(*found, strict=True):
        for face, same in zip(one.faces, other.faces, strict=True):
            for ours, theirs in zip(face.crops, same.crops, strict=True):
                np.testing.assert_array_equal(ours.image, theirs.image)
    assert [one.made for one in decoded] == [whole, part, whole, whole]
