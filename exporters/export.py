"""From a finished training run to the files that ship: model, manifest, parity."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import onnx

from emotion.exporters.convert import to_onnx
from emotion.exporters.graphs import store_weights_as_fp16
from emotion.exporters.options import Storage
from emotion.exporters.parity import Parity, compare
from emotion.models.data import fingerprints
from emotion.models.data.stored import RegionData, load_region
from emotion.models.engines.session import RegionModel
from emotion.models.errors import ModelFileError
from emotion.models.manifest import ModelManifest
from emotion.models.regions import REGIONS
from emotion.models.shipped import put, refuse_shipped, workshop
from emotion.models.small_files import sha256
from emotion.models.statistics.calibration import fit_temperature
from emotion.models.training import networks
from emotion.models.training.options import TITLES

_PRECISION = {"fp32": "float32", "fp16": "float32, weights stored as float16"}


@dataclass(frozen=True, slots=True)
class Export:
    """The result of an export.

    Attributes:
        model, manifest: the files.
        temperature: fitted on the validation part.
        parity: Keras against ONNX Runtime on the validation part's crops.
    """

    model: Path
    manifest: Path
    temperature: float
    parity: Parity


def export(
    region: str,
    trained: Path,
    data: Path,
    output: Path,
    storage: Storage = "fp16",
    about_data: str = "",
    say: Callable[[str], None] = lambda line: None,
) -> Export:
    """Write ``<region>.onnx`` and ``<region>.json``.

    Args:
        region: of the network.
        trained: its ``model.keras``.
        data: the data set, whose validation part calibrates the model and proves parity.
        output: a model folder; an existing model of this region is kept as the previous version.
        storage: ``fp16`` halves the file; computation is float32 in both.
        about_data: the training photographs, and their terms.
        say: called with a line on each step.

    Raises:
        ModelFileError: `trained` is not such a network, or the exported file has other outputs: then the
            folder is unchanged.
        ShippedModelsError: `output` is the folder of the models that ship.
        DatasetError: `data` has no validation part.
    """
    refuse_shipped(output)
    network = _load(trained, region)
    validation = load_region(data, region, ("validation",))
    size = REGIONS[region].size
    temperature = _calibrate(networks.for_inference(network, size), validation)
    say(f"temperature {temperature:.3f}, fitted on {len(validation)} faces of the validation part")
    final = networks.for_inference(network, size, temperature)
    graph = to_onnx(final)
    if storage == "fp16":
        graph = store_weights_as_fp16(graph)
    with workshop(output) as making:
        path = making / f"{region}.onnx"
        onnx.save(graph, path)
        manifest = ModelManifest(
            region=region,
            architecture=TITLES[networks.identify(network)[1]],
            file=path.name,
            sha256=sha256(path),
            precision=_PRECISION[storage],
            size=size,
            temperature=round(temperature, 6),
            data=about_data,
        ).save(making)
        parity = compare(final, RegionModel(making, region, "cpu", threads=0), validation.crops())
        say(f"parity with Keras: {parity}")
        if not parity.holds:
            advice = "export it with --fp32" if storage == "fp16" else "the folder stays as it was"
            raise ModelFileError(
                f"{output / path.name} would not say what {trained} says ({parity}): {advice}."
            )
        exported = Export(put(path, output), put(manifest, output), temperature, parity)
    _carry_seen(region, trained, data, exported, say)
    return exported


def _carry_seen(region: str, trained: Path, data: Path, exported: Export, say: Callable[[str], None]) -> None:
    """List in the model folder what the network has seen in its run, and what calibrated it."""
    output = exported.model.parent
    seen = fingerprints.read(trained.parent).get(region)
    if seen is None:
        fingerprints.write_one(output, region, None)
        say(
            f"{trained.parent} does not list what the network was trained on ({fingerprints.FILE}): "
            "'emotion evaluate' cannot tell which faces it knows"
        )
        return
    calibrated = fingerprints.of_dataset(data, validation={"validation"})
    fingerprints.write_one(output, region, replace(seen.after(calibrated), model=sha256(exported.model)))


def _load(path: Path, region: str) -> keras.Model:
    if not path.exists():
        raise ModelFileError(
            f"{path} does not exist: train the network with 'emotion train {region}', or name its file."
        )
    try:
        model = keras.saving.load_model(path, compile=False)
    except (ValueError, OSError) as error:
        raise ModelFileError(f"{path} is not a trained network: {error}") from error
    try:
        found, _ = networks.identify(model)
    except ValueError as error:
        raise ModelFileError(f"{path} is not a trained network: {error}") from error
    if found != region:
        raise ModelFileError(f"{path} is a network for the {found}, not the {region}.")
    return model


def _calibrate(model: keras.Model, data: RegionData) -> float:
    return fit_temperature(data.labels, model.predict(data.crops()[..., None], batch_size=64, verbose=0))
