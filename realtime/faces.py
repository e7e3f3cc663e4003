"""VideoFrame -> FaceFrame: find the faces, number them, cut out eyes and lips."""

from collections.abc import Iterable, Sequence

from models.landmarks import FaceLandmarker, Landmarks
from models.regions import EYES, LIPS, crop
from realtime.frames import Box, Face, FaceFrame, VideoFrame
from realtime.tracks import TrackAssigner


class FaceFinder:
    """The stage that finds faces. One instance a stream: it follows faces from frame to frame.

    Args:
        max_faces: the most faces in a frame.
        min_confidence: MediaPipe's, in [0, 1].

    Raises:
        ModelFileError: the landmark model is missing or damaged.
    """

    name = "faces"
    batch = 1

    def __init__(self, max_faces: int = 4, min_confidence: float = 0.5) -> None:
        self._landmarker = FaceLandmarker(max_faces, video=True, min_confidence=min_confidence)
        self._tracks = TrackAssigner()

    def process(self, items: Sequence[VideoFrame]) -> Iterable[FaceFrame]:
        """The frames with their faces, in order; largest face first."""
        return [self._find(frame) for frame in items]

    def close(self) -> None:
        """Free MediaPipe's threads and memory."""
        self._landmarker.close()

    def _find(self, frame: VideoFrame) -> FaceFrame:
        found = self._landmarker.detect(frame.image, frame.seconds)
        boxes = [Box.around(face.points) for face in found]
        ids = self._tracks.assign(boxes, frame.seconds)
        faces = [_cut(frame, *one) for one in zip(found, boxes, ids, strict=True)]
        faces.sort(key=lambda face: face.box.width * face.box.height, reverse=True)
        return FaceFrame(frame, tuple(faces))


def _cut(frame: VideoFrame, landmarks: Landmarks, box: Box, track_id: int) -> Face:
    points = landmarks.points
    eyes, lips = (crop(frame.image, points, region) for region in (EYES, LIPS))
    return Face(track_id, box, points, eyes, lips)
