"""Initial weights of networks: from a model folder, also for other regions, sizes and architectures."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx

from emotion.exporters.head import features_of
from emotion.exporters.sizes import with_size
from emotion.models.atomic_files import atomic_output
from emotion.models.data import fingerprints
from emotion.models.data.duplicates import near_any
from emotion.models.data.fingerprints import Fingerprints
from emotion.models.data.label_folders import SPLITS
from emotion.models.engines.options import model_folder_name
from emotion.models.errors import ModelFileError, OptionError
from emotion.models.manifest import (
    ModelManifest,
    Precision,
    choose_precision,
    read_manifest,
    read_schema,
    regions_there,
)
from emotion.models.regions import KNOWN, REGIONS, Region, Regions, read_region
from emotion.models.small_files import sha256
from emotion.models.training.options import TITLES, Architecture
from emotion.models.words import counted
from emotion.own_model.options import LearnOptions

_LEAST = 32
"""Pixels of the shorter side that every network needs."""
_MOBILENET_POINTS = 1.0  # pixels per point from which a face is as large as in the MobileNet's training


def wanted_regions(options: LearnOptions) -> Regions:
    """The regions of the new models: those of the initial models, and the requested ones.

    Raises:
        ModelFileError: the initial models are missing or damaged.
    """
    keras = options.from_nothing or options.file
    begun = tuple(REGIONS) if keras else tuple(read_schema(options.start_from).regions)
    requested = {region.name: region for region in map(read_region, options.regions)}
    kept = (requested.pop(region.name, region) for region in begun)
    return Regions(tuple(_sized(region, options) for region in (*kept, *requested.values())))


def _sized(region: Region, options: LearnOptions) -> Region:
    """A region with the requested number of pixels, and at least as many as networks need."""
    scale = region.pixels_per_point
    if options.architecture == "mobilenet":
        scale = max(scale, _MOBILENET_POINTS)
    least = _LEAST / min(region.width, region.height)
    return replace(region, pixels_per_point=max(scale * options.size, least))


def seen_by(options: LearnOptions) -> Fingerprints:
    """What the models that are begun with were trained on, as far as it is known.

    Raises:
        ModelFileError: their list is damaged.
    """
    if options.from_nothing:
        return Fingerprints()
    folder = options.file.parent if options.file else options.start_from
    return fingerprints.of_models(folder, Path(model_folder_name(options.start_from)).name)


def caution_of(options: LearnOptions, data: Path) -> str:
    """A caveat about the scores because of the training data of the initial models; else empty.

    Args:
        options: of learning.
        data: the data set that is learnt from and scored on.

    Raises:
        ModelFileError: the list of the initial models is damaged.
        DatasetError: a crop is missing.
    """
    begun = seen_by(options)
    # What ships was trained on published sets only; its card names them.
    if not options.caution or {*begun.unknown} - {"lite", "standard"}:
        return options.caution
    faces = fingerprints.of_dataset(data, SPLITS.values())
    if faces.places != begun.places:
        return options.caution
    copies = near_any(faces.training, np.concatenate([begun.training, begun.validation])).sum()
    if not copies:
        return ""
    return (
        f"{copies} of {counted(faces.count, 'face')} are copies of training faces of "
        f"{options.start_from.name}, which it begins with: the scores are too high."
    )


@dataclass(frozen=True, slots=True)
class Donor:
    """The initial network of a region.

    Attributes:
        manifest: of the model.
        kept: whether it is for the same region and size.
        same: whether it is for the same region, at any size, so that its last layer can be reused.
    """

    manifest: ModelManifest
    kept: bool
    same: bool


def donor(folder: Path, region: Region, architecture: Architecture | None) -> Donor:
    """The model of a folder for the initial network of a region: its own, or that with the largest overlap.

    Args:
        folder: of models.
        region: wanted.
        architecture: that it must have; None: any whose scale is that of the crops.

    Raises:
        OptionError: there is none of this architecture.
        ModelFileError: a model is missing or damaged.
    """
    found = [read_manifest(folder, name) for name in regions_there(folder)]
    own = next((one for one in found if one.region == region.name), None)
    title = TITLES[architecture] if architecture else None
    if own is not None and title in (None, own.architecture):
        return Donor(own, kept=own.where == region, same=own.where.shows_as(region))
    fitting = [one for one in found if one.architecture == title or (title is None and _slides(one))]
    if not fitting:
        there = ", ".join(dict.fromkeys(one.architecture for one in found))
        raise OptionError(
            "architecture",
            f"{folder} has no {title or 'network that takes other regions'} to begin with, only {there}: "
            "--start-from scratch needs none, and takes many photographs.",
        )
    return Donor(max(fitting, key=lambda one: _shared(one.where, region)), kept=False, same=False)


def _slides(manifest: ModelManifest) -> bool:
    """Whether a network was trained at the scale of eyes and lips."""
    return manifest.architecture != TITLES["mobilenet"]


def _shared(one: Region, other: Region) -> float:
    """Intersection over union of two regions."""
    across = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    down = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    both = max(across, 0) * max(down, 0)
    return both / (one.width * one.height + other.width * other.height - both)


def begin(
    options: LearnOptions, regions: Regions, output: Path, say: Callable[[str], None] = lambda line: None
) -> dict[str, Donor]:
    """Make a folder with a network for each region, to compute features of crops.

    Args:
        options: that name a model folder.
        regions: wanted.
        output: the folder to write; its content is replaced.
        say: called with a message about a region that gets another region's network.

    Returns:
        The source of each region's network.

    Raises:
        OptionError: there is no such network.
        ModelFileError: a model is missing or damaged, or cannot take another size.
    """
    folder = options.start_from
    donors = {region.name: donor(folder, region, options.architecture) for region in regions}
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    for region in regions:
        found = donors[region.name]
        if found.manifest.region != region.name:
            say(f"  {region.name} begin with the network of the {found.manifest.region}.")
        for precision in _precisions(folder, found.manifest.region):
            _put(folder, read_manifest(folder, found.manifest.region, precision), region, output)
    return donors


def _precisions(folder: Path, region: str) -> Iterator[Precision]:
    yield "fp32"
    if choose_precision(folder, region) == "int8":
        yield "int8"


def _put(folder: Path, manifest: ModelManifest, region: Region, output: Path) -> None:
    """Write a model of a region that takes its crops."""
    path = output / (f"{region.name}.int8.onnx" if manifest.int8 else f"{region.name}.onnx")
    with atomic_output(path) as made:
        if manifest.size == region.size:
            shutil.copyfile(folder / manifest.file, made)
        else:
            onnx.save(with_size(onnx.load(folder / manifest.file), manifest.size, region.size), made)
    made_from = read_manifest(output, region.name).sha256 if manifest.int8 else ""
    replace(
        manifest,
        region=region.name,
        file=path.name,
        sha256=sha256(path),
        size=region.size,
        place=None if region in KNOWN.places else region,
        made_from=made_from,
        scores={},
    ).save(output)
    if manifest.size != region.size:
        _try(output, region, "int8" if manifest.int8 else "fp32")


def _try(folder: Path, region: Region, precision: Precision) -> None:
    """Check that a network takes crops of its new size."""
    try:
        seen = len(features_of(folder, region.name, np.zeros((1, *region.size), np.uint8), precision))
        reason = "" if seen == 1 else f"it takes one for {seen}"
    except ModelFileError:
        raise
    except Exception as error:  # ONNX Runtime has classes of its own for each of its reasons
        reason = str(error).splitlines()[0]
    if reason:
        raise ModelFileError(
            f"The network of {region.name} takes no crops of {region.size[1]} x {region.size[0]} pixels "
            f"({reason}): begin with another one (--start-from)."
        )
