"""Training of more than the last layer; each fold is predicted by a network that was not trained on it.

A run is a folder. Its name is a checksum of everything that determines the result, so that another run uses
another folder::

    fold-0.npz        the network's logits for the held-out faces, after each epoch
    fold-0.keras      weights and optimiser after an epoch, until the fold is done
    best.weights.h5   the weights after the best epoch, if there is only one held-out part
    model/            the trained network as a model folder
    result.npz        its out-of-fold logits, and its last layer
"""

import csv
import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from emotion.models.atomic_files import atomic_output
from emotion.models.classes import Classes
from emotion.models.data.stored import RegionData
from emotion.models.manifest import ModelManifest
from emotion.models.regions import CANVAS, KNOWN, Region, Regions
from emotion.models.small_files import sha256
from emotion.models.statistics.calibration import fit_temperature
from emotion.models.training.options import TITLES, Architecture
from emotion.models.training.refit import Floats, Head
from emotion.own_model.clock import lasting
from emotion.own_model.folds import FOLDS, LEAST_TO_HOLD_OUT
from emotion.own_model.heads import FittedHead, log_loss, probabilities, weights_of
from emotion.own_model.initial_weights import Donor
from emotion.own_model.options import LearnOptions

if TYPE_CHECKING:
    from emotion.models.training.fine_tuning import Course, Learner, OwnFaces

USUAL: Architecture = "resnet29"
"""The default network for training from scratch."""
UPPER_FROM, ALL_FROM = 150, 600
"""The numbers of faces of the rarest class from which the upper layers, and all layers, are trained."""
MANY = 2000
"""The number of faces from which augmentation is weaker."""
_EPOCHS, _EPOCHS_FROM_NOTHING = 12, 60
# Of the files of a run: one of another format is not resumed.
_FORMAT = 2
_CHECKPOINT_EVERY = 30.0  # seconds
# Interpolations between the initial and the trained weights that are tried: the trained weights alone
# generalise less well (Wortsman et al. 2022, WiSE-FT).
_SHARES = (0.25, 0.5, 0.75, 1.0)
# A graph has a factor for the temperature only if that is not 1.
_UNCALIBRATED = 1.25

_Ints = npt.NDArray[np.int64]
Progress = Callable[..., None]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The training of a region's network.

    Attributes:
        region: the network's input.
        architecture: of the network.
        start: model folder with the initial network; None: random weights.
        heads: the initial last layer for each fold, and for -1, which is all faces; empty: random.
        folds: int64 (n,), the fold of each face.
        validation_folds: those that are predicted by networks trained without them.
    """

    region: Region
    architecture: Architecture
    start: Path | None
    heads: dict[int, Head]
    folds: _Ints
    validation_folds: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A trained network.

    Attributes:
        last_layer: with its out-of-fold predictions.
        folder: a model folder with the network.
        epochs: those that the final network was trained for.
        share: interpolation of its weights between the initial (0) and the trained ones (1).
    """

    last_layer: FittedHead
    folder: Path
    epochs: int
    share: float = 1.0


def installed() -> bool:
    """Whether the libraries for training are installed."""
    return all(find_spec(name) is not None for name in ("keras", "tensorflow", "tf2onnx"))


def epochs_for(options: LearnOptions) -> int:
    """The most epochs."""
    return options.epochs or (_EPOCHS_FROM_NOTHING if options.from_nothing else _EPOCHS)


def expected_epochs(options: LearnOptions, fewest: int) -> int:
    """The most epochs over all folds and the final network; `fewest`: faces of the rarest class."""
    if layers_for(options, fewest) == "last" or not installed():
        return 0
    alone = options.hold_out > 0 and fewest >= LEAST_TO_HOLD_OUT
    return epochs_for(options) * (1 if alone else FOLDS + 1)


def own_faces(data: RegionData, region: Region, labels: _Ints) -> "OwnFaces":
    """The faces of a region's data, as a network is trained on them."""
    from emotion.models.training.fine_tuning import OwnFaces  # noqa: PLC0415  starts Keras

    classes = len(data.classes)
    return OwnFaces(
        data.images, labels, weights_of(labels), data.blendshapes, data.margin, region.size, classes
    )


def begin_with_file(options: LearnOptions, regions: Regions, output: Path) -> dict[str, Donor]:
    """Make a model folder in which a ``.keras`` file is the network of each region.

    Raises:
        ModelFileError: it is not a trained network, or has an unknown architecture.
    """
    from emotion.exporters import restore  # noqa: PLC0415  starts Keras
    from emotion.models.training import networks  # noqa: PLC0415

    assert options.file is not None
    architecture = options.architecture or restore.architecture_of(options.file)
    shutil.rmtree(output, ignore_errors=True)
    donors = {}
    for region in regions:
        network = networks.network(f"{region.name}_{architecture}", architecture, 2, seen=_seen(region))
        restore.take_layers(network, options.file)
        manifest = _export(network, region, architecture, Classes(("one", "other")), output)
        donors[region.name] = Donor(manifest, kept=False, same=False)
    return donors


def _seen(region: Region) -> tuple[int, int]:
    """The (height, width) to which a MobileNet resizes a region's crops."""
    from emotion.models.training.networks import MOBILENET_SCALE  # noqa: PLC0415  starts Keras

    height, width = region.size
    return int(MOBILENET_SCALE * height), int(MOBILENET_SCALE * width)


def layers_for(options: LearnOptions, fewest: int) -> str:
    """The layers to train: from the option, or by the number of faces of the rarest class."""
    if options.layers != "auto":
        return options.layers
    if options.from_nothing or fewest >= ALL_FROM:
        return "all"
    return "upper" if fewest >= UPPER_FROM else "last"


def architecture_of(manifest: ModelManifest) -> Architecture | None:
    """The architecture in a manifest; None if it cannot be trained here."""
    return next((key for key, title in TITLES.items() if title == manifest.architecture), None)


def course_for(options: LearnOptions, layers: str, faces: int, region: Region) -> "Course":
    """The settings for training on this number of faces."""
    from emotion.models.training.fine_tuning import Course  # noqa: PLC0415  starts Keras

    nothing = options.from_nothing
    rates = {"upper": 3e-4, "all": 1e-4}
    return Course(
        layers="all" if layers == "all" else "upper",
        from_nothing=nothing,
        epochs=epochs_for(options),
        learning_rate=2e-3 if nothing else rates[layers],
        strength=1.0 if faces < MANY else 0.7,
        mixup=0.2 if faces < MANY or nothing else 0.0,
        patience=10 if nothing else 4,
        mirrored=region.left + region.width / 2 == CANVAS[0] / 2,
        seed=options.seed,
    )


def train(
    plan: Plan,
    faces: "OwnFaces",
    course: "Course",
    classes: Classes,
    place: Path,
    log: "Log",
    progress: Progress,
    say: Callable[[str], None],
    file: Path | None = None,
) -> Trained:
    """Train a region's network, or resume a run that was stopped.

    Args:
        plan: region, architecture, initial weights and folds.
        faces: all faces.
        course: settings of the training.
        classes: of the labels.
        place: folder of all runs.
        log: gets a row for each epoch.
        progress: called with steps done, steps in all, and a note.
        say: called with messages about the result.
        file: a ``.keras`` file with initial weights, in place of `plan.start`.
    """
    run = place / f"{plan.region.name}-{_digest(plan, faces, course, file)}"
    run.mkdir(parents=True, exist_ok=True)
    if not (run / "result.npz").is_file():
        _Training(plan, faces, course, classes, run, log, progress, say, file).run()
    with np.load(run / "result.npz") as stored:
        logits, predicted = stored["logits"], stored["validated"]
        head, epochs, share = (
            Head(stored["kernel"], stored["bias"]),
            int(stored["epochs"]),
            float(stored["share"]),
        )
    labels = faces.labels[predicted]
    temperature = fit_temperature(labels, probabilities(logits[predicted]))
    predictions = probabilities(logits / np.float32(temperature))
    return Trained(FittedHead(head, temperature, predictions, 0.0, predicted), run / "model", epochs, share)


def clear_others(place: Path, kept: Sequence[Path]) -> None:
    """Remove the folders of other runs."""
    for run in place.iterdir() if place.is_dir() else ():
        if run.is_dir() and run not in kept:
            shutil.rmtree(run)


class Log:
    """The table of all epochs, ``training.csv``; each row is on disk when the call returns."""

    _COLUMNS = (
        "region",
        "fold",
        "epoch",
        "steps",
        "loss",
        "accuracy",
        "validation_loss",
        "validation_accuracy",
    )

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow((*self._COLUMNS, "seconds"))

    def __call__(self, *values: object) -> None:
        """Add a row."""
        with open(self._path, "a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow([f"{v:.4f}" if isinstance(v, float) else v for v in values])


class _Training:
    """One region's run."""

    def __init__(
        self,
        plan: Plan,
        faces: "OwnFaces",
        course: "Course",
        classes: Classes,
        run: Path,
        log: Log,
        progress: Progress,
        say: Callable[[str], None],
        file: Path | None,
    ) -> None:
        self._plan, self._faces, self._course, self._classes = plan, faces, course, classes
        self._run, self._log, self._progress, self._say, self._file = run, log, progress, say, file
        self._alone = len(plan.validation_folds) == 1
        self._reported_time = False

    def run(self) -> None:
        """Train on all folds, then the final network."""
        plan, faces = self._plan, self._faces
        learner = self._learner()
        by_fold = {fold: self._fold(learner, fold) for fold in plan.validation_folds}
        epochs = min(len(logits) for logits in by_fold.values())
        losses = [
            np.mean([_loss_of(faces.labels[plan.folds == f], by_fold[f][at]) for f in by_fold])
            for at in range(epochs)
        ]
        best = int(np.argmin(losses))
        predicted = np.zeros((len(faces), faces.classes), np.float32)
        for fold, logits in by_fold.items():
            predicted[plan.folds == fold] = logits[best]
        share = 1.0
        if self._alone:
            (fold,) = plan.validation_folds
            share, predicted[plan.folds == fold] = self._between(learner, fold)
        else:
            self._all(learner, best + 1)
        _export(learner.network, plan.region, plan.architecture, self._classes, self._run / "model")
        head = learner.head
        with atomic_output(self._run / "result.npz") as made, open(made, "wb") as file:
            np.savez(
                file,
                logits=predicted,
                validated=np.isin(plan.folds, plan.validation_folds),
                kernel=head.kernel,
                bias=head.bias,
                epochs=best + 1,
                share=share,
            )
        for left in [*self._run.glob("fold-*"), *self._run.glob("all.*"), *self._run.glob("best.*")]:
            left.unlink()

    def _learner(self) -> "Learner":
        from emotion.exporters import restore  # noqa: PLC0415  starts Keras
        from emotion.models.training import fine_tuning, networks  # noqa: PLC0415

        plan, faces = self._plan, self._faces
        name = f"{plan.region.name}_{plan.architecture}"
        network = networks.network(name, plan.architecture, faces.classes, seen=_seen(plan.region))
        if self._file is not None:
            restore.take_layers(network, self._file)
        elif plan.start is not None:
            restore.fill(network, plan.start, plan.region.name)
        most = len(faces) - min(int((plan.folds == fold).sum()) for fold in plan.validation_folds)
        upper = fine_tuning.UPPER[plan.architecture]
        return fine_tuning.Learner(network, faces, self._course, most, upper)

    def _fold(self, learner: "Learner", fold: int) -> Floats:
        """Logits for a fold, of a network trained without it; float32 (epochs, n, classes)."""
        plan, path = self._plan, self._run / f"fold-{fold}.npz"
        outputs: list[Floats] = []
        if path.is_file():
            with np.load(path) as kept:
                outputs = list(kept["logits"])
                if kept["done"]:
                    return np.stack(outputs)
        validation = np.flatnonzero(plan.folds == fold)
        training = np.flatnonzero(plan.folds != fold)
        if not len(training):  # a class of one group alone: see `folds.in_folds`
            training = validation
        labels = self._faces.labels[validation]
        outputs = outputs[: self._begin(learner, fold, self._run / f"fold-{fold}.keras")]
        losses = [_loss_of(labels, logits) for logits in outputs]
        saved = monotonic()
        while not self._enough(losses):
            begun, at = monotonic(), len(outputs)
            loss, right = self._epoch(learner, training, fold, at, losses)
            outputs.append(learner.logits(validation))
            losses.append(_loss_of(labels, outputs[-1]))
            if self._alone and losses[-1] == min(losses):
                learner.network.save_weights(self._run / "best.weights.h5")
            found = float((outputs[-1].argmax(axis=1) == labels).mean())
            name = self._plan.region.name
            self._log(name, fold, at + 1, learner.steps, loss, right, losses[-1], found, monotonic() - begun)
            if monotonic() - saved > _CHECKPOINT_EVERY:
                _write_outputs(path, outputs, done=False)
                learner.save(self._run / f"fold-{fold}.keras")
                saved = monotonic()
        _write_outputs(path, outputs, done=True)
        (self._run / f"fold-{fold}.keras").unlink(missing_ok=True)
        return np.stack(outputs)

    def _between(self, learner: "Learner", fold: int) -> tuple[float, Floats]:
        """Interpolate the network's weights between the initial and the trained ones, to the smallest loss.

        Returns:
            The share of the trained weights, and the logits for the fold's faces.
        """
        rows = np.flatnonzero(self._plan.folds == fold)
        learner.begin(self._plan.heads.get(fold))
        known = learner.network.get_weights()
        learner.network.load_weights(self._run / "best.weights.h5")
        learnt = learner.network.get_weights()
        found: dict[float, Floats] = {}
        for share in (1.0,) if self._course.from_nothing else _SHARES:
            _mix(learner.network, known, learnt, share)
            found[share] = learner.logits(rows)
        best = min(found, key=lambda share: _loss_of(self._faces.labels[rows], found[share]))
        _mix(learner.network, known, learnt, best)
        return best, found[best]

    def _begin(self, learner: "Learner", fold: int, checkpoint: Path) -> int:
        """Begin a fold, or resume it from its checkpoint; returns the number of epochs done."""
        learner.begin(self._plan.heads.get(fold))
        if checkpoint.is_file():
            learner.resume(checkpoint)
        return learner.done

    def _enough(self, losses: Sequence[float]) -> bool:
        """Whether a fold is done: all epochs, or early stopping."""
        waited = len(losses) - 1 - int(np.argmin(losses)) if losses else 0
        return len(losses) >= self._course.epochs or waited >= self._course.patience

    def _epoch(
        self, learner: "Learner", rows: _Ints, fold: int, at: int, losses: Sequence[float]
    ) -> tuple[float, float]:
        plan, epochs = self._plan, self._course.epochs
        runs = len(plan.validation_folds) + (0 if self._alone else 1)
        number = plan.validation_folds.index(fold) if fold in plan.validation_folds else runs - 1
        total = runs * epochs * learner.steps
        begun = monotonic()

        def on_step(step: int, steps: int, loss: float, right: float) -> None:
            done = (number * epochs + at) * steps + step
            self._progress(done, total, f"loss {loss:.2f}, {right:.0%} right")
            if step == min(4, steps) and at == 1 and not self._reported_time:
                # The first epoch builds the graph; step times are measured from the second on.
                self._reported_time = True
                each = (monotonic() - begun) / step
                left = each * (total - done)
                self._say(
                    f"  {plan.region.name}: {each:.2f} s a step of {self._course.batch} faces, "
                    f"{lasting(left)} more at most"
                )

        return learner.epoch(rows, on_step)

    def _all(self, learner: "Learner", epochs: int) -> None:
        """Train on all faces for so many epochs."""
        checkpoint = self._run / "all.keras"
        done, everything = self._begin(learner, -1, checkpoint), np.arange(len(self._faces))
        saved = monotonic()
        for at in range(done, epochs):
            begun = monotonic()
            loss, right = self._epoch(learner, everything, -1, at, ())
            name = self._plan.region.name
            self._log(name, "", at + 1, learner.steps, loss, right, "", "", monotonic() - begun)
            if monotonic() - saved > _CHECKPOINT_EVERY:
                learner.save(checkpoint)
                saved = monotonic()


def _mix(network: Any, known: Sequence[Floats], learnt: Sequence[Floats], share: float) -> None:
    network.set_weights([one + share * (other - one) for one, other in zip(known, learnt, strict=True)])


def _export(
    network: Any, region: Region, architecture: Architecture, classes: Classes, folder: Path
) -> ModelManifest:
    """Write a network in the format of a model folder."""
    import onnx  # noqa: PLC0415  not needed where only the last layers learn

    from emotion.exporters.convert import to_onnx  # noqa: PLC0415
    from emotion.exporters.graphs import store_weights_as_fp16  # noqa: PLC0415
    from emotion.models.training import networks  # noqa: PLC0415

    graph = store_weights_as_fp16(to_onnx(networks.for_inference(network, region.size, _UNCALIBRATED)))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{region.name}.onnx"
    with atomic_output(path) as made:
        onnx.save(graph, made)
    manifest = ModelManifest(
        region.name,
        TITLES[architecture],
        path.name,
        sha256(path),
        "float32, weights stored as float16",
        region.size,
        _UNCALIBRATED,
        classes=classes,
        place=None if region in KNOWN.places else region,
    )
    manifest.save(folder)
    return manifest


def _write_outputs(path: Path, outputs: Sequence[Floats], done: bool) -> None:
    with atomic_output(path) as made, open(made, "wb") as file:
        np.savez(file, logits=np.stack(outputs), done=done)


def _loss_of(labels: _Ints, logits: Floats) -> float:
    return log_loss(labels, probabilities(logits))


def _digest(plan: Plan, faces: "OwnFaces", course: "Course", file: Path | None) -> str:
    """A checksum of everything that determines the result of a run."""
    digest = hashlib.sha256(
        json.dumps(
            [_FORMAT, asdict(course), plan.architecture, list(plan.validation_folds), _SHARES]
        ).encode()
    )
    for array in (faces.images, faces.labels, faces.weights, plan.folds):
        digest.update(np.ascontiguousarray(array).tobytes())
    start = file or (plan.start and plan.start / f"{plan.region.name}.onnx")
    digest.update((sha256(start) if start else "nothing").encode())
    return digest.hexdigest()[:12]
