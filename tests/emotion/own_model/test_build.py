"""From photographs to a model folder with classes of one's own, on crops and networks made in a moment."""

import contextlib
import io
import re
import shutil
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console
from typer.testing import CliRunner

onnx = pytest.importorskip("onnx", reason="learning needs the extra 'learn'")

from emotion.cli.app import app
from emotion.cli.scores import scores_table
from emotion.models.classes import SIX, Classes
from emotion.models.data.dataset import DatasetOptions, _claim
from emotion.models.data.image_io import write_png
from emotion.models.data.splits import parts_of
from emotion.models.data.stored import read_manifest, schema
from emotion.models.errors import DatasetError, MissingDependencyError, OptionError, ShippedModelsError
from emotion.models.evaluation import weights
from emotion.models.evaluation.predictions import Predictions, faces_of_dataset
from emotion.models.manifest import ZOO, ModelManifest, manifest_path
from emotion.models.options import from_mapping
from emotion.models.regions import EYES, FACE, LIPS, Region, write_region
from emotion.models.small_files import sha256
from emotion.models.statistics import intervals
from emotion.models.voting.vote import FORMAT, VoteWeights, read_rules
from emotion.own_model import build, estimate, features, folds, networks, training
from emotion.own_model.folds import in_folds
from emotion.own_model.options import SCRATCH, LearnOptions
from emotion.own_model.vote import fit_own_vote
from emotion.realtime.session import Models

CLASSES = ("calm", "furious", "gloomy", "laughing")
BANDS = 8
DRAWS = intervals._draws

pytestmark = pytest.mark.timeout(300)


def network(folder, region):
    """A network that sees the mean gray of eight bands of a crop."""
    make, rng = onnx.helper.make_node, np.random.default_rng(1)
    height, width = region.size
    tensor = onnx.numpy_helper.from_array
    constants = [
        tensor(np.array([-1, BANDS, height // BANDS * width]), "bands"),
        tensor(np.float32(1 / 64), "scale"),
        tensor(rng.normal(size=(BANDS, 6)).astype(np.float32), "kernel"),
        tensor(np.zeros(6, np.float32), "bias"),
        tensor(np.float32(1), "recip"),
    ]
    nodes = [
        make("Cast", ["crops"], ["gray"], to=onnx.TensorProto.FLOAT),
        make("Reshape", ["gray", "bands"], ["rows"]),
        make("ReduceMean", ["rows"], ["means"], axes=[2], keepdims=0),
        make("Mul", ["means", "scale"], ["seen"]),
        make("MatMul", ["seen", "kernel"], ["product"]),
        make("Add", ["product", "bias"], ["logits"]),
        make("Mul", ["logits", "recip"], ["cooled"]),
        make("Softmax", ["cooled"], ["probabilities"]),
    ]
    crops = onnx.helper.make_tensor_value_info("crops", onnx.TensorProto.UINT8, ["n", height, width, 1])
    reported = onnx.helper.make_tensor_value_info("probabilities", onnx.TensorProto.FLOAT, ["n", 6])
    graph = onnx.helper.make_graph(nodes, region.name, [crops], [reported], constants)
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    path = folder / f"{region.name}.onnx"
    onnx.save(made, path)
    return ModelManifest(region.name, "bands", path.name, sha256(path), "float32", region.size, data="noise")


def beginning(folder):
    """A model folder of the six to begin with, with an int8 model of the lips that is the same network."""
    folder.mkdir()
    for region in (EYES, LIPS):
        plain = network(folder, region)
        plain.save(folder)
        if region is LIPS:
            shutil.copy(folder / "lips.onnx", folder / "lips.int8.onnx")
            values = plain.to_json().replace('"lips.onnx"', '"lips.int8.onnx"')
            values = values.replace('"made_from": ""', f'"made_from": "{plain.sha256}"')
            manifest_path(folder, "lips", "int8").write_text(values)
    rule = VoteWeights.equal().rule.to_json(SIX, ("eyes", "lips"))
    text = {"format": FORMAT, "classes": list(SIX), "rule": "equal", "rules": {"equal": rule}}
    (folder / "weights.json").write_text(str(text).replace("'", '"'))
    return folder


def striped(output, options, count):
    """What `make_dataset` leaves: crops whose bright band names the class; one photograph was lost."""
    rng, rows = np.random.default_rng(0), []
    for index in range(count):
        label = options.classes[index % len(options.classes)]
        source = f"photos/{label}/{index}.png"
        row = {"id": f"face{index}", "source": source, "label": label, "group": index, "split": "train"}
        row |= {"votes": None, "blendshapes": rng.random(52).tolist()}
        row |= {"eye_distance": 60.0, "alignment_error": 2.0, "eyes_visible": 1.0, "lips_visible": 1.0}
        rows.append(row)
        for region in options.places:
            image = rng.integers(40, 120, region.padded_size(options.margin), dtype=np.uint8)
            at = options.margin + 6 * (index % len(options.classes))
            image[at : at + 6] += 60
            write_png(output / region.name / label / f"face{index}.png", image)
    pq.write_table(pa.Table.from_pylist(rows, schema(options.classes)), output / "manifest.parquet")
    (output / "rejected.csv").write_text("source,reason,label\nphotos/calm/lost.png,no face found,calm\n")
    _claim(output, options)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("own")
    beginning(place / "begin")
    for name in CLASSES:
        (place / "photos" / name).mkdir(parents=True)
        (place / "photos" / name / "0.png").touch()
    return place


def learn(place, patch, count=96, leave=None, **options):
    said, looked = [], []

    def make(roots, output, made, workers, progress, parts, say):
        looked.append(parts)
        if not (output / "manifest.parquet").exists():
            (leave or striped)(output, made, count)
        table = pq.read_table(output / "manifest.parquet").to_pylist()
        reported = parts_of(parts) if parts else {}
        table = [row | {"split": reported.get(row["source"], row["split"])} for row in table]
        pq.write_table(pa.Table.from_pylist(table, schema(made.classes)), output / "manifest.parquet")

    patch.setattr(build, "make_dataset", make)
    patch.setattr(estimate, "measure", lambda *_: estimate.Estimate(count, 0.1, 0.01, 6))
    # Intervals of a few draws take a moment; how wide they are is not asked here.
    patch.setattr(intervals, "_draws", lambda groups, value, resamples, seed: DRAWS(groups, value, 20, seed))
    chosen = LearnOptions(start_from=place / "begin", neutral="calm", **options)
    bar = contextlib.nullcontext(lambda *now: None)
    made = build.learn([place / "photos"], place / "mine", chosen, lambda title: bar, said.append)
    return made, said, looked


@pytest.fixture(scope="module")
def made(place):
    with pytest.MonkeyPatch.context() as patch:
        yield learn(place, patch)


def test_the_model_tells_the_folders_names_apart(made, place):
    loaded = Models.load(models=place / "mine", provider="cpu")
    assert loaded.schema.classes.names == CLASSES
    assert loaded.schema.classes.neutral == "calm"
    assert loaded.weights.classes.names == CLASSES
    crops = np.full((4, *EYES.size), 80, np.uint8)
    for index in range(4):
        crops[index, 6 * index : 6 * index + 6] = 140
    assert loaded.regions[0](crops).argmax(axis=1).tolist() == [0, 1, 2, 3]


def test_it_is_evaluated_by_what_did_not_learn_from_a_face(made, place):
    evaluation = made[0].evaluation
    assert not made[0].held_out
    assert list(evaluation.scores) == ["eyes", "lips", "blendshapes", "vote"]
    assert evaluation.vote.faces == 96
    assert evaluation.vote.balanced_accuracy.value > 0.9
    assert evaluation.scores["blendshapes"].balanced_accuracy.value < 0.6, "they are noise"
    # Rules, too, are evaluated on faces that they were not fitted to.
    rule = read_rules(place / "mine").chosen
    assert evaluation.rules[rule].log_loss == pytest.approx(evaluation.vote.log_loss)
    assert set(evaluation.gains) == set(evaluation.rules) - {"source"}
    assert any("cross-validation" in line for line in made[1])
    assert any("reached 96% of the accuracy with 600 per class" in line for line in made[1])


def test_int8_models_take_the_same_last_layer(made, place):
    loaded = Models.load(models=place / "mine", provider="cpu", precision="int8", regions=("lips",))
    assert loaded.regions[0].manifest.scores["agreement_with_fp32"] == 1


def test_report_card_and_page_say_what_it_is(made, place):
    card = (place / "mine" / "MODEL_CARD.md").read_text()
    assert "| laughing | 24 | 0 |" in card
    assert "| calm | 24 | 1 |" in card
    assert "cross-validation" in card
    assert "| vote |" in card
    assert "laughing" in (place / "mine" / "report" / "report.html").read_text()
    page = made[0].page.read_text()
    assert "96 faces in 4 classes" in page
    assert "photos/calm/lost.png" in page
    # Each face that is shown has its file, as title and as text, and a sentence says what the pictures are.
    faces = [row["source"] for row in read_manifest(made[0].page.parent / "data")]
    assert len(faces) == 96
    for source in faces:
        assert f'<figure title="{source}"><img' in page
        assert f"<figcaption>{source}</figcaption>" in page
    assert "the input of the networks" in page
    assert not any((place / "mine").rglob("*.png")), "the model folder holds no photographs"


def test_it_is_a_model_folder_like_others(made, place):
    assert CliRunner().invoke(app, ["models", "check", str(place / "mine")]).exit_code == 0
    shutil.copytree(place / "mine", place / "sent")
    assert Models.load(models=place / "sent", provider="cpu").schema.classes.names == CLASSES


def test_it_knows_the_faces_that_it_learnt_from(made, place):
    """Evaluated on its own data set, also as a copy of the folder; the exit code stays 0."""
    data = place / "mine.learning" / "data"
    copy = ["models", "copy", str(place / "mine"), str(place / "copied")]
    assert CliRunner().invoke(app, copy).exit_code == 0
    for folder in ("mine", "copied"):
        judge = ["evaluate", str(data), "--part", "train", "--models", str(place / folder)]
        found = CliRunner().invoke(app, judge)
        reported = " ".join(found.output.split())
        assert found.exit_code == 0
        assert "Of 96 faces 96 are near duplicates of the models' training faces (96)." in reported
        assert "The training faces of begin are not known." in reported
    (place / "copied" / "fingerprints.npz").unlink()
    assert CliRunner().invoke(app, ["models", "check", str(place / "copied")]).exit_code == 0
    reported = CliRunner().invoke(
        app, ["evaluate", str(data), "--part", "train", "--models", str(place / "copied")]
    )
    assert "copies of the models' training faces is not known" in " ".join(reported.output.split())
    shutil.rmtree(place / "copied")
    assert any("Delete it before you share" in line for line in made[1])


def test_the_same_command_again_runs_no_network_twice(made, place, monkeypatch):
    crops = np.zeros((3, *EYES.size), np.uint8)
    first = features.views_of(place / "begin", EYES, crops, place / "kept")
    monkeypatch.setattr(features, "features_of", None)
    again = features.views_of(place / "begin", EYES, crops, place / "kept")
    np.testing.assert_array_equal(first, again)
    assert (build.work_folder(place / "mine") / "features").is_dir()


def test_it_says_how_long_it_took_and_what_was_said_before(made, place):
    assert re.fullmatch(
        r"  It took \d+ (s|min) \(\d+ (s|min) of processor time; expected at the start: less than a minute"
        r"(; load of the machine [\d.]+ on \d+ cores?)?\)\.",
        made[1][-1],
    )
    steps = (build.work_folder(place / "mine") / "times.csv").read_text().splitlines()
    assert steps[0] == "step,seconds"
    assert [line.split(",")[0] for line in steps[1:3]] == ["beginning", "detecting faces"]
    assert len(steps) == 1 + 1 + build.STEPS


def test_another_folder_begins_anew_and_enough_faces_are_held_out(made, place, monkeypatch):
    (place / "photos" / "yawning").mkdir()
    (place / "photos" / "yawning" / "0.png").touch()
    monkeypatch.setattr(build, "held_out", lambda labels, *_: np.arange(len(labels)) < 50)
    _, said, looked = learn(place, monkeypatch, count=200, int8=False)
    (place / "photos" / "yawning" / "0.png").unlink()
    assert "The classes or options have changed: the photographs are analysed again." in said
    assert [parts is not None for parts in looked] == [False, True]
    parts = pq.read_table(looked[1]).to_pylist()
    assert sum(row["split"] == "test" for row in parts) == 50
    assert len(Models.load(models=place / "mine", provider="cpu").schema.classes) == 5
    assert not (place / "mine" / "lips.int8.json").exists()


def test_who_is_who_counts_also_where_it_is_told_after_a_first_run(place, monkeypatch, tmp_path):
    monkeypatch.setattr(folds, "LEAST_TO_HOLD_OUT", 20)
    fresh = tmp_path / "place"
    shutil.copytree(place / "begin", fresh / "begin")
    for name in CLASSES:
        (fresh / "photos" / name).mkdir(parents=True)
        (fresh / "photos" / name / "0.png").touch()
    data = build.work_folder(fresh / "mine") / "data"

    def parts_by(key):
        found = {}
        for row in read_manifest(data):
            found.setdefault(key(int(row["source"].split("/")[-1][:-4])), set()).add(row["split"])
        return found

    learn(fresh, monkeypatch, int8=False)
    assert {"test"} in parts_by(int).values()
    people = tmp_path / "people.csv"
    rows = (f"{CLASSES[index % 4]}/{index}.png,person {index // 8}" for index in range(96))
    people.write_text("\n".join(("path,person", *rows)))
    made, _, _ = learn(fresh, monkeypatch, int8=False, group_by=people)
    assert made.held_out
    # Faces of one person say as little as one: the intervals are of people.
    assert made.evaluation.vote.groups == made.evaluation.vote.faces / 8
    assert all(len(parts) == 1 for parts in parts_by(lambda index: index // 8).values())
    made, _, _ = learn(fresh, monkeypatch, int8=False, hold_out=0)
    assert not made.held_out


def test_a_validation_part_of_the_users_own_is_learnt_from(place, monkeypatch, tmp_path):
    fresh = tmp_path / "place"
    shutil.copytree(place / "begin", fresh / "begin")
    for name in CLASSES:
        (fresh / "photos" / "train" / name).mkdir(parents=True)
        (fresh / "photos" / "train" / name / "0.png").touch()

    def in_parts(output, options, count):
        striped(output, options, count)
        rows = read_manifest(output)
        for index, row in enumerate(rows):
            row["split"] = ("train", "train", "validation", "test")[index // 4 % 4]
            row["source"] = row["source"].replace("photos/", f"photos/{row['split']}/")
        pq.write_table(pa.Table.from_pylist(rows, schema(options.classes)), output / "manifest.parquet")

    made, said, looked = learn(fresh, monkeypatch, count=128, leave=in_parts, int8=False)
    assert looked == [None]
    assert made.evaluation.vote.faces == 32
    assert any(line.startswith("  96 faces in") for line in said)


def test_a_class_of_one_person_is_reported_where_the_scores_are(made, place, monkeypatch, tmp_path):
    people = tmp_path / "people.csv"
    rows = (f"{CLASSES[index % 4]}/{index}.png,{'Ada' if index % 4 == 2 else index}" for index in range(96))
    people.write_text("\n".join(("path,person", *rows)))
    found, said, _ = learn(place, monkeypatch, int8=False, group_by=people)
    caution = f"All faces of {CLASSES[2]} are of one person or video, or copies of one photograph."
    assert any(caution in line for line in said)
    assert caution in (found.folder / "MODEL_CARD.md").read_text()
    assert caution in found.evaluation.about["note"]


def test_people_are_read_before_photographs_are_looked_at(made, place, monkeypatch, tmp_path):
    with pytest.raises(DatasetError, match=r"people.csv cannot be read: No such file or directory\.$"):
        learn(place, monkeypatch, group_by=tmp_path / "people.csv")
    with pytest.raises(OptionError, match="no group"):
        learn(place, monkeypatch, person="[a-z]+_")


def test_too_few_are_refused(made, place, monkeypatch):
    shutil.rmtree(build.work_folder(place / "mine"))
    with pytest.raises(DatasetError, match=r"calm 10, .*: each class needs 20"):
        learn(place, monkeypatch, count=40)


def test_the_models_that_ship_stay(place, monkeypatch):
    with pytest.raises(ShippedModelsError):
        build.learn([place / "photos"], ZOO, LearnOptions(), None, print)


def test_options_of_a_data_set_spell_other_regions():
    brows, eyes = Region("brows", 8, 12, 112, 36, 1.5), Region("eyes", 0, 12, 128, 64, 1.5)
    options = DatasetOptions(regions=tuple(map(write_region, (FACE, brows, eyes))))
    assert options.places.places == (eyes, LIPS, FACE, brows)


def test_it_says_how_long_it_will_take_before_it_begins(made):
    assert made[1][0].startswith("  It will take less than a minute: 96 photographs at 100 ms")
    long = estimate.Estimate(10_000, 0.2, 0.02, 6)
    assert "about 22 min" in estimate.in_words(long, 2, epochs=0)
    both = estimate.in_words(replace(long, videos=3, frames=40), 2)
    assert "10000 photographs and about 40 frames of 3 videos at 200 ms" in both
    assert "0 photographs" not in estimate.in_words(estimate.Estimate(0, 0.1, 0.02, 6, 3, 40), 2)
    nothing = replace(long, predict=0.0)
    assert "in addition 60 epochs" in estimate.in_words(nothing, 2, epochs=60)
    assert not nothing.knows(60)
    assert nothing.knows(0)
    assert "no picture could be analysed" in estimate.in_words(estimate.Estimate(2, 0.0, 0.02, 0), 2)
    assert estimate.Estimate(600, 0.1, 0.02, 6).seconds(2, epochs=12) > 4 * 60


def test_the_cores_that_this_process_may_use_count(monkeypatch):
    long = estimate.Estimate(10_000, 0.2, 0.0, 6)
    monkeypatch.setattr(estimate, "available_cores", lambda: 1)
    assert "about 35 min" in estimate.in_words(long, None)
    monkeypatch.setattr(estimate, "available_cores", lambda: 4)
    assert "about 10 min" in estimate.in_words(long, None)


def test_what_was_sent_damaged_is_noticed(made, place):
    archive = shutil.make_archive(str(place / "sent-off"), "zip", place / "mine")
    shutil.unpack_archive(archive, place / "received")
    check = ["models", "check", str(place / "received")]
    assert CliRunner().invoke(app, check).exit_code == 0
    (place / "received" / "blendshapes.npz").unlink(missing_ok=True)
    weights = place / "received" / "weights.json"
    weights.write_text(weights.read_text() + " ")
    found = CliRunner().invoke(app, check)
    assert found.exit_code != 0
    assert "weights.json" in str(found.exception)
    shutil.rmtree(place / "received")


def test_models_lists_those_of_the_folder_it_is_called_in(made, place, monkeypatch):
    monkeypatch.chdir(place)
    reported = CliRunner().invoke(app, ["models"]).output
    assert "\nmine\n" in f"\n{reported}"
    assert "classes: calm, furious, gloomy, laughing" in reported


def test_scores_of_a_model_that_begins_with_ones_own_are_reported_with_caution(made, place):
    card = " ".join((place / "mine" / "MODEL_CARD.md").read_text().split())
    caution = (
        "If begin, which it begins with, was trained on some of these photographs, the scores are too high."
    )
    assert caution in card
    assert f"  {caution}" in made[1]
    for ships in ("lite", "standard", "scratch"):
        assert from_mapping(LearnOptions, {"start_from": ships}).caution == ""


def test_the_card_says_what_of_which_network_has_learnt(made, place):
    card = (place / "mine" / "MODEL_CARD.md").read_text()
    assert "| eyes | bands | the last layer |" in card
    assert "starting from" in card


def fake_training(made, right):
    """Training that gives the network that was there, and says something right or wrong of a part."""

    def train(plan, faces, course, classes, place, log, progress, say, file):
        progress(1, 2, "loss 1.00, 50% right")
        run = place / f"{plan.region.name}-run"
        shutil.copytree(plan.start, run / "model", dirs_exist_ok=True)
        predicted = np.isin(plan.folds, plan.validation_folds)
        predictions = np.full((len(faces), faces.classes), 1e-7, np.float32)
        predictions[np.arange(len(faces)), (faces.labels + (not right)) % faces.classes] = 1
        last_layer = networks.FittedHead(plan.heads[-1], 1.0, predictions, 0.0, predicted)
        made.append((plan, course))
        return training.Trained(last_layer, run / "model", 3)

    return train


@pytest.mark.parametrize("right", [True, False])
def test_what_training_makes_better_counts_and_nothing_else(place, tmp_path, monkeypatch, right):
    seen, said, classes = [], [], Classes(CLASSES)
    data = tmp_path / "data"
    data.mkdir()
    striped(data, DatasetOptions(classes=CLASSES), 80)
    faces = faces_of_dataset(data, "train")
    monkeypatch.setattr(training, "installed", lambda: True)
    monkeypatch.setattr(training, "own_faces", lambda data, region, labels: data_of(data, labels))
    monkeypatch.setattr(training, "train", fake_training(seen, right))
    monkeypatch.setattr(training, "architecture_of", lambda manifest: "resnet29")
    course = type("Course", (), {"layers": "upper"})
    monkeypatch.setattr(training, "course_for", lambda *_: course)
    bar = contextlib.nullcontext(lambda *now: None)
    options = LearnOptions(start_from=place / "begin", layers="upper")
    nets = networks.Networks(options, classes, tmp_path / "work", lambda title: bar, said.append)
    nets.see(faces)
    folds = in_folds(faces.labels, faces.groups)
    nets.fit(faces, folds)
    for name, found in nets.last_layers.items():  # a last layer that knows little
        nets.last_layers[name] = replace(
            found, predictions=(found.predictions + 9) / (found.predictions + 9).sum(axis=1, keepdims=True)
        )
    nets.train(faces, data, folds, alone=True)
    assert [plan.region.name for plan, _ in seen] == ["eyes", "lips"]
    assert seen[0][0].validation_folds == (0,)
    assert sorted(seen[0][0].heads) == [-1, 0]
    assert any("which stays" in line for line in said) is not right
    assert [what for *_, what in nets.described()] == [
        "the upper layers, 3 epochs" if right else "the last layer"
    ] * 2
    predicted = nets.predicted(len(faces))
    assert predicted.tolist() == ((folds == 0) | (not right)).tolist()


def test_what_only_training_can_do_says_that_it_lacks_it(place, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "installed", lambda: False)
    bar = contextlib.nullcontext(lambda *now: None)
    with pytest.raises(MissingDependencyError, match="train"):
        options = LearnOptions(start_from=SCRATCH)
        networks.Networks(options, Classes(CLASSES), tmp_path, lambda title: bar, print)


def data_of(data, labels):
    return type(
        "Faces", (), {"labels": labels, "classes": len(data.classes), "__len__": lambda _: len(labels)}
    )()


def test_faces_of_a_few_videos_alone_get_a_vote_in_which_regions_count_alike(place, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    striped(data, DatasetOptions(classes=CLASSES), 80)
    faces = faces_of_dataset(data, "train")
    said = np.random.default_rng(0).dirichlet(np.ones(4), (2, 80)).astype(np.float32)
    free = np.ones((2, 80), np.float32)
    third = (None, said[0])
    options = LearnOptions(start_from=place / "begin")
    few = Predictions(replace(faces, groups=faces.labels % 4), said, free)
    found = fit_own_vote(few, third, options, {})
    assert found.fitted.chosen == "equal"
    assert found.third is None
    np.testing.assert_allclose(found.predictions.sum(axis=1), 1, atol=1e-5)
    weights.save(tmp_path, found.fitted, found.third)
    assert read_rules(tmp_path).chosen == "equal"
    assert set(found.fitted.choices) == {"eyes", "lips"}


def test_the_table_of_scores_is_readable_with_many_classes(made):
    console = Console(width=80, file=io.StringIO())
    console.print(scores_table(made[0].evaluation))
    text = console.file.getvalue()
    assert all(name in text for name in (*CLASSES, "eyes", "lips", "blendshapes", "vote", "95% interval"))
    assert all(measure in text for measure in ("by class: recall", "accuracy", "calibration error"))
    assert "…" not in text
