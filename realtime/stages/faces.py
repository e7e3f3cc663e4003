"""VideoFrame -> FaceFrame: find the faces, cut out the regions that the models look at."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from emotion.models.engines.landmark_nets import LandmarkNets
from emotion.models.faces.onnx_landmarker import OnnxDetector, OnnxLandmarker
from emotion.models.faces.picture import BatchLandmarker, Detector, Landmarker, Landmarks, Picture
from emotion.models.regions import REGIONS, Regions, crop
from emotion.realtime.messages import Box, Face, FaceFrame, VideoFrame
from emotion.realtime.stages.face_follower import FaceFollower, RoundRobinLandmarkers
from emotion.realtime.stages.stride import Between

# Frames of a file that are looked at together where faces are followed through shares of them.
_BATCH = 8


class FaceFinder:
    """The stage that finds faces, and follows them. Who they are is told later, by `stages.people`.

    Args:
        max_faces: the most faces in a frame.
        min_confidence: in [0, 1], for finding and for following.
        nets: look with these; with MediaPipe where there are none.
        turns: a face is followed from the frame so many frames before, by as many threads or, by nets
            on a GPU, in batches.
        stride: one of so many frames is looked at, and faces of the others lie between. With several
            turns or frames a stride, whole batches are taken, so that the same file gives the same faces.
        regions: what is cut out of each face.

    Raises:
        ModelFileError: the landmark model is missing or damaged.
        MissingDependencyError: a system library that MediaPipe needs is missing.
    """

    name = "faces"

    def __init__(
        self,
        max_faces: int = 4,
        min_confidence: float = 0.5,
        nets: LandmarkNets | None = None,
        turns: int = 1,
        stride: int = 1,
        regions: Regions = REGIONS,
    ) -> None:
        self._regions = regions
        landmarker, detector = _mediapipe(min_confidence) if nets is None else _onnx(nets, min_confidence)

        def looking(count: int) -> BatchLandmarker:
            if nets is not None and nets.batches:
                return OnnxLandmarker(nets, count, True, min_confidence, turns)
            return RoundRobinLandmarkers([landmarker(count) for _ in range(turns)])

        def team(count: int) -> BatchLandmarker:
            return looking(count) if stride == 1 else Between(looking(count), stride)

        self._follower = FaceFollower(landmarker, detector(), max_faces, team)
        # As many frames to look at for each turn, so that none waits for the others.
        together = turns * stride
        self.full = together > 1
        self.batch = max(1, _BATCH // together) * together if self.full else 1

    def process(self, items: Sequence[VideoFrame]) -> Iterable[FaceFrame]:
        """The frames with their faces, in order; largest face first."""
        pictures = [Picture(frame.image) for frame in items]
        found = self._follower.find_all(pictures, [frame.seconds for frame in items])
        return [_frame(*pair, self._regions) for pair in zip(items, found, strict=True)]

    def close(self) -> None:
        """Free what finding holds."""
        self._follower.close()


_Make: TypeAlias = Callable[[int], Landmarker]


def _mediapipe(min_confidence: float) -> tuple[_Make, Callable[[], Detector]]:
    # Imported here: it takes seconds, a hundred megabytes and system libraries.
    from emotion.models.faces.mediapipe_landmarker import FaceDetector, FaceLandmarker  # noqa: PLC0415

    return (
        lambda count: FaceLandmarker(count, video=True, min_confidence=min_confidence),
        lambda: FaceDetector(min_confidence),
    )


def _onnx(nets: LandmarkNets, min_confidence: float) -> tuple[_Make, Callable[[], Detector]]:
    return (
        lambda count: OnnxLandmarker(nets, count, video=True, min_confidence=min_confidence),
        lambda: OnnxDetector(nets, min_confidence),
    )


def _frame(frame: VideoFrame, found: Sequence[Landmarks], regions: Regions) -> FaceFrame:
    faces = [_cut(frame, landmarks, regions) for landmarks in found]
    faces.sort(key=lambda face: face.box.width * face.box.height, reverse=True)
    return FaceFrame(frame, tuple(faces))


def _cut(frame: VideoFrame, landmarks: Landmarks, regions: Regions) -> Face:
    points = landmarks.points
    crops = tuple(crop(frame.image, points, region) for region in regions)
    return Face(Box.around(points), points, crops, landmarks.blendshapes)
