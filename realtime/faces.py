"""VideoFrame -> FaceFrame: find the faces, cut out eyes and lips."""

from collections.abc import Iterable, Sequence

from models.landmarks import FaceDetector, FaceLandmarker, Landmarks, Picture
from models.regions import EYES, LIPS, crop
from realtime.follower import FaceFollower
from realtime.frames import Box, Face, FaceFrame, VideoFrame


class FaceFinder:
    """The stage that finds faces. Who they are is told later, by `realtime.people`.

    Args:
        max_faces: the most faces in a frame.
        min_confidence: MediaPipe's, in [0, 1].
        video: follow faces from frame to frame, which is faster and finds small ones too; then one
            instance sees the whole stream. Without it frames are independent, so several instances
            may share the work.

    Raises:
        ModelFileError: the landmark model is missing or damaged.
        MissingDependencyError: a system library that MediaPipe needs is missing.
    """

    name = "faces"
    batch = 1

    def __init__(self, max_faces: int = 4, min_confidence: float = 0.5, video: bool = True) -> None:
        self._finder: FaceFollower | _EachAlone
        if video:
            self._finder = FaceFollower(
                lambda count: FaceLandmarker(count, True, min_confidence),
                FaceDetector(min_confidence),
                max_faces,
            )
        else:
            self._finder = _EachAlone(FaceLandmarker(max_faces, False, min_confidence))

    def process(self, items: Sequence[VideoFrame]) -> Iterable[FaceFrame]:
        """The frames with their faces, in order; largest face first."""
        return [self._find(frame) for frame in items]

    def close(self) -> None:
        """Free MediaPipe's threads and memory."""
        self._finder.close()

    def _find(self, frame: VideoFrame) -> FaceFrame:
        found = self._finder.find(Picture(frame.image), frame.seconds)
        faces = [_cut(frame, landmarks) for landmarks in found]
        faces.sort(key=lambda face: face.box.width * face.box.height, reverse=True)
        return FaceFrame(frame, tuple(faces))


class _EachAlone:
    """Looks at each picture as if it were the only one."""

    def __init__(self, landmarker: FaceLandmarker) -> None:
        self._landmarker = landmarker

    def find(self, picture: Picture, seconds: float) -> tuple[Landmarks, ...]:
        return self._landmarker.detect(picture, seconds)

    def close(self) -> None:
        self._landmarker.close()


def _cut(frame: VideoFrame, landmarks: Landmarks) -> Face:
    points = landmarks.points
    eyes, lips = (crop(frame.image, points, region) for region in (EYES, LIPS))
    return Face(Box.around(points), points, eyes, lips, landmarks.blendshapes)
