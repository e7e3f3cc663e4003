"""Loads models with the user's cache folder, and reports what was chosen."""

from collections.abc import Callable

from emotion.models.engines.options import EngineOptions
from emotion.models.engines.session import CPU_ONLY
from emotion.models.user_folders import user_folder
from emotion.realtime.session import Models


def load_models(options: EngineOptions, say: Callable[[str], object] = lambda sentence: None) -> Models:
    """`Models.load` with the user's cache folder.

    Args:
        options: which, and how they run.
        say: called with what ``auto`` chose, if there was a choice.

    Raises:
        ModelFileError: a file is missing, damaged, or of another version.
        ProviderError: the provider is not there.
    """
    loaded = Models.load(options, cache=user_folder("cache"))
    if options.provider == "auto" and loaded.regions[0].choice != CPU_ONLY:
        say(f"The models run on {loaded.regions[0].choice}")
    chosen = options.provider == "auto" and options.landmarks == "onnx"
    if chosen and loaded.nets and loaded.nets.landmarks.choice != CPU_ONLY:
        say(f"The landmark nets run on {loaded.nets.landmarks.choice}")
    return loaded
