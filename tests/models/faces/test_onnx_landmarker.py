"""MediaPipe's nets in ONNX Runtime find what MediaPipe finds, to a fraction of a pixel."""

import subprocess
import sys
import threading
from contextlib import closing
from fractions import Fraction
from types import SimpleNamespace

import cv2
import numpy as np
import onnxruntime
import pytest

from emotion.benchmarks.studies.landmarks import WAYS, compare, read_pictures
from emotion.models import regions
from emotion.models.engines.landmark_nets import LandmarkNets
from emotion.models.engines.providers import PROVIDERS, NetOptions
from emotion.models.faces.mediapipe_landmarker import FaceDetector, FaceLandmarker
from emotion.models.faces.one_euro import OneEuroFilter
from emotion.models.faces.onnx_landmarker import OnnxDetector, OnnxLandmarker
from emotion.models.faces.picture import BLENDSHAPES, Picture
from emotion.realtime.messages import VideoFrame
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.stages.faces import FaceFinder
from tests.helpers.paths import ROOT, VIDEOS

CLIPS = (
    "single_face.mp4",
    "intel_head-pose-face-detection-female-and-male.mp4",
    "intel_face-demographics-walking-and-pause.mp4",
    "face_noface.mov",
    "no_face.mp4",
)


@pytest.fixture(scope="module")
def nets():
    return LandmarkNets.load(NetOptions("cpu", max_batch=8))


@pytest.fixture(scope="module")
def demo():
    return read_pictures(DEMO, 12, step=20)


def agrees(row, mean=0.1):
    assert row["other_count"] == 0
    if row["faces"]:
        assert row["mean"] < mean  # pixels
        assert row["p95"] < 2.5 * mean
        assert row["depth"] < 0.5
        assert row["blendshapes_mean"] < 0.005
        assert row["blendshapes_worst"] < 0.1
    return row["faces"]


@pytest.mark.parametrize(("way", "faces", "video"), WAYS)
def test_it_finds_what_mediapipe_finds_in_the_bundled_clip(nets, demo, way, faces, video):
    assert agrees(compare(demo, nets, faces, video)) == len(demo)


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize(("way", "faces", "video"), WAYS)
def test_it_finds_what_mediapipe_finds_in_real_clips(nets, clip, way, faces, video):
    if not (VIDEOS / clip).exists():
        pytest.skip(f"needs {clip}, which is not part of the repository")
    pictures = read_pictures(VIDEOS / clip, 25, step=2)
    assert (agrees(compare(pictures, nets, faces, video)) > 0) == (clip != "no_face.mp4")


def turned(image, degrees, shift=(0, 0), size=(640, 480)):
    """A picture turned around its middle and moved, black around it."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    matrix[:, 2] += shift
    return cv2.warpAffine(image, matrix, size)


@pytest.mark.parametrize(
    ("degrees", "shift"), [(0, (0, 60)), (35, (0, 60)), (-60, (0, 60)), (0, (-190, 60)), (20, (0, -60))]
)
def test_turned_faces_and_faces_at_an_edge_agree(nets, demo, degrees, shift):
    image = turned(demo[0][1], degrees, shift)
    assert agrees(compare([(0.0, image)], nets, 4, video=False)) == 1


def test_tall_pictures_agree(nets, demo):
    image = np.ascontiguousarray(demo[0][1][:, 150:490])
    tall = turned(cv2.copyMakeBorder(image, 200, 200, 0, 0, cv2.BORDER_REPLICATE), 25, size=(340, 760))
    # The face is cut by the picture's edges, and the nets answer more to the least difference.
    assert agrees(compare([(0.0, tall)], nets, 4, video=False), mean=0.2) == 1


def test_several_faces_go_through_in_one_batch(nets, demo):
    image = cv2.resize(demo[0][1], (320, 180))
    crowd = np.vstack(
        [np.hstack([image, image[:, ::-1]]), np.hstack([turned(image, 20, size=(320, 180)), image])]
    )
    assert agrees(compare([(0.0, crowd)], nets, 4, video=False)) == 4
    with FaceLandmarker(2) as theirs:
        two = theirs.detect(crowd)
    assert len(OnnxLandmarker(nets, 2).detect(crowd)) == len(two) == 2


def test_on_a_cpu_faces_go_through_side_by_side(nets, demo, monkeypatch):
    monkeypatch.setattr("emotion.models.faces.onnx_landmarker.available_cores", lambda: 2)
    together, seen = threading.Barrier(2), []

    def landmarks(crops):
        together.wait(30)
        seen.append(len(crops))
        return nets.landmarks(crops)

    image = cv2.resize(demo[0][1], (320, 180))
    counting = SimpleNamespace(
        landmarks=landmarks, detector=nets.detector, blendshapes=nets.blendshapes, batches=False
    )
    with closing(OnnxLandmarker(counting, 2)) as landmarker:
        assert len(landmarker.detect(np.hstack([image, image[:, ::-1]]))) == 2
    assert seen == [1, 1]


@pytest.mark.parametrize("batches", [False, True])
def test_on_a_cpu_nobody_waits_for_blendshapes_but_who_asks_for_them(nets, demo, batches):
    asked = []

    def blendshapes(points):
        asked.append(len(points))
        return nets.blendshapes(points)

    image = cv2.resize(demo[0][1], (320, 180))
    counting = SimpleNamespace(
        landmarks=nets.landmarks, detector=nets.detector, blendshapes=blendshapes, batches=batches
    )
    with closing(OnnxLandmarker(counting, 2)) as landmarker:
        faces = landmarker.detect(np.hstack([image, image[:, ::-1]]))
    # On a GPU all go through in one batch.
    assert asked == ([2] if batches else [])
    shapes = [face.blendshapes for face in (*faces, *faces)]
    assert asked == ([2] if batches else [1, 1])
    assert all(one.shape == (len(BLENDSHAPES),) for one in shapes)
    np.testing.assert_array_equal(shapes[:2], shapes[2:])


def test_pictures_together_are_as_pictures_alone(nets, demo):
    images = [demo[0][1], np.zeros((48, 64, 3), np.uint8), demo[1][1][:, :500]]
    landmarker = OnnxLandmarker(nets, 4)
    together = landmarker.detect_all([Picture(image) for image in images])
    assert [len(faces) for faces in together] == [1, 0, 1]
    for image, faces in zip(images, together, strict=True):
        for face, alone in zip(faces, landmarker.detect(image), strict=True):
            np.testing.assert_allclose(face.points, alone.points, atol=0.05)
            np.testing.assert_allclose(face.blendshapes, alone.blendshapes, atol=0.01)


def test_a_part_of_a_picture_tells_pixels_of_the_whole(nets, demo):
    whole = Picture(demo[0][1])
    landmarker, detector = OnnxLandmarker(nets), OnnxDetector(nets)
    (face,) = landmarker.detect(whole)
    (part,) = landmarker.detect(whole.part(100, 10, 600, 360))
    assert np.linalg.norm(face.points - part.points, axis=1).mean() < 3
    (box,), (in_part,) = detector.detect(whole), detector.detect(whole.part(100, 10, 600, 360))
    np.testing.assert_allclose(box, in_part, atol=15)


def test_faces_of_a_long_picture_are_reported_in_its_own_pixels(nets, demo, monkeypatch):
    image = demo[0][1]

    def found():
        return OnnxLandmarker(nets, 1).detect(image)[0].points

    points = found()
    monkeypatch.setattr(regions, "LONGEST_SIDE", max(image.shape) - 1)
    distance = np.linalg.norm(found() - points, axis=1)
    assert 0 < np.median(distance) < 0.05 * regions.eye_distance(points)


def test_the_detector_says_what_mediapipes_says(nets, demo):
    ours = OnnxDetector(nets)
    with closing(FaceDetector()) as theirs:
        for _, image in demo[:4]:
            picture = Picture(image)
            boxes = theirs.detect(picture)
            assert len(boxes) == 1
            np.testing.assert_allclose(
                ours.detect(picture), boxes, atol=2.5
            )  # its boxes are cut to whole pixels
    assert ours.detect(Picture(np.zeros((90, 160, 3), np.uint8))).shape == (0, 4)


def test_a_lost_face_is_searched_for_again(nets, demo):
    landmarker = OnnxLandmarker(nets, 1, video=True)
    empty = np.zeros_like(demo[0][1])
    counts = [
        len(landmarker.detect(image, seconds))
        for seconds, image in ((0.0, demo[0][1]), (0.1, empty), (0.2, empty), (0.3, demo[0][1]))
    ]
    assert counts == [1, 0, 0, 1]


@pytest.mark.parametrize("turns", [1, 2])
def test_a_face_is_found_in_the_very_picture_in_which_it_is_elsewhere(nets, demo, turns):
    """As after each cut of a film."""
    image = demo[0][1]
    black = np.zeros_like(image)
    left, right = np.hstack([image, black]), np.hstack([black, image])
    landmarker = OnnxLandmarker(nets, 1, video=True, turns=turns)
    shown = [Picture(one) for one in (left, left, right, right, left, left)]
    found = landmarker.detect_all(shown, [number / 10 for number in range(6)])
    middles = [[face.points[:, 0].mean() > image.shape[1] for face in one] for one in found]
    assert middles == [[False], [False], [True], [True], [False], [False]]


def test_time_may_stand_still_or_go_back(nets, demo):
    landmarker = OnnxLandmarker(nets, 1, video=True)
    for seconds in (0.0, 0.0, 1.0, 0.5):
        assert len(landmarker.detect(demo[0][1], seconds)) == 1


def test_smoothing_calms_what_keeps_still_and_follows_what_moves():
    smooth, rng = OneEuroFilter(), np.random.default_rng(0)
    still = [rng.normal(100, 1, 50).astype(np.float32) for _ in range(60)]
    answers = [smooth(values, index / 30, 5000) for index, values in enumerate(still, 1)]
    assert np.std(answers[-1]) < 0.5 * np.std(still[-1])
    smooth.reset()
    for index in range(1, 60):
        moved = smooth(np.full(50, 10.0 * index, np.float32), index / 30, 100)
    assert np.abs(moved - 590).max() < 20
    assert (smooth(np.zeros(50, np.float32), 1.0, 100) == 0).all()  # time went back: taken as it is


def test_blendshapes_have_mediapipes_names_and_order():
    from mediapipe.tasks.python.vision.face_landmarker import Blendshapes

    assert tuple(shape.name.lower() for shape in Blendshapes) == BLENDSHAPES


def frames_of(clip):
    return [
        VideoFrame(index, round(seconds * 1000), Fraction(1, 1000), 0.0, image.copy())
        for index, (seconds, image) in enumerate(clip)
    ]


@pytest.mark.parametrize("turns", [1, 3])
def test_the_stage_finds_the_same_faces_with_both(nets, demo, turns):
    frames = frames_of(demo)
    with closing(FaceFinder(turns=turns)) as mediapipe, closing(FaceFinder(nets=nets, turns=turns)) as onnx:
        assert mediapipe.batch == onnx.batch == (1 if turns == 1 else 6)
        theirs, ours = (
            [
                found
                for at in range(0, len(frames), finder.batch)
                for found in finder.process(frames[at : at + finder.batch])
            ]
            for finder in (mediapipe, onnx)
        )
    assert [found.frame.index for found in ours] == list(range(len(frames)))
    for one, other in zip(theirs, ours, strict=True):
        assert [len(found.faces) for found in (one, other)] == [1, 1]
        assert np.abs(one.faces[0].points - other.faces[0].points).mean() < 0.2
        assert np.abs(one.faces[0].crops[0].image.astype(int) - other.faces[0].crops[0].image).mean() < 2


class OnGpu:
    """Nets that say they gain by batches, and count them."""

    def __init__(self, nets):
        self.detector, self.blendshapes, self.batches, self.sizes = nets.detector, nets.blendshapes, True, []
        self._landmarks = nets.landmarks

    def landmarks(self, crops):
        self.sizes.append(len(crops))
        return self._landmarks(crops)


def test_on_a_gpu_frames_that_take_turns_go_through_in_one_batch(nets, demo):
    frames, gpu = frames_of(demo), OnGpu(nets)
    with closing(FaceFinder(nets=gpu, turns=4)) as batched, closing(FaceFinder(nets=nets, turns=4)) as each:
        assert batched.batch == each.batch == 8
        for at in (0, 8):
            pairs = zip(batched.process(frames[at : at + 8]), each.process(frames[at : at + 8]), strict=True)
            for one, other in pairs:
                assert len(one.faces) == len(other.faces) == 1
                np.testing.assert_allclose(one.faces[0].points, other.faces[0].points, atol=0.05)
    assert gpu.sizes.count(4) >= 2


@pytest.mark.parametrize("faces", [1, 4])
def test_turns_are_as_landmarkers_that_alternate(nets, demo, faces):
    """Somebody is there, gone for two pictures and there again: each turn loses and finds them."""
    pictures = [Picture(image) for _, image in demo]
    pictures[5:7] = [Picture(np.zeros_like(demo[0][1]))] * 2
    seconds = [time for time, _ in demo]
    together = OnnxLandmarker(nets, faces, video=True, turns=3).detect_all(pictures, seconds)
    team = [OnnxLandmarker(nets, faces, video=True) for _ in range(3)]
    for index, (picture, time) in enumerate(zip(pictures, seconds, strict=True)):
        alone = team[index % 3].detect(picture, time)
        assert len(together[index]) == len(alone) == (0 if index in (5, 6) else 1)
        for face, other in zip(together[index], alone, strict=True):
            np.testing.assert_allclose(face.points, other.points, atol=0.05)
            np.testing.assert_allclose(face.blendshapes, other.blendshapes, atol=0.01)


def test_mediapipe_is_not_loaded_where_its_nets_are():
    """It takes seconds, a hundred megabytes, and system libraries that bare containers lack."""
    code = (
        "import sys\n"
        "import numpy as np\n"
        "from emotion.realtime.session import EachPicture, Models, NewestFrame\n"
        "from emotion.realtime.options import Options\n"
        "from emotion.realtime.messages import VideoFrame\n"
        "models = Models.load()\n"
        "NewestFrame().stages(models, Options())\n"
        "from fractions import Fraction\n"
        "nobody = VideoFrame(0, 0, Fraction(1, 30), 0.0, np.zeros((90, 120, 3), np.uint8))\n"
        "finders, *_ = EachPicture(1).stages(models, Options())\n"
        "assert not list(finders[0].process([nobody]))[0].faces\n"
        "print('mediapipe' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "False"


@pytest.mark.gpu
@pytest.mark.skipif(
    PROVIDERS["cuda"].ort_name not in onnxruntime.get_available_providers(),
    reason="needs onnxruntime-gpu and an NVIDIA GPU",
)
def test_on_a_gpu_too(demo):
    nets = LandmarkNets.load(NetOptions("cuda", max_batch=8))
    for _, faces, video in WAYS:
        row = compare(demo, nets, faces, video)
        assert row["other_count"] == 0
        assert row["mean"] < 0.5
