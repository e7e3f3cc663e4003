"""Annotating photographs: an annotated picture of each, and one table of all of them."""

import hashlib
import os
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from emotion.annotated_pictures import AnnotatedPictures, drawn, is_own_picture
from emotion.inputs import Input, place_of
from emotion.models.errors import EmotionError
from emotion.models.names import escaped, readable
from emotion.models.regions import Image
from emotion.models.words import counted
from emotion.photograph_journal import Journal, forget, key
from emotion.realtime.errors import SinkError
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.monitoring.metrics import SILENT, Observer
from emotion.realtime.options import Options
from emotion.realtime.session import EachPicture, Models, Session
from emotion.realtime.sinks.base import Sink
from emotion.realtime.sinks.csv_jsonl import CsvTimeline, JsonLinesTimeline
from emotion.realtime.sinks.deferred_signals import deferred_signals
from emotion.realtime.sinks.fanout import Fanout
from emotion.realtime.sinks.overwrite_guard import keep_apart
from emotion.realtime.sinks.partial_file import Publish, writing
from emotion.realtime.sinks.result_ledger import Claim, ResultLedger, check_own, results_of
from emotion.realtime.sinks.result_sources import Source
from emotion.realtime.sources.photographs import Photographs, read_picture
from emotion.videos import INTERRUPTED, Outputs, dependencies

TABLES = ("csv", "jsonl", "parquet")
"""The formats of a table of photographs, by suffix."""


@dataclass(frozen=True, slots=True)
class PhotographOutputs:
    """Output files of annotated photographs.

    Attributes:
        pictures: the annotated picture of each photograph; empty where none are wanted.
        tables: by format.
        summary: counts over all photographs, as JSON.
    """

    pictures: Mapping[Path, Path]
    tables: Mapping[str, Path]
    summary: Path

    @classmethod
    def of(
        cls,
        photographs: Sequence[Input],
        folder: Path | None,
        formats: Sequence[str],
        tables: Sequence[Path] = (),
        alone: bool = False,
    ) -> "PhotographOutputs":
        """Pictures beside the photographs, or in a folder; tables there, or in the common folder of all.

        Tables are called ``photos``. Those of a single photograph that was named itself have its name, like
        those of a video, so that the next photograph gets its own tables.

        Args:
            photographs: at least one.
            folder: for all results; None: see above.
            formats: some of `emotion.realtime.sinks.options.FORMATS`; ``mp4`` means the pictures.
            tables: only these files, with formats by their suffixes, and nothing else.
            alone: nothing else is annotated in this run.
        """
        if tables:
            found = {path.suffix.lower()[1:]: path for path in tables}
            return cls({}, found, tables[0].with_name(f"{tables[0].stem}.summary.json"))
        paths = [one.path for one in photographs]
        places = {one.path: place_of(one, folder) for one in photographs}
        named = Outputs.of_all(paths, folder, ("mp4", *TABLES), places)
        pictures = {
            path: outputs.files["mp4"].with_suffix(".jpg")
            for path, outputs in zip(paths, named, strict=True)
            if "mp4" in formats
        }
        wanted = [name for name in TABLES if name in formats]
        if alone and len(photographs) == 1 and photographs[0].itself:
            return cls(pictures, {name: named[0].files[name] for name in wanted}, named[0].summary)
        home = folder or _shared(photographs)
        return cls(pictures, {name: home / f"photos.{name}" for name in wanted}, home / "photos.summary.json")

    def all(self) -> tuple[Path, ...]:
        """Every file that is written."""
        return (*self.pictures.values(), *self.tables.values(), self.summary)

    def claim(self, photographs: Sequence[Input]) -> Claim:
        """The tables with the photographs that they are results of, for the ledger."""
        sources = [Source(one.path, one.address) for one in photographs]
        return Claim(tuple(self.tables.values()), self.summary, self.title, sources)

    def check_own(self, photographs: Sequence[Input]) -> None:
        """Refuse to replace what is not this program's own, was changed since, or is of other photographs.

        Raises:
            SinkError: names it.
        """
        check_own([self.claim(photographs)])
        for path in self.pictures.values():
            if path.exists() and not is_own_picture(path):
                raise SinkError(
                    f"{escaped(str(path))} would be replaced, and it is no picture of this program's, or was "
                    "changed since: name another place with -o, or say --overwrite."
                )

    def make_folders(self) -> None:
        """Make the folders of all files.

        Raises:
            SinkError: one cannot be made.
        """
        for folder in {path.parent for path in self.all()}:
            with writing(folder):
                folder.mkdir(parents=True, exist_ok=True)

    @property
    def title(self) -> str:
        """The name in the summary: of the photograph, or ``photos``."""
        return self.summary.name.removesuffix(".summary.json")


@dataclass(slots=True)
class PhotographSummary:
    """Counts over photographs.

    Attributes:
        photographs: the number of those that were analysed.
        empty: the number of those without a face.
        labels: the number of faces with each label.
        left_out: why a photograph could not be analysed, by its name.
        more_faces: at least how many faces a photograph has beyond `--max-faces`, by its name.
    """

    photographs: int = 0
    empty: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    left_out: dict[str, str] = field(default_factory=dict)
    more_faces: dict[str, int] = field(default_factory=dict)

    def add(self, result: EmotionFrame, name: str = "") -> None:
        """Count a photograph with this name."""
        self.photographs += 1
        if result.left_out:
            self.more_faces[name] = result.left_out
        self.empty += not result.faces
        self.labels.update(face.label for face in result.faces)

    def sentence(self) -> str:
        """The counts as a sentence."""
        count = counted(self.photographs, "photograph")
        faces = self.labels.total()
        if self.left_out and not self.photographs:
            return "none could be read"
        if not faces:
            return f"no face was found in {count}"
        labels = ", ".join(f"{name} {number}" for name, number in self.labels.most_common())
        empty = f"; no face in {self.empty}" if self.empty else ""
        return f"{counted(faces, 'face')} in {count}: {labels}{empty}"

    def crowd(self) -> str:
        """A sentence on faces beyond `--max-faces`; empty where there were none."""
        if not self.more_faces:
            return ""
        first, *others = self.more_faces
        more = f" and {counted(len(others), 'other photograph')}" if others else ""
        faces = counted(sum(self.more_faces.values()), "more face")
        return f"At least {faces} in {first}{more}: see --max-faces."

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "PhotographSummary":
        """The summary of which `to_dict` gave these values."""
        left_out = {one["file"]: one["reason"] for one in values["left_out"]}
        more_faces = {one["file"]: one["faces"] for one in values.get("more_faces", ())}
        labels = Counter(values["labels"])
        return cls(values["photographs"], values["without_face"], labels, left_out, more_faces)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "complete": not self.left_out,
            "photographs": self.photographs,
            "without_face": self.empty,
            "faces": self.labels.total(),
            "labels": dict(self.labels.most_common()),
            "left_out": [{"file": name, "reason": reason} for name, reason in self.left_out.items()],
            "more_faces": [{"file": name, "faces": faces} for name, faces in self.more_faces.items()],
        }


def annotate_photographs(
    photographs: Sequence[Input],
    outputs: PhotographOutputs,
    models: Models,
    options: Options | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    observer: Observer = SILENT,
    say: Callable[[str], object] = lambda sentence: None,
    resume: bool = False,
) -> PhotographSummary:
    """Annotate photographs, each independent of the others; memory does not grow with their number.

    Photographs that cannot be read are reported and left out. If the run is interrupted, the tables hold the
    results so far, and a journal beside them allows another run to resume. Where no photograph can be read,
    nothing is written, so that a wrong name does not replace an earlier table by an empty one.

    Args:
        photographs: to annotate.
        outputs: where the results go; folders are made. Existing files are replaced.
        models: from `Models.load`.
        options: `Options()` by default. Those on time are ignored.
        progress: called with (photographs done, photographs in all).
        observer: receives the events of each stage and output.
        say: called with a message about each photograph, and about faces, that are left out.
        resume: skip photographs that an earlier run has analysed, see `photograph_journal`.

    Raises:
        SinkError: a result cannot be written.
        ModelFileError: the landmark model is damaged.
    """
    unread = _unread(photographs)
    if unread is not None:
        for reason in unread.left_out.values():
            say(reason)
        return unread
    options = options or Options()
    paths = [one.path for one in photographs]
    depends_on = dependencies(models, options)

    def analyse(receiver: "Receiver") -> None:
        with Journal(outputs.summary, depends_on, resume) as journal:
            seen = [n for n, path in enumerate(paths) if journal.seen(path) and _is_drawn(path, outputs)]
            if seen:
                say(f"{counted(len(seen), 'photograph')} of an earlier run: already analysed.")
            before = _WithEarlier(seen, lambda n: journal.result(paths[n], n, models.schema), receiver)
            todo = sorted(set(range(len(paths))) - set(seen))
            readers = [partial(read_picture, paths[n]) for n in todo]
            source = Photographs(readers, receiver.failed, places=todo)
            policy = EachPicture(options.faces.finders)
            draw = partial(drawn, options) if outputs.pictures else None

            def add(result: EmotionFrame) -> None:
                journal.add(paths[result.frame.index], result)
                receiver.add(result)

            with Session(source, options, models, policy, observer=observer) as session:
                session.run(before, draw, add)
            before.tell(len(paths))

    made = depends_on | {"photographs": _as_they_are(paths)}
    summary = write_photographs(photographs, outputs, options, analyse, progress, observer, say, made=made)
    forget(outputs.summary)
    return summary


def _unread(photographs: Sequence[Input]) -> PhotographSummary | None:
    """A summary with the reasons if no photograph can be read; None as soon as one can be."""
    left_out: dict[str, str] = {}
    for one in photographs:
        try:
            read_picture(one.path)
        except (EmotionError, OSError) as error:
            left_out[readable(one.name)] = one.with_name(str(error))
        else:
            return None
    return PhotographSummary(left_out=left_out) if left_out else None


def photographs_done(
    photographs: Sequence[Input], outputs: PhotographOutputs, models: Models, options: Options
) -> PhotographSummary | None:
    """The summary of an earlier run with the same inputs and options, if all its files are unchanged."""
    values = results_of(outputs.summary, tuple(outputs.tables.values()), outputs.title)
    made = dependencies(models, options) | {"photographs": _as_they_are([one.path for one in photographs])}
    if values is None or values.get("made") != made:
        return None
    if not all(_is_drawn(one.path, outputs) for one in photographs if not _left_out(one, values)):
        return None
    return PhotographSummary.read(values)


def _left_out(one: Input, values: Mapping[str, Any]) -> bool:
    return readable(one.name) in {left["file"] for left in values["left_out"]}


def _is_drawn(photograph: Path, outputs: PhotographOutputs) -> bool:
    """Whether its annotated picture exists; True where no pictures are wanted."""
    return not outputs.pictures or is_own_picture(outputs.pictures[photograph])


def _as_they_are(paths: Sequence[Path]) -> str:
    """A checksum of the names, sizes and modification times of photographs."""
    return hashlib.sha256("\n".join(map(key, paths)).encode()).hexdigest()


class _WithEarlier(Sink):
    """Inserts the results of an earlier run between those of this one, in the order of photographs.

    Args:
        seen: indices of photographs that an earlier run has analysed, in order.
        result: gives the result of one of them, without its picture.
        receiver: takes all results.
    """

    def __init__(
        self, seen: Sequence[int], result: Callable[[int], EmotionFrame], receiver: "Receiver"
    ) -> None:
        self._seen = deque(seen)
        self._result = result
        self._receiver = receiver

    def tell(self, place: int) -> None:
        """Pass on the earlier results of photographs before this index."""
        while self._seen and self._seen[0] < place:
            result = self._result(self._seen.popleft())
            self._receiver.sinks.write(result, result.frame.image)
            self._receiver.add(result)

    def write(self, result: EmotionFrame, image: Image) -> None:
        """Pass on the next result; see `Sink.write`."""
        self.tell(result.frame.index)
        self._receiver.sinks.write(result, image)

    def close(self) -> Path | None:
        """It holds nothing; see `Sink.close`."""
        return None

    def abort(self) -> Path | None:
        """It holds nothing; see `Sink.abort`."""
        return None


@dataclass(slots=True)
class Receiver:
    """Takes the results of photographs.

    Attributes:
        sinks: take each result with its picture.
        add: is called with each result, in order.
        failed: is called with the index of each photograph that cannot be read, and the error.
    """

    sinks: Fanout
    add: Callable[[EmotionFrame], None]
    failed: Callable[[int, Exception], None]


def write_photographs(
    photographs: Sequence[Input],
    outputs: PhotographOutputs,
    options: Options,
    analyse: Callable[[Receiver], None],
    progress: Callable[[int, int], None],
    observer: Observer,
    say: Callable[[str], object],
    names: Sequence[str] | None = None,
    pictures: bool = True,
    made: Mapping[str, Any] | None = None,
) -> PhotographSummary:
    """Write the results of photographs: the tables, the summary, and the pictures.

    Args:
        photographs, outputs, options, progress, observer, say: as of `annotate_photographs`.
        analyse: analyses all photographs and hands their results to a `Receiver`.
        names: of the photographs in the tables; by default their paths, or addresses.
        pictures: write the pictures, too.
        made: models, options and inputs that the results depend on; kept in the summary.

    Raises:
        SinkError: a result cannot be written.
    """
    keep_apart([one.path for one in photographs], outputs.all())
    called = names or [readable(one.name) for one in photographs]
    summary = PhotographSummary()

    def failed(index: int, error: Exception) -> None:
        reason = photographs[index].with_name(str(error))
        summary.left_out[called[index]] = reason
        say(reason)

    def add(result: EmotionFrame) -> None:
        summary.add(result, called[result.frame.index])
        progress(summary.photographs + len(summary.left_out), len(called))

    if not options.outputs.overwrite:
        outputs.check_own(photographs)
    outputs.make_folders()
    ledger = ResultLedger(outputs.claim(photographs), options.outputs.overwrite)
    try:
        with Fanout(observer=observer) as sinks:
            for kind, path in outputs.tables.items():
                sinks.add(kind, _table(kind, path, called, ledger.publish))
            if outputs.pictures and pictures:
                places = [outputs.pictures[one.path] for one in photographs]
                sinks.add("pictures", AnnotatedPictures(places, [one.path for one in photographs]))
            analyse(Receiver(sinks, add, failed))
    except BaseException as error:
        reason = str(error) if isinstance(error, EmotionError) else INTERRUPTED
        with deferred_signals(), suppress(SinkError):  # the first error is the one to report
            ledger.keep(_summary_values(outputs, summary) | {"complete": False, "reasons": [reason]})
        raise
    with deferred_signals():
        ledger.finish(_summary_values(outputs, summary) | ({"made": dict(made)} if made else {}))
    if crowd := summary.crowd():
        say(crowd)
    return summary


def _summary_values(outputs: PhotographOutputs, summary: PhotographSummary) -> dict[str, Any]:
    return {"video": {"name": outputs.title}} | summary.to_dict()


def _table(kind: str, path: Path, names: Sequence[str], publish: Publish) -> Sink:
    if kind == "parquet":
        from emotion.realtime.sinks.parquet import ParquetTimeline  # noqa: PLC0415  it loads Arrow

        return ParquetTimeline(path, publish=publish, names=names.__getitem__)
    text = CsvTimeline if kind == "csv" else JsonLinesTimeline
    return text(path, publish=publish, names=names.__getitem__)


def _shared(photographs: Sequence[Input]) -> Path:
    """The common folder of all photographs; the current one where there is none."""
    folders = [os.path.abspath(one.path.parent) for one in photographs if not one.fetched]
    try:
        shared = Path(os.path.commonpath(folders))
    except ValueError:  # none, or on several drives
        return Path()
    return shared if shared != Path(shared.anchor) else Path()
