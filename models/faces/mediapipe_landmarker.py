"""MediaPipe behind a small face: a picture in, landmarks and blendshapes, or just boxes, out."""

import contextlib
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from emotion.models.closing import Closing
from emotion.models.errors import SYSTEM_LIBRARIES, MissingDependencyError, ModelFileError
from emotion.models.faces.mediapipe_arrays import FoundBox, FoundFace, found_boxes, found_faces, image_of
from emotion.models.faces.picture import BLENDSHAPES, Landmarks, Picture, leant
from emotion.models.manifest import ZOO
from emotion.models.native import telemetry
from emotion.models.native.at_exit import Process, before_exit
from emotion.models.native.deferred import deferred
from emotion.models.native.log import without_chatter
from emotion.models.regions import Image
from emotion.models.small_files import sha256

__all__ = [
    "BLENDSHAPES",
    "FaceDetector",
    "FaceLandmarker",
    "Landmarks",
    "Picture",
    "find_portrait",
    "looks_again",
    "silenced",
]


@contextlib.contextmanager
def _without_tensorflow() -> Iterator[None]:
    """Let an import behave as if TensorFlow were not installed.

    MediaPipe imports it, where it is, for a decorator of its own documentation. That costs ten
    seconds and 600 MB, and a crash where libraries come later that bring an OpenSSL of their own.
    """
    if "tensorflow" in sys.modules:
        yield
        return
    sys.modules["tensorflow"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["tensorflow"]


# Of these it needs one function that plots and one that records sound; together they take 0.8 s.
with _without_tensorflow(), deferred("matplotlib.pyplot", "sounddevice"):
    from mediapipe.tasks.python import vision
    from mediapipe.tasks.python.core import mediapipe_c_bindings
    from mediapipe.tasks.python.core.base_options import BaseOptions
    from mediapipe.tasks.python.vision.core.image import Image as MediaPipeImage

MODEL_PATH = ZOO / "face_landmarker.task"
MODEL_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"

# A face that fills a small picture is found more surely in a larger one with a border around it.
# In pixels, the least and the most that a picture's shorter side has then.
_SHORTER_SIDE = (256, 512)
# Ways to look again: the border as a share of the longer side, and a turn in degrees. Of 3,149 photographs
# of FER+ (its validation folder) the plain look and the first of these miss 97, all together 48.
_LOOKS = ((0.3, 0.0), (0.6, 0.0), (0.3, 20.0), (0.3, -20.0))
# A face that is a tenth of the picture's width or less is found in a part of it: windows of these shares,
# half of one apart, if they are this many pixels wide and high.
_WINDOWS = (1 / 2, 1 / 3)
_LEAST_WINDOW = 128
# A picture so many times as long as wide is none of a face; the square around it would take all memory.
_THINNEST = 16


class FaceLandmarker(Closing):
    """Finds faces and their landmarks. Close it, or use it as a context manager.

    Not thread-safe: one instance a thread. It releases the GIL, so several instances scale.

    Args:
        max_faces: the most faces returned for a picture.
        video: track from picture to picture; then `detect` wants increasing times. Whoever is lost, as at a
            cut, is searched for in the same picture.
        min_confidence: in [0, 1], for detection, presence and tracking alike.
        pose: tell how heads are turned, too.

    Raises:
        ModelFileError: `face_landmarker.task` is missing or not the file this program ships.
        MissingDependencyError: a system library that MediaPipe needs is missing.
    """

    def __init__(
        self, max_faces: int = 1, video: bool = False, min_confidence: float = 0.5, pose: bool = False
    ):
        _check_model_file()
        mode = vision.RunningMode.VIDEO if video else vision.RunningMode.IMAGE
        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(MODEL_PATH)),
            running_mode=mode,
            num_faces=max_faces,
            min_face_detection_confidence=min_confidence,
            min_face_presence_confidence=min_confidence,
            min_tracking_confidence=min_confidence,
            output_face_blendshapes=True,
            output_facial_transformation_matrixes=pose,
        )
        self._video = video
        self._max_faces = max_faces
        # While it tracks as many as it may, MediaPipe searches no picture, nor the one that loses them.
        self._tracked_all = False
        self._last_ms = -1
        # Who closes waits for who looks.
        self._turn = threading.Lock()
        with _starting():
            self._landmarker = vision.FaceLandmarker.create_from_options(options)
        self._end = _ending(self, self._landmarker, self._turn)

    def detect(self, image: Image | Picture, seconds: float = 0.0) -> tuple[Landmarks, ...]:
        """All faces in a picture, at most `max_faces`.

        Args:
            image: uint8 (h, w, 3), BGR; or what was made of it.
            seconds: the picture's time; used in video mode only, where time may not go back.
        """
        picture = image if isinstance(image, Picture) else Picture(image)
        found = self._follow(picture, seconds) if self._video else self._look(picture)
        return tuple(_in_pixels(face, picture) for face in found)

    def _follow(self, picture: Picture, seconds: float) -> tuple[FoundFace, ...]:
        found = self._next(picture, seconds)
        if self._tracked_all and len(found) < self._max_faces:
            found = self._next(picture, seconds)
        self._tracked_all = len(found) == self._max_faces
        picture.native = None  # of a stream's picture the whole is seldom looked at again
        return found

    def _next(self, picture: Picture, seconds: float) -> tuple[FoundFace, ...]:
        self._last_ms = max(self._last_ms + 1, round(seconds * 1000))
        return self._look(picture, self._last_ms)

    def _look(self, picture: Picture, milliseconds: int | None = None) -> tuple[FoundFace, ...]:
        with self._turn:
            return found_faces(self._landmarker, _native(picture), milliseconds)

    def close(self) -> None:
        """Free MediaPipe's threads and memory. May be called again."""
        with without_chatter():
            self._end()


class FaceDetector:
    """Says where faces are, and nothing more: a fifth of the time of their landmarks.

    It is the detector out of the landmark model's own file. Close it when done; one a thread.

    Args:
        min_confidence: in [0, 1].

    Raises:
        ModelFileError: `face_landmarker.task` is missing or not the file this program ships.
        MissingDependencyError: a system library that MediaPipe needs is missing.
    """

    def __init__(self, min_confidence: float = 0.5) -> None:
        _check_model_file()
        with zipfile.ZipFile(MODEL_PATH) as bundle:
            model = bundle.read("face_detector.tflite")
        options = vision.FaceDetectorOptions(
            base_options=BaseOptions(model_asset_buffer=model), min_detection_confidence=min_confidence
        )
        self._turn = threading.Lock()
        with _starting():
            self._detector = vision.FaceDetector.create_from_options(options)
            self._end = _ending(self, self._detector, self._turn)
            # What it says of itself it says at its first picture.
            self.detect(Picture(np.zeros((256, 256, 3), np.uint8)))

    def detect(self, picture: Picture) -> npt.NDArray[np.float32]:
        """Where faces are: float32 (n, 4), left, top, right, bottom in pixels, the largest first.

        A box reaches from the brows to the chin. Faces below an eighth of the picture's longer side
        are missed.
        """
        boxes = sorted(self._find(picture), key=lambda box: box.area, reverse=True)
        shift = np.array([picture.left, picture.top] * 2, dtype=np.float32)
        return np.array([box[:4] for box in boxes], dtype=np.float32).reshape(-1, 4) + shift

    def surest(self, picture: Picture) -> float:
        """How sure the surest of them is, in [0, 1]; 0 where there is none."""
        return max((found.score for found in self._find(picture)), default=0.0)

    def _find(self, picture: Picture) -> list[FoundBox]:
        with self._turn:
            return found_boxes(self._detector, _native(picture))

    def close(self) -> None:
        """Free MediaPipe's threads and memory. May be called again."""
        with without_chatter():
            self._end()


def find_portrait(landmarker: FaceLandmarker, image: Image) -> Landmarks | None:
    """The largest face of a photograph, also where it is tiny, fills the whole picture or leans.

    Looks at the picture as it is, then at copies enlarged, set in a black border and turned, then at
    parts.

    Args:
        landmarker: in picture mode.
        image: uint8 (h, w, 3), BGR.

    Returns:
        Landmarks in pixels of `image`, or None where no face is found.
    """
    looks = [lambda: landmarker.detect(image), *looks_again(landmarker.detect, image)]
    faces = next((found for look in looks if (found := look())), ())
    return max(faces, key=lambda face: np.ptp(face.points, axis=0).prod(), default=None)


Detect: TypeAlias = Callable[[Image], tuple[Landmarks, ...]]
"""The faces in a picture, uint8 (h, w, 3), BGR."""


def looks_again(detect: Detect, image: Image) -> list[Callable[[], tuple[Landmarks, ...]]]:
    """Further ways to look at a photograph in which nobody is found, in the order in which to try them.

    Args:
        detect: looks at a picture.
        image: uint8 (h, w, 3), BGR.
    """
    return [
        *(partial(_look_again, detect, image, border, turn) for border, turn in _LOOKS),
        *(partial(_look_at_parts, detect, image, share) for share in _WINDOWS),
    ]


def _look_again(detect: Detect, image: Image, border: float, turn: float) -> tuple[Landmarks, ...]:
    """The faces in a copy that is enlarged, set in a border and turned, in pixels of `image`."""
    if max(image.shape[:2]) > _THINNEST * min(image.shape[:2]):
        return ()
    scale = float(np.clip(1.0, *(side / min(image.shape[:2]) for side in _SHORTER_SIDE)))
    method = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    near = cv2.resize(image, None, fx=scale, fy=scale, interpolation=method)
    middle = np.array(near.shape[1::-1]) / 2
    side = round(2 * max(middle) * (1 + 2 * border))
    there = cv2.getRotationMatrix2D(middle.tolist(), turn, 1.0)
    there[:, 2] += side / 2 - middle
    # Landmarks count from a pixel's edge, warpAffine from its centre.
    by_centres = there + np.pad(there[:, :2].sum(axis=1, keepdims=True) / 2 - 0.5, ((0, 0), (2, 0)))
    copy = cv2.warpAffine(near, by_centres, (side, side), flags=cv2.INTER_CUBIC)
    back = cv2.invertAffineTransform(there).astype(np.float32)
    return tuple(
        Landmarks(
            cv2.transform(face.points[None], back)[0] / np.float32(scale),
            face.depth / np.float32(scale),
            face.blendshapes,
            None if face.matrix is None else leant(face.matrix, -turn),
        )
        for face in detect(np.asarray(copy, np.uint8))
    )


def _look_at_parts(detect: Detect, image: Image, share: float) -> tuple[Landmarks, ...]:
    """The faces in overlapping windows, each this share of the picture's sides, in pixels of `image`."""
    height, width = (round(share * side) for side in image.shape[:2])
    if min(height, width) < _LEAST_WINDOW:
        return ()
    count = round(2 / share) - 1
    found: list[Landmarks] = []
    for top in np.linspace(0, image.shape[0] - height, count, dtype=int):
        for left in np.linspace(0, image.shape[1] - width, count, dtype=int):
            part = np.ascontiguousarray(image[top : top + height, left : left + width])
            corner = np.array([left, top], np.float32)
            found += [replace(face, points=face.points + corner) for face in detect(part)]
    return tuple(found)


def _ending(owner: object, task: Any, turn: threading.Lock) -> Callable[[], object]:
    """Frees a MediaPipe task: by its call, when its owner is collected, or before the program ends.

    Args:
        owner, task: as they are.
        turn: held by who uses the task.
    """
    return before_exit(owner, _free, task, turn, Process(), last=True)


def _free(task: Any, turn: threading.Lock, process: Process) -> None:
    if not process.here:
        # Its thread is not in this forked child, and its destructor would wait for it for ever.
        task._handle = None
        return
    # The collector may run in MediaPipe's own threads, for which somebody waits who is quieting already.
    in_main = threading.current_thread() is threading.main_thread()
    with turn, without_chatter() if in_main else contextlib.nullcontext():
        task.close()


def _native(picture: Picture) -> MediaPipeImage:
    picture.native = picture.native or image_of(picture.rgb, MediaPipeImage)
    return picture.native


def _in_pixels(face: FoundFace, picture: Picture) -> Landmarks:
    xyz = face.landmarks * np.array([picture.width, picture.height, picture.width], dtype=np.float32)
    xyz += np.array([picture.left, picture.top, 0], dtype=np.float32)
    # One behind the other in memory, as NumPy takes least time for.
    return Landmarks(xyz[:, :2].copy(), xyz[:, 2].copy(), face.blendshapes, face.matrix)


@cache
def _check_model_file() -> None:
    """Refuse a landmark model that is missing or changed; read once a process."""
    advice = "Install emotion-live again to restore it."
    try:
        digest = sha256(MODEL_PATH)
    except OSError as error:
        raise ModelFileError(f"The face landmark model {MODEL_PATH} cannot be read. {advice}") from error
    if digest != MODEL_SHA256:
        raise ModelFileError(f"The face landmark model {MODEL_PATH} is damaged (wrong sha256). {advice}")


@cache
def silenced() -> bool:
    """Whether MediaPipe is kept from reporting its use; done once a process, before the first task."""
    return telemetry.silence(mediapipe_c_bindings.load_raw_library())


@contextlib.contextmanager
def _starting() -> Iterator[None]:
    """Hide what MediaPipe tells of itself when it starts; say in a sentence why it cannot."""
    try:
        with without_chatter():
            silenced()
            yield
    except OSError as error:  # MediaPipe loads its own library, and with it EGL, only here
        raise MissingDependencyError(f"MediaPipe cannot start ({error}). {SYSTEM_LIBRARIES}") from error
