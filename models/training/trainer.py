"""Training of a network on any backend of Keras; a killed run can be resumed.

A run is a folder::

    run.json        the options, versions and seed it runs with, a checksum of its faces and labels, and the
                    finished network's scores on the validation part
    history.csv     a row an epoch: losses and balanced accuracy on the validation part
    curves.png      the same as a picture, and the finished network's scores
    checkpoint.keras  weights and optimiser after a whole epoch
    model.keras     the trained network, once the run is finished
    fingerprints.npz  which faces it has seen (`emotion.models.data.fingerprints`)

On a CPU TensorFlow is the fastest backend; ``KERAS_BACKEND=jax`` trains on a GPU without it.

Everything random is drawn from (seed, step), and the step is the optimiser's own count inside
the checkpoint; so a run that is killed and started again continues exactly.
"""

import csv
import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from sklearn.metrics import balanced_accuracy_score

from emotion.models.atomic_files import atomic_output, write_atomically
from emotion.models.classes import EMOTIONS
from emotion.models.data import fingerprints
from emotion.models.data.fingerprints import Fingerprints
from emotion.models.data.stored import RegionData, checksum
from emotion.models.errors import DatasetError, ModelFileError
from emotion.models.faces.picture import BLENDSHAPES
from emotion.models.training import networks
from emotion.models.training.augmentation import DRAWS, Augment, draw, flipped, mixed, resize
from emotion.models.training.curves import save_curves
from emotion.models.training.inputs import load_view, view_size
from emotion.models.training.options import TrainingOptions


@dataclass(frozen=True, slots=True)
class Epoch:
    """The results of one epoch: a row of history.csv."""

    epoch: int
    height: int
    width: int
    loss: float
    emotion_loss: float
    blendshape_loss: float
    validation_loss: float
    validation_balanced_accuracy: float
    seconds: float


def train(
    data: Path,
    run: Path,
    options: TrainingOptions,
    start_from: Path | None = None,
    teacher: Callable[[], npt.NDArray[np.float32]] | None = None,
    report: Callable[[Epoch], None] = lambda epoch: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    checkpoint_every: float = 30.0,
    finish: Callable[[float, float], None] = lambda loss, balanced_accuracy: None,
    earlier: Fingerprints | None = None,
) -> Path:
    """Train a network, or resume a run that was stopped.

    Args:
        data: a data set made by `emotion.models.data.dataset`.
        run: the run's folder.
        options: an existing run is only resumed with its own options.
        start_from: a trained ``.keras`` file with the initial weights.
        teacher: gives probabilities, float32 (n, 6), for the training part's faces in the manifest's
            order; called once, its result is kept in the run's folder.
        report: called after every epoch.
        progress: called with (steps done, steps in all).
        checkpoint_every: the least seconds between two checkpoints, which are written after an epoch.
        finish: called with the finished network's scores on the validation part. After few steps they are far
            better than those of the last epoch, whose batch norms lag behind (`settle_batch_norm`).
        earlier: what `start_from` has seen.

    Returns:
        The path of the finished ``model.keras``.

    Raises:
        DatasetError: the data do not fill one batch, or the run has other options.
        ModelFileError: `start_from` is missing, or has another architecture.
    """
    training = load_view(data, options.view, ("train",))
    validation = load_view(data, options.view, ("validation",))
    _check_caps(options, training)
    _claim(run, options, start_from, checksum(data, ("train", "validation")))
    if options.teacher_weight:
        training = _taught(training, run, options.teacher_weight, teacher)
    kept = ~left_out(training.groups, options.fold) & within_share(training.groups, options.share)
    _list_seen(data, run, options.view, kept, Fingerprints() if earlier is None else earlier)
    training = training[np.flatnonzero(kept)]
    steps = len(_order(training, options, epoch=0)) // options.batch
    if steps == 0:
        raise DatasetError(
            f"{len(training)} faces do not fill one batch of {options.batch}: add faces or lower --batch."
        )
    targets = BlendshapeTargets.fit(training.blendshapes)
    learner = _Learner(training, targets, options, steps)
    done = learner.begin(run / "checkpoint.keras", start_from) // steps
    history = _read_history(run / "history.csv")[:done]
    saved = time.monotonic()
    for epoch in range(done, options.epochs):
        started = time.monotonic()
        losses = learner.run_epoch(epoch, progress)
        size = options.size_of_epoch(epoch)
        scores = _validate(learner.network, validation, size, options.batch)
        history.append(Epoch(epoch + 1, *size, *losses, *scores, round(time.monotonic() - started, 1)))
        if time.monotonic() - saved >= checkpoint_every or epoch + 1 == options.epochs:
            _write_history(run / "history.csv", history)
            save_curves(run / "curves.png", [asdict(row) for row in history])
            _save(learner.model, run / "checkpoint.keras")
            saved = time.monotonic()
        report(history[-1])
    finished = networks.build(options.view, options.network)
    finished.set_weights(learner.network.get_weights())
    settle_batch_norm(finished, training)
    scores = _validate(finished, validation, view_size(options.view), options.batch)
    finish(*scores)
    save_curves(run / "curves.png", [asdict(row) for row in history], scores)
    _record(run, scores)
    _save(finished, run / "model.keras")
    return run / "model.keras"


def _list_seen(data: Path, run: Path, view: str, kept: npt.NDArray[np.bool_], earlier: Fingerprints) -> None:
    """List what the network sees, and what it has seen where the run is resumed."""
    faces = fingerprints.of_dataset(data, training={"train"}, validation={"validation"})
    seen = replace(faces, training=faces.training[kept]).after(earlier)
    before = fingerprints.read(run).get(view)
    fingerprints.write(run, {view: seen.after(before) if before else seen})


def left_out(groups: npt.NDArray[np.int64], fold: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """The faces that a fold leaves out, by the number of their group; bool (n,)."""
    index, count = fold
    return np.asarray(groups % count == index) if count > 1 else np.zeros(len(groups), bool)


def within_share(groups: npt.NDArray[np.int64], share: float) -> npt.NDArray[np.bool_]:
    """The faces in a share of the groups, by the number of their group; bool (n,)."""
    numbers = np.unique(groups)
    chosen = np.random.default_rng(0).permutation(numbers)[: round(share * len(numbers))]
    return np.asarray(np.isin(groups, chosen))


def _taught(
    data: RegionData, run: Path, share: float, teacher: Callable[[], npt.NDArray[np.float32]] | None
) -> RegionData:
    """The data with a teacher's predictions mixed into the targets (Hinton et al. 2015).

    Many labels of expressions by crowds are wrong; a teacher that sees more of the face than one region
    corrects some of them.
    """
    kept = run / "teacher.npy"
    if not kept.exists():
        if teacher is None:
            raise DatasetError("A teacher's weight needs a teacher: name a model folder.")
        with atomic_output(kept) as made:
            np.save(made, teacher())
    predictions = np.load(kept)
    if predictions.shape != data.targets.shape:
        raise DatasetError(f"{kept} is of another data set: delete it.")
    return replace(data, targets=(1 - share) * data.targets + share * predictions)


def _mirrored_blendshapes() -> npt.NDArray[np.int64]:
    """int64 (52,): the index of each blendshape's counterpart in a mirrored picture."""
    sides = {"left": "right", "right": "left"}
    names = ["_".join(sides.get(word, word) for word in name.split("_")) for name in BLENDSHAPES]
    return np.array([BLENDSHAPES.index(name) for name in names], dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class BlendshapeTargets:
    """Blendshapes as training targets: their square root, standardised.

    Most blendshapes are near 0 most of the time; the root spreads small values out.
    """

    mean: npt.NDArray[np.float32]
    scale: npt.NDArray[np.float32]
    mirror: npt.NDArray[np.int64] = field(default_factory=_mirrored_blendshapes)

    @classmethod
    def fit(cls, blendshapes: npt.NDArray[np.float32]) -> "BlendshapeTargets":
        """Mean and spread from the training part, float32 (n, 52) in [0, 1]."""
        roots = np.sqrt(blendshapes)
        return cls(roots.mean(axis=0), roots.std(axis=0) + np.float32(1e-3))

    def __call__(
        self, blendshapes: npt.NDArray[np.float32], flipped: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.float32]:
        """Targets, float32 (n, 52), with left and right exchanged where the picture is mirrored."""
        mirrored = np.where(flipped[:, None], blendshapes[:, self.mirror], blendshapes)
        # At most 4 spreads: a blendshape that hardly ever occurs must not rule the loss.
        standardised = (np.sqrt(mirrored) - self.mean) / self.scale
        return np.asarray(np.clip(standardised, -4, 4), dtype=np.float32)


class _Learner:
    """A network, its optimiser, and the faces of the training part.

    Attributes:
        network: made by `emotion.models.training.networks.build`.
        model: `Augment` and the network, for training; there is one for each size of pictures, all with the
            same weights and optimiser.
    """

    def __init__(
        self, data: RegionData, targets: BlendshapeTargets, options: TrainingOptions, steps: int
    ) -> None:
        keras.utils.set_random_seed(options.seed)
        self._data, self._targets, self._options, self._steps = data, targets, options, steps
        self.network = networks.build(options.view, options.network, options.precision)
        self._optimizer = _optimizer(options, steps * options.epochs)
        self._optimizer.build(self.network.trainable_variables)
        self._size = options.size_of_epoch(0)
        self.model = self._compiled(self._size)

    def begin(self, checkpoint: Path, start_from: Path | None) -> int:
        """Restore the checkpoint, if there is one; returns the number of steps done."""
        if start_from:
            _take_weights(self.network, start_from)
        # Weights and the optimiser's state only: a whole saved model forgets what weight decay spares.
        if checkpoint.exists():
            self.model.load_weights(checkpoint)
        return int(self._optimizer.iterations)

    def run_epoch(self, epoch: int, progress: Callable[[int, int], None]) -> tuple[float, float, float]:
        """Train for one epoch; returns the mean losses: total, of the emotions and of the blendshapes."""
        options = self._options
        if (size := options.size_of_epoch(epoch)) != self._size:
            self._size, self.model = size, self._compiled(size)
        first, total = epoch * self._steps, options.epochs * self._steps
        callback = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda step, logs: progress(first + step + 1, total)
        )
        batches = _Batches(self._data, self._targets, options, epoch)
        history = self.model.fit(batches, shuffle=False, verbose=0, callbacks=[callback]).history
        keys = ("loss", f"{networks.EMOTION_HEAD}_loss", f"{networks.BLENDSHAPE_HEAD}_loss")
        loss, emotion, blendshapes = (float(history[key][0]) for key in keys)
        return loss, emotion, blendshapes

    def _compiled(self, size: tuple[int, int]) -> keras.Model:
        data, options = self._data, self._options
        images = keras.Input(data.images.shape[1:], dtype="uint8", name="images")
        draws = keras.Input((DRAWS,), name="draws")
        views = Augment(data.margin, size, data.parts)(images, draws)
        model = keras.Model({"images": images, "draws": draws}, self.network(views))
        model.compile(
            optimizer=self._optimizer,
            loss={
                networks.EMOTION_HEAD: keras.losses.CategoricalCrossentropy(
                    from_logits=True, label_smoothing=options.label_smoothing
                ),
                networks.BLENDSHAPE_HEAD: keras.losses.Huber(),
            },
            loss_weights={networks.EMOTION_HEAD: 1.0, networks.BLENDSHAPE_HEAD: options.blendshape_weight},
        )
        return model


def _take_weights(network: keras.Model, start_from: Path) -> None:
    try:
        network.set_weights(keras.saving.load_model(start_from, compile=False).get_weights())
    except (OSError, ValueError) as error:
        raise ModelFileError(
            f"{start_from} is no network to begin {network.name} with: both must have one --architecture."
        ) from error


class _Batches(keras.utils.PyDataset):  # type: ignore[misc]  # keras ships no types
    """The batches of one epoch, in order."""

    def __init__(
        self, data: RegionData, targets: BlendshapeTargets, options: TrainingOptions, epoch: int
    ) -> None:
        super().__init__()
        self._data, self._targets, self._options = data, targets, options
        self._order = _order(data, options, epoch)
        self._first = epoch * len(self)

    def __len__(self) -> int:
        return len(self._order) // self._options.batch

    def __getitem__(self, step: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """(images and random draws, targets) of one step."""
        data, options = self._data, self._options
        rows = self._order[step * options.batch : (step + 1) * options.batch]
        draws = draw(len(rows), (options.seed, self._first + step), options.mixup)
        truth = {
            networks.EMOTION_HEAD: data.targets[rows],
            networks.BLENDSHAPE_HEAD: self._targets(data.blendshapes[rows], flipped(draws)),
        }
        return (
            {"images": data.images[rows], "draws": draws},
            {head: mixed(draws, values) for head, values in truth.items()},
        )


def _optimizer(options: TrainingOptions, steps: int) -> keras.optimizers.Optimizer:
    warm_up = max(1, round(steps * options.warm_up))
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=options.learning_rate / 25,
        warmup_target=options.learning_rate,
        warmup_steps=warm_up,
        decay_steps=max(1, steps - warm_up),
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=options.weight_decay, clipnorm=5.0)
    optimizer.exclude_from_weight_decay(var_names=["bias", "beta", "gamma"])
    return optimizer


def _order(data: RegionData, options: TrainingOptions, epoch: int) -> npt.NDArray[np.int64]:
    """The rows of an epoch in its order; their number is the same in every epoch."""
    order = np.random.default_rng((options.seed, epoch)).permutation(len(data))
    caps = dict(options.caps)
    left = {(name, label): cap for name, cap in caps.items() for label in range(len(EMOTIONS))}
    kept = []
    for row in order.tolist():
        key = (data.sources[row], int(data.labels[row]))
        if key in left:
            if left[key] == 0:
                continue
            left[key] -= 1
        kept.append(row)
    return np.array(kept, dtype=np.int64)


def _check_caps(options: TrainingOptions, data: RegionData) -> None:
    unknown = {name for name, _ in options.caps} - set(data.sources)
    if unknown:
        raise DatasetError(
            f"The data set holds no faces of {', '.join(sorted(unknown))}: "
            f"it is made of {', '.join(sorted(set(data.sources)))}."
        )


def _validate(
    network: keras.Model, data: RegionData, size: tuple[int, int], batch: int
) -> tuple[float, float]:
    """Cross entropy against the labels and balanced accuracy, at one image size."""
    crops = data.crops()
    logits = np.concatenate(
        [
            network.predict_on_batch(resize(chunk, size))[networks.EMOTION_HEAD]
            for chunk in whole_batches(crops, batch)
        ]
    )[: len(data)]
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)(data.targets, logits)
    return float(loss), float(balanced_accuracy_score(data.labels, logits.argmax(axis=1)))


def whole_batches(crops: npt.NDArray[np.uint8], batch: int) -> Iterator[npt.NDArray[np.uint8]]:
    """All crops in batches of one size, for which backends compile once; the last is padded with black."""
    for start in range(0, len(crops), batch):
        chunk = crops[start : start + batch]
        yield np.pad(chunk, ((0, batch - len(chunk)), (0, 0), (0, 0)))


def settle_batch_norm(model: keras.Model, data: RegionData, batches: int = 40, batch: int = 128) -> None:
    """Recompute the statistics of every batch norm with the final weights, in place.

    The moving averages of training are over the weights of many steps; in a network as deep as DenseNet201
    the lag adds up, and lowers the accuracy. Here they are replaced by means over whole crops of the training
    part ("precise batch norm", Wu & Johnson 2021, "Rethinking 'Batch' in BatchNorm").
    """
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0  # a batch leaves its own statistics behind
    order = np.random.default_rng(0).permutation(len(data))
    inner = data.crops()
    count = min(batches, max(1, len(data) // batch))
    sums = [np.zeros(weight.shape) for weight in model.non_trainable_weights]
    for index in range(count):
        model(inner[np.sort(order[index * batch : (index + 1) * batch])][..., None], training=True)
        sums = [total + np.asarray(w) for total, w in zip(sums, model.non_trainable_weights, strict=True)]
    for weight, total in zip(model.non_trainable_weights, sums, strict=True):
        weight.assign(total / count)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def _claim(run: Path, options: TrainingOptions, start_from: Path | None, faces: str) -> None:
    """Write the run's options and faces, or check that an existing run has the same ones."""
    run.mkdir(parents=True, exist_ok=True)
    wanted = json.loads(json.dumps(asdict(options) | {"start_from": start_from and start_from.name}))
    path = run / "run.json"
    # A run of an older release has the defaults of options that did not exist then.
    known = json.loads(json.dumps(asdict(TrainingOptions(view=options.view))))
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"options": wanted}
    if known | before["options"] != wanted:
        raise DatasetError(f"{run} was started with other options: name another folder or delete it.")
    if before.get("faces", faces) != faces:
        raise DatasetError(
            f"{run} was started with other faces or labels than the data set has now: name another folder "
            "with --run or delete it."
        )
    backend = keras.backend.backend()
    versions = {"python": platform.python_version(), "keras": keras.__version__, backend: version(backend)}
    values = {"options": wanted, "faces": faces, "versions": versions}
    write_atomically(path, json.dumps(values, indent=2) + "\n")


def _record(run: Path, scores: tuple[float, float]) -> None:
    """Write the finished network's scores on the validation part."""
    path = run / "run.json"
    known = json.loads(path.read_text(encoding="utf-8"))
    loss, accuracy = scores
    found = {"finished": {"validation_loss": loss, "validation_balanced_accuracy": accuracy}}
    write_atomically(path, json.dumps(known | found, indent=2) + "\n")


def _save(model: keras.Model, path: Path) -> None:
    """Save a network atomically."""
    part = path.with_name(f"{path.stem}.part.keras")
    model.save(part)
    os.replace(part, path)


def _read_history(path: Path) -> list[Epoch]:
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        kinds = Epoch.__annotations__
        return [
            Epoch(**{key: kinds[key](value) for key, value in row.items()}) for row in csv.DictReader(file)
        ]


def _write_history(path: Path, history: list[Epoch]) -> None:
    with atomic_output(path) as made, open(made, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(Epoch.__annotations__))
        writer.writeheader()
        writer.writerows(asdict(row) for row in history)
