"""The parameters of Python's calls: types, checks, and what is a name or an image among the inputs."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias, Union

import numpy as np
import numpy.typing as npt

from emotion.models.errors import OptionError
from emotion.models.options import Without, unknown_option, with_values
from emotion.models.regions import Image
from emotion.pictures import Capture, PictureLike, Timed, as_image, is_name
from emotion.realtime.errors import SourceError
from emotion.realtime.messages import VideoFrame
from emotion.realtime.options import Options
from emotion.realtime.session import Models
from emotion.study.options import read_cluster

Pictures: TypeAlias = Iterable[VideoFrame] | Iterable[PictureLike] | Iterable[Timed] | Capture
"""Images one after the other, with or without their times."""
Source: TypeAlias = PictureLike | int | Pictures
"""A video: a file, link, camera, stream, bytes, an open file, or images one after the other."""
Files: TypeAlias = Union[str, "os.PathLike[str]", PictureLike, Iterable[Any]]

OFFERED = Without("window", "show_metrics", "seconds", "outputs", "offline")
"""The options of Python's calls: all except those on windows and output files."""
_OF_LOADING = ("models", "provider", "precision", "landmarks", "threads")
# Kinds of NumPy and pandas arrays that hold text, or objects such as paths.
_NAMES = ("U", "O", "T")
# (n, height, width, 3).
_DIMENSIONS_OF_SEVERAL = 4
# OpenCV's type of their numbers.
_LAST_CAMERA = 2**31 - 1


def options_of_call(
    options: Options | None,
    chosen: Mapping[str, Any],
    models: Models | str | os.PathLike[str] | None = None,
) -> Options:
    """The options of one of Python's calls.

    Args:
        options: all of them; None: the defaults.
        chosen: those that are replaced, by name.
        models: a folder, or its name, replaces that in `options`; loaded ones change nothing.

    Raises:
        OptionError: one is unknown or out of bounds.
    """
    if not isinstance(options, Options | None):
        raise OptionError(
            "options",
            f"options is an emotion.Options, not {_kind(options)}: give options by name, as max_faces=2.",
        )
    known = [field.name for field in OFFERED.chosen(Options, experts=True)]
    for name in chosen:
        if name not in known:
            raise OptionError(name, unknown_option(name, known))
    named = {} if isinstance(models, Models | None) else {"models": name_in("models", models)}
    return with_values(options or Options(), {**chosen, **named})


def name_in(parameter: str, value: Any) -> str:
    """The value of a parameter that names a file or folder.

    Raises:
        OptionError: it does not.
    """
    if not is_name(value):
        raise OptionError(parameter, f"{parameter} is the name of a folder or file, not {_kind(value)}.")
    return str(os.fspath(value))


def check_callable(parameter: str, value: object, called_with: str) -> None:
    """Check the value of a parameter that is a function, before anything is done.

    Raises:
        OptionError: it is none.
    """
    if not callable(value):
        raise OptionError(
            parameter, f"{parameter} is a function, called with {called_with}, not {_kind(value)}."
        )


def _kind(value: object) -> str:
    return "None" if value is None else f"{value!r}" if isinstance(value, str | int) else type(value).__name__


def cluster_address(address: object) -> str:
    """The value of a parameter that names a cluster.

    Raises:
        OptionError: it does not.
    """
    try:
        return read_cluster(str(address))
    except ValueError as error:
        raise OptionError("cluster", f"cluster: {error}.") from error


def refuse_late(chosen: Mapping[str, Any]) -> None:
    """Refuse options that take effect when models are loaded, since they are loaded already.

    Raises:
        OptionError: names the first.
    """
    if late := next((name for name in _OF_LOADING if name in chosen), None):
        raise OptionError(late, f"{late} comes too late: the models are loaded already.")


def with_camera(source: Any) -> Any:
    """A source, in which the number of a camera is an int, also if NumPy made it.

    Raises:
        SourceError: no camera has this number.
    """
    if not isinstance(source, int | np.integer):
        return source
    if isinstance(source, bool) or not 0 <= source <= _LAST_CAMERA:
        raise SourceError(f"{source} is no camera: their numbers begin with 0; 'emotion cameras' lists them.")
    return int(source)


def names_and_images(
    files: Files, rgb: bool
) -> tuple[list[str | os.PathLike[str]], dict[int, Callable[[], Image]]]:
    """The names of files, and, by their places from 1, what reads the images among what was given.

    What is no name and no image, as an empty cell of a table, is among the images: reading it fails.
    """
    several: list[Any] = [files]
    if not isinstance(files, str | os.PathLike) and is_list(files):
        # Arrow's arrays have scalars in place of texts.
        several = files.to_pylist() if hasattr(files, "to_pylist") else files  # type: ignore[assignment]
    named, pictures = [], {}
    for place, one in enumerate(several, start=1):
        if is_name(one):
            named.append(one)
        else:
            # Who makes one after the other may make all in one array.
            copied = isinstance(several, Iterator) and isinstance(one, np.ndarray)
            pictures[place] = _copied(one, rgb) if copied else partial(as_image, one, rgb)
    return named, pictures


def _copied(array: npt.NDArray[Any], rgb: bool) -> Callable[[], Image]:
    """What returns the image that an array holds now, or raises the reason why it holds none."""
    try:
        image = as_image(array, rgb)
    except SourceError:
        return partial(as_image, array, rgb)
    return lambda: image


def is_list(files: object) -> bool:
    """Whether these are several inputs; arrays, bytes and open files are one, although they are iterable.

    A column of a table (pandas, polars, Arrow), an array of names and one of pictures (n, height, width, 3)
    are several.
    """
    if isinstance(files, bytes | bytearray | memoryview) or hasattr(files, "read"):
        return False
    names = getattr(getattr(files, "dtype", None), "kind", "") in _NAMES and getattr(files, "ndim", 1) > 0
    column = hasattr(files, "to_pylist") or hasattr(files, "to_list")
    several = names or getattr(files, "ndim", 0) == _DIMENSIONS_OF_SEVERAL
    if hasattr(files, "columns"):  # a table
        return False
    return isinstance(files, Iterable) and (several or column or not hasattr(files, "__array__"))
