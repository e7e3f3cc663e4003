import json

import av
import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from emotion.benchmarks.studies import visibility as benchmark
from emotion.benchmarks.studies.occluders import KINDS, cover, covered, dim, vary
from emotion.models.classes import EMOTIONS
from emotion.models.errors import EmotionError, ModelFileError
from emotion.models.faces import mediapipe_landmarker as landmarks
from emotion.models.faces import visibility
from emotion.models.regions import EYES, FACE, LIPS, REGIONS, Region, Regions, crop
from emotion.realtime.sources.demo import DEMO

FREE = (0, 20, 40, 240, 260, 280, 300, 320)
BEHIND_A_HAND = (104, 112, 120, 128)


@pytest.fixture(scope="module")
def clip():
    """Crops of the bundled clip's face by region and frame: she wipes her tears, then she laughs."""
    path = DEMO
    found = {region.name: {} for region in REGIONS}
    with av.open(str(path)) as container, landmarks.FaceLandmarker() as landmarker:
        for index, frame in enumerate(container.decode(video=0)):
            if index in FREE + BEHIND_A_HAND:
                image = frame.to_ndarray(format="bgr24")
                (face,) = landmarker.detect(image)
                for region in REGIONS:
                    found[region.name][index] = crop(image, face.points, region).image
    return found


@pytest.fixture(scope="module")
def faces(clip):
    """Crops without anything before them, in several kinds of light, by region."""
    rng = np.random.default_rng(0)
    return {region: [vary(crops[index], rng) for index in FREE] for region, crops in clip.items()}


def test_a_real_hand_over_the_mouth_is_noticed(clip):
    models = visibility.read()
    for region in REGIONS.names:
        assert models[region]([clip[region][index] for index in FREE]).min() > 0.6
    assert models["lips"]([clip["lips"][index] for index in BEHIND_A_HAND]).max() < 0.2
    assert models["eyes"]([clip["eyes"][index] for index in BEHIND_A_HAND]).min() > 0.6


@pytest.mark.parametrize("region", REGIONS.names)
def test_a_free_face_is_distinguished_from_one_behind_something(region, faces):
    rng = np.random.default_rng(1)
    model = visibility.read()[region]
    assert np.mean(model(faces[region]) > 0.6) > 0.8
    for kind, occluder in KINDS[region].items():
        behind = [cover(face, occluder, face, rng) for face in faces[region] * 4]
        hidden = [image for image, where in behind if covered(where, region) > 0.6]
        if len(hidden) > 3 and kind not in benchmark.HELD_OUT:
            assert np.mean(model(hidden) < 0.4) > 0.7, kind


def test_in_flat_light_a_free_face_is_free_and_a_hand_is_a_hand(clip):
    rng = np.random.default_rng(2)
    models = visibility.read()
    for region in REGIONS.names:
        free = [dim(clip[region][index], rng, 0.12) for index in FREE * 4]
        assert np.mean(models[region](free) > 0.6) > 0.9
    hidden = [dim(clip["lips"][index], rng, 0.12) for index in BEHIND_A_HAND * 4]
    assert models["lips"](hidden).max() < visibility.HIDDEN


def test_a_net_learns_on_from_another(faces):
    crops = faces["lips"] * 3
    shipped = visibility.read()["lips"]
    blind = shipped.output.copy()
    blind[-1] += 4.0  # calls most things free
    model = visibility.VisibilityModel(shipped.hidden, blind)
    described, free = benchmark.lessons(crops, "lips", 0, 1.0)
    refined = benchmark.refine(model, crops, "lips")

    def wrong(net):
        inner = np.maximum(described @ net.hidden[:-1] + net.hidden[-1], 0)
        return np.mean((inner @ net.output[:-1] + net.output[-1] > 0) != free)

    assert refined.hidden.dtype == np.float32
    assert wrong(refined) < wrong(model)


def test_no_crops_no_predictions():
    assert visibility.read()["eyes"]([]).shape == (0,)


def test_a_black_or_flat_crop_has_a_prediction_and_no_error():
    model = visibility.read()["lips"]
    for level in (0, 1, 128, 255):
        (score,) = model([np.full(REGIONS["lips"].size, level, np.uint8)])
        assert 0 <= score <= 1


def test_crops_are_evaluated_one_by_one(faces):
    model = visibility.read()["lips"]
    together = model(faces["lips"])
    alone = np.concatenate([model([face]) for face in faces["lips"]])
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("content", [None, b"no numbers"])
def test_missing_or_damaged_numbers_end_in_a_sentence(monkeypatch, tmp_path, content):
    visibility.read.cache_clear()
    path = tmp_path / "visibility.npz"
    if content:
        path.write_bytes(content)
    monkeypatch.setattr(visibility, "PATH", path)
    with pytest.raises(ModelFileError, match="Install emotion-live again"):
        visibility.read()
    visibility.read.cache_clear()


@pytest.mark.parametrize("region", REGIONS.names)
def test_occluders_cover_what_they_say_and_only_the_face(region):
    rng = np.random.default_rng(2)
    face = np.full(REGIONS[region].size, 120, np.uint8)
    face[:, :10] = 0
    for occluder in KINDS[region].values():
        shares = []
        for _ in range(20):
            image, where = cover(face, occluder, face, rng)
            assert image.shape == face.shape
            assert not image[:, :10].any()
            assert not where[:, :10].any()
            untouched = cv2.dilate(where.astype(np.uint8), np.ones((5, 5))) == 0
            untouched[:, :13] = False  # what hides the black beside the face is not told
            np.testing.assert_array_equal(image[untouched], face[untouched])
            shares.append(covered(where, region))
        assert 0 <= min(shares) <= max(shares) <= 1
        assert max(shares) > 0.2


@pytest.fixture
def data(tmp_path, faces):
    """A data set as `emotion dataset` writes it, of a few crops."""
    rows = []
    for index in range(120):
        part = "test" if index % 4 == 0 else "train"
        label = EMOTIONS[index % 6]
        rows.append({"id": str(index), "label": label, "split": part})
        for region in REGIONS.names:
            folder = tmp_path / region / label
            folder.mkdir(parents=True, exist_ok=True)
            face = faces[region][index % len(faces[region])]
            cv2.imwrite(
                str(folder / f"{index}.png"), cv2.copyMakeBorder(face, 8, 8, 8, 8, cv2.BORDER_CONSTANT)
            )
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "manifest.parquet")
    return tmp_path


def run(*arguments):
    import typer

    app = typer.Typer()
    app.command()(benchmark.main)
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


def test_the_command_fits_evaluates_and_reports(data):
    done = run("--data", data, "--faces", 30, "--fit", 90)
    assert done.exit_code == 0
    eyes, lips = (json.loads(line) for line in done.output.splitlines() if line.startswith("{"))
    for report in (eyes["eyes"], lips["lips"]):
        assert report["faces"] == 30
        assert report["auc"]["all"] > 0.7
        assert set(report["roc"]) == {"0.05", "0.10", "0.20"}
    assert "sunglasses" in eyes["eyes"]["auc"]


def test_a_folder_without_a_data_set_is_said_so(tmp_path):
    with pytest.raises(EmotionError, match="emotion dataset"):
        run("--data", tmp_path)


def test_what_hides_the_mouth_hides_the_face(monkeypatch):
    """A region without a net is as free as the least free of those that it shows."""
    says = {"eyes": 0.9, "lips": 0.1}
    nets = {
        name: lambda part, share=share: np.full(len(part), share, np.float32) for name, share in says.items()
    }
    monkeypatch.setattr(visibility, "read", lambda: nets)
    brow, regions = Region("brow", 16, 8, 96, 20), (EYES, LIPS, FACE)
    crops = [[np.zeros((4, 4), np.uint8)] * 2] * 4
    free = visibility.free_of(Regions((*regions, brow)), crops)
    np.testing.assert_allclose(free, [[0.9, 0.1, 0.1, 1.0]] * 2, atol=1e-6)
    alone = visibility.free_of(Regions((FACE,)), crops[:1])
    np.testing.assert_allclose(alone, [[1.0]] * 2)
