"""Protects the included models from changes, and replaces files of other model folders.

A replaced file is kept beside the new one: `eyes.previous.onnx` for `eyes.onnx`; only the last
version.
"""

import filecmp
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from emotion.models.checksums import FILE, follow
from emotion.models.errors import ShippedModelsError
from emotion.models.manifest import ZOO


def refuse_shipped(folder: Path) -> None:
    """Refuse to write into the included models, of this program or of another copy of it.

    Raises:
        ShippedModelsError: the folder is among them, by whatever name.
    """
    if is_shipped(folder):
        raise ShippedModelsError(
            f"{folder} holds the models that ship, which stay as they are: copy them with "
            "'emotion models copy lite my-model' and name that folder."
        )


def is_shipped(folder: Path) -> bool:
    """Whether a folder is that of the models that ship, or in it; links and other spellings are followed."""
    place = folder.resolve()
    return any(_is_zoo(place) for place in (place, *place.parents))


def _is_zoo(folder: Path) -> bool:
    if folder.exists() and folder.samefile(ZOO):
        return True
    # That of another checkout or environment, which is a package with its checksums.
    return all((folder / name).is_file() for name in (FILE, "__init__.py", "../manifest.py"))


def previous_path(path: Path) -> Path:
    """The path of the previous version when a file is replaced."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


@contextmanager
def workshop(folder: Path) -> Iterator[Path]:
    """A temporary folder for new files of a model folder, which then gets them complete or not at all.

    Raises:
        ShippedModelsError: the folder is that of the models that ship.
    """
    refuse_shipped(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # In the folder itself: a file only moves within one disk.
    with TemporaryDirectory(dir=folder, prefix=".making-") as made:
        yield Path(made)


def put(made: Path, folder: Path) -> Path:
    """Move a file into a model folder; an existing file with other content is kept as the previous version.

    Raises:
        ShippedModelsError: the folder is that of the models that ship.
    """
    refuse_shipped(folder)
    path = folder / made.name
    if path.is_file() and not filecmp.cmp(path, made, shallow=False):
        os.replace(path, previous_path(path))
    os.replace(made, path)
    follow(path)
    return path


def put_text(text: str, path: Path) -> Path:
    """The same for a text.

    Raises:
        ShippedModelsError: the folder is that of the models that ship.
    """
    with workshop(path.parent) as making:
        made = making / path.name
        made.write_text(text, encoding="utf-8")
        return put(made, path.parent)
