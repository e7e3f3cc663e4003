"""Models that are loaded once and shared by all sessions."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emotion.models.engines.landmark_nets import LandmarkNets
from emotion.models.engines.options import EngineOptions
from emotion.models.engines.providers import NetOptions
from emotion.models.engines.session import RegionModel
from emotion.models.errors import ModelFileError, OptionError
from emotion.models.manifest import schema_of, voting_regions
from emotion.models.options import with_values
from emotion.models.schema import Schema
from emotion.models.voting.vote import VoteWeights

# Maximum batch size of a landmark net.
_NET_BATCH = 8


@dataclass(frozen=True, slots=True)
class Models:
    """The models, loaded once with `load` and shared by all pictures, videos and threads; without state.

    Attributes:
        regions: one model per region, in the order of `schema`.
        weights: the rule of the vote.
        nets: detector and landmarks in ONNX Runtime; None: MediaPipe itself.
    """

    regions: tuple[RegionModel, ...]
    weights: VoteWeights
    nets: LandmarkNets | None = None

    def __repr__(self) -> str:
        manifests = [model.manifest for model in self.regions]
        networks = ", ".join(f"{one.region}: {one.architecture}" for one in manifests)
        return f"Models({networks}; {', '.join(self.schema.classes)})"

    @property
    def schema(self) -> Schema:
        """The classes and regions of the predictions."""
        return schema_of(model.manifest for model in self.regions)

    @classmethod
    def load(
        cls,
        options: EngineOptions | str | os.PathLike[str] | None = None,
        *,
        cache: Path | None = None,
        **chosen: Any,
    ) -> "Models":
        """Load the models and the rule of the vote from a model folder.

        ::

            models = emotion.Models.load(models="standard", provider="cpu")
            reader = emotion.Recognizer(models, max_faces=2)

        Args:
            options: ``"lite"`` or ``"standard"``, the path of a model folder, or all options of the models as
                one object; `EngineOptions()` by default.
            cache: folder for models that providers compile (TensorRT, OpenVINO, CoreML); None: no cache.
            chosen: options by name, which replace those in `options`: ``models``, ``regions``, ``provider``,
                ``precision``, ``landmarks``, ``threads``.

        Raises:
            OptionError: an option is unknown or out of bounds.
            ModelFileError: a model is missing, damaged, or of another version.
            ProviderError: the provider is not available.
        """
        if isinstance(options, str | os.PathLike):
            wanted = with_values(EngineOptions(), {"models": os.fspath(options), **chosen})
        elif isinstance(options, EngineOptions | None):
            wanted = with_values(options or EngineOptions(), chosen)
        else:
            raise OptionError("models", f"models is the name of a folder, not {type(options).__name__}.")
        folder, threads = wanted.models, 1 if wanted.threads is None else wanted.threads
        names = voting_regions(folder, wanted.regions)
        models = tuple(
            RegionModel(folder, region, wanted.provider, threads, wanted.precision, cache=cache)
            for region in names
        )
        # After the models, whose absence is the more important error.
        weights = VoteWeights.read(folder, names)
        if weights.classes.names != schema_of(model.manifest for model in models).classes.names:
            raise ModelFileError(
                f"{folder / 'weights.json'} is for other classes than the models ({weights.classes}): make "
                "it with 'emotion weights'."
            )
        for model in models:
            model.warm_up()
        return cls(models, weights, landmark_nets(wanted, cache))


def landmark_nets(options: EngineOptions, cache: Path | None = None) -> LandmarkNets | None:
    """The landmark nets according to the options; None: MediaPipe is used.

    Args:
        options: of the engine.
        cache: as of `Models.load`.

    Raises:
        ModelFileError: a file is missing, damaged, or of another version.
        ProviderError: the provider is not available.
    """
    if options.landmarks == "mediapipe":
        return None
    # Landmarks on a GPU only on request: they have hardly been tested there.
    provider = options.provider if options.landmarks == "onnx" else "cpu"
    threads = 1 if options.threads is None else options.threads
    return LandmarkNets.load(NetOptions(provider, threads, max_batch=_NET_BATCH, cache=cache))
