"""Photographs on a cluster: analysed in batches by many machines, with one table of all."""

import itertools
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from emotion import stores
from emotion.annotated_pictures import drawn, save_picture
from emotion.cluster.calls import CallResult, Loaded, call_on
from emotion.cluster.pool import travelling
from emotion.fetching import is_stored
from emotion.inputs import Input
from emotion.loading import load_models
from emotion.models.errors import EmotionError
from emotion.models.names import readable
from emotion.models.options import from_mapping
from emotion.models.regions import Image
from emotion.photographs import PhotographOutputs, PhotographSummary, Receiver, write_photographs
from emotion.provenance import provenance_of_run
from emotion.realtime.errors import SourceError
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.monitoring.metrics import SILENT
from emotion.realtime.options import Options
from emotion.realtime.session import EachPicture, Models, Session
from emotion.realtime.sources.photographs import Photographs, read_picture
from emotion.results import without_image

Found: TypeAlias = tuple[int, EmotionFrame | str]
"""The index of a photograph, and its result or why it could not be analysed."""
# A batch takes some minutes on a core; of few photographs there are enough batches for many machines.
_MOST, _LEAST, _BATCHES = 500, 8, 256


@dataclass(slots=True)
class Batch:
    """What was seen in some photographs.

    Attributes:
        frames: without their pictures, by their place among all photographs.
        left_out: likewise, why one could not be read.
    """

    frames: list[EmotionFrame] = field(default_factory=list)
    left_out: dict[int, str] = field(default_factory=dict)


def batches(count: int) -> list[range]:
    """The places of photographs, batch by batch."""
    size = max(_LEAST, min(_MOST, math.ceil(count / _BATCHES)))
    return [range(first, min(first + size, count)) for first in range(0, count, size)]


def distribute_photographs(
    cluster: str,
    photographs: Sequence[Input],
    outputs: PhotographOutputs,
    options: Options,
    address: Callable[[Path], str] = lambda path: str(path.absolute()),
    progress: Callable[[int, int], None] = lambda done, total: None,
    say: Callable[[str], object] = lambda sentence: None,
    mixed: bool = False,
) -> PhotographSummary:
    """Look at each photograph by itself, on a cluster; see `emotion.photographs.annotate_photographs`.

    The machines read the photographs and write the annotated ones; the tables are written here. Where none
    can be read, there are none.

    Args:
        cluster: see `emotion.study.options.read_cluster`.
        photographs, outputs, options, progress, say: as there.
        address: where a file is as all machines see it: a path, or a store's address.
        mixed: machines may differ in what results follow from.

    Raises:
        SinkError: a result cannot be written.
        ClusterError: there is no cluster, or its machines are not compatible.
    """
    files = [address(one.path) for one in photographs]
    pictures = [address(outputs.pictures[one.path]) if outputs.pictures else "" for one in photographs]
    calls = [
        {
            "first": places.start,
            "files": [files[n] for n in places],
            "pictures": [pictures[n] for n in places],
        }
        for places in batches(len(files))
    ]

    names = [readable(one) for one in files]
    # Machines write annotated photographs before the first row of a table is.
    outputs.make_folders()
    with closing(call_on(cluster, partial(_loaded, travelling(options)), calls, options, mixed)) as results:
        each = _each(results, calls, files)
        before = _up_to_the_first_read(each)
        # As on one machine: where none can be read, an earlier table stays.
        if before and isinstance(before[-1][1], str):
            left_out = {names[place]: str(reason) for place, reason in before}
            for reason in left_out.values():
                say(reason)
            return PhotographSummary(left_out=left_out)

        def analyse(receiver: Receiver) -> None:
            for place, seen in itertools.chain(before, each):
                if isinstance(seen, str):
                    receiver.failed(place, SourceError(seen))
                    continue
                receiver.sinks.write(seen, seen.frame.image)
                receiver.add(seen)

        return write_photographs(
            photographs, outputs, options, analyse, progress, SILENT, say, names, pictures=False
        )


def in_order(results: Iterator[CallResult]) -> Iterator[CallResult]:
    """Results in the order of their calls; those that come early wait."""
    waiting: dict[int, CallResult] = {}
    wanted = 0
    for one in results:
        waiting[one.call] = one
        while wanted in waiting:
            yield waiting.pop(wanted)
            wanted += 1


def _up_to_the_first_read(each: Iterator[Found]) -> list[Found]:
    """Those that could not be read, and the first that could be read, if any."""
    taken = list[Found]()
    for one in each:
        taken.append(one)
        if not isinstance(one[1], str):
            break
    return taken


def _each(
    results: Iterator[CallResult], calls: Sequence[Mapping[str, Any]], files: Sequence[str]
) -> Iterator[Found]:
    """Each photograph, in their order."""
    for result in in_order(results):
        call = calls[result.call]
        found = {frame.frame.index: frame for frame in result.value.frames} if result.value else {}
        for place in range(call["first"], call["first"] + len(call["files"])):
            yield place, found.get(place) or _reason(result, place, files)


def _reason(result: CallResult, place: int, files: Sequence[str]) -> str:
    if result.value is None:
        return f"{files[place]} is left out: {result.error}"
    return str(result.value.left_out.get(place, f"{files[place]} is left out."))


def _loaded(values: Mapping[str, Any]) -> Loaded:
    options = from_mapping(Options, values)
    models = load_models(options.engine)
    return partial(_look, models, options), provenance_of_run(models, options)


def _look(
    models: Models, options: Options, first: int, files: Sequence[str], pictures: Sequence[str]
) -> Batch:
    batch = Batch()

    def failed(index: int, error: Exception) -> None:
        batch.left_out[first + index] = str(error)

    with tempfile.TemporaryDirectory(prefix="emotion-") as folder:
        readers = [partial(_read, file, Path(folder, str(number))) for number, file in enumerate(files)]
        source = Photographs(readers, failed)
        with Session(source, options, models, EachPicture(options.faces.finders)) as session:
            for frame in session:
                index = frame.frame.index
                if pictures[index]:
                    _save(drawn(options, frame), pictures[index], files[index], Path(folder))
                kept = without_image(frame)
                batch.frames.append(replace(kept, frame=replace(kept.frame, index=first + index)))
    return batch


def _read(file: str, copy: Path) -> Image:
    if not is_stored(file):
        return read_picture(Path(file))
    copy = copy.with_suffix(Path(file).suffix)
    try:
        stores.fetch(file, copy)
        return read_picture(copy)
    except EmotionError as error:
        raise SourceError(str(error).replace(str(copy), file)) from error
    finally:
        copy.unlink(missing_ok=True)


def _save(image: Image, place: str, file: str, folder: Path) -> None:
    if not is_stored(place):
        save_picture(image, Path(place), Path(file))
        return
    made = folder / "annotated.jpg"
    save_picture(image, made, Path(file))
    stores.put(made, place)
