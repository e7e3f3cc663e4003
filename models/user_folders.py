"""Where a user's own files lie, which people keep in other places on each system."""

from pathlib import Path
from typing import Literal

_NAME = "emotion-live"


def user_folder(kind: Literal["cache", "config", "data", "state"]) -> Path:
    """The program's folder for files of a kind; it need not be there.

    Services and containers also run programs as users that have no home: neither the variable HOME nor an
    entry in the table of users. Their home is the root folder, as Docker has it, where nothing is found, and
    where an attempt to write is refused in a sentence that names the folder.
    """
    import platformdirs  # noqa: PLC0415  only needed here

    path_of = getattr(platformdirs, f"user_{kind}_path")
    try:
        path: Path = path_of(_NAME, appauthor=False)
    except RuntimeError:
        path = Path()
    # Earlier releases of platformdirs leave the "~" where it is.
    return path if path.is_absolute() else Path(Path.cwd().anchor, f".{kind}", _NAME)
