"""The networks of a user's own model: initial weights, inputs, training and export."""

import csv
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from emotion.exporters.head import model_head, put_head
from emotion.exporters.quantise import SPARED, prove, write_int8
from emotion.models.classes import Classes
from emotion.models.data.stored import load_region
from emotion.models.errors import MissingDependencyError
from emotion.models.evaluation.predictions import LabelledFaces
from emotion.models.installing import pip_install
from emotion.models.manifest import Precision, choose_precision, read_manifest
from emotion.models.regions import Region
from emotion.models.training.options import Architecture
from emotion.models.training.refit import Head
from emotion.models.words import counted
from emotion.own_model import training
from emotion.own_model.features import views_of
from emotion.own_model.folds import TAUGHT
from emotion.own_model.heads import FittedHead, fit_one, learn_head, start_of
from emotion.own_model.initial_weights import Donor, begin, wanted_regions
from emotion.own_model.options import LearnOptions

_Floats = npt.NDArray[np.float32]
_Ints = npt.NDArray[np.int64]
Say = Callable[[str], None]


class Progress(Protocol):
    """Called with the progress, and optionally a note."""

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Report it."""


Counting = Callable[[str], AbstractContextManager[Progress]]


class Networks:
    """The networks of all regions.

    Args:
        options: of the training.
        classes: of the new models.
        work: folder for intermediate results.
        counting: makes a progress bar with a description.
        say: called with a line about each step.

    Attributes:
        regions: in order.
        learnt: by region, the last layer that is used and its out-of-fold predictions.

    Raises:
        ModelFileError: the initial models are missing or damaged.
        OptionError: they have no network of the requested architecture.
    """

    def __init__(
        self, options: LearnOptions, classes: Classes, work: Path, counting: Counting, say: Say
    ) -> None:
        self._options, self._classes, self._work = options, classes, work
        self._counting, self._say = counting, say
        self.regions = wanted_regions(options)
        self.last_layers: dict[str, FittedHead] = {}
        self._views: dict[str, _Floats] = {}
        self._donors: dict[str, Donor] = {}
        self._what: dict[str, str] = {}
        self.start = work / "begin"
        if options.from_nothing:
            self._needs_training()
        elif options.file is not None:
            self._needs_training()
            self._donors = training.begin_with_file(options, self.regions, self.start)
        else:
            self._donors = begin(options, self.regions, self.start, say)
        self._folders = dict.fromkeys(self.regions.names, self.start)

    def see(self, faces: LabelledFaces) -> None:
        """Features of each face from each network, computed or read from disk."""
        if self._options.from_nothing:
            return
        begun = monotonic()
        for region, crops in zip(self.regions, faces.crops, strict=True):
            self._views[region.name] = self._see(region, crops)
        self._say(f"  {len(faces)} faces in {monotonic() - begun:.0f} s")

    def _see(self, region: Region, crops: Any, precision: Precision = "fp32") -> _Floats:
        kind = "network" if precision == "fp32" else f"{precision} network"
        with self._counting(f"Running the {region.name}' {kind}") as progress:
            cache, folder = self._work / "features", self._folders[region.name]
            return views_of(folder, region, crops, cache, progress, precision)

    def fit(self, faces: LabelledFaces, folds: _Ints) -> None:
        """Fit a new last layer for each network; the other layers stay frozen."""
        if self._options.from_nothing:
            return
        with open(self._work / "log.csv", "w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(("region", "pull", "log_loss", "accuracy", "seconds"))
            for region in self.regions.names:
                self.last_layers[region] = self._fit(region, faces.labels, folds, table)

    def _fit(self, region: str, labels: _Ints, folds: _Ints, table: Any) -> FittedHead:
        begun = monotonic()

        def log(row: dict[str, float]) -> None:
            seconds = monotonic() - begun
            table.writerow((region, *(f"{value:.4f}" for value in row.values()), f"{seconds:.1f}"))

        count = len(self._classes)
        found = learn_head(self._views[region], labels, folds, count, self._known_head(region), log)
        right = float((found.predictions.argmax(axis=1) == labels).mean())
        self._say(f"  {region}: {right:.1%} of faces that it was not trained on are right")
        return found

    def _known_head(self, region: str) -> Head | None:
        """The initial last layer, if there is one for these classes and this region."""
        found = self._donors[region]
        if not found.same:
            return None
        return start_of(model_head(self.start, region), found.manifest.classes, self._classes)

    # --- more than the last layers ------------------------------------------------------------------

    def train(self, faces: LabelledFaces, data: Path, folds: _Ints, alone: bool) -> None:
        """Train upper layers, or all, if there are enough faces; keep the result if it is better.

        Args:
            faces: for training.
            data: the data set.
            folds: int64 (n,).
            alone: whether only the first fold is for validation: a part is held out for the rest.
        """
        layers = training.layers_for(self._options, int(np.bincount(faces.labels).min()))
        place = self._work / "training"
        if layers == "last" or not self._may_train():
            return
        validation = (0,) if alone else tuple(np.unique(folds).tolist())
        log, runs = training.Log(self._work / "training.csv"), []
        for region in self.regions:
            architecture = self._architecture(region.name)
            if architecture is None:
                self._say(
                    f"  {region.name}: its network cannot be trained here; its last layer learns alone."
                )
                continue
            heads = self._heads(region.name, faces.labels, folds, validation)
            start = None if self._options.from_nothing else self.start
            plan = training.Plan(region, architecture, start, heads, folds, validation)
            runs.append(self._train(plan, faces, data, layers, place, log))
        training.clear_others(place, runs)

    def _train(
        self,
        plan: training.Plan,
        faces: LabelledFaces,
        data: Path,
        layers: str,
        place: Path,
        log: training.Log,
    ) -> Path:
        name = plan.region.name
        own = training.own_faces(load_region(data, name, TAUGHT, None), plan.region, faces.labels)
        course = training.course_for(self._options, layers, len(faces), plan.region)
        with self._counting(f"Training the {name}' network") as progress:
            found = training.train(
                plan, own, course, self._classes, place, log, progress, self._say, self._options.file
            )
        before, labels = self.last_layers.get(name), faces.labels
        rows = found.last_layer.predicted
        right = float((found.last_layer.predictions[rows].argmax(axis=1) == labels[rows]).mean())
        epochs = counted(found.epochs, "epoch") + (
            "" if found.share == 1 else f", {found.share:.0%} of the way"
        )
        result = f"  {name}: {right:.1%} right after {epochs}"
        if before is not None and before.loss(labels, rows) <= found.last_layer.loss(labels, rows):
            self._say(f"{result}, no better than by its last layer alone, which stays.")
        else:
            self._say(result)
            self.last_layers[name], self._folders[name] = found.last_layer, found.folder
            what = "all layers" if course.layers == "all" else "the upper layers"
            self._what[name] = f"{what}, {epochs}"
        return found.folder.parent

    def _architecture(self, region: str) -> Architecture | None:
        if self._options.from_nothing:
            return self._options.architecture or training.USUAL
        return training.architecture_of(self._donors[region].manifest)

    def _heads(
        self, region: str, labels: _Ints, folds: _Ints, validation: tuple[int, ...]
    ) -> dict[int, Head]:
        """The initial last layers: for each fold one that was fitted without it."""
        if self._options.from_nothing:
            return {}
        views, pull, start = self._views[region], self.last_layers[region].pull, self._known_head(region)
        found = {}
        for fold in (*validation, -1):
            rows = folds != fold if (folds != fold).any() else folds == fold
            found[fold] = fit_one(views[:, rows], labels[rows], pull, len(self._classes), start)
        return found

    def _may_train(self) -> bool:
        """Whether Keras is installed; if it was not requested, its absence is only reported."""
        if self._options.layers != "auto" or self._options.from_nothing:
            self._needs_training()
            return True
        if training.installed():
            return True
        self._say(
            "  With so many photographs, training the upper layers too may help. It needs "
            f"{pip_install('train')}. Now only the last layers are trained."
        )
        return False

    def _needs_training(self) -> None:
        if not training.installed():
            raise MissingDependencyError(
                f"Training more than the last layers needs TensorFlow: {pip_install('train')}"
            )

    def described(self) -> list[tuple[str, str, str]]:
        """For each region its name, its network's architecture, and the trained layers."""
        return [
            (name, read_manifest(folder, name).architecture, self._what.get(name, "the last layer"))
            for name, folder in self._folders.items()
        ]

    # --- output -------------------------------------------------------------------------------------

    def predicted(self, faces: int) -> npt.NDArray[np.bool_]:
        """The faces with predictions in every region's `learnt`, bool (faces,)."""
        rows = np.ones(faces, bool)
        for found in self.last_layers.values():
            rows &= True if found.predicted is None else found.predicted
        return rows

    def write(self, faces: LabelledFaces, output: Path, about: str) -> None:
        """Write all models into a folder, also in int8 if that gives the same predictions."""
        for region, crops in zip(self.regions, faces.crops, strict=True):
            name, folder = region.name, self._folders[region.name]
            self._put(name, output, about, "fp32")
            if not self._options.int8:
                continue
            if folder == self.start and choose_precision(folder, name) == "int8":
                self._put(name, output, about, "int8")
                self._prove(region, faces.labels, crops, output)
            elif folder != self.start:
                self._quantise(region, faces.labels, crops, output)

    def _put(self, region: str, output: Path, about: str, precision: Precision) -> None:
        found, folder = self.last_layers[region], self._folders[region]
        head, temperature = found.head, found.temperature
        put_head(folder, region, head, temperature, output, about, precision, self._classes)

    def _prove(self, region: Region, labels: _Ints, crops: Any, output: Path) -> None:
        head = self.last_layers[region.name].head
        ours = head(self._see(region, crops, "int8")[0]).argmax(axis=1)
        plain = head(self._views[region.name][0]).argmax(axis=1)
        gate = prove(output, region.name, ours, plain, labels, trained_on=True)
        self._say(f"  {region.name} in int8: {gate}{'' if gate.passed else '; not offered'}")

    def _quantise(self, region: Region, labels: _Ints, crops: Any, output: Path) -> None:
        """An int8 model of a network that was trained here, with as few layers in float as possible."""
        for spared in SPARED:
            gate = write_int8(output, region.name, crops, labels, spared)
            if gate.passed:
                break
        self._say(f"  {region.name} in int8: {gate}{'' if gate.passed else '; not offered'}")
