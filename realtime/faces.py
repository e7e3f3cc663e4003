"""VideoFrame -> FaceFrame: find the faces, cut out eyes and lips."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeAlias

from models.face import Detector, Landmarker, Landmarks, Picture
from models.landmark_nets import LandmarkNets
from models.onnx_landmarks import OnnxDetector, OnnxLandmarker
from models.regions import EYES, LIPS, crop
from realtime.follower import FaceFollower
from realtime.frames import Box, Face, FaceFrame, VideoFrame

# Frames that are looked at together where each is looked at by itself and a net takes batches.
_BATCH = 8


class FaceFinder:
    """The stage that finds faces. Who they are is told later, by `realtime.people`.

    Args:
        max_faces: the most faces in a frame.
        min_confidence: in [0, 1], for finding and for following.
        video: follow faces from frame to frame, which is faster and finds small ones too. Without it
            frames are independent.
        nets: look with these; with MediaPipe where there are none.
        threads: that follow faces, each through a share of the frames. With several, whole batches are
            taken, so that the same file gives the same faces.

    Raises:
        ModelFileError: the landmark model is missing or damaged.
        MissingDependencyError: a system library that MediaPipe needs is missing.
    """

    name = "faces"

    def __init__(
        self,
        max_faces: int = 4,
        min_confidence: float = 0.5,
        video: bool = True,
        nets: LandmarkNets | None = None,
        threads: int = 1,
    ) -> None:
        self._finder = _finder(max_faces, min_confidence, video, nets, threads)
        self.full = video and threads > 1
        self.batch = _BATCH if self.full or isinstance(self._finder, _AllTogether) else 1

    def process(self, items: Sequence[VideoFrame]) -> Iterable[FaceFrame]:
        """The frames with their faces, in order; largest face first."""
        return [_frame(*pair) for pair in zip(items, self._finder.find(items), strict=True)]

    def close(self) -> None:
        """Free what finding holds."""
        self._finder.close()


class _Finder(Protocol):
    """The faces of each of some frames."""

    def find(self, frames: Sequence[VideoFrame], /) -> list[tuple[Landmarks, ...]]: ...

    def close(self) -> None: ...


class _Following:
    """Follows faces from frame to frame."""

    def __init__(self, follower: FaceFollower) -> None:
        self._follower = follower

    def find(self, frames: Sequence[VideoFrame]) -> list[tuple[Landmarks, ...]]:
        pictures = [Picture(frame.image) for frame in frames]
        return self._follower.find_all(pictures, [frame.seconds for frame in frames])

    def close(self) -> None:
        self._follower.close()


class _EachAlone:
    """Looks at each frame as if it were the only one."""

    def __init__(self, landmarker: Landmarker) -> None:
        self._landmarker = landmarker

    def find(self, frames: Sequence[VideoFrame]) -> list[tuple[Landmarks, ...]]:
        return [self._landmarker.detect(Picture(frame.image), frame.seconds) for frame in frames]

    def close(self) -> None:
        self._landmarker.close()


class _AllTogether:
    """The same, with the faces of all frames in one batch."""

    def __init__(self, max_faces: int, min_confidence: float, nets: LandmarkNets) -> None:
        self._landmarker = OnnxLandmarker(nets, max_faces, False, min_confidence)

    def find(self, frames: Sequence[VideoFrame]) -> list[tuple[Landmarks, ...]]:
        return self._landmarker.detect_all([Picture(frame.image) for frame in frames])

    def close(self) -> None:
        self._landmarker.close()


_Make: TypeAlias = Callable[[int, bool], Landmarker]


def _finder(
    max_faces: int, min_confidence: float, video: bool, nets: LandmarkNets | None, threads: int
) -> _Finder:
    if nets is not None and not video:
        return _AllTogether(max_faces, min_confidence, nets)
    make, detector = _mediapipe(min_confidence) if nets is None else _onnx(nets, min_confidence)
    if not video:
        return _EachAlone(make(max_faces, False))
    return _Following(FaceFollower(lambda count: make(count, True), detector(), max_faces, threads))


def _mediapipe(min_confidence: float) -> tuple[_Make, Callable[[], Detector]]:
    # Imported here: it takes seconds, a hundred megabytes and system libraries.
    from models.landmarks import FaceDetector, FaceLandmarker  # noqa: PLC0415

    return (
        lambda count, video: FaceLandmarker(count, video, min_confidence),
        lambda: FaceDetector(min_confidence),
    )


def _onnx(nets: LandmarkNets, min_confidence: float) -> tuple[_Make, Callable[[], Detector]]:
    return (
        lambda count, video: OnnxLandmarker(nets, count, video, min_confidence),
        lambda: OnnxDetector(nets, min_confidence),
    )


def _frame(frame: VideoFrame, found: Sequence[Landmarks]) -> FaceFrame:
    faces = [_cut(frame, landmarks) for landmarks in found]
    faces.sort(key=lambda face: face.box.width * face.box.height, reverse=True)
    return FaceFrame(frame, tuple(faces))


def _cut(frame: VideoFrame, landmarks: Landmarks) -> Face:
    points = landmarks.points
    eyes, lips = (crop(frame.image, points, region) for region in (EYES, LIPS))
    return Face(Box.around(points), points, eyes, lips, landmarks.blendshapes)
