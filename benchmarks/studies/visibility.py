"""How well a hidden mouth or hidden eyes are noticed::

    python -m emotion.benchmarks.studies.visibility --data DIR

DIR is what `emotion dataset` made. Crops of its test part get occluders (`studies.occluders`);
reported is the area under the ROC curve of "covered by half or more" against "covered by a tenth or
less", by kind of occluder, and beside it that of the obvious rival: the entropy of what the region's
own model says. With --fit the nets are fitted on the training part first, with --refine those that ship
learn on, from crops in flat light, too. With --contrast 0.2 they are evaluated in such a light. Two kinds of
occluders, photo and stripes, are never shown while fitting.
"""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import typer
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.neural_network import MLPClassifier

from emotion.benchmarks.studies.occluders import KINDS, cover, covered, dim, vary
from emotion.models.atomic_files import atomic_output
from emotion.models.engines.session import RegionModel
from emotion.models.errors import EmotionError
from emotion.models.faces.visibility import HIDDEN, PATH, VisibilityModel, features, read
from emotion.models.manifest import ZOO
from emotion.models.regions import REGIONS, Image

HELD_OUT = ("photo", "stripes")
# Covered by this much or more is hidden; by this little or less is free.
_HIDDEN, _FREE = 0.5, 0.1
# A net learns to call less than that hidden: real hands leave a corner of the mouth free.
_LEARNT_AS_HIDDEN = 0.4
_NEURONS = 64
# Of the crops that nets learn on from, so many are in flat light.
_DIM = 0.4
_EPOCHS, _BATCH, _RATE, _DECAY = 25, 200, 4e-4, 1e-4


def read_crops(data: Path, region: str, part: str, limit: int, seed: int = 0) -> list[Image]:
    """Up to `limit` crops of a part of a data set, as the models see them, in a fixed random order.

    Raises:
        EmotionError: the folder holds no data set.
    """
    try:
        rows = pq.read_table(data / "manifest.parquet", columns=["id", "label", "split"]).to_pylist()
    except OSError as error:
        raise EmotionError(f"{data} holds no data set ({error}): make one with 'emotion dataset'.") from error
    chosen = sorted((row["label"], row["id"]) for row in rows if row["split"] == part)
    order = np.random.default_rng(seed).permutation(len(chosen))[:limit]
    height, width = REGIONS[region].size
    crops = []
    for label, name in (chosen[index] for index in order):
        image = cv2.imread(str(data / region / label / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
        if image is None:
            raise EmotionError(f"{data} lacks a crop of {name}: make the data set again.")
        top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
        crops.append(np.ascontiguousarray(image[top : top + height, left : left + width], dtype=np.uint8))
    return crops


def occluded(
    crops: Sequence[Image], region: str, kinds: Sequence[str], seed: int
) -> list[tuple[Image, float, str]]:
    """Each crop once as it is and once behind something: (crop, share covered, kind or "none")."""
    rng = np.random.default_rng(seed)
    made: list[tuple[Image, float, str]] = []
    for index, crop in enumerate(crops):
        varied = vary(crop, rng)
        made.append((varied, 0.0, "none"))
        kind = kinds[index % len(kinds)]
        other = crops[int(rng.integers(len(crops)))]
        hidden, where = cover(varied, KINDS[region][kind], other, rng)
        made.append((hidden, covered(where, region), kind))
    return made


def lessons(
    crops: Sequence[Image], region: str, seed: int, flat: float = 0.0
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Features of crops, free and behind something, a share of them in flat light; and which are free."""
    # Hands are what comes most, and come in most ways.
    kinds = ["hand", *(kind for kind in KINDS[region] if kind not in HELD_OUT)]
    made = [item for item in occluded(crops, region, kinds, seed) if not _FREE < item[1] < _LEARNT_AS_HIDDEN]
    rng = np.random.default_rng(seed + 7)
    shown = [dim(crop, rng) if rng.random() < flat else crop for crop, _, _ in made]
    return np.stack([features(crop) for crop in shown]), np.array([share <= _FREE for _, share, _ in made])


def refine(model: VisibilityModel, crops: Sequence[Image], region: str, seed: int = 0) -> VisibilityModel:
    """A net that learns on from another, near which it stays: by Adam, with a rate that falls to nothing."""
    described, free = lessons(crops, region, seed, _DIM)
    wanted, rng = free.astype(np.float32), np.random.default_rng(seed)
    first = (model.hidden, model.output)
    now = [numbers.copy() for numbers in first]
    slope, square = ([np.zeros_like(numbers) for numbers in first] for _ in range(2))
    step = 0
    for epoch in range(_EPOCHS):
        rate = _RATE * (1 + np.cos(np.pi * epoch / _EPOCHS)) / 2
        order = rng.permutation(len(described))
        for part in (order[at : at + _BATCH] for at in range(0, len(order), _BATCH)):
            step += 1
            for index, gradient in enumerate(_gradients(now, described[part], wanted[part])):
                pull = gradient + _DECAY * (now[index] - first[index])
                slope[index] += 0.1 * (pull - slope[index])
                square[index] += 0.001 * (pull**2 - square[index])
                size = np.sqrt(square[index] / (1 - 0.999**step)) + 1e-8
                now[index] -= np.float32(rate / (1 - 0.9**step)) * slope[index] / size
    return VisibilityModel(now[0], now[1])


def _gradients(
    net: Sequence[npt.NDArray[np.float32]],
    described: npt.NDArray[np.float32],
    free: npt.NDArray[np.float32],
) -> list[npt.NDArray[np.float32]]:
    """Of the mean cross-entropy, by both layers."""
    hidden, output = net
    before = described @ hidden[:-1] + hidden[-1]
    inner = np.maximum(before, 0)
    wrong = (1 / (1 + np.exp(-(inner @ output[:-1] + output[-1]))) - free) / len(free)
    back = np.outer(wrong, output[:-1]) * (before > 0)
    return [np.vstack([described.T @ back, back.sum(axis=0)]), np.append(inner.T @ wrong, wrong.sum())]


def fit(crops: Sequence[Image], region: str, seed: int = 0) -> VisibilityModel:
    """A net from crops that show faces freely, with made-up occluders."""
    described, free = lessons(crops, region, seed)
    scale = described.std(axis=0) + 0.05
    centre = described.mean(axis=0)
    net = MLPClassifier((_NEURONS,), alpha=0.03, early_stopping=True, max_iter=80, random_state=seed)
    net.fit((described - centre) / scale, free)
    # The scaling goes into the first layer, so that the net takes features as they are.
    inner = net.coefs_[0] / scale[:, None]
    return VisibilityModel(
        np.vstack([inner, net.intercepts_[0] - centre @ inner]).astype(np.float32),
        np.append(net.coefs_[1][:, 0], net.intercepts_[1]).astype(np.float32),
    )


def evaluate(
    crops: Sequence[Image],
    region: str,
    model: VisibilityModel,
    rival: RegionModel | None,
    contrast: float = 1.0,
) -> dict[str, Any]:
    """Areas under the ROC curve by kind, the rates at the bound 0.5, and the time a crop takes."""
    made = occluded(crops, region, list(KINDS[region]), seed=1)
    if contrast < 1:
        rng = np.random.default_rng(3)
        made = [(dim(crop, rng, contrast), share, kind) for crop, share, kind in made]
    start = time.process_time()
    scores = model([crop for crop, _, _ in made])
    spent = 1000 * (time.process_time() - start) / len(made)
    doubts = _entropy(rival, [crop for crop, _, _ in made]) if rival else None
    shares = np.array([share for _, share, _ in made])
    kinds = np.array([kind for _, _, kind in made])
    free = shares <= _FREE
    report: dict[str, Any] = {"ms a crop": round(spent, 3), "faces": len(crops), "auc": {}, "entropy auc": {}}
    for kind in (*KINDS[region], "all"):
        chosen = free | ((shares >= _HIDDEN) & ((kinds == kind) | (kind == "all")))
        if free[chosen].all():
            continue
        report["auc"][kind] = round(float(roc_auc_score(free[chosen], scores[chosen])), 4)
        if doubts is not None:
            report["entropy auc"][kind] = round(float(roc_auc_score(free[chosen], -doubts[chosen])), 4)
    chosen = free | (shares >= _HIDDEN)
    report["free faces silenced"] = round(float((scores[free] < HIDDEN).mean()), 4)
    report["free faces taken for hidden"] = round(float((scores[free] < 0.5).mean()), 4)
    report["hidden ones noticed"] = round(float((scores[shares >= _HIDDEN] < 0.5).mean()), 4)
    passed, kept, _ = roc_curve(free[chosen], scores[chosen])
    report["roc"] = {
        f"{rate:.2f}": round(float(np.interp(rate, passed, kept)), 4) for rate in (0.05, 0.1, 0.2)
    }
    return report


def _entropy(model: RegionModel, crops: Sequence[Image]) -> npt.NDArray[np.float64]:
    predictions = np.concatenate([model(crops[at : at + 64]) for at in range(0, len(crops), 64)])
    return np.asarray(-(predictions * np.log(np.maximum(predictions, 1e-9))).sum(axis=1))


def main(
    data: Annotated[Path, typer.Option(help="Data set made by 'emotion dataset'.")],
    faces: Annotated[int, typer.Option(min=20, help="Number of test faces.")] = 1000,
    fit_on: Annotated[
        int, typer.Option("--fit", min=0, help="First train on this number of training faces.")
    ] = 0,
    refine_on: Annotated[
        int,
        typer.Option(
            "--refine", min=0, help="First train the included detectors further on this number of faces."
        ),
    ] = 0,
    contrast: Annotated[
        float, typer.Option(min=0.05, max=1, help="Contrast of the test faces, relative to the original.")
    ] = 1.0,
    save: Annotated[bool, typer.Option(help="Save the result as the included detectors.")] = False,
    entropy: Annotated[
        bool, typer.Option(help="Also measure the entropy of the models, which takes minutes.")
    ] = False,
) -> None:
    """Judge how hidden regions are noticed; JSON on standard output."""
    models: dict[str, VisibilityModel]
    if fit_on:
        models = {region: fit(read_crops(data, region, "train", fit_on), region) for region in REGIONS.names}
    else:
        models = read()
    if refine_on:
        models = {
            region: refine(model, read_crops(data, region, "train", refine_on), region)
            for region, model in models.items()
        }
    if save:
        numbers = {
            f"{region}_{layer}": getattr(model, layer).astype(np.float16)
            for region, model in models.items()
            for layer in ("hidden", "output")
        }
        with atomic_output(PATH) as made:
            np.savez_compressed(made, **numbers)
    for region, model in models.items():
        rival = RegionModel(ZOO, region, "cpu", 1) if entropy else None
        report = evaluate(read_crops(data, region, "test", faces), region, model, rival, contrast)
        typer.echo(json.dumps({region: report}))


if __name__ == "__main__":
    typer.run(main)
