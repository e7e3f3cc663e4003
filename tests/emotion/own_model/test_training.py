"""More than last layers learn, for real but on small crops and few layers; needs the train extra."""

import csv
import shutil
import warnings
from dataclasses import replace

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # TensorFlow's own imports use what Python has deprecated
    tensorflow = pytest.importorskip("tensorflow", reason="training needs the train extra")
    from emotion.exporters import restore
    from emotion.models.training import fine_tuning, networks
    from emotion.models.training.fine_tuning import Course, Learner, OwnFaces

from emotion.exporters.head import features_of
from emotion.models.classes import Classes
from emotion.models.errors import ModelFileError
from emotion.models.manifest import read_manifest
from emotion.models.regions import EYES, FACE, Region
from emotion.own_model import training
from emotion.own_model.folds import in_folds
from emotion.own_model.heads import weights_of
from emotion.own_model.options import LearnOptions

REGION = Region("brows", 0, 0, 40, 40, 0.8)
CLASSES = Classes(("calm", "tense", "laughing"))
MARGIN = 4
COURSE = Course(
    layers="all", from_nothing=True, epochs=4, batch=12, learning_rate=5e-3, patience=3, strength=0.5
)

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    # Step by step, Keras and TensorFlow tell at each call what they would rather have.
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def few_layers():
    """Few and narrow layers, step by step: compiling them would take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(networks, "RESNET29_STAGES", ((8, 1), (16, 1)))
        tensorflow.config.run_functions_eagerly(True)
        yield
        tensorflow.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def faces():
    """Crops with a bright band whose place names the class."""
    rng, labels = np.random.default_rng(0), np.arange(60) % 3
    images = rng.integers(40, 90, (60, 32 + 2 * MARGIN, 32 + 2 * MARGIN), np.uint8)
    for image, label in zip(images, labels, strict=True):
        top = MARGIN + 2 + 10 * label
        image[top : top + 8] += 120
    shapes = rng.random((60, 52)).astype(np.float32)
    return OwnFaces(images, labels, weights_of(labels), shapes, MARGIN, REGION.size, 3)


def plan_of(faces, validation=None):
    folds = in_folds(faces.labels, np.arange(len(faces)), 3)
    return training.Plan(REGION, "resnet29", None, {}, folds, validation or (0, 1, 2))


class Slopes:
    """A learner without Keras: one layer on the mean gray of a crop's rows, a step of descent a pass."""

    steps = 3

    def __init__(self, faces):
        rows = faces.crops(np.arange(len(faces))).mean(axis=2).astype(np.float32) / 64
        self.seen, self.faces = rows - rows.mean(axis=0), faces
        self.network = self
        self.begin(None)

    def begin(self, head):
        self.kernel, self.done = np.zeros((self.seen.shape[1], 3), np.float32), 0

    def epoch(self, rows, reported):
        for step in range(self.steps):
            reported(step + 1, self.steps, 1.0, 0.5)
        shares = training.probabilities(self.logits(rows))
        wanted = np.eye(3, dtype=np.float32)[self.faces.labels[rows]]
        self.kernel = self.kernel + self.seen[rows].T @ (wanted - shares) / len(rows)
        self.done += 1
        return 1.0, 0.5

    def logits(self, rows):
        return self.seen[rows] @ self.kernel

    @property
    def head(self):
        return training.Head(self.kernel, np.zeros(3, np.float32))

    def save(self, checkpoint):
        with open(checkpoint, "wb") as file:
            np.savez(file, kernel=self.kernel, done=self.done)

    def resume(self, checkpoint):
        with np.load(checkpoint) as kept:
            self.kernel, self.done = kept["kernel"], int(kept["done"])

    def get_weights(self):
        return [self.kernel]

    def set_weights(self, weights):
        (self.kernel,) = weights

    save_weights = save
    load_weights = resume


@pytest.fixture
def quick(faces, monkeypatch):
    """Runs with `Slopes`, which keep a checkpoint after each pass, and write no model."""
    monkeypatch.setattr(training, "_CHECKPOINT_EVERY", 0.0)
    monkeypatch.setattr(training._Training, "_learner", lambda _: Slopes(faces))
    monkeypatch.setattr(training, "_export", lambda *_: None)


def train(faces, place, plan=None, course=COURSE, progress=lambda *_: None):
    log, said = training.Log(place.parent / "training.csv"), []
    plan = plan or plan_of(faces)
    return training.train(plan, faces, course, CLASSES, place, log, progress, said.append), said


@pytest.mark.usefixtures("quick")
def test_each_face_is_evaluated_by_a_network_that_did_not_learn_from_it(faces, tmp_path):
    reported = []
    found, said = train(faces, tmp_path / "training", progress=lambda *now: reported.append(now))
    rows = list(csv.DictReader((tmp_path / "training.csv").read_text().splitlines()))
    assert {row["fold"] for row in rows} == {"0", "1", "2", ""}
    assert [row["epoch"] for row in rows if not row["fold"]] == [str(at + 1) for at in range(found.epochs)]
    assert found.last_layer.predicted.all()
    np.testing.assert_allclose(found.last_layer.predictions.sum(axis=1), 1, atol=1e-5)
    assert (found.last_layer.predictions.argmax(axis=1) == faces.labels).mean() > 0.9
    assert reported[-1] == (
        3 * COURSE.epochs * 3 + 3 * found.epochs,
        4 * COURSE.epochs * 3,
        "loss 1.00, 50% right",
    )
    assert "s a step of 12 faces" in said[0]
    noise = replace(faces, labels=np.random.default_rng(1).permutation(faces.labels))
    found, _ = train(noise, tmp_path / "training")
    assert (found.last_layer.predictions.argmax(axis=1) == noise.labels).mean() < 0.6, (
        "nothing is learnt by heart"
    )


@pytest.mark.usefixtures("quick")
def test_it_ends_where_nothing_helps_any_more(faces, tmp_path):
    noise = replace(faces, labels=np.random.default_rng(1).permutation(faces.labels))
    found, _ = train(noise, tmp_path / "training", course=replace(COURSE, epochs=50, patience=2))
    rows = list(csv.DictReader((tmp_path / "training.csv").read_text().splitlines()))
    assert found.epochs < 20
    assert len(rows) < 4 * 25


@pytest.mark.usefixtures("quick")
def test_what_is_done_is_not_done_again_and_other_starts_are_not_in_the_way(faces, tmp_path, monkeypatch):
    place = tmp_path / "training"
    found, _ = train(faces, place)
    train(faces, place, course=replace(COURSE, epochs=2))
    assert len(list(place.iterdir())) == 2
    monkeypatch.setattr(training, "_Training", None)
    again, _ = train(faces, place)
    np.testing.assert_array_equal(again.last_layer.predictions, found.last_layer.predictions)
    training.clear_others(place, [found.folder.parent])
    assert list(place.iterdir()) == [found.folder.parent]


class Killed(Exception):
    """Somebody pulled the plug."""


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("at", [2, 11, 20, 37])
def test_after_a_kill_it_goes_on_elsewhere_as_if_nothing_had_been(faces, tmp_path, at):
    whole, _ = train(faces, tmp_path / "whole" / "training")
    count = [0]

    def kill(done, total, note):
        count[0] += 1
        if count[0] == at:
            raise Killed

    with pytest.raises(Killed):
        train(faces, tmp_path / "killed" / "training", progress=kill)
    shutil.copytree(tmp_path / "killed", tmp_path / "moved")
    steps = []
    again, _ = train(faces, tmp_path / "moved" / "training", progress=lambda *now: steps.append(now))
    np.testing.assert_allclose(again.last_layer.predictions, whole.last_layer.predictions, atol=1e-6)
    np.testing.assert_allclose(again.last_layer.head.kernel, whole.last_layer.head.kernel, atol=1e-6)
    assert again.epochs == whole.epochs
    # What was done is kept but for the pass in which it was killed.
    assert len(steps) + at <= 3 * (3 * COURSE.epochs + whole.epochs) + 3


@pytest.mark.usefixtures("quick")
def test_where_a_part_is_held_out_one_fold_validates_and_the_best_pass_is_kept(faces, tmp_path):
    plan = plan_of(faces, (0,))
    found, _ = train(faces, tmp_path / "training", plan, replace(COURSE, epochs=6))
    assert found.last_layer.predicted.tolist() == (plan.folds == 0).tolist()
    learner = Slopes(faces)
    learner.kernel = found.last_layer.head.kernel
    rows = np.flatnonzero(plan.folds == 0)
    predictions = training.probabilities(learner.logits(rows) / np.float32(found.last_layer.temperature))
    np.testing.assert_allclose(found.last_layer.predictions[rows], predictions, atol=1e-5)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("wanted", "nothing"), [(0.25, False), (0.5, False), (1.0, False), (1.0, True)])
def test_a_network_may_stay_between_what_it_began_with_and_what_it_learnt(
    faces, tmp_path, monkeypatch, wanted, nothing
):
    plan, course = plan_of(faces, (0,)), replace(COURSE, epochs=1, from_nothing=nothing)
    rows = np.flatnonzero(plan.folds == 0)
    learner = Slopes(faces)
    learner.epoch(np.flatnonzero(plan.folds != 0), lambda *_: None)
    there = learner.kernel
    learner.kernel = wanted * there
    aim = learner.logits(rows)
    # It is best where it is as far from where it began as is wanted.
    monkeypatch.setattr(training, "_loss_of", lambda labels, logits: float(np.abs(logits - aim).max()))
    found, _ = train(faces, tmp_path / "training", plan, course)
    assert found.share == wanted
    np.testing.assert_allclose(found.last_layer.head.kernel, wanted * there, atol=1e-6)
    predictions = training.probabilities(aim / np.float32(found.last_layer.temperature))
    np.testing.assert_allclose(found.last_layer.predictions[rows], predictions, atol=1e-5)


def test_a_network_learns_and_becomes_a_model_of_the_users_classes_and_region(faces, tmp_path):
    """The one whole training by Keras here: most of its time goes into compiling."""
    plan = plan_of(faces, (0,))
    found, _ = train(faces, tmp_path / "training", plan, replace(COURSE, epochs=2))
    manifest = read_manifest(found.folder, "brows")
    assert manifest.classes.names == CLASSES.names
    assert (manifest.where, manifest.architecture) == (REGION, "ResNet-29")
    rows = np.flatnonzero(plan.folds == 0)
    logits = found.last_layer.head(features_of(found.folder, "brows", faces.crops(rows)))
    predictions = found.last_layer.predictions[rows]
    # fp16 weights and all: the network that is kept is the one that was evaluated.
    np.testing.assert_allclose(
        training.probabilities(logits / np.float32(found.last_layer.temperature)), predictions, atol=0.02
    )


def test_only_what_is_to_learn_learns(faces):
    network = networks.network("brows_resnet29", "resnet29", 3)
    course = Course(layers="upper", epochs=2, batch=12, learning_rate=1e-2, mirrored=False)
    learner = Learner(network, faces, course, 48, upper=("stage2_",))
    before = {layer.name: layer.get_weights() for layer in network.layers if layer.weights}
    learner.epoch(np.arange(48))
    changed = {
        name
        for name, weights in before.items()
        if any((a != b).any() for a, b in zip(weights, network.get_layer(name).get_weights(), strict=True))
    }
    assert changed == {"emotion", "stage2_block1_first_conv", "stage2_block1_second_conv"}
    assert learner.done == 1
    learner.begin(None)
    assert learner.done == 0
    for name, weights in before.items():
        for was, now in zip(weights, network.get_layer(name).get_weights(), strict=True):
            np.testing.assert_array_equal(was, now)


def test_a_network_begins_with_the_layers_of_a_file(tmp_path):
    known = networks.network("eyes_resnet29", "resnet29", 5)
    known.save(tmp_path / "known.keras")
    assert restore.architecture_of(tmp_path / "known.keras") == "resnet29"
    network = networks.network("brows_resnet29", "resnet29", 3)
    restore.take_layers(network, tmp_path / "known.keras")
    np.testing.assert_array_equal(
        network.get_layer("stem_conv").get_weights()[0], known.get_layer("stem_conv").get_weights()[0]
    )
    other = networks.network("face_mobilenet", "mobilenet", 3)
    with pytest.raises(ModelFileError, match="must have one --architecture"):
        restore.take_layers(other, tmp_path / "known.keras")


def test_a_model_that_ships_is_filled_in_for_other_classes():
    folder = training.Path(__file__).parents[3] / "models" / "zoo" / "lite"
    network = networks.network("face_mobilenet", "mobilenet", 4, seen=(192, 168))
    restore.fill(network, folder, "face")
    crops = np.random.default_rng(0).integers(0, 256, (2, *FACE.size), np.uint8)
    features = fine_tuning.keras.Model(network.inputs, network.get_layer("emotion").input)
    seen = features.predict_on_batch(crops[..., None])
    np.testing.assert_allclose(seen, features_of(folder, "face", crops), atol=2e-3)


@pytest.mark.parametrize(
    ("options", "fewest", "layers"),
    [
        ({}, 60, "last"),
        ({}, training.UPPER_FROM, "upper"),
        ({}, training.ALL_FROM, "all"),
        ({"layers": "all"}, 20, "all"),
        ({"start_from": training.Path("scratch")}, 20, "all"),
    ],
)
def test_how_much_learns_goes_by_the_number_of_faces(options, fewest, layers):
    assert training.layers_for(LearnOptions(**options), fewest) == layers


def test_how_often_a_face_is_learnt_from_is_known_before(monkeypatch):
    expected = training.expected_epochs
    assert expected(LearnOptions(), 60) == 0
    assert expected(LearnOptions(layers="upper"), 60) == 12 * 6, "five that judge, and the one of all"
    assert expected(LearnOptions(layers="upper", epochs=5), 200) == 5
    assert expected(LearnOptions(layers="upper", hold_out=0.0), 200) == 12 * 6
    monkeypatch.setattr(training, "installed", lambda: False)
    assert expected(LearnOptions(), 1000) == 0


def test_the_fewer_faces_the_more_they_are_moved_about():
    few, many = (training.course_for(LearnOptions(), "upper", count, EYES) for count in (300, 5000))
    assert few.strength > many.strength
    assert few.mixup > many.mixup
    assert few.mirrored
    assert not training.course_for(LearnOptions(), "all", 300, Region("eye", 0, 20, 50, 50)).mirrored
    assert training.course_for(LearnOptions(epochs=3), "all", 300, EYES).epochs == 3
