"""A user's inputs as files: photographs and videos, folders, patterns, lists, links, a pipe.

============================  =================================================================
named                         means
============================  =================================================================
``clip.mp4``, ``face.jpg``    that file; its kind follows from its extension, else from its content. A GIF or
                              PNG of several pictures is a video, of one a photograph
``holiday/``                  the photographs and videos in it; ``recursive``: in its folders too
``"photos/*.jpg"``            the matching files; ``**`` matches any folders
``list.txt``, ``list.csv``    a name a line; of a CSV the column of names, see `emotion.lists`.
                              Names are relative to the list
``https://host/clip.mp4``     a file of finite length, which is fetched
``s3://bucket/clips/``        the same in a store that fsspec supports: folder, file or pattern
``-``                         standard input, copied to a temporary file
============================  =================================================================

Folders come in natural order (``take 2`` before ``take 10``), each file once, without this program's own
results and without hidden files.
"""

import glob
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from emotion import stores
from emotion.fetching import is_fetched, is_stored
from emotion.lists import is_list, names_in
from emotion.models.data.folders import walk
from emotion.models.data.image_io import MAY_MOVE, SUFFIXES, is_moving, is_photograph
from emotion.models.data.label_folders import UNREAD, VIDEOS
from emotion.models.errors import EmotionError
from emotion.models.names import local
from emotion.models.words import counted
from emotion.realtime.errors import SourceError, advice_on, in_a_sentence
from emotion.realtime.sinks.result_sources import STANDARD_INPUT
from emotion.realtime.sources.live import camera_of, is_network, shown_url

Kind: TypeAlias = Literal["photograph", "video"]

MOVING = VIDEOS | {
    *(".3g2", ".3gp", ".asf", ".f4v", ".flv", ".h264", ".h265", ".hevc", ".m2ts", ".m2v", ".mts"),
    *(".mxf", ".nut", ".ogm", ".ogv", ".rm", ".vob"),
}
"""Extensions of the videos that are taken from a folder; others are read if they are named.

The content of those of `MAY_MOVE` is checked."""
_UNREAD_PICTURES = UNREAD - MOVING
_OWN = re.compile(
    r"\.(annotated|emotions|portraits|summary)(\.partial)?\.[a-z0-9]+$|\.partial\.[a-z0-9]+$", re.IGNORECASE
)
_KINDS = "a video, a photograph, a folder, a pattern such as 'photos/*.jpg', a list (.txt, .csv), a link or -"


@dataclass(frozen=True, slots=True)
class Input:
    """A file to read.

    Attributes:
        path: of the file.
        kind: photograph or video.
        below: subfolder of its results in the folder for results: that in which it was found, relative
            to the one that was named.
        fetched: it is a copy in a temporary folder: results go elsewhere.
        address: of the original if it is a copy, else empty.
        itself: it was named itself, not found in a folder, by a pattern or in a store.
    """

    path: Path
    kind: Kind
    below: Path = Path()
    fetched: bool = False
    address: str = ""
    itself: bool = False

    @property
    def name(self) -> str:
        """Its name in messages."""
        return self.address or str(self.path)

    def with_name(self, sentence: str) -> str:
        """A message about its file, with its name in place of the path, which may be that of a copy."""
        return sentence.replace(str(self.path), self.name)


def find_inputs(
    named: Iterable[str | os.PathLike[str]],
    recursive: bool = False,
    say: Callable[[str], object] = lambda sentence: None,
    fetch: Callable[[str], Path] | None = None,
    failed: Callable[[EmotionError], None] | None = None,
) -> list[Input]:
    """The files that names refer to, each once, in their order.

    A missing file is among them: reading it fails, and the others are still read.

    Args:
        named: see the table of this module.
        recursive: include subfolders.
        say: called with a message about what is skipped.
        fetch: makes a local copy, as `emotion.fetching.Spool.fetch`.
        failed: called with the error of each name without files, and the others go on; else it is raised.

    Raises:
        SourceError: a folder, pattern or list has no readable files.
    """
    found: dict[str, Input] = {}

    def take(name: str, lists: tuple[str, ...]) -> None:
        """The files of one name, or of each name in a list, which was named in these lists."""
        try:
            with in_a_sentence(name):
                names = names_in(name, lists) if is_list(name) else ()
                for one in () if names else _expand(name, recursive, say, fetch):
                    found.setdefault(os.path.realpath(one.path), one)
        except EmotionError as error:
            if failed is None:
                raise
            failed(error)
        else:
            for listed in names:
                take(listed, (*lists, os.path.realpath(name)))

    for name in named:
        take(os.fspath(name), ())
    return list(found.values())


def kind_of(path: Path) -> Kind:
    """The kind of a file, from its extension, else from its content; a video if neither is known."""
    suffix = path.suffix.lower()
    if suffix in SUFFIXES - MAY_MOVE:
        return "photograph"
    if suffix in MOVING:
        return "video"
    try:
        if path.is_file():
            with open(path, "rb") as file:
                if suffix in MAY_MOVE:
                    return "video" if is_moving(file) else "photograph"
                return "photograph" if is_photograph(file) else "video"
    except OSError:
        pass  # reported when it is read
    # In a store, on a cluster, the content is not checked: most GIFs move, most PNGs do not.
    return "photograph" if suffix in SUFFIXES - {".gif"} else "video"


def natural(name: str) -> list[object]:
    """Key of the natural order, in which ``take 2`` comes before ``take 10``."""
    return [int(part) if part.isdecimal() else part.casefold() for part in re.split(r"(\d+)", name)]


def _expand(
    name: str, recursive: bool, say: Callable[[str], object], fetch: Callable[[str], Path] | None
) -> Iterator[Input]:
    if fetch and is_fetched(name):
        for address, below in _in_store(name, recursive, say) if is_stored(name) else [(name, Path())]:
            copy = fetch(address)
            called = _called(address)
            yield Input(copy, kind_of(copy), below, fetched=True, address=called, itself=address == name)
        return
    name = local(name)
    path = Path(os.path.expanduser(name))
    if not name.strip():
        raise SourceError(f"An empty name is no source: name {_KINDS}.")
    # Those of os.path: a name that is too long for a disk is no error here, but where it is read.
    there = os.path.exists(path)
    if os.path.isdir(path):
        yield from _in_folder(path, recursive, say)
    elif glob.has_magic(name) and not there:
        yield from _fitting(name, say)
    elif camera_of(name) is not None and not there:
        raise SourceError(f"{name} is a camera: use 'emotion live {name}', in Python emotion.stream.")
    elif is_network(name) and not there:
        raise SourceError(
            f"{shown_url(name)} is a live stream, which has no end: use 'emotion live', which also records, "
            "in Python emotion.stream."
        )
    else:
        yield Input(path, kind_of(path), itself=True)


def _in_folder(folder: Path, recursive: bool, say: Callable[[str], object]) -> Iterator[Input]:
    found, deeper, own = list[Input](), 0, 0
    closed: list[OSError] = []
    unread: list[str] = []
    for place, folders, files in walk(folder, closed.append):
        deeper += len(folders)
        folders[:] = sorted(folders, key=natural) if recursive else []
        for name in sorted(files, key=natural):
            suffix = os.path.splitext(name)[1].lower()
            if suffix not in SUFFIXES | MOVING:
                unread.append(name)
                continue
            if _OWN.search(name):
                own += 1
                continue
            found.append(Input(place / name, kind_of(place / name), place.relative_to(folder)))
    if own:
        say(f"{folder}: {_skipped(own)}")
    if left_out := _of_no_format(unread):
        say(f"{folder}: {left_out}")
    if not found and not closed:
        more = "; --recursive looks into its folders, too" if deeper and not recursive else ""
        raise SourceError(f"{folder} holds no photograph and no video{more}.")
    if deeper and not recursive:
        say(f"{folder}: its folders are left out; --recursive takes them, too.")
    yield from found
    if closed:
        advice = advice_on(closed[0], "check its permissions")
        more = f", and {len(closed) - 1} more" if len(closed) > 1 else ""
        raise SourceError(
            f"{closed[0].filename} cannot be looked into ({closed[0].strerror}){more}: what it holds is left "
            f"out; {advice}."
        )


def _called(address: str) -> str:
    return STANDARD_INPUT if address == "-" else shown_url(address)


def _skipped(count: int) -> str:
    return counted(count, "result of this program is skipped.", "results of this program are skipped.")


def _of_no_format(names: Iterable[str]) -> str:
    """A message about pictures in unsupported formats; empty if there are none."""
    endings = [os.path.splitext(name)[1].lower() for name in names]
    found = [ending for ending in endings if ending in _UNREAD_PICTURES]
    if not found:
        return ""
    which = f"in a format that is not read ({', '.join(sorted(set(found)))})"
    skipped = counted(len(found), f"picture {which} is skipped", f"pictures {which} are skipped")
    return f"{skipped}: save as JPEG, PNG or TIFF."


def _in_store(address: str, recursive: bool, say: Callable[[str], object]) -> Iterator[tuple[str, Path]]:
    """The files of a store's address, as those of a folder, each with its folder below that."""
    found = sorted(stores.listed(address, recursive), key=lambda one: natural(one[0]))
    if found == [(address, "")]:
        yield address, Path()
        return
    known = [one for one in found if os.path.splitext(one[0])[1].lower() in SUFFIXES | MOVING]
    wanted = [one for one in known if not _OWN.search(one[0]) and "/." not in one[0]]
    if len(wanted) < len(known):
        say(f"{shown_url(address)}: {_skipped(len(known) - len(wanted))}")
    if left_out := _of_no_format(one for one, _ in found):
        say(f"{shown_url(address)}: {left_out}")
    if not wanted:
        raise SourceError(f"{shown_url(address)} holds no photograph and no video.")
    for one, folder in wanted:
        yield one, Path(folder)


def _fitting(pattern: str, say: Callable[[str], object]) -> Iterator[Input]:
    names = sorted(glob.glob(os.path.expanduser(pattern), recursive=True), key=natural)
    files = [Path(name) for name in names if os.path.isfile(name)]
    wanted = [path for path in files if not _OWN.search(path.name)]
    if not wanted:
        raise SourceError(f"No file fits {pattern}: check the pattern.")
    if len(wanted) < len(files):
        say(f"{pattern}: {_skipped(len(files) - len(wanted))}")
    for path in wanted:
        yield Input(path, kind_of(path))


def place_of(one: Input, folder: Path | None) -> Path:
    """The folder of a file's results: its own, below the folder for results, or this one for a copy.

    Args:
        one: the file.
        folder: for results; None: beside each file.
    """
    if folder is not None:
        return folder / one.below
    return Path() if one.fetched else one.path.parent
