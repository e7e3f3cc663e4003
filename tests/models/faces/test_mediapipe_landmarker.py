import importlib
from contextlib import closing

import av
import cv2
import numpy as np
import pytest

from emotion.models import regions
from emotion.models.errors import MissingDependencyError, ModelFileError
from emotion.models.faces import mediapipe_landmarker as landmarks
from emotion.models.faces import portrait
from emotion.models.faces.mediapipe_landmarker import BLENDSHAPES, FaceDetector, FaceLandmarker, Picture
from emotion.models.faces.portrait import find_portrait
from emotion.models.regions import alignment_error, eye_distance
from emotion.realtime.sources.demo import DEMO
from tests.helpers.without_mediapipe import without_mediapipe


@pytest.fixture(scope="module")
def picture():
    """A frame of the bundled clip: one face, seen from the front."""
    with av.open(str(DEMO)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index == 330:
                return frame.to_ndarray(format="bgr24")
    raise AssertionError("the bundled clip has less than 330 frames")


@pytest.fixture(scope="module")
def landmarker():
    with FaceLandmarker(max_faces=3) as made:
        yield made


def test_a_face_is_found_with_landmarks_and_blendshapes(landmarker, picture):
    (face,) = landmarker.detect(picture)
    assert face.points.shape == (478, 2)
    assert face.points.dtype == face.blendshapes.dtype == np.float32
    assert face.blendshapes.shape == (len(BLENDSHAPES),) == (52,)
    assert 30 < eye_distance(face.points) < 150
    assert alignment_error(face.points) < 6
    smile = face.blendshapes[BLENDSHAPES.index("mouth_smile_left")]
    assert smile > 0.5  # she laughs


def test_nobody_is_found_in_an_empty_picture(landmarker):
    assert landmarker.detect(np.zeros((120, 160, 3), np.uint8)) == ()
    assert find_portrait(landmarker, np.zeros((40, 40, 3), np.uint8)) is None


def test_a_picture_that_is_too_long_for_mediapipe_does_not_end_the_program(landmarker):
    long = Picture(np.zeros((2, 32_767, 3), np.uint8))
    assert landmarker.detect(long) == ()
    with closing(FaceDetector()) as detector:
        assert not len(detector.detect(long))


def test_faces_of_a_long_picture_are_reported_in_its_own_pixels(landmarker, picture, monkeypatch):
    def found():
        with closing(FaceDetector()) as detector:
            return landmarker.detect(picture)[0].points, detector.detect(Picture(picture))[0]

    points, box = found()
    monkeypatch.setattr(regions, "LONGEST_SIDE", max(picture.shape) - 1)
    fewer_points, fewer_box = found()
    distance = np.linalg.norm(fewer_points - points, axis=1)
    assert 0 < np.median(distance) < 0.05 * eye_distance(points)
    assert np.abs(fewer_box - box).max() < 0.1 * (box[2] - box[0])


def test_a_face_that_fills_the_picture_is_found_in_its_pixels(landmarker, picture):
    (whole,) = landmarker.detect(picture)
    low = np.maximum(whole.points.min(axis=0).astype(int), 0)
    high = whole.points.max(axis=0).astype(int)
    tight = np.ascontiguousarray(picture[low[1] : high[1], low[0] : high[0]])
    found = find_portrait(landmarker, tight)
    assert found is not None
    distance = np.linalg.norm(found.points + low - whole.points, axis=1)
    assert np.median(distance) < 0.05 * eye_distance(whole.points)


@pytest.mark.parametrize(("border", "turn"), portrait._LOOKS)
@pytest.mark.parametrize("scale", [0.5, 1.0, 4.0])
def test_a_second_look_finds_the_face_where_it_is(landmarker, picture, border, turn, scale):
    (whole,) = landmarker.detect(picture)
    other = cv2.resize(picture, None, fx=scale, fy=scale)
    (found,) = portrait._look_again(landmarker.detect, other, border, turn)
    distance = np.linalg.norm(found.points / scale - whole.points, axis=1)
    assert np.median(distance) < 0.06 * eye_distance(whole.points)
    assert found.points.dtype == found.depth.dtype == np.float32


@pytest.mark.parametrize(("wide", "corner"), [(70, (30, 300)), (45, (250, 90))])
def test_a_small_face_in_a_large_picture_is_found(landmarker, picture, wide, corner):
    (whole,) = landmarker.detect(picture)
    scale = wide / np.ptp(whole.points[:, 0])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    scene = np.full((576, 720, 3), 90, np.uint8)
    scene[corner[0] : corner[0] + small.shape[0], corner[1] : corner[1] + small.shape[1]] = small
    assert not landmarker.detect(scene)
    found = find_portrait(landmarker, scene)
    assert found is not None
    distance = np.linalg.norm(found.points - corner[::-1] - whole.points * scale, axis=1)
    assert np.median(distance) < 0.06 * scale * eye_distance(whole.points)


def test_time_may_stand_still_or_go_back_in_video_mode(picture):
    with FaceLandmarker(video=True) as tracker:
        for seconds in (0.0, 0.0, 1.0, 0.5):
            assert len(tracker.detect(picture, seconds)) == 1


@pytest.mark.parametrize("faces", [1, 2])
def test_a_face_is_found_in_the_very_picture_in_which_it_is_elsewhere(picture, faces):
    """As after each cut of a film."""
    wide = np.zeros((picture.shape[0], 2 * picture.shape[1], 3), np.uint8)
    left, right = wide.copy(), wide.copy()
    left[:, : picture.shape[1]] = right[:, picture.shape[1] :] = picture
    with FaceLandmarker(faces, video=True) as tracker:
        found = [tracker.detect(shown, number / 10) for number, shown in enumerate([left, right, left])]
    middles = [[face.points[:, 0].mean() > picture.shape[1] for face in one] for one in found]
    assert middles == [[False], [True], [False]]


def test_closing_twice_is_fine():
    made = FaceLandmarker()
    made.close()
    made.close()


def test_a_missing_or_changed_model_is_refused(monkeypatch, tmp_path):
    for content, reason in ((None, "cannot be read"), (b"something else", "damaged")):
        landmarks._check_model_file.cache_clear()
        path = tmp_path / "face_landmarker.task"
        if content:
            path.write_bytes(content)
        monkeypatch.setattr(landmarks, "MODEL_PATH", path)
        with pytest.raises(ModelFileError, match=reason):
            FaceLandmarker()
    landmarks._check_model_file.cache_clear()


def test_a_missing_system_library_ends_in_a_sentence(monkeypatch):
    def broken(options):
        raise OSError("libEGL.so.1: cannot open shared object file")

    monkeypatch.setattr(landmarks.vision.FaceLandmarker, "create_from_options", broken)
    with pytest.raises(MissingDependencyError, match="apt-get install"):
        FaceLandmarker()


def test_where_it_cannot_be_loaded_a_sentence_says_what_needs_it(monkeypatch):
    without_mediapipe(monkeypatch)
    with pytest.raises(MissingDependencyError, match=r"pose.*data sets.*Install emotion-live again\."):
        importlib.import_module("emotion.models.faces.mediapipe_landmarker")
