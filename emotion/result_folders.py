"""Refuses names of folders for results that look like names of files."""

from pathlib import Path

from emotion.inputs import MOVING
from emotion.models.data.image_io import SUFFIXES
from emotion.realtime.errors import SinkError
from emotion.realtime.sinks.formats import known_formats

# Extensions of files that users may expect but that are not written; unlikely for a folder.
_OTHER_FILES = {
    *(".arrow", ".ass", ".csv", ".dat", ".db", ".doc", ".docx", ".dta", ".feather", ".gz", ".h5", ".hdf5"),
    *(".htm", ".html", ".ipynb", ".json", ".keras", ".log", ".m4a", ".mat", ".md", ".mp3", ".npy", ".npz"),
    *(".odt", ".ods", ".onnx", ".parquet", ".pdf", ".pkl", ".ppt", ".pptx", ".rds", ".rtf", ".sav"),
    *(".sqlite", ".svg", ".tar", ".tgz", ".toml", ".tsv", ".txt", ".wav", ".xls", ".xlsx", ".xml"),
    *(".yaml", ".yml", ".zip"),
}


def check_folder(place: Path, alone: bool = True) -> None:
    """Refuse a new folder for results whose name looks like a file's.

    Args:
        place: of the results.
        alone: only a folder can be given there, not a file.

    Raises:
        SinkError: it looks like a file's name.
    """
    formats = [f".{name}" for name in known_formats()]
    endings = MOVING | SUFFIXES | _OTHER_FILES | {*formats}
    if place.is_dir() or not {place.suffix.lower(), place.name.lower()} & endings:
        return
    if not place.suffix:
        raise SinkError(f"{place} is the end of a name: begin it, as results{place.name}, or name a folder.")
    if alone:
        raise SinkError(f"{place} is the name of a file, and results go into a folder: name one.")
    raise SinkError(
        f"{place} has an unknown extension: end its name with one of {', '.join(formats)}, or name a folder."
    )
