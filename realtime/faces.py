"""VideoFrame -> FaceFrame: find the faces, cut out eyes and lips."""

from collections.abc import Iterable, Sequence

from models.landmarks import FaceLandmarker, Landmarks
from models.regions import EYES, LIPS, crop
from realtime.frames import Box, Face, FaceFrame, VideoFrame


class FaceFinder:
    """The stage that finds faces. Who they are is told later, by `realtime.people`.

    Args:
        max_faces: the most faces in a frame.
        min_confidence: MediaPipe's, in [0, 1].
        video: follow faces from frame to frame, which is faster; then one instance sees the whole
            stream. Without it frames are independent, so several instances may share the work.

    Raises:
        ModelFileError: the landmark model is missing or damaged.
    """

    name = "faces"
    batch = 1

    def __init__(self, max_faces: int = 4, min_confidence: float = 0.5, video: bool = True) -> None:
        self._landmarker = FaceLandmarker(max_faces, video, min_confidence)

    def process(self, items: Sequence[VideoFrame]) -> Iterable[FaceFrame]:
        """The frames with their faces, in order; largest face first."""
        return [self._find(frame) for frame in items]

    def close(self) -> None:
        """Free MediaPipe's threads and memory."""
        self._landmarker.close()

    def _find(self, frame: VideoFrame) -> FaceFrame:
        faces = [_cut(frame, found) for found in self._landmarker.detect(frame.image, frame.seconds)]
        faces.sort(key=lambda face: face.box.width * face.box.height, reverse=True)
        return FaceFrame(frame, tuple(faces))


def _cut(frame: VideoFrame, landmarks: Landmarks) -> Face:
    points = landmarks.points
    eyes, lips = (crop(frame.image, points, region) for region in (EYES, LIPS))
    return Face(Box.around(points), points, eyes, lips)
