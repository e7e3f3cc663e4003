"""Painted faces: bright squares in a dark picture, and what finds them in place of MediaPipe."""

import cv2
import numpy as np

from emotion.models.faces.mediapipe_landmarker import Landmarks, Picture
from emotion.realtime.messages import Box
from emotion.realtime.stages.face_follower import FaceFollower, RoundRobinLandmarkers
from emotion.realtime.stages.stride import Between

STEP = 1 / 30


def picture(*squares, size=(480, 640)):
    """Squares are (left, top, side)."""
    image = np.zeros((*size, 3), np.uint8)
    for left, top, side in squares:
        image[top : top + side, left : left + side] = 255
    return Picture(image)


def blobs(part):
    """What is bright in a part of the picture: left, top, right, bottom in the whole."""
    gray = np.ascontiguousarray(part.rgb[..., 0])
    stats = cv2.connectedComponentsWithStats(gray)[2][1:]
    shift = np.array([part.left, part.top] * 2, np.float32)
    return [np.array([x, y, x + w, y + h], np.float32) + shift for x, y, w, h, _ in stats]


def large(part):
    """As MediaPipe's detector, the fake misses what is small in the part that it is shown."""
    least = max(part.width, part.height) / 8
    return [box for box in blobs(part) if (box[2:] - box[:2]).max() >= least]


class FakeDetector:
    def __init__(self):
        self.looks = 0
        self.closed = 0

    def surest(self, part):
        raise AssertionError("the follower asks where, not how sure")

    def detect(self, part):
        self.looks += 1
        found = sorted(large(part), key=lambda box: box[0] - box[2])
        return np.array(found, np.float32).reshape(-1, 4)

    def close(self):
        self.closed += 1


class FakeLandmarker:
    """Follows what is near its last boxes; while it has too few, it searches, for large ones."""

    def __init__(self, count):
        self.count = count
        self.last = []
        self.shown = []
        self.looks = 0
        self.searches = 0
        self.closed = 0

    def detect(self, part, seconds):
        self.looks += 1
        self.shown.append(Box(part.left, part.top, part.width, part.height))
        self.searches += len(self.last) < self.count
        seen = [box for box in blobs(part) if any((np.abs(box - old) < 40).all() for old in self.last)]
        if len(self.last) < self.count:
            seen += [box for box in large(part) if not any((box == other).all() for other in seen)]
        self.last = seen[: self.count]
        return tuple(
            Landmarks(box.reshape(2, 2), np.zeros(2, np.float32), np.zeros(52, np.float32))
            for box in self.last
        )

    def close(self):
        self.closed += 1


class Rig:
    def __init__(self, max_faces=4, threads=1, stride=1, deferred=False):
        self.detector = FakeDetector()
        self.landmarkers = []
        self.follower = FaceFollower(
            self.make,
            self.detector,
            max_faces,
            lambda count: self.team(count, threads, stride),
            deferred,
            lambda: self.team(1, 1, stride),
        )
        self.time = 0.0

    def team(self, count, threads, stride):
        looking = RoundRobinLandmarkers([self.make(count) for _ in range(threads)])
        return looking if stride == 1 else Between(looking, stride)

    def make(self, count):
        self.landmarkers.append(FakeLandmarker(count))
        return self.landmarkers[-1]

    def see(self, shown):
        """The left edges of the faces in the next picture of a stream of 30 a second."""
        self.time += STEP
        return sorted(int(face.points[0, 0]) for face in self.follower.find(shown, self.time))

    def see_all(self, shown, batch=8):
        """The same for many pictures, so many at once."""
        edges = []
        for start in range(0, len(shown), batch):
            part, times = shown[start : start + batch], []
            for _ in part:
                self.time += STEP
                times.append(self.time)
            for faces in self.follower.find_all(part, times):
                edges.append(sorted(int(face.points[0, 0]) for face in faces))
        return edges


def landmarks(left):
    return Landmarks(
        np.array([[left, 100], [left + 120, 220]], np.float32),
        np.zeros(2, np.float32),
        np.full(52, left, np.float32),
    )


class Script:
    """A team that says what is in its script for the times that it is asked about."""

    turns = 1

    def __init__(self, faces):
        self.faces = faces
        self.asked = []

    def detect_all(self, pictures, seconds):
        self.asked += seconds
        return [tuple(landmarks(left) for left in self.faces[time]) for time in seconds]

    def close(self):
        pass
