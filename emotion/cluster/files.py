"""Files of a Python call, analysed on a cluster."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from emotion.cluster.calls import Loaded, call_on
from emotion.inputs import Input, find_inputs
from emotion.realtime.errors import SourceError
from emotion.realtime.options import Options
from emotion.results import Result, Results
from emotion.study.stand_ins import StandIns

# A photograph takes a tenth of a second: a batch is some seconds of work; few photographs are split into many
# batches.
_MOST, _LEAST, _BATCHES = 64, 4, 64


def distribute_files(
    cluster: str,
    named: Sequence[str | os.PathLike[str]],
    recursive: bool,
    load: Callable[[], Loaded],
    options: Options,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Results:
    """The results of photographs and videos, as from `emotion.Recognizer.analyze_files`.

    Args:
        cluster: see `emotion.study.options.read_cluster`.
        named: files, folders, patterns, lists, links, addresses of stores.
        recursive: include subfolders.
        load: returns the function that analyses a list of files, once per actor.
        options: of all files.
        progress: called with (files done, files in all).

    Raises:
        SourceError: a folder, pattern or list is empty, or nothing could be read.
        ClusterError: there is no cluster, or its machines are not compatible.
    """
    with StandIns() as stand_ins:

        def stand_in(name: str) -> Path:
            if name == "-":
                raise SourceError("Other machines cannot read this one's standard input: name files.")
            return stand_ins.of(name)

        inputs = find_inputs(named, recursive, fetch=stand_in)
        names = [stand_ins.address(one.path) for one in inputs]
    # The name of a file on the other machines, and its name here.
    shown = {one.name if one.fetched else name: one.name for name, one in zip(names, inputs, strict=True)}
    calls = _calls(names, inputs)
    results: list[Result] = []
    left_out: dict[str, str] = {}
    done = 0
    with closing(call_on(cluster, load, calls, options)) as call_results:
        for result in call_results:
            files = calls[result.call]["files"]
            if result.error:
                left_out |= dict.fromkeys(files, result.error)
            else:
                results += result.value
                left_out |= result.value.left_out
            done += len(files)
            progress(done, len(names))
    if not results and left_out:
        raise SourceError(next(iter(left_out.values())))
    places = {name: place for place, name in enumerate(shown)}
    results.sort(key=lambda result: places[result.source])
    renamed = [result.called(shown[result.source]) for result in results]
    return Results(renamed, {shown.get(name, name): reason for name, reason in left_out.items()})


def _calls(names: Sequence[str], inputs: Sequence[Input]) -> list[Mapping[str, Any]]:
    """Each video by itself, the largest first, and photographs in batches."""
    videos = [name for name, one in zip(names, inputs, strict=True) if one.kind == "video"]
    photographs = [name for name, one in zip(names, inputs, strict=True) if one.kind == "photograph"]
    videos.sort(key=lambda name: os.path.getsize(name) if os.path.isfile(name) else 0, reverse=True)
    size = max(_LEAST, min(_MOST, math.ceil(len(photographs) / _BATCHES)))
    batches = [photographs[first : first + size] for first in range(0, len(photographs), size)]
    return [{"files": files} for files in (*([name] for name in videos), *batches)]
