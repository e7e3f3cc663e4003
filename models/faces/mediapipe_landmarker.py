"""A small interface to MediaPipe: a picture in, landmarks and blendshapes, or only boxes, out."""

import contextlib
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from emotion.models.closeable import Closeable
from emotion.models.errors import MissingDependencyError, ModelFileError
from emotion.models.faces.mediapipe_arrays import FoundBox, FoundFace, found_boxes, found_faces, image_of
from emotion.models.faces.picture import BLENDSHAPES, Landmarks, Picture
from emotion.models.installing import advice_on
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
    "silenced",
]


@contextlib.contextmanager
def _without_tensorflow() -> Iterator[None]:
    """Let an import behave as if TensorFlow were not installed.

    If it is installed, MediaPipe imports it for a decorator of its own documentation. That costs ten
    seconds and 600 MB, and a crash if libraries with their own OpenSSL are loaded later.
    """
    if "tensorflow" in sys.modules:
        yield
        return
    sys.modules["tensorflow"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["tensorflow"]


def _missing(error: ImportError | OSError) -> MissingDependencyError:
    # Most of the program works without it; the message says what does not.
    return MissingDependencyError(
        "MediaPipe, which --columns pose, --landmarks mediapipe and data sets need, cannot be loaded "
        f"({error}). {advice_on(error)}"
    )


# It uses these for one function that plots and one that records sound; their import takes 0.8 s.
try:
    with _without_tensorflow(), deferred("matplotlib.pyplot", "sounddevice"):
        from mediapipe.tasks.python import vision
        from mediapipe.tasks.python.core import mediapipe_c_bindings
        from mediapipe.tasks.python.core.base_options import BaseOptions
        from mediapipe.tasks.python.vision.core.image import Image as MediaPipeImage
except (ImportError, OSError) as failure:
    raise _missing(failure) from failure

MODEL_PATH = ZOO / "face_landmarker.task"
MODEL_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"


class FaceLandmarker(Closeable):
    """Finds faces and their landmarks. Close it, or use it as a context manager.

    Not thread-safe: one instance a thread. It releases the GIL, so several instances scale.

    Args:
        max_faces: the most faces returned for a picture.
        video: track from picture to picture; then `detect` needs increasing times. If a face is lost, as at a
            cut, detection runs in the same picture.
        min_confidence: in [0, 1], for detection, presence and tracking alike.
        pose: also return the poses of heads.
        min_presence: of the landmark net's score; by default `min_confidence`.

    Raises:
        ModelFileError: `face_landmarker.task` is missing or not the file this program ships.
        MissingDependencyError: MediaPipe cannot be loaded, for example because a system library is missing.
    """

    def __init__(
        self,
        max_faces: int = 1,
        video: bool = False,
        min_confidence: float = 0.5,
        pose: bool = False,
        min_presence: float | None = None,
    ):
        _check_model_file()
        mode = vision.RunningMode.VIDEO if video else vision.RunningMode.IMAGE
        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(MODEL_PATH)),
            running_mode=mode,
            num_faces=max_faces,
            min_face_detection_confidence=min_confidence,
            min_face_presence_confidence=min_confidence if min_presence is None else min_presence,
            min_tracking_confidence=min_confidence,
            output_face_blendshapes=True,
            output_facial_transformation_matrixes=pose,
        )
        self._video = video
        self._max_faces = max_faces
        # While it tracks the maximum number of faces, MediaPipe does not run detection, not even in a picture
        # in which they are lost.
        self._tracked_all = False
        self._last_ms = -1
        # `close` waits for a running `detect`.
        self._turn = threading.Lock()
        with _starting():
            self._landmarker = vision.FaceLandmarker.create_from_options(options)
        self._end = _ending(self, self._landmarker, self._turn)

    def detect(self, image: Image | Picture, seconds: float = 0.0) -> tuple[Landmarks, ...]:
        """All faces in a picture, at most `max_faces`.

        Args:
            image: uint8 (h, w, 3), BGR; or a prepared picture.
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
        picture.native = None  # the whole picture of a stream is rarely used again
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
    """Detects faces without landmarks, in a fifth of the time.

    It is the detector in the landmark model's file. Close it when done; use one per thread.

    Args:
        min_confidence: in [0, 1].

    Raises:
        ModelFileError: `face_landmarker.task` is missing or not the file this program ships.
        MissingDependencyError: MediaPipe cannot be loaded, for example because a system library is missing.
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
            # Its informational output appears at the first picture.
            self.detect(Picture(np.zeros((256, 256, 3), np.uint8)))

    def detect(self, picture: Picture) -> npt.NDArray[np.float32]:
        """Boxes of faces: float32 (n, 4), left, top, right, bottom in pixels, the largest first.

        A box reaches from the brows to the chin. Faces below an eighth of the picture's longer side
        are missed.
        """
        boxes = sorted(self._find(picture), key=lambda box: box.area, reverse=True)
        shift = np.array([picture.left, picture.top] * 2, dtype=np.float32)
        return np.array([box[:4] for box in boxes], dtype=np.float32).reshape(-1, 4) * picture.step + shift

    def surest(self, picture: Picture) -> float:
        """The largest score, in [0, 1]; 0 if there are no faces."""
        return max((found.score for found in self._find(picture)), default=0.0)

    def _find(self, picture: Picture) -> list[FoundBox]:
        with self._turn:
            return found_boxes(self._detector, _native(picture))

    def close(self) -> None:
        """Free MediaPipe's threads and memory. May be called again."""
        with without_chatter():
            self._end()


def _ending(owner: object, task: Any, turn: threading.Lock) -> Callable[[], object]:
    """Closes a MediaPipe task: when called, when its owner is collected, or before the program ends.

    Args:
        owner, task: as they are.
        turn: a lock that is held while the task is used.
    """
    return before_exit(owner, _free, task, turn, Process(), last=True)


def _free(task: Any, turn: threading.Lock, process: Process) -> None:
    if not process.here:
        # Its thread does not exist in this forked child, and its destructor would wait for it for ever.
        task._handle = None
        return
    # The garbage collector may run in MediaPipe's own threads, for which a thread with captured output waits.
    in_main = threading.current_thread() is threading.main_thread()
    with turn, without_chatter() if in_main else contextlib.nullcontext():
        task.close()


def _native(picture: Picture) -> MediaPipeImage:
    if not picture.native:
        # MediaPipe aborts the process if a side is longer than its OpenCV supports.
        shown = picture.rgb[:: picture.step, :: picture.step]
        picture.native = image_of(np.ascontiguousarray(shown), MediaPipeImage)
    return picture.native


def _in_pixels(face: FoundFace, picture: Picture) -> Landmarks:
    xyz = face.landmarks * np.array([picture.width, picture.height, picture.width], dtype=np.float32)
    xyz += np.array([picture.left, picture.top, 0], dtype=np.float32)
    # Contiguous in memory, which is fastest in NumPy.
    return Landmarks(xyz[:, :2].copy(), xyz[:, 2].copy(), face.blendshapes, face.matrix)


@cache
def _check_model_file() -> None:
    """Refuse a landmark model that is missing or changed; checked once per process."""
    advice = "Install emotion-live again to restore it."
    try:
        digest = sha256(MODEL_PATH)
    except OSError as error:
        raise ModelFileError(f"The face landmark model {MODEL_PATH} cannot be read. {advice}") from error
    if digest != MODEL_SHA256:
        raise ModelFileError(f"The face landmark model {MODEL_PATH} is damaged (wrong sha256). {advice}")


@cache
def silenced() -> bool:
    """Disable MediaPipe's telemetry, once per process, before the first task; whether that succeeded."""
    return telemetry.silence(mediapipe_c_bindings.load_raw_library())


@contextlib.contextmanager
def _starting() -> Iterator[None]:
    """Hide MediaPipe's informational output while it starts; if it cannot start, the error says why."""
    try:
        with without_chatter():
            silenced()
            yield
    except OSError as error:  # MediaPipe loads its own library, and with it EGL, only here
        raise _missing(error) from error
