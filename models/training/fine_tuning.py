"""Training on a user's own faces: the upper layers or all, from a known network or from scratch.

Beside `training.trainer`, which trains on thousands of faces for hours, this is for some hundreds: a network
begins with a last layer that is fitted already, so that nothing throws its layers about (Kumar et al. 2022,
"Fine-tuning can distort pretrained features"), its batch norms keep the statistics of pretraining,
and the network is reset for each validation fold. Everything random is
drawn from (seed, step): a resumed run gives the same result as an uninterrupted one.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from emotion.models.training.augmentation import DRAWS, Augment, draw, flipped, mixed, unflipped, weaker
from emotion.models.training.networks import BLENDSHAPE_HEAD, EMOTION_HEAD
from emotion.models.training.options import Architecture
from emotion.models.training.refit import Floats, Head
from emotion.models.training.trainer import BlendshapeTargets, whole_batches

Layers: TypeAlias = Literal["upper", "all"]
OnStep: TypeAlias = Callable[[int, int, float, float], None]

UPPER: dict[Architecture, tuple[str, ...]] = {
    "densenet201": ("conv5_",),
    "densenet121": ("conv5_",),
    "mobilenet": tuple(f"conv_{kind}_{block}" for kind in ("dw", "pw") for block in (10, 11, 12, 13)),
    "resnet29": ("stage4_",),
}
"""How the names of the layers begin that are the upper ones."""
_BATCH = 64
_WARM_UP = 0.1
# A network that begins with nothing forgets its first steps soon: it has few.
_MOMENTUM = 0.9

_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class OwnFaces:
    """The faces that one network learns from.

    Attributes:
        images: uint8 (n, height + 2 margin, width + 2 margin) gray crops.
        labels: int64 (n,).
        weights: float64 (n,), how much each counts.
        blendshapes: float32 (n, 52).
        margin: pixels around each crop proper.
        size: (height, width) of the crop proper.
        classes: how many there are.
    """

    images: npt.NDArray[np.uint8]
    labels: _Ints
    weights: npt.NDArray[np.float64]
    blendshapes: npt.NDArray[np.float32]
    margin: int
    size: tuple[int, int]
    classes: int

    def __len__(self) -> int:
        return len(self.labels)

    def crops(self, rows: _Ints) -> npt.NDArray[np.uint8]:
        """Some of them without their margin, as a model sees them."""
        inner = slice(self.margin, -self.margin or None)
        return self.images[rows, inner, inner]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a network learns.

    Attributes:
        layers: which of them learn.
        from_nothing: it begins with random weights: batch norms learn, too, and blendshapes help.
        epochs: maximum number of epochs.
        batch: faces a step.
        learning_rate: AdamW's peak (Loshchilov & Hutter 2019), after a warm-up and before a fall.
        strength: of the augmentation relative to the usual one: larger for fewer faces.
        mixup: see `emotion.models.training.augmentation.draw`.
        patience: epochs without a gain on the validation faces after which training stops.
        mirrored: whether a mirrored picture shows the same.
        seed: of order and augmentation.
    """

    layers: Layers
    from_nothing: bool = False
    epochs: int = 12
    batch: int = 32
    learning_rate: float = 2e-4
    strength: float = 1.0
    mixup: float = 0.0
    patience: int = 4
    mirrored: bool = True
    seed: int = 0


class Learner:
    """A network that is trained on some of the faces and evaluated on others, repeatedly.

    Args:
        network: made by `networks.network`; a reset restores the weights that it has now.
        faces: all of them.
        course: how.
        most: faces to learn from at most at once; decides how many steps a pass has.
        upper: how the names of the upper layers begin.
    """

    def __init__(
        self, network: keras.Model, faces: OwnFaces, course: Course, most: int, upper: tuple[str, ...] = ()
    ) -> None:
        keras.utils.set_random_seed(course.seed)
        self.network, self._faces, self._course = network, faces, course
        self.steps = max(1, most // course.batch)
        _free(network, course, upper)
        self._targets = BlendshapeTargets.fit(faces.blendshapes)
        self._model = self._compiled()
        self._first = [weights.copy() for weights in network.get_weights()]

    def begin(self, head: Head | None) -> None:
        """Forget all that was learnt.

        Args:
            head: the last layer to begin with; None: the one that it had first.
        """
        self.network.set_weights(self._first)
        for variable in self._model.optimizer.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))
        if head is not None:
            self.network.get_layer(EMOTION_HEAD).set_weights([head.kernel, head.bias])

    @property
    def done(self) -> int:
        """Passes since it began."""
        return int(self._model.optimizer.iterations) // self.steps

    def epoch(self, rows: _Ints, on_step: OnStep = lambda *_: None) -> tuple[float, float]:
        """One epoch over some of the faces; the mean loss and the accuracy.

        Args:
            rows: of the faces to learn from.
            on_step: called after each step with steps done, steps in all, loss and accuracy.
        """
        seen = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda step, logs: on_step(step + 1, self.steps, *_two(logs))
        )
        batches = _Pass(self._faces, self._targets, self._course, rows, self.done, self.steps)
        history = self._model.fit(batches, shuffle=False, verbose=0, callbacks=[seen]).history
        return _two({name: values[0] for name, values in history.items()})

    def logits(self, rows: _Ints) -> Floats:
        """Its current predictions, float32 (len(rows), classes)."""
        crops = self._faces.crops(rows)
        batch = min(_BATCH, max(1, len(crops)))
        outputs = [
            self.network.predict_on_batch(chunk[..., None])[EMOTION_HEAD]
            for chunk in whole_batches(crops, batch)
        ]
        return np.concatenate(outputs)[: len(crops)].astype(np.float32)

    @property
    def head(self) -> Head:
        """Its last layer now."""
        kernel, bias = self.network.get_layer(EMOTION_HEAD).get_weights()
        return Head(kernel, bias)

    def save(self, checkpoint: Path) -> None:
        """Write weights and optimiser; a file is replaced only by a whole one."""
        part = checkpoint.with_name(f"{checkpoint.stem}.part.keras")
        self._model.save(part)
        os.replace(part, checkpoint)

    def resume(self, checkpoint: Path) -> None:
        """Go on with what `save` wrote."""
        self._model.load_weights(checkpoint)

    def _compiled(self) -> keras.Model:
        faces, course = self._faces, self._course
        images = keras.Input(faces.images.shape[1:], dtype="uint8", name="images")
        draws = keras.Input((DRAWS,), name="draws")
        heads = self.network(Augment(faces.margin, faces.size)(images, draws))
        # How common a class is is added to its logits while learning and left out after (Menon et al. 2021).
        prior = np.log(np.maximum(np.bincount(faces.labels, faces.weights, faces.classes), 1e-4))
        outputs = {EMOTION_HEAD: heads[EMOTION_HEAD] + np.asarray(prior, np.float32)[None]}
        losses: dict[str, Any] = {
            EMOTION_HEAD: keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
        }
        weights = {EMOTION_HEAD: 1.0}
        if course.from_nothing:
            outputs[BLENDSHAPE_HEAD] = heads[BLENDSHAPE_HEAD]
            losses[BLENDSHAPE_HEAD], weights[BLENDSHAPE_HEAD] = keras.losses.Huber(), 1.0
        model = keras.Model({"images": images, "draws": draws}, outputs)
        total = self.steps * course.epochs
        warm_up = max(1, round(_WARM_UP * total))
        schedule = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=course.learning_rate / 25,
            warmup_target=course.learning_rate,
            warmup_steps=warm_up,
            decay_steps=max(1, total - warm_up),
        )
        optimizer = keras.optimizers.AdamW(schedule, weight_decay=0.05, clipnorm=5.0)
        optimizer.exclude_from_weight_decay(var_names=["bias", "beta", "gamma"])
        right = {EMOTION_HEAD: [keras.metrics.CategoricalAccuracy(name="right")]}
        model.compile(optimizer=optimizer, loss=losses, loss_weights=weights, metrics=right)
        optimizer.build(model.trainable_variables)
        return model


def _two(logs: dict[str, Any]) -> tuple[float, float]:
    """The loss and the accuracy, under any name, also with several outputs."""
    right = next(value for name, value in logs.items() if name.endswith("right"))
    return float(logs["loss"]), float(right)


def _free(network: keras.Model, course: Course, upper: tuple[str, ...]) -> None:
    """Say which layers learn."""
    for layer in network.layers:
        norm = isinstance(layer, layers.BatchNormalization)
        if norm:
            layer.momentum = _MOMENTUM
        if course.from_nothing or layer.name == EMOTION_HEAD:
            layer.trainable = True
        elif layer.name == BLENDSHAPE_HEAD:
            layer.trainable = False
        else:
            layer.trainable = not norm and (course.layers == "all" or layer.name.startswith(upper))


class _Pass(keras.utils.PyDataset):  # type: ignore[misc]  # keras ships no types
    """The batches of one pass, in order; where faces are few, some come twice."""

    def __init__(
        self,
        faces: OwnFaces,
        targets: BlendshapeTargets,
        course: Course,
        rows: _Ints,
        index: int,
        steps: int,
    ) -> None:
        super().__init__()
        self._faces, self._targets, self._course = faces, targets, course
        self._first, self._steps = index * steps, steps
        turns = -(-steps * course.batch // len(rows))
        generator = np.random.default_rng((course.seed, index))
        self._order = np.concatenate([generator.permutation(rows) for _ in range(turns)])

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, step: int) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """(images and draws, what is true of them, how much each counts) of one step."""
        faces, course = self._faces, self._course
        rows = self._order[step * course.batch : (step + 1) * course.batch]
        draws = weaker(draw(len(rows), (course.seed, self._first + step), course.mixup), course.strength)
        if not course.mirrored:
            draws = unflipped(draws)
        one_hot = np.eye(faces.classes, dtype=np.float32)[faces.labels[rows]]
        truth = {EMOTION_HEAD: mixed(draws, one_hot)}
        counts = np.asarray(faces.weights[rows] * len(faces), np.float32)
        weights = {EMOTION_HEAD: counts}
        if course.from_nothing:
            shapes = self._targets(faces.blendshapes[rows], flipped(draws))
            truth[BLENDSHAPE_HEAD], weights[BLENDSHAPE_HEAD] = mixed(draws, shapes), counts
        return {"images": faces.images[rows], "draws": draws}, truth, weights
