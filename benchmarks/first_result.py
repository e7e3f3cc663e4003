"""A process of its own: how long a command takes to its first result, and the memory that it needs.

``python -m emotion.benchmarks.first_result CLIP MODELS FRAMES PROGRAM`` prints one line of JSON. PROGRAM
is the module that the command imports, which is passed by the caller.
"""

import sys
import time

_START = time.time()


def main() -> None:
    """Do what ``emotion annotate`` does before and up to its first results."""
    import json  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415

    clip, folder, frames = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    from importlib import import_module  # noqa: PLC0415

    import psutil  # noqa: PLC0415

    import_module(sys.argv[4])
    from emotion.benchmarks.runs import annotated  # noqa: PLC0415
    from emotion.realtime.session import Models  # noqa: PLC0415

    begun = psutil.Process().create_time()
    imported = time.time()
    models = Models.load(models=folder)
    loaded = time.time()
    run = annotated("first result", clip, models, 4, frames)
    values = {
        "start_s": _START - begun,
        "import_s": imported - _START,
        "load_s": loaded - imported,
        "first_s": loaded - begun + run.first_ms / 1000,
        "frames": run.frames,
        "peak_mib": run.peak_mib,
        "tensorflow_imported": "tensorflow" in sys.modules,
    }
    print(json.dumps(values))  # noqa: T201


if __name__ == "__main__":
    main()
