"""Training of one region's network, in steps that a kill cannot spoil.

A run is a folder::

    run.json        the options, versions and seed it runs with
    history.csv     a row an epoch: losses and balanced accuracy on the validation part
    curves.png      the same as a picture
    checkpoint.keras  weights and optimiser after the last whole epoch
    model.keras     the trained network, once the run is finished

Everything random is drawn from (seed, step), and the step is the optimiser's own count inside
the checkpoint; so a run that is killed and started again continues exactly.
"""

import csv
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

# TensorFlow leaves oneDNN off on processors without AVX-512, where it trains DenseNet201 1.9 times
# as fast all the same. Read once, when TensorFlow is first imported.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from sklearn.metrics import balanced_accuracy_score

from models import networks
from models.augmentation import augment, resize
from models.dataset import RegionData, load_region
from models.emotions import EMOTIONS
from models.errors import DatasetError
from models.landmarks import BLENDSHAPES
from models.plots import save_curves
from models.regions import REGIONS, RegionName


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """How a network is trained.

    Attributes:
        region: ``eyes`` or ``lips``.
        sizes: progressive image size: (epochs, share of the final side length), in order.
        caps: (set, most faces of one emotion that an epoch takes from that set), for sets that would
            outweigh the others. Which ones is drawn anew for each epoch.
        batch: pictures a step.
        learning_rate: AdamW's peak (Loshchilov & Hutter 2019), after a linear warm-up and before
            a cosine fall to zero.
        warm_up: share of all steps.
        weight_decay: on kernels only.
        label_smoothing: share of every target that is spread over all classes.
        blendshape_weight: weight of the auxiliary Huber loss beside the cross entropy; 0: none.
        teacher_weight: share of every target that is a teacher's opinion in place of the label.
        architecture: the region's own where there is none; see `models.networks.build`.
        precision: of the computation while training; see `models.networks.build`.
        seed: of the first weights, the order and the augmentation.
    """

    region: RegionName
    sizes: tuple[tuple[int, float], ...] = ((6, 2 / 3), (4, 1.0))
    caps: tuple[tuple[str, int], ...] = ()
    batch: int = 64
    learning_rate: float = 2e-3
    warm_up: float = 0.05
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    blendshape_weight: float = 1.0
    teacher_weight: float = 0.0
    architecture: networks.Architecture | None = None
    precision: networks.Precision = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.region not in REGIONS:
            raise ValueError(f"region is one of {', '.join(REGIONS)}, not {self.region!r}")
        if self.batch < 1 or not self.sizes or any(count < 1 or scale <= 0 for count, scale in self.sizes):
            raise ValueError("batch, epochs and sizes are positive")
        if any(count < 1 for _, count in self.caps):
            raise ValueError("a cap is at least one face")
        if not 0 <= self.teacher_weight <= 1:
            raise ValueError("the teacher's weight is a share, from 0 to 1")

    @property
    def epochs(self) -> int:
        """Passes over the training part in all."""
        return sum(count for count, _ in self.sizes)

    def size_of_epoch(self, epoch: int) -> tuple[int, int]:
        """(height, width) in pixels that epoch `epoch` (from 0) is trained at."""
        height, width = REGIONS[self.region].size
        for count, scale in self.sizes:
            if epoch < count:
                return round(height * scale), round(width * scale)
            epoch -= count
        return height, width


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one pass over the training part gave: a row of history.csv."""

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
) -> Path:
    """Train a network, or go on with a run that was stopped.

    Args:
        data: a data set made by `models.dataset`.
        run: the run's folder.
        options: a run that exists is continued only with the options it was started with.
        start_from: a trained ``.keras`` file whose weights the run begins with.
        teacher: gives probabilities, float32 (n, 6), for the training part's faces in the manifest's
            order; asked once, its answer is kept in the run's folder.
        report: called after every epoch.
        progress: called with (steps done, steps in all).

    Returns:
        The path of the finished ``model.keras``.

    Raises:
        DatasetError: the data do not fill one batch, or the run was started otherwise.
    """
    training = load_region(data, options.region, ("train",))
    validation = load_region(data, options.region, ("validation",))
    _check_caps(options, training)
    steps = len(_order(training, options, epoch=0)) // options.batch
    if steps == 0:
        raise DatasetError(f"{len(training)} faces do not fill one batch of {options.batch}.")
    _claim(run, options, start_from)
    if options.teacher_weight:
        training = _taught(training, run, options.teacher_weight, teacher)
    targets = BlendshapeTargets.fit(training.blendshapes)
    model = _begin(run, options, steps, start_from)
    done = int(model.optimizer.iterations)
    history = _read_history(run / "history.csv")[: done // steps]
    for epoch in range(done // steps, options.epochs):
        started = time.monotonic()
        losses = _run_epoch(model, training, targets, options, epoch, progress)
        scores = _validate(model, validation, options.size_of_epoch(epoch), options.batch)
        size = options.size_of_epoch(epoch)
        history.append(Epoch(epoch + 1, *size, *losses, *scores, round(time.monotonic() - started, 1)))
        _write_history(run / "history.csv", history)
        save_curves(run / "curves.png", [asdict(row) for row in history])
        _save(model, run / "checkpoint.keras")
        report(history[-1])
    finished = networks.build(options.region, options.architecture)
    finished.set_weights(model.get_weights())
    settle_batch_norm(finished, training)
    _save(finished, run / "model.keras")
    return run / "model.keras"


def _taught(
    data: RegionData, run: Path, share: float, teacher: Callable[[], npt.NDArray[np.float32]] | None
) -> RegionData:
    """The data with a teacher's opinion mixed into the targets (Hinton et al. 2015).

    Crowd labels of expressions are wrong in a good part; a teacher that sees more of the face than
    one region says which are likely to be.
    """
    kept = run / "teacher.npy"
    if not kept.exists():
        if teacher is None:
            raise DatasetError("A teacher's weight needs a teacher: name a model folder.")
        np.save(kept, teacher())
    opinions = np.load(kept)
    if opinions.shape != data.targets.shape:
        raise DatasetError(f"{kept} is of another data set: delete it.")
    return replace(data, targets=(1 - share) * data.targets + share * opinions)


def _mirrored_blendshapes() -> npt.NDArray[np.int64]:
    """int64 (52,): for each blendshape the one that takes its place in a mirrored picture."""
    sides = {"left": "right", "right": "left"}
    names = ["_".join(sides.get(word, word) for word in name.split("_")) for name in BLENDSHAPES]
    return np.array([BLENDSHAPES.index(name) for name in names], dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class BlendshapeTargets:
    """Blendshapes as a network learns them: the standardised square root.

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
        """Targets, float32 (n, 52); left and right change places where the picture is mirrored."""
        mirrored = np.where(flipped[:, None], blendshapes[:, self.mirror], blendshapes)
        # At most 4 spreads: a blendshape that hardly ever occurs must not rule the loss.
        standardised = (np.sqrt(mirrored) - self.mean) / self.scale
        return np.asarray(np.clip(standardised, -4, 4), dtype=np.float32)


def _begin(run: Path, options: TrainingOptions, steps: int, start_from: Path | None) -> keras.Model:
    """A new network and optimiser, in the state of the checkpoint where there is one."""
    keras.utils.set_random_seed(options.seed)
    model = networks.build(options.region, options.architecture, options.precision)
    if start_from:
        model.set_weights(keras.saving.load_model(start_from, compile=False).get_weights())
    optimizer = _optimizer(options, steps * options.epochs)
    model.compile(
        optimizer=optimizer,
        loss={
            networks.EMOTION_HEAD: keras.losses.CategoricalCrossentropy(
                from_logits=True, label_smoothing=options.label_smoothing
            ),
            networks.BLENDSHAPE_HEAD: keras.losses.Huber(),
        },
        loss_weights={networks.EMOTION_HEAD: 1.0, networks.BLENDSHAPE_HEAD: options.blendshape_weight},
    )
    optimizer.build(model.trainable_variables)
    # Weights and the optimiser's state only: a whole saved model forgets what weight decay spares.
    if (run / "checkpoint.keras").exists():
        model.load_weights(run / "checkpoint.keras")
    return model


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


def _run_epoch(
    model: keras.Model,
    data: RegionData,
    targets: BlendshapeTargets,
    options: TrainingOptions,
    epoch: int,
    progress: Callable[[int, int], None],
) -> tuple[float, float, float]:
    """One pass in random order; the mean loss in all, of the emotions and of the blendshapes."""
    size = options.size_of_epoch(epoch)
    order = _order(data, options, epoch)
    steps = len(order) // options.batch
    keys = ("loss", f"{networks.EMOTION_HEAD}_loss", f"{networks.BLENDSHAPE_HEAD}_loss")
    sums = np.zeros(len(keys))
    for step in range(steps):
        rows = order[step * options.batch : (step + 1) * options.batch]
        seed = tf.constant([options.seed, epoch * steps + step], tf.int32)
        images, flipped = augment(tf.constant(data.images[rows]), data.margin, size, seed)
        truth = {
            networks.EMOTION_HEAD: data.targets[rows],
            networks.BLENDSHAPE_HEAD: targets(data.blendshapes[rows], flipped.numpy()),
        }
        logs = model.train_on_batch(images, truth, return_dict=True)  # this batch's losses alone
        sums += [float(logs[key]) for key in keys]
        progress(epoch * steps + step + 1, options.epochs * steps)
    loss, emotion, blendshapes = (sums / steps).tolist()
    return loss, emotion, blendshapes


def _order(data: RegionData, options: TrainingOptions, epoch: int) -> npt.NDArray[np.int64]:
    """The rows that an epoch takes, in its order: as many in every epoch."""
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


def _validate(model: keras.Model, data: RegionData, size: tuple[int, int], batch: int) -> tuple[float, float]:
    """Cross entropy against the labels and balanced accuracy, at one image size."""
    logits = np.concatenate(
        [
            model.predict_on_batch(resize(data.images[start : start + batch], data.margin, size))[
                networks.EMOTION_HEAD
            ]
            for start in range(0, len(data), batch)
        ]
    )
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)(data.targets, logits)
    return float(loss), float(balanced_accuracy_score(data.labels, logits.argmax(axis=1)))


def settle_batch_norm(model: keras.Model, data: RegionData, batches: int = 40, batch: int = 128) -> None:
    """Give every batch norm the statistics of the finished weights, in place.

    The moving averages that training leaves are of weights of many steps; through a network as deep
    as DenseNet201 their lag adds up, and the network answers worse than it learnt. Here they become
    plain means over whole crops of the training part ("precise batch norm", Wu & Johnson 2021,
    "Rethinking 'Batch' in BatchNorm").
    """
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in layers]
    order = np.random.default_rng(0).permutation(len(data))
    inner = data.crops()
    for count in range(min(batches, max(1, len(data) // batch))):
        rows = np.sort(order[count * batch : (count + 1) * batch])
        for layer in layers:
            layer.momentum = count / (count + 1)  # a running mean of all batches up to now
        model(inner[rows][..., None], training=True)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum


def _claim(run: Path, options: TrainingOptions, start_from: Path | None) -> None:
    """Write down what the run is, or refuse to continue another one's."""
    run.mkdir(parents=True, exist_ok=True)
    wanted = json.loads(json.dumps(asdict(options) | {"start_from": start_from and start_from.name}))
    path = run / "run.json"
    if path.exists() and json.loads(path.read_text(encoding="utf-8"))["options"] != wanted:
        raise DatasetError(f"{run} was started with other options: name another folder or delete it.")
    versions = {"python": platform.python_version(), "tensorflow": tf.__version__, "keras": keras.__version__}
    path.write_text(json.dumps({"options": wanted, "versions": versions}, indent=2) + "\n", encoding="utf-8")


def _save(model: keras.Model, path: Path) -> None:
    """Replace a file only by a whole one."""
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
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(Epoch.__annotations__))
        writer.writeheader()
        writer.writerows(asdict(row) for row in history)
