"""Provenance of results: versions, models and options, which are stored in the files themselves."""

import hashlib
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from emotion import __version__
from emotion.benchmarks.machine import processor
from emotion.models.cores import available_cores
from emotion.models.names import readable
from emotion.models.options import options_of
from emotion.realtime.options import Options
from emotion.realtime.session import Models

_LIBRARIES = (
    *("av", "mediapipe", "numpy", "opencv-contrib-python", "scipy"),
    *("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-directml"),
)
GROUPS = ("faces", "vote", "drawing", "file")
"""The options that change results, beside the models and how they run."""
_OF_ENGINE = ("precision", "landmarks")


def provenance_of(video: Path, models: Models, options: Options) -> dict[str, Any]:
    """Program, source, models, options, libraries, machine and time, ready for JSON.

    Args:
        video: the source; all of it is read, for its checksum.
        models: that ran.
        options: of the run.
    """
    return {"source": source_of(video), **provenance_of_run(models, options)}


def source_of(video: Path) -> dict[str, Any]:
    """A file's name, size and SHA-256; null for the last two where it is no regular file."""
    record: dict[str, Any] = {"name": readable(video.name), "bytes": None, "sha256": None}
    if video.is_file():
        with open(video, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            record |= {"bytes": file.tell(), "sha256": digest}
    return record


def provenance_of_run(models: Models, options: Options) -> dict[str, Any]:
    """What is the same for all videos of a run."""
    return {
        "program": f"emotion-live {__version__}",
        "models": _of_models(models, options),
        "classes": list(models.schema.classes),
        "options": chosen(options),
        **machine(),
        "provider": models.regions[0].provider if models.regions else None,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _of_models(models: Models, options: Options) -> dict[str, Any]:
    regions = {
        model.manifest.region: {
            "network": model.manifest.architecture,
            "precision": model.manifest.precision,
            "sha256": model.manifest.sha256,
        }
        for model in models.regions
    }
    return {"folder": options.engine.models.name, **regions, "vote": models.weights.digest}


def machine() -> dict[str, Any]:
    """Libraries and processor."""
    return {
        "libraries": {"python": platform.python_version()}
        | {name: found for name in _LIBRARIES if (found := _version(name))},
        "processor": processor(),
        "cores": available_cores(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def chosen(options: Options) -> dict[str, Any]:
    """The options that change results and are not as the release has them, by name."""
    record: dict[str, Any] = {}
    for one in options_of(Options):
        if (one.path[0] in GROUPS if one.path else False) or one.name in _OF_ENGINE:
            value = one.value(options)
            if value != one.default:
                record[one.name] = list(value) if isinstance(value, tuple) else value
    return record


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
