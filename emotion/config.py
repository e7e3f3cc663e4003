"""Configuration files: defaults of options, which the environment and the command line override.

The rule of precedence, the first that says something wins:

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

NAME = "emotion.toml"
PREFIX = "EMOTION_"


@dataclass(frozen=True, slots=True)
class Setting:
    """What a file says of an option.

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
    """Where the user's own configuration lies, whether there is one or not."""
    from platformdirs import user_config_path  # noqa: PLC0415  not needed where nobody looks

    return user_config_path("emotion-live", appauthor=False) / NAME


def project_file(start: Path | None = None) -> Path | None:
    """The nearest configuration in a folder or above it; None where there is none."""
    place = (start or Path()).absolute()
    for folder in (place, *place.parents):
        if (folder / NAME).is_file():
            return folder / NAME
        project = folder / "pyproject.toml"
        if project.is_file() and _table(project) is not None:
            return project
    return None


def read_settings(start: Path | None = None) -> list[Setting]:
    """All that files say, the weakest first: later ones of an option win, and those of a command.

    Raises:
        OptionError: a file cannot be read, or is no TOML.
    """
    files = [path for path in (user_file(), project_file(start)) if path and path.is_file()]
    found = [setting for path in files for setting in _settings(path)]
    # What is said for one command wins over what is said for all, within a file and between them.
    return sorted(found, key=lambda setting: bool(setting.command))


def environment_name(option: str) -> str:
    """The variable that stands for an option."""
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
    """What a file says; of a pyproject.toml the table ``[tool.emotion]``, None where it has none."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        if path.name != NAME:  # somebody else's file, and somebody else's trouble
            return None
        raise OptionError("", f"{os.path.relpath(path)} is no configuration file: {error}.") from error
    if path.name == NAME:
        return values
    table = values.get("tool", {}).get("emotion") if isinstance(values.get("tool"), Mapping) else None
    return table if isinstance(table, Mapping) else None
