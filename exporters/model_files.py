"""Writes a graph and its manifest into a model folder together."""

from dataclasses import replace
from pathlib import Path

import onnx

from emotion.models.manifest import ModelManifest
from emotion.models.shipped import put, workshop
from emotion.models.small_files import sha256


def put_model(graph: onnx.ModelProto, manifest: ModelManifest, folder: Path) -> Path:
    """Write a model, and a manifest with its checksum; existing files are kept as the previous version.

    Args:
        graph: the model.
        manifest: without the checksum; it names the file.
        folder: created if it is missing.

    Returns:
        The path of the model.

    Raises:
        ShippedModelsError: the folder is that of the models that ship.
    """
    with workshop(folder) as making:
        # A model that the included folders share is in another of them.
        made = making / Path(manifest.file).name
        onnx.save(graph, made)
        written = replace(manifest, file=made.name, sha256=sha256(made)).save(making)
        path = put(made, folder)
        put(written, folder)
    return path
