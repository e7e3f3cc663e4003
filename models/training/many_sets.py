"""Training on several data sets whose labels disagree, with one head per set and a teacher's predictions.

Beside `training.trainer`, which learns from one pool of faces, this keeps the sets apart: each gives a
fixed share of every round, with rare emotions oversampled, and has its own head
(`emotion.models.training.set_heads`). What is exported is the common head.

A run is a folder::

    run.json          the options it runs with
    history.csv       a row a round: losses, and scores on the validation part of each set
    checkpoint.keras  weights and optimiser after a whole round
    model.keras       the trained network with all its heads, once the run is finished

A round is some hundred steps, not a pass: a run can be stopped at any time and loses little. Everything
random is drawn from (seed, step), so a resumed run gives the same result as an uninterrupted one. The rate
is even until it falls at the end ("warm-up, stable, decay", Hu et al. 2024, MiniCPM): so a run may be made
longer or shorter until the fall begins.
"""

import csv
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from emotion.models.atomic_files import atomic_output, write_atomically
from emotion.models.classes import EMOTIONS
from emotion.models.data.pools import Pool
from emotion.models.errors import DatasetError
from emotion.models.training.augmentation import DRAWS, Augment, Mix, draw, flipped, mixed, unflipped
from emotion.models.training.networks import BLENDSHAPE_HEAD, EMOTION_HEAD
from emotion.models.training.set_heads import SET_HEAD, log_shares, logits_of_set
from emotion.models.training.trainer import BlendshapeTargets, whole_batches

TEACHER_OUTPUT = "taught"
_SET_OUTPUT = "labelled"
_CLASSES = len(EMOTIONS)
_FEATURES = 4  # dimensions of pictures that are features already


@dataclass(frozen=True, slots=True)
class SetsOptions:
    """How a network learns from several sets.

    Attributes:
        shares: (set, its share of each round); they sum to one.
        rounds, steps: rounds in all, and steps in each.
        batch: faces a step.
        learning_rate: AdamW's (Loshchilov & Hutter 2019), even between a warm-up and a fall.
        warm_up: steps until the full rate.
        fall: share of all steps in which the rate falls to nothing, by a cosine.
        weight_decay: on kernels only.
        label_smoothing: share of every label that is spread over all emotions.
        evenness: 0: an emotion is as common in a round as in its set; 1: all are alike.
        mixup: see `emotion.models.training.augmentation.draw`.
        teacher_weight: of the teacher's cross entropy on the common head, relative to the labels' on the
            set's.
        blendshape_weight: of the auxiliary Huber loss; 0: none.
        seed: of order and augmentation.
    """

    shares: tuple[tuple[str, float], ...]
    rounds: int = 20
    steps: int = 100
    batch: int = 64
    learning_rate: float = 5e-4
    warm_up: int = 100
    fall: float = 0.4
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    evenness: float = 0.5
    mixup: float = 0.2
    teacher_weight: float = 0.0
    blendshape_weight: float = 0.3
    seed: int = 0

    def __post_init__(self) -> None:
        if abs(sum(share for _, share in self.shares) - 1) > 1e-6:
            raise ValueError("the sets' shares sum to one")
        if min(self.rounds, self.steps, self.batch) < 1:
            raise ValueError("rounds, steps and batch are positive")
        if not 0 <= self.evenness <= 1 or not 0 <= self.fall <= 1:
            raise ValueError("evenness and fall are shares, from 0 to 1")

    @property
    def sets(self) -> tuple[str, ...]:
        """Their names, in the order of the heads."""
        return tuple(name for name, _ in self.shares)


def quotas(pool: Pool, options: SetsOptions) -> npt.NDArray[np.int64]:
    """How many faces of each set and emotion a round takes, int64 (sets, 6).

    Raises:
        DatasetError: a set has no faces in the pool.
    """
    found = np.zeros((len(options.shares), _CLASSES), np.int64)
    total = options.steps * options.batch
    for row, (name, share) in enumerate(options.shares):
        counts = np.bincount(pool.labels[pool.sets == name], minlength=_CLASSES).astype(np.float64)
        if not counts.any():
            raise DatasetError(f"The data set holds no faces of {name} to learn from.")
        tempered = np.where(counts > 0, np.maximum(counts, 1) ** (1 - options.evenness), 0)
        found[row] = np.floor(total * share * tempered / tempered.sum())
    found[0, found[0].argmax()] += total - found.sum()
    return found


def order(pool: Pool, options: SetsOptions, index: int) -> npt.NDArray[np.int64]:
    """The rows that a round takes, int64 (steps, batch); in each batch those of a set side by side.

    The faces of each set and emotion are taken in turn, shuffled again after each pass, so that all
    are used equally often.
    """
    rows: list[npt.NDArray[np.int64]] = []
    for (name, _), wanted in zip(options.shares, quotas(pool, options), strict=True):
        for label, count in enumerate(wanted.tolist()):
            members = np.flatnonzero((pool.sets == name) & (pool.labels == label))
            rows.append(_turns(members, index * count, count, (options.seed, label, len(name))))
    shuffled = np.random.default_rng((options.seed, index)).permutation(np.concatenate(rows))
    batches = shuffled.reshape(options.steps, options.batch)
    places = {name: place for place, name in enumerate(options.sets)}
    number = np.array([places.get(name, -1) for name in pool.sets.tolist()])
    return np.take_along_axis(batches, np.argsort(number[batches], axis=1, kind="stable"), axis=1)


def _turns(
    members: npt.NDArray[np.int64], start: int, count: int, seed: Sequence[int]
) -> npt.NDArray[np.int64]:
    """Members `start` to `start + count` of an endless row of permutations."""
    if not count:
        return members[:0]
    first, last = start // len(members), (start + count - 1) // len(members)
    whole = [np.random.default_rng((*seed, turn)).permutation(members) for turn in range(first, last + 1)]
    offset = start - first * len(members)
    return np.concatenate(whole)[offset : offset + count]


class _Round(keras.utils.PyDataset):  # type: ignore[misc]  # keras ships no types
    """The batches of one round, in order."""

    def __init__(self, pool: Pool, targets: BlendshapeTargets, options: SetsOptions, index: int) -> None:
        super().__init__()
        self._pool, self._targets, self._options = pool, targets, options
        self._rows = order(pool, options, index)
        self._first = index * options.steps
        self._logs = log_shares(quotas(pool, options).tolist())
        self._one_hot = dict(zip(options.sets, np.eye(len(options.sets)), strict=True))

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, step: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """(what goes in, what is true of it) of one step."""
        pool, rows = self._pool, self._rows[step]
        draws = draw(len(rows), (self._options.seed, self._first + step), self._options.mixup)
        if pool.images.ndim == _FEATURES:
            draws = unflipped(draws)
        one_hot = np.array([self._one_hot[name] for name in pool.sets[rows].tolist()], np.float32)
        truth = {
            _SET_OUTPUT: pool.targets[rows],
            BLENDSHAPE_HEAD: self._targets(pool.blendshapes[rows], flipped(draws)),
        }
        if self._options.teacher_weight:
            truth[TEACHER_OUTPUT] = pool.teacher_predictions[rows]
        inputs = {
            "images": pool.images[rows],
            "draws": draws,
            "one_hot": one_hot,
            "log_shares": one_hot @ self._logs,
        }
        return inputs, {name: mixed(draws, values) for name, values in truth.items()}


class Learner:
    """A network with a head a set, its optimiser, and the faces it learns from.

    Attributes:
        network: images, float32 or uint8 (n, height, width, 1), to the dict of `with_set_heads`.
    """

    def __init__(self, network: keras.Model, pool: Pool, options: SetsOptions, size: tuple[int, int]) -> None:
        keras.utils.set_random_seed(options.seed)
        self.network, self._pool, self._options = network, pool, options
        self._targets = BlendshapeTargets.fit(pool.blendshapes)
        self._model = _trained(network, pool, options, size)

    def resume(self, checkpoint: Path) -> int:
        """Restore the checkpoint, if there is one; returns the number of rounds done."""
        if checkpoint.exists():
            self._model.load_weights(checkpoint)
        return int(self._model.optimizer.iterations) // self._options.steps

    def run(self, index: int) -> dict[str, float]:
        """One round; its mean losses by name."""
        batches = _Round(self._pool, self._targets, self._options, index)
        history = self._model.fit(batches, shuffle=False, verbose=0).history
        return {name: float(values[0]) for name, values in history.items()}

    def save(self, checkpoint: Path) -> None:
        """Write weights and optimiser; a file is replaced only by a whole one."""
        part = checkpoint.with_name(f"{checkpoint.stem}.part.keras")
        self._model.save(part)
        os.replace(part, checkpoint)


def _trained(network: keras.Model, pool: Pool, options: SetsOptions, size: tuple[int, int]) -> keras.Model:
    """The network behind `Augment`, with its losses."""
    inputs = {
        "images": keras.Input(pool.images.shape[1:], dtype="uint8", name="images"),
        "draws": keras.Input((DRAWS,), name="draws"),
        "one_hot": keras.Input((len(options.sets),), name="one_hot"),
        "log_shares": keras.Input((_CLASSES,), name="log_shares"),
    }
    augment = Mix() if pool.images.ndim == _FEATURES else Augment(pool.margin, size)
    heads = network(augment(inputs["images"], inputs["draws"]))
    outputs = {
        _SET_OUTPUT: logits_of_set(
            heads[EMOTION_HEAD], heads[SET_HEAD], inputs["one_hot"], inputs["log_shares"]
        ),
        BLENDSHAPE_HEAD: heads[BLENDSHAPE_HEAD],
    }
    losses: dict[str, Any] = {
        _SET_OUTPUT: keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=options.label_smoothing
        ),
        BLENDSHAPE_HEAD: keras.losses.Huber(),
    }
    weights = {_SET_OUTPUT: 1.0, BLENDSHAPE_HEAD: options.blendshape_weight}
    if options.teacher_weight:
        outputs[TEACHER_OUTPUT] = heads[EMOTION_HEAD]
        losses[TEACHER_OUTPUT] = keras.losses.CategoricalCrossentropy(from_logits=True)
        weights[TEACHER_OUTPUT] = options.teacher_weight
    model = keras.Model(inputs, outputs)
    optimizer = keras.optimizers.AdamW(_Schedule(options), weight_decay=options.weight_decay, clipnorm=5.0)
    optimizer.exclude_from_weight_decay(var_names=["bias", "beta", "gamma"])
    model.compile(optimizer=optimizer, loss=losses, loss_weights=weights)
    optimizer.build(model.trainable_variables)
    return model


class _Schedule(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]  # keras ships no types
    """A linear warm-up, an even rate, and a fall to nothing by a cosine."""

    def __init__(self, options: SetsOptions) -> None:
        self._rate, self._warm_up = options.learning_rate, max(1, options.warm_up)
        total = options.rounds * options.steps
        self._falling = max(1.0, options.fall * total)
        self._falls_at = total - self._falling

    def __call__(self, step: Any) -> Any:
        """The rate at a step."""
        step = ops.cast(step, "float32")
        fallen = ops.clip((step - self._falls_at) / self._falling, 0.0, 1.0)
        warm = ops.minimum(1.0, (step + 1.0) / self._warm_up)
        return self._rate * warm * 0.5 * (1.0 + ops.cos(np.pi * fallen))

    def get_config(self) -> dict[str, Any]:
        """Empty: a checkpoint's schedule is created again from the run's options."""
        return {}


def train_on_sets(
    network: keras.Model,
    pool: Pool,
    run: Path,
    options: SetsOptions,
    size: tuple[int, int],
    score: Callable[[keras.Model, int], dict[str, float]] = lambda network, done: {},
    report: Callable[[dict[str, float]], None] = lambda row: None,
) -> Path:
    """Train a network, or go on with a run that was stopped.

    Args:
        network: made with `with_set_heads`, for `options.sets` in their order.
        pool: the faces to learn from.
        run: the run's folder.
        options: a run that exists is continued only with the options it was started with; `rounds` and
            `fall` may change.
        size: (height, width) in pixels to learn at; nothing where the pool holds features
            (`emotion.models.training.face_views`).
        score: evaluates the network after so many rounds; kept in the history.
        report: called with the history's row after every round.

    Returns:
        The path of the finished ``model.keras``.

    Raises:
        DatasetError: a set is missing, or the run was started otherwise.
    """
    _claim(run, options)
    learner = Learner(network, pool, options, size)
    done = learner.resume(run / "checkpoint.keras")
    history = _read_history(run / "history.csv")[:done]
    for index in range(done, options.rounds):
        row = {"round": float(index + 1)} | learner.run(index) | score(network, index + 1)
        history.append(row)
        learner.save(run / "checkpoint.keras")
        _write_history(run / "history.csv", history)
        report(row)
    with atomic_output(run / "model.keras") as made:
        network.save(made)
    return run / "model.keras"


def predict(network: keras.Model, crops: npt.NDArray[np.uint8], batch: int = 64) -> dict[str, Any]:
    """Predictions of a trained network for crops without margin, mean over each and its mirror image.

    Args:
        network: with the heads of `with_set_heads`.
        crops: uint8 (n, height, width).
        batch: crops at a time.

    Returns:
        ``emotion``: float32 (n, 6), the mean logits of the common head; ``of_set``: float32 (n, sets, 6).
    """
    views: list[dict[str, Any]] = []
    for view in (crops, crops[:, :, ::-1]):
        heads = [network.predict_on_batch(chunk[..., None]) for chunk in whole_batches(view, batch)]
        views.append(
            {k: np.concatenate([h[k] for h in heads])[: len(crops)] for k in (EMOTION_HEAD, SET_HEAD)}
        )
    return {name: (views[0][name] + views[1][name]) / 2 for name in views[0]}


def _claim(run: Path, options: SetsOptions) -> None:
    """Write down what the run is, or refuse to continue another one's."""
    run.mkdir(parents=True, exist_ok=True)
    path = run / "run.json"
    wanted = json.loads(json.dumps(asdict(options)))
    if path.exists():
        stored = json.loads(path.read_text(encoding="utf-8"))
        free = {"rounds": options.rounds, "fall": options.fall}
        if stored | free != wanted:
            raise DatasetError(f"{run} was started with other options: name another folder or delete it.")
    write_atomically(path, json.dumps(wanted, indent=2) + "\n")


def _read_history(path: Path) -> list[dict[str, float]]:
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]


def _write_history(path: Path, history: list[dict[str, float]]) -> None:
    names = list(dict.fromkeys(name for row in history for name in row))
    with atomic_output(path) as made, open(made, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=names)
        writer.writeheader()
        writer.writerows(history)


def without(pool: Pool, options: SetsOptions, name: str) -> tuple[Pool, SetsOptions]:
    """The faces and options with one set left out for evaluation: the others' shares grow in proportion."""
    rest = sum(share for other, share in options.shares if other != name)
    shares = tuple((other, share / rest) for other, share in options.shares if other != name)
    return pool[np.flatnonzero(pool.sets != name)], replace(options, shares=shares)
