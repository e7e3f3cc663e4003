"""The models alone: a sweep over batch size, threads and precision, and what speed costs in accuracy."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emotion.benchmarks.timing import time_each
from emotion.models.data.stored import RegionData, load_region
from emotion.models.engines.session import ProviderName, RegionModel
from emotion.models.manifest import Precision, choose_precision, voting_regions
from emotion.models.voting.vote import VoteWeights

_BATCH = 64


@dataclass(frozen=True, slots=True)
class Point:
    """One setting of the sweep.

    Attributes:
        region, precision, threads, batch: the setting.
        ms: a crop, median over the runs.
        crops_per_second: the same the other way round.
    """

    region: str
    precision: str
    threads: int
    batch: int
    ms: float

    @property
    def crops_per_second(self) -> float:
        """How many crops a second one session does."""
        return 1000 / self.ms


@dataclass(frozen=True, slots=True)
class Accuracy:
    """What a precision costs, on one part of a data set.

    Attributes:
        precision: of all models; where a region has no int8 model, of the others alone.
        faces: how many.
        agreement: share of the faces on which the vote is that of fp32.
        accuracy, balanced_accuracy: of the vote.
    """

    precision: str
    faces: int
    agreement: float
    accuracy: float
    balanced_accuracy: float


def precisions(folder: Path, regions: Collection[str] = ()) -> tuple[Precision, ...]:
    """What the folder offers for one region at least, of these or of all that vote."""
    offered = any(choose_precision(folder, region) == "int8" for region in voting_regions(folder, regions))
    return ("fp32", "int8") if offered else ("fp32",)


def load(
    folder: Path, region: str, precision: Precision, provider: ProviderName = "cpu", threads: int = 1
) -> RegionModel:
    """The model in a precision, or in fp32 where it is not offered in int8."""
    chosen = choose_precision(folder, region) if precision == "int8" else "fp32"
    return RegionModel(folder, region, provider, threads, chosen)


def sweep(
    folder: Path,
    provider: ProviderName,
    threads: Iterable[int],
    batches: Iterable[int],
    crops: dict[str, npt.NDArray[np.uint8]],
    regions: Collection[str] = (),
) -> list[Point]:
    """Time each model in each setting on the same crops.

    Args:
        folder: of the models.
        provider: what runs them.
        threads: intra-op threads to try.
        batches: sizes to try.
        crops: uint8 (n, height, width) by region; n at least the largest batch.
        regions: that are timed; none: all that vote.
    """
    points = []
    for region in voting_regions(folder, regions):
        for precision in dict.fromkeys(("fp32", choose_precision(folder, region))):
            for count in threads:
                model = RegionModel(folder, region, provider, count, precision)
                model.warm_up()
                for size in batches:
                    parts = list(_parts(crops[region], size))
                    model(parts[0])
                    _, timing = time_each("batch", model, parts)
                    points.append(Point(region, precision, count, size, timing.p50 / size))
    return points


def accuracy(
    folders: Mapping[str, Path], data: Path, provider: ProviderName = "cpu", regions: Collection[str] = ()
) -> list[Accuracy]:
    """The vote of model folders in each precision on a data set's test part.

    Args:
        folders: by the prefix of the precision's name; predictions are compared with the first one's
            in fp32.
        data: the data set.
        provider: what runs the models.
        regions: that vote; none: each folder's own.
    """
    parts: dict[str, RegionData] = {}
    rows: list[Accuracy] = []
    plain: npt.NDArray[np.int64] | None = None
    for name, folder in folders.items():
        weights = VoteWeights.read(folder, voting_regions(folder, regions))
        for region in weights.regions:
            parts[region] = parts.get(region) or load_region(data, region, ("test",), weights.classes.names)
        first = parts[weights.regions[0]]
        labels = first.labels
        third = weights.third(first.blendshapes) if weights.third else None
        for precision in precisions(folder, regions):
            probabilities = [
                _answers(load(folder, region, precision, provider, threads=0), parts[region].crops())
                for region in weights.regions
            ]
            votes = weights.vote(np.stack(probabilities), blendshapes=third).argmax(axis=1)
            plain = votes if plain is None else plain
            right, agreement = votes == labels, float((votes == plain).mean())
            recalls = [float(right[labels == emotion].mean()) for emotion in np.unique(labels)]
            rows.append(
                Accuracy(
                    f"{name}{precision}",
                    len(labels),
                    agreement,
                    float(right.mean()),
                    sum(recalls) / len(recalls),
                )
            )
    return rows


def _answers(model: RegionModel, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    return np.concatenate([model(part) for part in _parts(crops, _BATCH, whole=False)])


def _parts(crops: npt.NDArray[np.uint8], size: int, whole: bool = True) -> Iterable[npt.NDArray[np.uint8]]:
    end = len(crops) - size + 1 if whole else len(crops)
    return (crops[start : start + size] for start in range(0, end, size))
