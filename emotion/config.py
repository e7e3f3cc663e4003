"""Configuration files: defaults of options, which the environment and the command line override.

The order of precedence, the first that sets a value wins:

1. the command line: ``--smooth 0.5``
2. the environment: ``EMOTION_SMOOTH=0.5``
3. the project: ``emotion.toml``, or ``[tool.emotion]`` in ``pyproject.toml``, in this folder or the nearest
   one above that has either
4. the user: ``emotion.toml`` in the user's folder for settings (`user_file`)
5. the defaults

::

    models = "standard"      # for every command that has the option
    [annotate]               # for one
    formats = ["csv", "html"]

Calls from Python do not read them: the same program gives the same results in every folder.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emotion.models.errors import OptionError
from emotion.models.user_folders import user_folder

NAME = "emotion.toml"
PREFIX = "EMOTION_"


@dataclass(frozen=True, slots=True)
class Setting:
    """The value of an option in a file.

    Attributes:
        name: of the option, with underscores.
        command: that it is for; empty for all that have it.
        value: as TOML has it.
        where: the file.
    """

    name: str
    command: str
    value: Any
    where: Path


def user_file() -> Path:
    """The path of the user's configuration, whether it exists or not."""
    return user_folder("config") / NAME


def project_file(start: Path | None = None) -> Path | None:
    """The nearest configuration in a folder or above it; None if there is none."""
    place = (start or Path()).absolute()
    for folder in (place, *place.parents):
        if os.path.isfile(folder / NAME):
            return folder / NAME
        project = folder / "pyproject.toml"
        if os.path.isfile(project) and _table(project) is not None:
            return project
    return None


def read_settings(start: Path | None = None) -> list[Setting]:
    """All values from files, in increasing precedence: later ones of an option win, and those of a command.

    Raises:
        OptionError: a file cannot be read, or is no TOML.
    """
    # Not Path.is_file, which raises where a folder may not be searched, as another user's home (`sudo -u`).
    files = [path for path in (user_file(), project_file(start)) if path and os.path.isfile(path)]
    found = [setting for path in files for setting in _settings(path)]
    # A value for one command wins over a value for all, within a file and between files.
    return sorted(found, key=lambda setting: bool(setting.command))


def environment_name(option: str) -> str:
    """The environment variable of an option."""
    return PREFIX + option.upper()


def _settings(path: Path) -> Iterator[Setting]:
    for key, value in (_table(path) or {}).items():
        if isinstance(value, Mapping):
            for name, inner in value.items():
                yield Setting(_plain(name), key, inner, path)
        else:
            yield Setting(_plain(key), "", value, path)


def _plain(name: str) -> str:
    return name.replace("-", "_")


def _table(path: Path) -> Mapping[str, Any] | None:
    """The content of a file; of a pyproject.toml the table ``[tool.emotion]``, None if it has none."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        if path.name != NAME:  # a pyproject.toml that is not ours to validate
            return None
        raise OptionError("", f"{os.path.relpath(path)} is no configuration file: {error}.") from error
    if path.name == NAME:
        return values
    table = values.get("tool", {}).get("emotion") if isinstance(values.get("tool"), Mapping) else None
    return table if isinstance(table, Mapping) else None
