"""Training and export, for real but small; needs the train extra."""

import functools
import json
import os
import re
import shutil
import warnings
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import balanced_accuracy_score

from emotion.models.data import fingerprints
from emotion.models.data.fingerprints import Fingerprints
from emotion.models.data.stored import load_region, schema
from emotion.models.errors import DatasetError, ModelFileError
from emotion.models.faces.mediapipe_landmarker import BLENDSHAPES
from emotion.models.regions import EYES, LIPS
from emotion.models.small_files import sha256

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # TensorFlow's own imports use what Python has deprecated
    pytest.importorskip("tensorflow", reason="training needs the train extra")
    import keras

    from emotion.exporters.export import export
    from emotion.exporters.restore import restore
    from emotion.models.training import networks
    from emotion.models.training import trainer as training
    from emotion.models.training.augmentation import Augment, draw, flipped, mixed, resize
    from emotion.models.training.curves import draw_curves
    from emotion.models.training.inputs import load_view, view_size
    from tests.helpers.small_dataset import striped_dataset

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

OPTIONS = training.TrainingOptions(view="lips", sizes=((3, 2 / 3), (1, 1.0)), batch=12, learning_rate=3e-3)


@pytest.fixture(scope="module", autouse=True)
def few_layers():
    """The network that ships, of the same kinds of layers and blocks but fewer and narrower ones.

    Most of the time of a training of seconds goes into compiling it.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(networks, "RESNET29_STAGES", ((16, 1), (24, 2)))
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return striped_dataset(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    run = tmp_path_factory.mktemp("run")
    epochs = []
    reported = run / "scores.json"
    training.train(
        data,
        run,
        OPTIONS,
        report=epochs.append,
        finish=lambda *scores: reported.write_text(json.dumps(scores)),
        earlier=Fingerprints(unknown=("lite",)),
    )
    return run, epochs


def test_a_run_leaves_what_it_promises(finished):
    run, epochs = finished
    for name in ("run.json", "history.csv", "curves.png", "checkpoint.keras", "model.keras"):
        assert (run / name).stat().st_size > 0
    assert [(row.height, row.width) for row in epochs] == [(32, 48)] * 3 + [(48, 72)]
    assert epochs[2].emotion_loss < epochs[0].emotion_loss


def test_a_run_lists_the_faces_that_it_saw_and_the_export_carries_them(data, finished, exported):
    seen = fingerprints.read(finished[0])["lips"]
    assert (len(seen.training), len(seen.validation)) == (96, 24)
    folder, made, _ = exported("fp16")
    carried = fingerprints.read(folder)["lips"]
    assert (len(carried.training), len(carried.validation)) == (96, 24)
    assert carried.model == sha256(made.model)
    assert seen.model == ""
    assert seen.unknown == carried.unknown == ("lite",)


def test_a_run_without_a_list_is_exported_and_nothing_is_known_of_it(data, finished, tmp_path):
    shutil.copy(finished[0] / "model.keras", tmp_path / "model.keras")
    fingerprints.write(tmp_path / "models", {"lips": Fingerprints(), "eyes": Fingerprints()})
    said = []
    export("lips", tmp_path / "model.keras", data, tmp_path / "models", say=said.append)
    assert list(fingerprints.read(tmp_path / "models")) == ["eyes"]
    assert any("does not list what the network was trained on" in line for line in said)


def test_a_fold_that_is_left_out_is_not_listed_but_all_of_a_resumed_run_and_its_beginning(data, tmp_path):
    known = np.full((1, 4), 7, np.uint64)
    half = np.arange(96) % 2 == 0
    training._list_seen(data, tmp_path, "lips", half, Fingerprints(known, unknown=("lite",)))
    found = fingerprints.read(tmp_path)["lips"]
    assert len(found.training) == 48 + 1
    assert found.unknown == ("lite",)
    training._list_seen(data, tmp_path, "lips", ~half, Fingerprints())
    assert len(fingerprints.read(tmp_path)["lips"].training) == 96 + 1


def test_what_the_finished_network_scores_is_reported(data, finished):
    run, epochs = finished
    loss, balanced_accuracy = json.loads((run / "scores.json").read_text())
    network = keras.saving.load_model(run / "model.keras", compile=False)
    faces = load_region(data, "lips", ("validation",))
    answers = network.predict_on_batch(faces.crops()[..., None])[networks.EMOTION_HEAD].argmax(axis=1)
    assert balanced_accuracy == pytest.approx(balanced_accuracy_score(faces.labels, answers), abs=0.05)
    assert loss != epochs[-1].validation_loss
    known = json.loads((run / "run.json").read_text())["finished"]
    assert known == {"validation_loss": loss, "validation_balanced_accuracy": balanced_accuracy}


def test_the_finished_network_is_in_the_curves():
    history = [
        {"epoch": 1, "emotion_loss": 2.0, "validation_loss": 1.8, "validation_balanced_accuracy": 0.3},
        {"epoch": 2, "emotion_loss": 1.5, "validation_loss": 1.6, "validation_balanced_accuracy": 0.4},
    ]
    places = []
    for axes in draw_curves(history, (1.1, 0.65)).axes:
        (star,) = (line for line in axes.lines if line.get_label() == "finished network, validation")
        places.append((*star.get_xdata(), *star.get_ydata()))
    assert places == [(2, 1.1), (2, 65.0)]
    assert all(
        "finished" not in line.get_label() for axes in draw_curves(history).axes for line in axes.lines
    )


class RecordingLearner(training._Learner):
    """Notes all that it knows when it begins and after each epoch."""

    def __init__(self, *given):
        super().__init__(*given)
        self.begun, self.learnt = [], []

    def state(self):
        return [np.array(known) for known in (*self.network.variables, *self._optimizer.variables)]

    def begin(self, *given):
        steps = super().begin(*given)
        self.begun += self.state()
        return steps

    def run_epoch(self, *given):
        losses = super().run_epoch(*given)
        self.learnt.append(self.state())
        return losses


class RecordingBatches(training._Batches):
    """Notes what every step is given."""

    given: ClassVar = {}

    def __getitem__(self, step):
        batch = super().__getitem__(step)
        self.given.setdefault(self._first + step, []).append(batch)
        return batch


def test_a_killed_run_goes_on_exactly_where_it_was(data, tmp_path, monkeypatch):
    """With all it had learnt, and with the batches that it would have had: more is arithmetic."""
    learners, steps, epochs = [], [], []

    def learner(*given):
        learners.append(RecordingLearner(*given))
        return learners[-1]

    class KilledError(Exception):
        pass

    def kill_in_second_epoch(done, total):
        if done == 12:  # eight steps an epoch
            raise KilledError

    monkeypatch.setattr(training, "_Learner", learner)
    monkeypatch.setattr(training, "_Batches", RecordingBatches)
    monkeypatch.setattr(RecordingBatches, "given", {})
    options = replace(OPTIONS, sizes=((2, 2 / 3),))
    with pytest.raises(KilledError):
        training.train(data, tmp_path, options, progress=kill_in_second_epoch, checkpoint_every=0)
    before = (tmp_path / "history.csv").read_text().splitlines()
    training.train(
        data,
        tmp_path,
        options,
        report=epochs.append,
        progress=lambda done, total: steps.append((done, total)),
    )
    killed, resumed = learners
    for saved, restored in zip(killed.learnt[0], resumed.begun, strict=True):
        np.testing.assert_array_equal(restored, saved)
    assert steps == [(done, 16) for done in range(9, 17)]
    twice = [given for given in RecordingBatches.given.values() if len(given) > 1]
    assert len(twice) >= 4
    for given in twice:
        for one, other in zip(*map(keras.tree.flatten, given[:2]), strict=True):
            np.testing.assert_array_equal(one, other)
    after = (tmp_path / "history.csv").read_text().splitlines()
    assert after[:2] == before
    assert [row.epoch for row in epochs] == [2]
    assert len(after) == 3


def test_a_run_is_not_continued_with_other_options(data, finished):
    with pytest.raises(DatasetError, match="other options"):
        training.train(data, finished[0], replace(OPTIONS, seed=1))


def test_a_run_is_not_continued_with_other_faces_or_labels(data, finished, tmp_path):
    other = shutil.copytree(data, tmp_path / "data")
    rows = pq.read_table(other / "manifest.parquet").to_pylist()
    rows[0]["split"] = "test"
    pq.write_table(pa.Table.from_pylist(rows, schema()), other / "manifest.parquet")
    with pytest.raises(DatasetError, match="other faces or labels"):
        training.train(other, finished[0], OPTIONS)


def test_a_run_from_before_an_option_existed_goes_on(data, finished, tmp_path):
    run = shutil.copytree(finished[0], tmp_path / "run")
    known = json.loads((run / "run.json").read_text())
    del known["options"]["share"], known["faces"]
    (run / "run.json").write_text(json.dumps(known))
    training.train(data, run, OPTIONS)
    assert json.loads((run / "run.json").read_text())["options"]["share"] == 1.0


def test_a_network_of_another_architecture_is_no_beginning(data, finished, tmp_path):
    options = training.TrainingOptions(view="eyes", sizes=((1, 1.0),), batch=12)
    with pytest.raises(ModelFileError, match="one --architecture"):
        training.train(data, tmp_path, options, finished[0] / "model.keras")
    with pytest.raises(ModelFileError, match="one --architecture"):
        training.train(data, tmp_path / "other", replace(OPTIONS, seed=3), tmp_path / "none.keras")
    with pytest.raises(ValueError, match="at least 0"):
        replace(OPTIONS, mixup=-0.1)


def test_too_few_faces_end_in_a_sentence(data, tmp_path):
    with pytest.raises(DatasetError, match="do not fill one batch of 128: add faces or lower"):
        training.train(data, tmp_path, replace(OPTIONS, batch=128))


@pytest.fixture(scope="module")
def exported(data, finished, tmp_path_factory):
    """The finished network as a model file by storage: its folder, what was made, what was said."""

    @functools.cache
    def made(storage):
        folder, lines = tmp_path_factory.mktemp(storage), []
        return (
            folder,
            export("lips", finished[0] / "model.keras", data, folder, storage, say=lines.append),
            lines,
        )

    return made


@pytest.fixture(scope="module")
def restored(data, exported, tmp_path_factory):
    """The network that comes back from the file of half precision."""
    path = restore("lips", exported("fp16")[0], data, tmp_path_factory.mktemp("back") / "back.keras")
    return keras.saving.load_model(path, compile=False)


@pytest.mark.parametrize("storage", ["fp32", "fp16"])
def test_the_exported_file_says_what_keras_says(data, finished, exported, storage):
    _, made, lines = exported(storage)
    largest = made.parity.largest_difference
    assert made.parity.crops == 24
    assert largest < (1e-5 if storage == "fp32" else 0.02)
    # Between two emotions that are as good as even, a last digit decides.
    network = keras.saving.load_model(finished[0] / "model.keras", compile=False)
    crops = load_region(data, "lips", ("validation",)).crops()[..., None]
    shares = keras.ops.softmax(network(crops)[networks.EMOTION_HEAD] / made.temperature)
    _, second, first = np.moveaxis(np.sort(shares, axis=1)[:, -3:], 1, 0)
    assert made.parity.label_agreement >= (first - second > 2 * largest).mean()
    assert any("parity" in line for line in lines)


def test_the_wrong_network_is_not_exported(data, finished, tmp_path):
    with pytest.raises(ModelFileError, match="network for the lips"):
        export("eyes", finished[0] / "model.keras", data, tmp_path)
    broken = shutil.copy(finished[0] / "history.csv", tmp_path / "broken.keras")
    with pytest.raises(ModelFileError, match="not a trained network"):
        export("lips", broken, data, tmp_path)
    with pytest.raises(ModelFileError, match="does not exist: train the network with 'emotion train lips'"):
        export("lips", tmp_path / "none.keras", data, tmp_path)


def test_an_exported_model_comes_back_and_can_learn_on(data, finished, exported, restored):
    _, made, _ = exported("fp16")
    trained = keras.saving.load_model(finished[0] / "model.keras", compile=False)
    crops = load_region(data, "lips", ("train",)).crops()[..., None]
    difference = []
    for learning in (False, True):  # with the statistics of the file, and with those of the batch
        wanted = keras.ops.softmax(
            trained(crops, training=learning)[networks.EMOTION_HEAD] / made.temperature
        )
        reported = keras.ops.softmax(restored(crops, training=learning)[networks.EMOTION_HEAD])
        difference.append(np.abs(reported - wanted))
    assert difference[0].max() < 5e-3  # weights travel as float16
    # Moving averages are statistics of other batches than these: close is all that can be asked.
    assert difference[1].mean() < 0.05


def test_a_blendshape_head_is_fitted_to_what_the_features_know(data, restored):
    part = load_region(data, "lips", ("train",))
    targets = training.BlendshapeTargets.fit(part.blendshapes)(part.blendshapes, np.zeros(len(part), bool))
    reported = np.asarray(restored(part.crops()[..., None])[networks.BLENDSHAPE_HEAD])
    assert ((reported - targets) ** 2).mean() < (targets**2).mean()


def test_a_model_of_another_architecture_is_not_restored(data, exported, tmp_path):
    import onnx

    from emotion.models.small_files import sha256

    folder, made, _ = exported("fp16")
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    model, manifest = tmp_path / made.model.name, tmp_path / made.manifest.name
    graph = onnx.load(model)
    for node in graph.graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = name.replace("stem", "trunk")
    for tensor in graph.graph.initializer:
        tensor.name = tensor.name.replace("stem", "trunk")
    onnx.save(graph, model)
    manifest.write_text(re.sub(r'"sha256": "\w+"', f'"sha256": "{sha256(model)}"', manifest.read_text()))
    with pytest.raises(ModelFileError, match="not a lips network of this version"):
        restore("lips", tmp_path, data, tmp_path / "back.keras")


def test_a_cap_draws_other_faces_of_a_set_for_every_epoch(data):
    part = load_region(data, "lips", ("train",))
    options = replace(OPTIONS, caps=(("made", 5),))
    first, second = (training._order(part, options, epoch) for epoch in (0, 1))
    assert np.bincount(part.labels[first]).tolist() == [5] * 6
    assert set(first) != set(second)
    assert training._order(part, options, 0).tolist() == first.tolist()


def test_a_cap_on_a_set_that_is_not_there_is_refused(data, tmp_path):
    options = replace(OPTIONS, caps=(("elsewhere", 5),))
    with pytest.raises(DatasetError, match="no faces of elsewhere"):
        training.train(data, tmp_path, options)


def test_standardise_takes_light_away_and_leaves_black():
    face = np.random.default_rng(0).integers(60, 120, (1, 32, 48, 1)).astype(np.float32)
    face[:, :, :10] = 0
    one, other = networks.Standardise()(face), networks.Standardise()(np.where(face > 0, face * 1.8 + 20, 0))
    np.testing.assert_allclose(one, other, atol=0.01)
    one = np.asarray(one)
    assert not one[:, :, :10].any()
    assert one[:, :, 10:].mean() == pytest.approx(0, abs=0.01)
    assert one[:, :, 10:].std() == pytest.approx(1, abs=0.01)


def _augmented(faces, seed, size=LIPS.size, mixup=0.0):
    draws = draw(len(faces), seed, mixup)
    return np.asarray(Augment(faces.margin, size, faces.parts)(faces.images, draws)), draws


def test_augmentation_repeats_with_its_seed_and_keeps_the_mask(data):
    faces = load_region(data, "lips", ("train",))
    faces.images[:, :, :30] = 0
    views = [_augmented(faces, seed)[0] for seed in ((0, 1), (0, 1), (0, 2))]
    assert views[0].shape == (96, *LIPS.size, 1)
    assert np.array_equal(views[0], views[1])
    assert not np.array_equal(views[0], views[2])
    assert views[0].min() == 0
    assert views[0].max() <= 255
    assert 0.1 < (views[0] == 0).mean() < 0.6


@pytest.fixture
def calm(monkeypatch):
    """Augmentation with every spread at zero."""
    from emotion.models.training import augmentation

    names = (
        "ROTATION",
        "SCALE",
        "STRETCH",
        "SHIFT",
        "GAMMA",
        "CONTRAST",
        "NOISE",
        "FLIP",
        "COARSE",
        "COVERED",
    )
    for name in names:
        monkeypatch.setattr(augmentation, name, 0.0)
    return augmentation


def test_augmentation_without_a_draw_is_the_plain_crop(data, calm, monkeypatch):
    """What is left is `resize`: both mean the same middle."""
    faces = load_region(data, "lips", ("train",))
    plain, _ = _augmented(faces, (0, 1))
    np.testing.assert_allclose(plain, resize(faces.crops(), LIPS.size), atol=1e-2)
    monkeypatch.setattr(calm, "FLIP", 1.0)
    mirrored, draws = _augmented(faces, (0, 1))
    assert flipped(draws).all()
    np.testing.assert_allclose(mirrored[:, :, ::-1], plain, atol=1e-2)


def test_a_face_is_its_eyes_above_its_lips_and_each_is_augmented_about_its_own_middle(data, calm):
    face = load_view(data, "face", ("train",))
    eyes, lips = (load_view(data, region, ("train",)).crops() for region in ("eyes", "lips"))
    assert face.crops().shape == (96, *view_size("face"))
    np.testing.assert_array_equal(face.crops()[:, : EYES.size[0]], eyes)
    np.testing.assert_array_equal(face.crops()[:, EYES.size[0] :, 12:-12], lips)
    plain, _ = _augmented(face, (0, 1), view_size("face"))
    np.testing.assert_allclose(plain[..., 0], face.crops(), atol=1e-2)


def test_mixed_pictures_have_mixed_labels(data, calm):
    faces = load_region(data, "lips", ("train",))
    plain, _ = _augmented(faces, (0, 1))
    views, draws = _augmented(faces, (0, 1), mixup=1.0)
    targets = mixed(draws, faces.targets)
    share = targets[np.arange(len(faces)), faces.labels]
    other = np.roll(faces.labels, 1) != faces.labels
    assert other.all()
    assert (share >= 0.5).all()
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
    shown = share[:, None, None, None] * plain + (1 - share[:, None, None, None]) * np.roll(plain, 1, axis=0)
    np.testing.assert_allclose(views, shown, atol=1e-2)


def test_a_fold_is_left_out_whole_groups_at_a_time(data, tmp_path):
    groups = np.array([0, 0, 1, 2, 3, 3])
    parts = [training.left_out(groups, (index, 2)) for index in range(2)]
    assert parts[0].tolist() == [True, True, False, True, False, False]
    assert (parts[0] != parts[1]).all()
    assert not training.left_out(groups, (0, 1)).any()
    with pytest.raises(ValueError, match="counted from 0"):
        replace(OPTIONS, fold=(2, 2))


def test_a_share_holds_whole_groups_and_every_smaller_share():
    groups = np.repeat(np.arange(100), 3)
    parts = [training.within_share(groups, share) for share in (0.25, 0.5, 1.0)]
    assert [part.sum() for part in parts] == [75, 150, 300]
    assert (parts[1] | ~parts[0]).all()
    assert all((part.reshape(100, 3).all(axis=1) == part.reshape(100, 3).any(axis=1)).all() for part in parts)
    with pytest.raises(ValueError, match="more than 0"):
        replace(OPTIONS, share=0)


def test_left_and_right_blendshapes_change_places_in_a_mirror():
    targets = training.BlendshapeTargets.fit(np.random.default_rng(0).random((100, 52), dtype=np.float32))
    assert (targets.mirror[targets.mirror] == np.arange(52)).all()
    left, right = BLENDSHAPES.index("mouth_smile_left"), BLENDSHAPES.index("mouth_smile_right")
    assert targets.mirror[left] == right
    assert targets.mirror[BLENDSHAPES.index("jaw_open")] == BLENDSHAPES.index("jaw_open")
    shapes = np.zeros((2, 52), np.float32)
    shapes[:, left] = 1
    plain, mirrored = targets(shapes, np.array([False, True]))
    assert plain[left] > mirrored[left]
    assert mirrored[right] > plain[right]


# TensorFlow asks the processor whether it has AVX-512, oneDNN this variable: where they disagree, as on no
# processor, TensorFlow asks oneDNN for a convolution in bfloat16 that it does not have then.
@pytest.mark.skipif("AVX2" in os.environ.get("ONEDNN_MAX_CPU_ISA", ""), reason="oneDNN is kept from AVX-512")
def test_a_network_that_learnt_in_bfloat16_is_whole_and_float32(data, tmp_path):
    options = training.TrainingOptions(view="lips", sizes=((2, 1.0),), batch=12, precision="bfloat16")
    model = keras.saving.load_model(training.train(data, tmp_path, options), compile=False)
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    assert all(np.isfinite(weight.numpy()).all() for weight in model.weights)


def test_a_teacher_takes_its_share_of_every_target(data, tmp_path):
    options = training.TrainingOptions(view="lips", sizes=((1, 1.0),), batch=12, teacher_weight=1.0)
    with pytest.raises(DatasetError, match="needs a teacher"):
        training.train(data, tmp_path, options)
    asked = []

    def always_fear():
        asked.append(True)
        return np.tile(np.eye(6, dtype=np.float32)[2], (96, 1))

    for _ in range(2):  # asked once, kept for a run that goes on
        model = training.train(data, tmp_path, options, teacher=always_fear)
    assert len(asked) == 1
    crops = load_region(data, "lips", ("validation",)).crops()[..., None]
    logits = keras.saving.load_model(model, compile=False)(crops)[networks.EMOTION_HEAD]
    assert (np.asarray(logits).argmax(axis=1) == 2).all()
