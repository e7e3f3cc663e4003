import dataclasses
import threading
from contextlib import closing

import numpy as np
import pytest

from emotion.models.faces import mediapipe_arrays
from emotion.models.faces.mediapipe_arrays import found_boxes, found_faces
from emotion.models.faces.mediapipe_landmarker import FaceDetector, FaceLandmarker, Picture, _native
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.sources.file import VideoFile

FIRST, PICTURES = 330, 4


@pytest.fixture(scope="module")
def pictures():
    with VideoFile(DEMO) as video:
        images = [frame.image for _, frame in zip(range(FIRST + PICTURES), video, strict=False)][FIRST:]
    twice = np.concatenate([images[0], images[1]], axis=1)
    return [Picture(image) for image in (*images, twice, np.zeros_like(images[0]))]


def as_mediapipe_reads(result):
    """What its own objects say, in the form of `FoundFace`."""
    matrices = result.facial_transformation_matrixes or [None] * len(result.face_landmarks)
    return [
        (
            np.array([(point.x, point.y, point.z) for point in points], np.float32),
            np.array([shape.score for shape in shapes], np.float32),
            matrix,
        )
        for points, shapes, matrix in zip(
            result.face_landmarks, result.face_blendshapes, matrices, strict=True
        )
    ]


@pytest.mark.parametrize("pose", [False, True])
@pytest.mark.parametrize("video", [False, True])
def test_the_arrays_are_what_mediapipes_own_objects_say_to_the_last_bit(pictures, video, pose):
    with FaceLandmarker(2, video=video, pose=pose) as one, FaceLandmarker(2, video=video, pose=pose) as other:
        for place, picture in enumerate(pictures):
            times = (place * 40,) if video else ()
            ours = found_faces(one._landmarker, _native(picture), *times)
            task = other._landmarker
            theirs = as_mediapipe_reads(
                task.detect_for_video(_native(picture), *times) if video else task.detect(_native(picture))
            )
            assert len(ours) == len(theirs)
            for face, (points, shapes, matrix) in zip(ours, theirs, strict=True):
                assert np.array_equal(face.landmarks, points)
                assert np.array_equal(face.blendshapes, shapes)
                assert (face.matrix is None) is (matrix is None) is not pose
                assert matrix is None or np.array_equal(face.matrix, matrix.astype(np.float32))
    assert len(found_faces_in(pictures[-2])) == 2
    assert found_faces_in(pictures[-1]) == ()


def found_faces_in(picture):
    with FaceLandmarker(2) as landmarker:
        return found_faces(landmarker._landmarker, _native(picture))


def test_images_are_those_of_mediapipes_own_constructor(pictures):
    from mediapipe.tasks.python.vision.core.image import Image, ImageFormat

    assert ImageFormat.SRGB == mediapipe_arrays._RGB
    for picture in pictures:
        ours, theirs = mediapipe_arrays.image_of(picture.rgb, Image), Image(ImageFormat.SRGB, picture.rgb)
        assert (ours.width, ours.height, ours.image_format) == (theirs.width, theirs.height, ImageFormat.SRGB)
        assert np.array_equal(ours.numpy_view(), theirs.numpy_view())
        assert vars(ours).keys() == vars(theirs).keys()


def test_boxes_are_what_mediapipes_own_objects_say(pictures):
    with closing(FaceDetector()) as detector:
        task = detector._detector
        for picture in pictures:
            ours, theirs = found_boxes(task, _native(picture)), task.detect(_native(picture)).detections
            assert [box[:2] for box in ours] == [
                (box.bounding_box.origin_x, box.bounding_box.origin_y) for box in theirs
            ]
            assert [(box.right - box.left, box.bottom - box.top, box.area) for box in ours] == [
                (box.width, box.height, box.width * box.height)
                for box in (one.bounding_box for one in theirs)
            ]
            assert [box.score for box in ours] == [one.categories[0].score for one in theirs]
    assert found_boxes(task, _native(pictures[0])) == []


def test_what_mediapipe_refuses_is_refused_as_by_itself(pictures):
    image = _native(pictures[0])
    with FaceLandmarker(video=True) as landmarker:
        task = landmarker._landmarker
        found_faces(task, image, 40)
        for ours, theirs in (
            (lambda: found_faces(task, image, 39), lambda: task.detect_for_video(image, 39)),
            (lambda: found_faces(task, image), lambda: task.detect(image)),
        ):
            with pytest.raises(ValueError, match=r"timestamp|mode") as expected:
                theirs()
            with pytest.raises(ValueError, match=str(expected.value)):
                ours()
    assert found_faces(task, image, 80) == ()


def test_who_closes_waits_for_who_looks(pictures):
    landmarker = FaceLandmarker()
    with landmarker._turn:  # as while a picture is looked at
        closing = threading.Thread(target=landmarker.close)
        closing.start()
        closing.join(0.05)
        assert closing.is_alive()
        assert landmarker._landmarker._handle
    closing.join(10)
    assert not landmarker._landmarker._handle
    assert landmarker.detect(pictures[0]) == ()


def test_what_was_found_lives_on_when_mediapipe_frees_its_memory(pictures):
    with FaceLandmarker() as landmarker:
        (before,) = found_faces(landmarker._landmarker, _native(pictures[0]))
        kept = dataclasses.replace(before, landmarks=before.landmarks.copy())
        for picture in pictures:
            found_faces(landmarker._landmarker, _native(picture))
    assert np.array_equal(before.landmarks, kept.landmarks)
    assert before.landmarks.base is None


def test_these_private_names_of_mediapipe_are_used(pictures):
    from mediapipe.tasks.python.vision import face_detector
    from mediapipe.tasks.python.vision import face_landmarker as module

    assert face_detector.detections_c_module.MpDetectionResultC
    with closing(FaceDetector()) as detector:
        for name in ("DetectImage", "CloseResult"):
            assert getattr(detector._detector._lib._lib, f"MpFaceDetector{name}").argtypes
        assert detector._detector._handle
    with FaceLandmarker() as landmarker:
        task = landmarker._landmarker
        for name in ("DetectImage", "DetectForVideo", "CloseResult"):
            assert getattr(task._lib._lib, f"MpFaceLandmarker{name}").argtypes
        assert callable(task._lib._lib.MpErrorFree)
        assert task._handle
    assert _native(pictures[0])._image_ptr
    fields = [name for name, *_ in module.MpFaceLandmarkerResultC._fields_]
    kinds = ("face_landmarks", "face_blendshapes", "facial_transformation_matrixes")
    assert fields == [name for kind in kinds for name in (kind, f"{kind}_count")]
