"""Pictures for MediaPipe's tasks, and their results, read from its memory into arrays.

MediaPipe's own wrapper makes an object of each of 478 landmarks and 52 blendshapes: 2.3 ms of processor time
per face, a tenth of the cost of a picture. This reads the same numbers by rows. And it calls MediaPipe's
library directly: the wrapper passes each call to a thread and waits for it, 0.3 ms of processor time, and
longer if other threads hold the GIL.

It uses private names of MediaPipe: the range of versions in pyproject.toml ends below the
first that was not tested, and `tests/models/faces/test_mediapipe_arrays.py` compares it with the public API
and lists the names.
"""

import ctypes
import sys
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

# MediaPipe's name for three bytes a pixel, red first.
_RGB = 1

_Rows = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class FoundFace:
    """One face from MediaPipe's landmarker.

    Attributes:
        landmarks: float32 (478, 3), x and z as shares of the picture's width, y of its height.
        blendshapes: float32 (52,), in [0, 1].
        matrix: float32 (4, 4), the pose of the head; None if it was not requested.
    """

    landmarks: _Rows
    blendshapes: _Rows
    matrix: _Rows | None


class FoundBox(NamedTuple):
    """One face from MediaPipe's detector: whole pixels, and the score, in [0, 1]."""

    left: int
    top: int
    right: int
    bottom: int
    score: float

    @property
    def area(self) -> int:
        """In pixels."""
        return (self.right - self.left) * (self.bottom - self.top)


def image_of(rgb: npt.NDArray[np.uint8], kind: Any) -> Any:
    """A copy of a picture in MediaPipe's type.

    Its own constructor declares all of the library's functions again for each picture.

    Args:
        rgb: uint8 (height, width, 3), contiguous.
        kind: MediaPipe's class of images.
    """
    image = kind.__new__(kind)
    image._lib, image._image_ptr = _library(kind), ctypes.c_void_p()
    height, width, _ = rgb.shape
    place = ctypes.cast(rgb.ctypes.data, ctypes.POINTER(ctypes.c_uint8))
    made, message = ctypes.byref(image._image_ptr), ctypes.c_char_p()
    status = image._lib.MpImageCreateFromUint8Data(
        _RGB, width, height, place, rgb.size, made, ctypes.byref(message)
    )
    _check(image._lib, kind, status, message)
    return image


@cache
def _library(kind: Any) -> Any:
    """MediaPipe's library, in which the functions for images are declared."""
    return kind(_RGB, np.zeros((1, 1, 3), np.uint8))._lib


def found_faces(task: Any, image: Any, milliseconds: int | None = None) -> tuple[FoundFace, ...]:
    """The faces that a `vision.FaceLandmarker` detects in a picture.

    Args:
        task: which was made with blendshapes.
        image: MediaPipe's own, RGB.
        milliseconds: the picture's time in video mode, None in picture mode.

    Returns:
        Nothing if the task is closed. It must not be closed meanwhile.

    Raises:
        ValueError, RuntimeError: as the task's own `detect` and `detect_for_video`.
    """
    if not task._handle:
        return ()
    result = sys.modules[type(task).__module__].MpFaceLandmarkerResultC()
    target = ctypes.byref(result)
    if milliseconds is None:
        _call(task, "MpFaceLandmarkerDetectImage", image._image_ptr, None, target)
    else:
        _call(task, "MpFaceLandmarkerDetectForVideo", image._image_ptr, None, milliseconds, target)
    try:
        return tuple(_face(result, place) for place in range(result.face_landmarks_count))
    finally:
        task._lib._lib.MpFaceLandmarkerCloseResult(target)


def found_boxes(task: Any, image: Any) -> list[FoundBox]:
    """The faces that a `vision.FaceDetector` for pictures detects; else as `found_faces`."""
    if not task._handle:
        return []
    result = sys.modules[type(task).__module__].detections_c_module.MpDetectionResultC()
    target = ctypes.byref(result)
    _call(task, "MpFaceDetectorDetectImage", image._image_ptr, None, target)
    try:
        return [_box(result.detections[place]) for place in range(result.detections_count)]
    finally:
        task._lib._lib.MpFaceDetectorCloseResult(target)


def _call(task: Any, name: str, *values: Any) -> None:
    """Call a function of MediaPipe's library on a task; raises what MediaPipe raises."""
    library, message = task._lib._lib, ctypes.c_char_p()
    status = getattr(library, name)(task._handle, *values, ctypes.byref(message))
    _check(library, type(task._lib), status, message)


def _check(library: Any, kind: Any, status: int, message: ctypes.c_char_p) -> None:
    """Raise what MediaPipe raises for a status."""
    if not status:
        return
    try:
        sys.modules[kind.__module__].mediapipe_c_utils.handle_status(status, message)
    finally:
        if message.value is not None:
            library.MpErrorFree(message)


def _box(found: Any) -> FoundBox:
    box = found.bounding_box
    return FoundBox(box.left, box.top, box.right, box.bottom, found.categories[0].score)


def _face(result: Any, place: int) -> FoundFace:
    points, shapes = result.face_landmarks[place], result.face_blendshapes[place]
    posed = place < result.facial_transformation_matrixes_count
    return FoundFace(
        _floats(points.landmarks, points.landmarks_count, "x", 3),
        _floats(shapes.categories, shapes.categories_count, "score", 1)[:, 0],
        np.asarray(result.facial_transformation_matrixes[place].to_numpy(), np.float32) if posed else None,
    )


def _floats(pointer: Any, count: int, first: str, columns: int) -> _Rows:
    """A copy of consecutive float fields of each structure of a C array."""
    kind: Any = pointer._type_
    memory = ctypes.string_at(pointer, count * ctypes.sizeof(kind))
    strides = (ctypes.sizeof(kind), ctypes.sizeof(ctypes.c_float))
    offset = getattr(kind, first).offset
    return np.ndarray((count, columns), np.float32, memory, offset, strides).copy()
