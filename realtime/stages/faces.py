"""VideoFrame -> FaceFrame: find the faces.

A picture that is upside down is rotated first (`stages.upside_down`); positions are those in the original
picture. A single face that is upside down, among upright ones, cannot be read.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import TypeAlias

from emotion.models.engines.landmark_nets import LandmarkNets
from emotion.models.faces.onnx_landmarker import OnnxDetector, OnnxLandmarker
from emotion.models.faces.picture import BatchLandmarker, Detector, Landmarker, Landmarks, Picture
from emotion.models.regions import REGIONS, Crop, Image, Regions, leaning
from emotion.realtime.messages import Box, Face, FaceFrame, VideoFrame
from emotion.realtime.stages.crops import crops_of, cut
from emotion.realtime.stages.face_follower import FaceFollower, RoundRobinLandmarkers
from emotion.realtime.stages.no_faces import is_too_small
from emotion.realtime.stages.stride import MOST_FRAMES, Between
from emotion.realtime.stages.upside_down import UpsideDown

# Frames of a file that are processed together if several threads share them.
_BATCH = 8
# Pixels from which on squares are cut from the decoder's planes: an image of the whole would take longer.
_LARGE = 700_000
# Between pictures that are closer than this there is time for one deferred search, between others for all
# that are due.
_CLOSE_SECONDS = 0.08


class FaceFinder:
    """The stage that finds and follows faces; `stages.people` tracks people.

    Args:
        max_faces: the most faces in a frame.
        min_confidence: in [0, 1], of the detector and of the landmarks.
        nets: the networks in ONNX Runtime; None: MediaPipe.
        turns: number of threads (or on a GPU the batch) that share the frames; each face is followed from
            the frame `turns` frames before.
        stride: process one of this number of frames, and interpolate the faces of the others; None: as few
            as their times allow (`stride.LONGEST_GAP`). With `turns` or `stride` above 1, whole batches are
            taken, so that the same file gives the same faces.
        regions: to crop from each face.
        pose: also compute the pose of heads, which only MediaPipe does.
        deferred: for live pictures: while there are faces, searches for new faces and repeated checks of
            known ones are done in `after_results`, so that no result waits for them; what they find is used
            from the next picture on.

    Raises:
        ModelFileError: the landmark model is missing or damaged.
        MissingDependencyError: MediaPipe, which is asked for, cannot be loaded.
    """

    name = "faces"

    def __init__(
        self,
        max_faces: int = 6,
        min_confidence: float = 0.5,
        nets: LandmarkNets | None = None,
        turns: int = 1,
        stride: int | None = 1,
        regions: Regions = REGIONS,
        pose: bool = False,
        deferred: bool = False,
    ) -> None:
        self._regions = regions
        landmarker, detector = (
            _mediapipe(min_confidence, pose) if nets is None else _onnx(nets, min_confidence)
        )

        def looking(count: int) -> BatchLandmarker:
            if nets is not None and nets.batches:
                return OnnxLandmarker(nets, count, True, min_confidence, turns)
            return RoundRobinLandmarkers([landmarker(count) for _ in range(turns)])

        def team(count: int) -> BatchLandmarker:
            return looking(count) if stride == 1 else Between(looking(count), stride)

        def single() -> BatchLandmarker:
            alone = RoundRobinLandmarkers([landmarker(1)])
            return alone if stride == 1 else Between(alone, stride)

        shared = detector()
        self._follower = FaceFollower(landmarker, shared, max_faces, team, deferred, single)
        self._upside_down = UpsideDown(shared)
        self._deferred = deferred
        self._last: tuple[Picture, float] | None = None
        self._before = -inf
        self._searches: deque[Callable[[Picture, float], bool]] = deque(
            [self._upside_down.recheck, self._follower.search_large, self._follower.search_small]
        )
        self._over = False
        # The same number of frames for each turn, so that no thread waits for the others.
        together = turns * (stride or MOST_FRAMES)
        self.whole = together > 1
        # In larger batches parallel threads wait less for each other; for one thread they only add latency.
        self.batch = max(1, _BATCH // together) * together if turns > 1 else together

    def process(self, items: Sequence[VideoFrame]) -> Iterable[FaceFrame]:
        """The frames with their faces, in order; largest face first."""
        if items and is_too_small(*items[0].shape[:2]):
            return [FaceFrame(frame, ()) for frame in items]
        found: list[FaceFrame] = []
        while len(found) < len(items):
            found += self._look(items[len(found) :])
        return found

    def after_results(self) -> None:
        """Do the deferred searches in the last picture; see `deferred`.

        If pictures come close together, only one search per picture, in turn, so that the next picture hardly
        waits.
        """
        if self._last is None:
            return
        (picture, seconds), self._last = self._last, None
        close, self._before = 0 <= seconds - self._before < _CLOSE_SECONDS, seconds
        if self._follower.settle(picture, seconds) and close:
            return
        for search in tuple(self._searches):
            if search(picture, seconds):
                self._searches.remove(search)
                self._searches.append(search)
                if close:
                    return

    def _look(self, items: Sequence[VideoFrame]) -> list[FaceFrame]:
        """The first few of some frames with their faces: up to one from which on pictures are turned over."""
        upright = [_picture_of(frame) for frame in items]
        pictures = [picture.turned_over() for picture in upright] if self._over else upright
        found: list[FaceFrame] = []
        everybody = self._follower.find_all(pictures, [frame.seconds for frame in items])
        more = self._follower.left_out
        for frame, whole, picture, faces, left_out in zip(
            items, upright, pictures, everybody, more, strict=True
        ):
            heads = self._upside_down.faces(picture, frame.seconds, faces, self._deferred)
            if self._upside_down.picture(picture, frame.seconds, heads):
                self._over = not self._over
                self._follower.forget()
                break
            found.append(self._frame(frame, whole, faces, heads, left_out))
            # Without faces, nothing was deferred.
            self._last = (picture, frame.seconds) if self._deferred and faces else None
        return found

    def _frame(
        self,
        frame: VideoFrame,
        whole: Picture,
        found: Sequence[Landmarks],
        heads: Sequence[bool],
        left_out: int,
    ) -> FaceFrame:
        if self._over:
            found = [face.turned_over(whole.width, whole.height) for face in found]
        crops = crops_of(frame, whole, found, self._regions)
        faces = [_face(*one) for one in zip(found, crops, heads, strict=True)]
        return FaceFrame(frame, _largest_first(faces), left_out)

    def close(self) -> None:
        """Free the landmarkers and the detector."""
        self._follower.close()


_Make: TypeAlias = Callable[[int], Landmarker]


def _mediapipe(min_confidence: float, pose: bool) -> tuple[_Make, Callable[[], Detector]]:
    # Imported here: it takes seconds, a hundred megabytes and system libraries.
    from emotion.models.faces.mediapipe_landmarker import FaceDetector, FaceLandmarker  # noqa: PLC0415

    return (
        lambda count: FaceLandmarker(count, video=True, min_confidence=min_confidence, pose=pose),
        lambda: FaceDetector(min_confidence),
    )


def _onnx(nets: LandmarkNets, min_confidence: float) -> tuple[_Make, Callable[[], Detector]]:
    return (
        lambda count: OnnxLandmarker(nets, count, video=True, min_confidence=min_confidence),
        lambda: OnnxDetector(nets, min_confidence),
    )


def face_frame(
    frame: VideoFrame, rgb: Image, found: Sequence[Landmarks], left_out: int, regions: Regions
) -> FaceFrame:
    """A photograph with the faces that were found in it, each with its crops; the largest first."""
    faces = [_face(landmarks, cut(rgb, landmarks.points, regions)) for landmarks in found]
    return FaceFrame(frame, _largest_first(faces), left_out)


def _picture_of(frame: VideoFrame) -> Picture:
    height, width = frame.shape[:2]
    planar = frame.planar if width * height >= _LARGE else None
    return Picture.lazy(frame.rgb, width, height, planar)


def _largest_first(faces: list[Face]) -> tuple[Face, ...]:
    return tuple(sorted(faces, key=lambda face: face.box.width * face.box.height, reverse=True))


def _face(landmarks: Landmarks, crops: Sequence[Crop], over: bool = False) -> Face:
    points = landmarks.points
    turn = leaning(points) + (180.0 if over else 0.0)
    return Face(
        Box.around(points),
        points,
        crops,
        landmarks.shapes,
        matrix=landmarks.matrix,
        turn=turn - 360.0 if turn > 180.0 else turn,
        readable=not over,
    )
