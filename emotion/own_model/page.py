"""A page about the data, with pictures, in one file."""

import base64
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from emotion.models.atomic_files import write_atomically
from emotion.models.data.duplicates import face_picture
from emotion.models.data.image_io import PictureError, read_gray, read_photograph
from emotion.models.data.label_folders import video_and_time
from emotion.models.data.label_tables import is_table, rows_by_source
from emotion.models.data.stored import read_manifest
from emotion.models.data.video_frames import frame_at
from emotion.models.names import readable
from emotion.models.regions import Image
from emotion.own_model.data_checks import DataChecks

_MOST, _SIDE = 48, 128
_FACES = 96


def save_page(path: Path, found: DataChecks, data: Path, roots: Sequence[Path]) -> Path:
    """Write the page.

    Args:
        path: of the HTML file.
        found: the results of the checks.
        data: the data set, for its faces.
        roots: of the photographs.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415  help needs none

    pages = Environment(
        loader=PackageLoader("emotion.own_model", ""), autoescape=True, undefined=StrictUndefined
    )
    style = resources.files("emotion.models.evaluation").joinpath("report.css").read_text(encoding="utf-8")
    text = pages.get_template("data.html.j2").render(
        found=found,
        style=style,
        faces=_faces(data, [one.name for one in found.counts]),
        largest=max(one.faces for one in found.counts),
        shown=_FACES,
        missed=_sheet(found.missed[:_MOST], roots),
        conflicts=_sheet(found.conflicts[:_MOST], roots),
        copies=[_sheet(sources[:4], roots) for sources in found.copies[: _MOST // 4]],
    )
    write_atomically(path, text + "\n")
    return path


def _faces(data: Path, classes: Sequence[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Some crops of each class, by the names of their files."""
    rows = read_manifest(data)
    draw = np.random.default_rng(0)
    sheets = []
    for name in classes:
        own = [row for row in rows if row["label"] == name]
        drawn = [own[index] for index in draw.permutation(len(own))[:_FACES].tolist()]
        shown = sorted((row["source"], _face(data, row)) for row in drawn)
        sheets.append((name, shown))
    return sheets


def _face(data: Path, row: Mapping[str, Any]) -> str:
    """A face's crops, as base64 of JPEG; empty if one is missing."""
    crops = [read_gray(data / region / row["label"] / f"{row['id']}.png") for region in ("eyes", "lips")]
    eyes, lips = crops
    return "" if eyes is None or lips is None else _jpeg(face_picture(eyes, lips))


def _sheet(sources: Sequence[str], roots: Sequence[Path]) -> list[tuple[str, str]]:
    """The photographs of some sources: their names, and small pictures as base64 of JPEG."""
    folders = {readable(root.resolve().name): root.resolve().parent for root in roots}
    listed = {source: row for root in roots if is_table(root) for source, row in rows_by_source(root).items()}
    sheet = []
    for source in sources:
        name, seconds = video_and_time(source)
        row, folder = listed.get(name), folders.get(name.split("/")[0])
        if row is not None:
            image = _picture(row.path, seconds, row.picture)
        else:
            image = None if folder is None else _picture(folder / name, seconds)
        sheet.append((source, "" if image is None else _thumbnail(image)))
    return sheet


def _picture(
    path: Path, seconds: float | None, photograph: Callable[[], Image] | None = None
) -> Image | None:
    """A photograph, or the frame of a video that is that many seconds from its beginning.

    Args:
        path: of the photograph or video.
        seconds: None for a photograph.
        photograph: reads it, if it is in a table and may have no file.
    """
    try:
        if seconds is not None:
            return frame_at(path, seconds)
        return photograph() if photograph else read_photograph(path)
    except PictureError:
        return None


def _thumbnail(image: Image) -> str:
    scale = _SIDE / max(image.shape[:2])
    size = [max(1, round(scale * side)) for side in image.shape[1::-1]]
    small: Image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return _jpeg(small)


def _jpeg(image: Image) -> str:
    return base64.b64encode(cv2.imencode(".jpg", image)[1].tobytes()).decode("ascii")
