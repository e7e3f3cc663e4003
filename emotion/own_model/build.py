"""Makes a model folder from folders of photographs, step by step; finished steps are not repeated.

Beside the model folder ``my-model`` there is ``my-model.learning`` with everything that contains the user's
photographs or is computed from each: the data set, the page about it (``data.html``), the networks' features,
and ``log.csv``. So the model folder can be passed on without them. Of what is computed from each photograph
it only has `fingerprints`, which may be deleted.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from emotion.models.atomic_files import write_atomically
from emotion.models.checksums import write as write_checksums
from emotion.models.classes import Classes
from emotion.models.cores import available_cores
from emotion.models.data import fingerprints
from emotion.models.data.dataset import make_dataset
from emotion.models.data.label_folders import SPLITS, Split
from emotion.models.data.label_tables import is_table, read_rows
from emotion.models.data.options import DatasetOptions
from emotion.models.data.stored import read_manifest, read_options
from emotion.models.data.strata import write_parts
from emotion.models.engines.session import RegionModel
from emotion.models.errors import DatasetError
from emotion.models.evaluation import report, weights
from emotion.models.evaluation.evaluate import Evaluation, evaluate
from emotion.models.evaluation.predictions import LabelledFaces, Predictions, faces_of_dataset, predict
from emotion.models.evaluation.records import record
from emotion.models.evaluation.rule_fitting import DEFAULT, gain
from emotion.models.evaluation.scores import score
from emotion.models.faces import visibility
from emotion.models.manifest import choose_precision, regions_there, schema_of, voting_regions
from emotion.models.manifest import read_manifest as read_model
from emotion.models.names import readable
from emotion.models.regions import REGIONS, write_region
from emotion.models.shipped import put, refuse_shipped
from emotion.models.statistics.calibration import fit_temperature
from emotion.models.voting.blendshapes import BlendshapeModel, train_blendshapes
from emotion.models.voting.vote import VoteWeights, read_rules
from emotion.own_model import estimate, training
from emotion.own_model.card import card
from emotion.own_model.clock import Clock
from emotion.own_model.data_checks import DataChecks, check
from emotion.own_model.folders import classes_of, describe_skipped, people_of
from emotion.own_model.folds import TAUGHT, held_out, in_folds, joined, of_one_group
from emotion.own_model.heads import weights_of
from emotion.own_model.initial_weights import caution_of, seen_by
from emotion.own_model.networks import Counting, Networks
from emotion.own_model.options import LearnOptions
from emotion.own_model.page import save_page
from emotion.own_model.vote import OwnVote, fit_own_vote, too_few
from emotion.realtime.drawing.sprites import not_drawn

_Floats = npt.NDArray[np.float32]
_Ints = npt.NDArray[np.int64]
STEPS = 6


@dataclass(frozen=True, slots=True)
class LearntModel:
    """The results of `learn`.

    Attributes:
        folder: the model folder.
        evaluation: its scores, on faces that the models were not trained on.
        checks: those of the data.
        page: about the data.
        report: the evaluation's page.
        held_out: whether a part was held out; otherwise the scores are from cross-validation.
    """

    folder: Path
    evaluation: Evaluation
    checks: DataChecks
    page: Path
    report: Path
    held_out: bool


def work_folder(output: Path) -> Path:
    """The folder beside a model folder for everything that contains the user's photographs."""
    return output.with_name(f"{output.name}.learning")


def learn(
    roots: Sequence[Path],
    output: Path,
    options: LearnOptions,
    counting: Counting,
    say: Callable[[str], None],
    workers: int | None = None,
) -> LearntModel:
    """Make a model folder from the user's photographs.

    Args:
        roots: folders of photographs and videos, with one folder per class.
        output: the model folder; existing files are replaced, and kept as the previous version.
        options: of the training.
        counting: makes a progress bar with a description.
        say: called with lines on what is done.
        workers: the processes that read photographs; by default one per core.

    Raises:
        DatasetError: too few photographs, or folders whose names are not classes.
        ModelFileError: the initial models are missing or damaged.
        ShippedModelsError: `output` is the folder of the included models.
    """
    refuse_shipped(output)
    roots = [root.resolve() for root in roots]
    classes, names = classes_of(roots, options.neutral)
    people_of((), options)  # raises errors of these options now, not after the detection of faces
    clock = Clock(work_folder(output) / "times.csv")

    def begin(number: int, step: str, more: str = "") -> None:
        say(f"{number} of {STEPS}: {step}{more}")
        clock.begin(step)

    clock.begin("beginning")
    if missing := "".join(dict.fromkeys(one for name in classes for one in not_drawn(name))):
        say(
            f"Annotated pictures and videos show question marks in place of {missing}: no font on this "
            "machine has these characters. Install one, such as Noto Sans."
        )
    for sentence in describe_skipped(roots, classes, names):
        say(sentence)
    run = _Run(output, options, classes, counting, say)
    expected = run.estimate(roots, workers)
    begin(1, "detecting faces", f", of {', '.join(classes)}")
    run.make_data_set(roots, names, workers)
    begin(2, "checking the photographs")
    run.check(roots)
    begin(3, "computing features")
    run.see()
    begin(4, "training")
    run.fit()
    # The matrices are small: several threads would only wait for each other.
    with threadpool_limits(1, "blas"):
        begin(5, "fitting the vote, writing the models")
        run.write()
        begin(6, "evaluating the models")
        made = run.score(roots)
    clock.begin("")
    say(clock.sentence(expected))
    return made


class _Run:
    """The steps, in order; each writes what the next ones need."""

    _checks: DataChecks
    _kept: bool
    _caution: str
    _page: Path
    _faces: LabelledFaces
    _groups: _Ints
    _folds: _Ints
    _found: Predictions
    _vote: OwnVote

    def __init__(
        self,
        output: Path,
        options: LearnOptions,
        classes: Classes,
        counting: Counting,
        say: Callable[[str], None],
    ) -> None:
        self._output, self._options, self._classes = output, options, classes
        self._counting, self._say = counting, say
        self._work = work_folder(output)
        self._data, self._model = self._work / "data", self._work / "model"
        self._work.mkdir(parents=True, exist_ok=True)
        self._networks = Networks(options, classes, self._work, counting, say)
        self._regions = self._networks.regions
        self._third: tuple[BlendshapeModel, _Floats] | None = None

    def estimate(self, roots: Sequence[Path], workers: int | None) -> float | None:
        """Report how long it will take; returns the seconds, None if unknown."""
        options = self._options
        begun = None if options.from_nothing else self._networks.start
        found = estimate.measure(roots, begun, self._regions, options.every)
        epochs = training.expected_epochs(options, found.photographs // len(self._classes))
        self._say(estimate.in_words(found, workers, epochs))
        return found.seconds(workers or available_cores(), epochs) if found.knows(epochs) else None

    # --- 1: photographs ---------------------------------------------------------------------------

    def make_data_set(self, roots: Sequence[Path], names: dict[str, str], workers: int | None) -> None:
        """Make the data set; photographs of an earlier run are not read again."""
        options = DatasetOptions(
            validation=0,
            test=0,
            classes=self._classes.names,
            labels={name: label for name, label in names.items() if name != label},
            regions=tuple(write_region(one) for one in self._regions if one not in REGIONS.places),
            every=self._options.every,
            seed=self._options.seed,
        )
        self._clear_other(options)
        self._make(roots, options, workers)
        rows = read_manifest(self._data)
        if _in_parts(rows, roots):
            return
        # Made again each time, since the options of people and held-out faces may have changed.
        parts = self._parts(rows)
        if any(parts[row["source"]] != row["split"] for row in rows):
            write_parts(self._work / "parts.parquet", parts)
            self._make(roots, options, workers, self._work / "parts.parquet")

    def _parts(self, rows: Sequence[dict[str, Any]]) -> dict[str, Split]:
        """The part of each face, held out or for training, by its source."""
        labels = np.array([self._classes.index(row["label"]) for row in rows], np.int64)
        kept = held_out(labels, self._together(rows), self._options.hold_out, self._options.seed)
        return {
            row["source"]: "test" if one else "train" for row, one in zip(rows, kept.tolist(), strict=True)
        }

    def _make(
        self, roots: Sequence[Path], options: DatasetOptions, workers: int | None, parts: Path | None = None
    ) -> None:
        with self._counting("Detecting faces") as progress:
            make_dataset(roots, self._data, options, workers, progress, parts, self._say)

    def _clear_other(self, options: DatasetOptions) -> None:
        """Remove a data set of other classes or options, for example from a wrong command."""
        if (self._data / "dataset.json").is_file() and read_options(self._data) != options:
            self._say("The classes or options have changed: the photographs are analysed again.")
            shutil.rmtree(self._data)
        self._data.mkdir(parents=True, exist_ok=True)

    def _together(self, rows: Sequence[dict[str, Any]]) -> _Ints:
        people = people_of([row["source"] for row in rows], self._options)
        return joined(np.array([row["group"] for row in rows], np.int64), people)

    # --- 2: checks of the data --------------------------------------------------------------------

    def check(self, roots: Sequence[Path]) -> None:
        """Report problems of the data before the training."""
        rows = read_manifest(self._data)
        people = people_of([row["source"] for row in rows], self._options)
        self._checks = check(self._data, self._classes, people, self._options.from_nothing)
        self._page = save_page(self._work / "data.html", self._checks, self._data, roots)
        for line in self._checks.warnings:
            self._say(f"  {line}")
        training = [row for row in rows if row["split"] != "test"]
        self._kept = len(training) < len(rows)
        faces = faces_of_dataset(self._data, TAUGHT, self._regions)
        self._groups = self._together(training)
        self._faces = replace(faces, groups=self._groups, schema=replace(faces.schema, classes=self._classes))
        cautions = (caution_of(self._options, self._data), self._caution_of_groups())
        self._caution = " ".join(filter(None, cautions))
        self._folds = in_folds(self._faces.labels, self._groups, seed=self._options.seed)

    def _caution_of_groups(self) -> str:
        names = [self._classes[label] for label in of_one_group(self._faces.labels, self._groups).tolist()]
        if not names:
            return ""
        return (
            f"All faces of {', of '.join(names)} are of one person or video, or copies of one photograph. So "
            "models that are trained on some of them predict the others, and the scores are too high."
        )

    # --- 3 and 4: features, and training ------------------------------------------------------------

    def see(self) -> None:
        """Features of each face from each network, computed or read from disk."""
        self._networks.see(self._faces)

    def fit(self) -> None:
        """Train each network, or its last layer if there are few faces, and the classifier of blendshapes."""
        labels = self._faces.labels
        with threadpool_limits(1, "blas"):
            self._networks.fit(self._faces, self._folds)
            self._third = learn_blendshapes(self._faces.blendshapes, labels, self._folds, self._classes)
        self._networks.train(self._faces, self._data, self._folds, self._kept)

    # --- 5: the model folder ----------------------------------------------------------------------

    def write(self) -> None:
        """Write models, their int8 versions, and the vote, into a folder beside the model folder."""
        shutil.rmtree(self._model, ignore_errors=True)
        self._networks.write(self._faces, self._model, self._about())
        # If networks were trained, one part of the faces was left out, and the vote is fitted to it.
        rows = np.flatnonzero(self._networks.predicted(len(self._faces)))
        predictions = np.stack([found.predictions[rows] for found in self._networks.last_layers.values()])
        faces = self._faces[rows]
        third = self._third and (self._third[0], self._third[1][rows])
        free = visibility.free_of(faces.schema.regions, [list(crops) for crops in faces.crops])
        self._found = Predictions(faces, predictions, free)
        about = {"faces": len(faces), "part": "out of fold", "data": self._about()}
        self._vote = fit_own_vote(self._found, third, self._options, about)
        weights.save(self._model, self._vote.fitted, self._vote.third)
        if self._caution:
            self._say(f"  {self._caution}")
        if self._vote.kept:
            self._say("  The vote stays as it was: none that is fitted to these faces is clearly better.")
        elif too_few(self._found):
            count = len(np.unique(faces.groups))
            self._say(
                f"  All faces come from {count} videos, people or groups of copies: too few to fit the vote. "
                "All regions count alike, and the scores say little."
            )

    def _about(self) -> str:
        counts = ", ".join(f"{one.name} {one.faces}" for one in self._checks.counts)
        source = self._options.about_data or "the user's photographs"
        return f"{source} ({counts})"

    # --- 6: scores --------------------------------------------------------------------------------

    def score(self, roots: Sequence[Path]) -> LearntModel:
        """Evaluate the models, write the report and the card, and move all into the model folder."""
        kept = self._kept
        name = " and ".join(readable(root.name) for root in roots)
        evaluation = self._on_test(name) if kept else self._out_of_fold(name)
        words = card(
            self._classes, self._checks, self._options, self._networks.described(), kept, self._caution
        )
        write_atomically(self._model / "MODEL_CARD.md", words)
        manifests = [read_model(self._model, region) for region in voting_regions(self._model)]
        record(self._model, name, evaluation, manifests)
        (self._output / "report").mkdir(parents=True, exist_ok=True)
        for file in sorted(self._model.iterdir()):
            if file.is_file() and ".previous" not in file.name:
                put(file, self._output)
        self._remove_others(schema_of(manifests).regions.names)
        for file_name, text in report.texts(evaluation).items():
            write_atomically(self._output / "report" / file_name, text)
        self._list_seen()
        write_checksums(self._output)
        shutil.rmtree(self._model)
        page = self._output / "report" / "report.html"
        return LearntModel(self._output, evaluation, self._checks, self._page, page, kept)

    def _list_seen(self) -> None:
        """List the fingerprints of what every network and the vote learnt from, for `emotion evaluate`."""
        seen = fingerprints.of_dataset(self._data, training=TAUGHT).after(seen_by(self._options))
        digests = {name: read_model(self._output, name).sha256 for name in self._regions.names}
        predictors = {name: replace(seen, model=model) for name, model in digests.items()}
        fingerprints.write(self._output, predictors | {fingerprints.VOTE: seen})
        self._say(
            f"{fingerprints.FILE} has 32 bytes for each face, with which 'emotion evaluate' detects copies. "
            "Delete it before you share the model if nobody may find out which photographs these were."
        )

    def _remove_others(self, regions: Sequence[str]) -> None:
        """Remove models of an earlier run, for other regions or with other networks, from the folder."""
        for region in regions_there(self._output):
            gone = [] if region in regions else [f"{region}.onnx", f"{region}.json"]
            if choose_precision(self._output, region) != "int8" or region not in regions:
                gone += [f"{region}.int8.onnx", f"{region}.int8.json"]
            for name in gone:
                (self._output / name).unlink(missing_ok=True)

    def _about_scores(self, name: str) -> dict[str, Any]:
        manifests = [read_model(self._model, region) for region in voting_regions(self._model)]
        return {
            "faces": name,
            "rule": read_rules(self._model).chosen,
            "models": {f"{m.region} ({m.architecture}, {m.precision})": m.sha256 for m in manifests},
            "trained on": self._about(),
            **({"note": self._caution} if self._caution else {}),
        }

    def _on_test(self, name: str) -> Evaluation:
        faces = faces_of_dataset(self._data, "test", self._regions)
        groups = self._together([row for row in read_manifest(self._data) if row["split"] == "test"])
        faces = replace(faces, groups=groups, schema=replace(faces.schema, classes=self._classes))
        models = [RegionModel(self._model, region, "cpu", 0) for region in self._regions.names]
        with self._counting("Running the models") as progress:
            found = predict(faces, models, progress)
        rule, stored = VoteWeights.read(self._model), read_rules(self._model)
        about = self._about_scores(f"{name}, faces held out")
        return evaluate(found, rule, stored.rules, self._vote.third, about)

    def _out_of_fold(self, name: str) -> Evaluation:
        """Out-of-fold predictions of last layers, classifier of blendshapes and rules of the vote."""
        vote, names = self._vote, self._regions.names
        third = vote.out_of_fold_third
        counted = vote.rule.prediction_count > len(names)
        applied = VoteWeights(vote.rule, third if counted else None, self._classes, names)
        about = self._about_scores(f"{name}, each face predicted by models that were not trained on it")
        found = evaluate(self._found, applied, vote.fitted.rules, third, about)
        faces = self._found.faces
        rules = {
            name: score(faces.labels, predictions, faces.groups, self._classes.names)
            for name, predictions in vote.rules.items()
        }
        gains = {
            name: gain(faces.labels, predictions, vote.rules[DEFAULT], faces.groups)
            for name, predictions in vote.rules.items()
            if name != DEFAULT
        }
        scored = score(faces.labels, vote.predictions, faces.groups, self._classes.names)
        return replace(
            found,
            scores=found.scores | {"vote": scored},
            rules=found.rules | rules,
            gains=found.gains | gains,
        )


def _in_parts(rows: Sequence[dict[str, Any]], roots: Sequence[Path]) -> bool:
    """Whether folders such as ``train`` and ``test``, or a column of a table, decide what is held out."""
    tables = {readable(root.name): root for root in roots if is_table(root)}
    if any(row.split for table in tables.values() for row in read_rows(table)):
        return True
    places = (row["source"].split("/") for row in rows)
    return any(place[0] not in tables and place[1].lower() in SPLITS for place in places)


def learn_blendshapes(
    shapes: _Floats, labels: _Ints, folds: _Ints, classes: Classes
) -> tuple[BlendshapeModel, _Floats] | None:
    """The classifier of blendshapes, and its predictions for held-out faces.

    None if there are too few faces without a fold.
    """
    predictions = np.zeros((len(labels), len(classes)), np.float32)

    def fit(rows: npt.NDArray[np.bool_]) -> BlendshapeModel:
        part = shapes[rows], labels[rows]
        model = train_blendshapes(*part, part, classes=classes, weights=weights_of(labels[rows]))
        return replace(model, temperature=1.0)

    try:
        for fold in np.unique(folds).tolist():
            validation = folds == fold
            model = fit(~validation if (~validation).any() else validation)
            predictions[validation] = model(shapes[validation])
        model = fit(np.ones(len(labels), bool))
    except DatasetError:
        return None
    temperature = fit_temperature(labels, predictions)
    cooled = predictions ** (1 / temperature)
    cooled = np.asarray(cooled / cooled.sum(axis=1, keepdims=True), np.float32)
    return replace(model, temperature=temperature), cooled
