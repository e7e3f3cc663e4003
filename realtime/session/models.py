"""Models that are loaded once and shared by all sessions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emotion.models.engines.landmark_nets import LandmarkNets
from emotion.models.engines.options import EngineOptions
from emotion.models.engines.providers import NetOptions
from emotion.models.engines.session import RegionModel
from emotion.models.errors import ModelFileError
from emotion.models.manifest import schema_of, voting_regions
from emotion.models.options import with_values
from emotion.models.schema import Schema
from emotion.models.voting.vote import VoteWeights

# Maximum batch size of a landmark net.
_NET_BATCH = 8


@dataclass(frozen=True, slots=True)
class Models:
    """The models, loaded once and shared by all videos. Heavy, and without state.

    Attributes:
        regions: one model per region, in the order of their votes.
        weights: of the vote.
        nets: for landmarks; None: MediaPipe is used.
    """

    regions: tuple[RegionModel, ...]
    weights: VoteWeights
    nets: LandmarkNets | None = None

    @property
    def schema(self) -> Schema:
        """The classes and regions of the predictions."""
        return schema_of(model.manifest for model in self.regions)

    @classmethod
    def load(
        cls, options: EngineOptions | None = None, *, cache: Path | None = None, **chosen: Any
    ) -> "Models":
        """All models and the vote's weights from a model folder, ready to run.

        Args:
            options: of the models; `EngineOptions()` by default.
            cache: folder for compiled models of providers; None: no cache.
            chosen: options by name, such as ``provider="cpu"``, which replace those in `options`.

        Raises:
            OptionError: an option is unknown or out of bounds.
            ModelFileError: a file is missing, damaged, or of another version.
            ProviderError: the provider is not available.
        """
        wanted = with_values(options or EngineOptions(), chosen)
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
