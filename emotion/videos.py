"""Annotating a video: frames in, an annotated mp4, timelines and a summary out."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from emotion import __version__
from emotion.inputs import Input
from emotion.models.errors import EmotionError
from emotion.models.names import readable, shortened
from emotion.models.options import to_mapping
from emotion.models.regions import Image
from emotion.provenance import GROUPS, provenance_of
from emotion.realtime.drawing.anonymise import Anonymiser
from emotion.realtime.drawing.renderer import Renderer
from emotion.realtime.errors import IncompleteSourceError, SinkError, in_a_sentence
from emotion.realtime.media import VideoInfo
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.monitoring.metrics import SILENT, Observer
from emotion.realtime.options import Options
from emotion.realtime.session import EveryFrame, Models, Session
from emotion.realtime.sinks.crowd import Crowd
from emotion.realtime.sinks.deferred_signals import deferred_signals
from emotion.realtime.sinks.fanout import Fanout
from emotion.realtime.sinks.formats import format_named, open_file, wants_frames, wants_pictures
from emotion.realtime.sinks.options import DEFAULT_FORMATS
from emotion.realtime.sinks.overwrite_guard import keep_apart
from emotion.realtime.sinks.result_ledger import Claim, ResultLedger, check_own, results_of
from emotion.realtime.sinks.result_sources import Source
from emotion.realtime.sinks.summary import Summary, SummaryBuilder
from emotion.realtime.sinks.views import open_views
from emotion.realtime.sources.file import VideoFile
from emotion.realtime.stages.no_faces import SMALLEST_PICTURE, is_too_small

INTERRUPTED = "it was interrupted"
"""The reason in an incomplete summary if the video itself is not at fault."""

# File systems take 255 bytes, and ``.emotions.partial.parquet`` has 25.
_LONGEST = 220
# The most bytes of drawn pictures that wait for a file.
_MOST_WAITING = 16_000_000

__all__ = ["DEFAULT_FORMATS", "Models", "Outputs", "annotate"]


@dataclass(frozen=True, slots=True)
class Outputs:
    """Output files of an annotated video.

    Attributes:
        files: by format, in the order of `formats`.
        summary: key numbers of the video, as JSON.
        origin: the address of the video, if a copy of it is read.
    """

    files: Mapping[str, Path]
    summary: Path
    origin: str = ""

    @classmethod
    def of(
        cls,
        video: Path,
        folder: Path | None,
        formats: Sequence[str] = DEFAULT_FORMATS,
    ) -> "Outputs":
        """Beside the video, or in a folder.

        Args:
            video: what is annotated.
            folder: None for the video's own.
            formats: some of `emotion.realtime.sinks.formats.FORMATS`.
        """
        return cls._named(folder or video.parent, _shortened(video.stem, video), formats)

    @classmethod
    def of_all(
        cls,
        videos: Sequence[Path],
        folder: Path | None,
        formats: Sequence[str] = DEFAULT_FORMATS,
        places: Mapping[Path, Path] | None = None,
    ) -> list["Outputs"]:
        """For several videos, with names that are unique and do not depend on the videos' order.

        If two results would have the same name, both get the videos' full names, ``clip.mov.annotated.mp4``;
        if these are equal too, because the videos come from several folders, each goes to a subfolder with
        the name of its own folder.

        Args:
            videos: to annotate.
            folder: for all results; None: each video's own.
            formats: some of `emotion.realtime.sinks.formats.FORMATS`.
            places: the folder for each video's results, if it is neither of these.
        """
        homes = places or {one: folder or one.parent for one in videos}
        places = {one: Path(os.path.realpath(homes[one])) for one in videos}
        names = {one: one.stem for one in videos}
        for _ in range(2):  # a whole name may be another's stem
            taken = Counter((places[one], name.casefold()) for one, name in names.items())
            names = {
                one: one.name if taken[places[one], name.casefold()] > 1 else name
                for one, name in names.items()
            }
        taken = Counter((places[one], name.casefold()) for one, name in names.items())
        return [
            cls._named(
                homes[one] / _own_folder(one, videos)
                if taken[places[one], names[one].casefold()] > 1
                else homes[one],
                _shortened(names[one], one),
                formats,
            )
            for one in videos
        ]

    @classmethod
    def at(cls, files: Sequence[Path]) -> "Outputs":
        """These files only, one per format, by their suffixes; the summary is beside the first."""
        first = files[0]
        summary = first.with_name(f"{_shortened(first.stem, first)}.summary.json")
        return cls({path.suffix.lower()[1:]: path for path in files}, summary)

    @classmethod
    def _named(cls, folder: Path, name: str, formats: Sequence[str]) -> "Outputs":
        base = folder / name

        def beside(name: str) -> Path:
            return base.with_name(f"{base.name}.{name}")

        return cls({name: beside(format_named(name).ending) for name in formats}, beside("summary.json"))

    def all(self) -> tuple[Path, ...]:
        """Every file that is written."""
        return (*self.files.values(), self.summary)

    def claim(self, video: Path) -> Claim:
        """All files with the video that they are results of, for the ledger."""
        return Claim(tuple(self.files.values()), self.summary, video.name, [Source(video, self.origin)])

    @property
    def video(self) -> Path | None:
        """The annotated video; None if it is not among the formats."""
        return self.files.get("mp4")


def with_origins(videos: Sequence[Input], outputs: Sequence[Outputs]) -> list[tuple[Path, Outputs]]:
    """Videos with their results, and with the address of those that are copies."""
    return [(one.path, replace(its, origin=one.address)) for one, its in zip(videos, outputs, strict=True)]


@in_a_sentence("the video")
def annotate(
    video: Path,
    outputs: Outputs,
    models: Models,
    options: Options | None = None,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
    observer: Observer = SILENT,
    say: Callable[[str], object] = lambda sentence: None,
) -> Summary:
    """Annotate all frames of one video.

    If the run is interrupted, the files hold the results so far, and the mp4 can be played.

    Args:
        video: a file in any format that PyAV reads.
        outputs: the files to write; their folder is made. Existing files are only replaced if they are
            unchanged results of this program for this video, or with `options.outputs.overwrite`.
        models: from `Models.load`.
        options: `Options()` by default. Those on formats and on live sources are ignored.
        progress: called with (frames done, frames in all, estimated from their times; None if unknown); in
            the last call both are the number of frames.
        observer: receives the events of each stage and output.
        say: called with messages about live outputs, and about what was repaired or left out.

    Raises:
        IncompleteSourceError: some of the video is missing or damaged. It was read to its end, and the
            results hold all that can be read; the summary says that they are incomplete, and why.
        SourceError: the video cannot be read.
        SinkError: a result cannot be written, or would replace what is not this program's own.
        ModelFileError: the landmark model is damaged.
    """
    options = options or Options()
    claim = outputs.claim(video)
    keep_apart([video], outputs.all())
    if not options.outputs.overwrite:
        check_own([claim])
    with VideoFile.of(video, options.file) as source:
        # Not before: a source that cannot be read leaves no empty folders.
        for folder in {path.parent for path in outputs.all()}:
            _make_folder(folder)
        dependencies = _dependencies_of(video, models, options)
        provenance = provenance_of(video, models, options)
        replaced = "" if options.outputs.overwrite else _replaced(video, outputs, dependencies)
        ledger = ResultLedger(claim, options.outputs.overwrite)
        summary = SummaryBuilder()

        def summary_values(reasons: Sequence[str]) -> dict[str, Any]:
            values = _summary_values(video, summary.build(), reasons, source.info.notes)
            return values | {"made": dependencies, "provenance": provenance}

        try:
            with in_a_sentence(video):
                incomplete = _run(
                    source, outputs, ledger, models, options, progress, observer, say, summary, provenance
                )
        except BaseException as error:
            reason = str(error) if isinstance(error, EmotionError) else INTERRUPTED
            with deferred_signals(), suppress(SinkError):  # the first error is the one to report
                ledger.keep(summary_values([reason]))
            raise
        with deferred_signals():
            ledger.finish(
                summary_values([] if incomplete is None else [str(incomplete), *incomplete.reasons])
            )
        for note in filter(None, (*source.info.notes, replaced)):
            say(note)
    if incomplete is not None:
        raise incomplete
    return summary.build()


def _run(
    source: VideoFile,
    outputs: Outputs,
    ledger: ResultLedger,
    models: Models,
    options: Options,
    progress: Callable[[int, int | None], None],
    observer: Observer,
    say: Callable[[str], object],
    summary: SummaryBuilder,
    provenance: Mapping[str, Any],
) -> IncompleteSourceError | None:
    """Write all results except the summary; returns the error of an incomplete video."""
    counter, incomplete = _Counter(source.info, summary, progress), None
    with ExitStack() as stack:
        sinks = stack.enter_context(Fanout(observer=observer))
        _open_files(sinks, outputs, source.info, options, ledger, provenance)
        views = stack.enter_context(Fanout(observer=observer))
        policy = EveryFrame(
            tap=_live_view(views, options, source.info, say),
            size=(source.info.width, source.info.height),
            pictures=wants_frames(outputs.files),
        )
        session = stack.enter_context(Session(source, options, models, policy, observer=observer))
        try:
            session.run(sinks, _draw(outputs, options, source.info), counter.add)
        except IncompleteSourceError as error:
            # Results are finished like those of a whole video.
            incomplete = error
        finally:
            for sentence in (counter.crowd.sentence(), _too_small(source.info)):
                if sentence:
                    source.info.notes.add(sentence)
    counter.finish()
    return incomplete


class _Counter:
    """Adds up a video's results, and reports how many frames are done.

    Attributes:
        crowd: counts faces beyond the maximum number.
    """

    def __init__(
        self, info: VideoInfo, summary: SummaryBuilder, progress: Callable[[int, int | None], None]
    ) -> None:
        self.crowd = Crowd()
        self._info, self._summary, self._progress = info, summary, progress
        self._done = 0

    def add(self, result: EmotionFrame) -> None:
        """Add the next frame."""
        self._summary.add(result)
        self.crowd.add(result)
        self._done += 1
        self._progress(self._done, self._info.expected_frames(self._done, result.frame.seconds))

    def finish(self) -> None:
        """Report that these were all."""
        if self._done:
            self._progress(self._done, self._done)


def _open_files(
    sinks: Fanout,
    outputs: Outputs,
    info: VideoInfo,
    options: Options,
    ledger: ResultLedger,
    provenance: Mapping[str, Any],
) -> None:
    """Open the file of each format."""
    for name, path in outputs.files.items():
        sink = open_file(
            path,
            info,
            name=name,
            video=outputs.video,
            publish=ledger.publish,
            provenance=provenance,
            hidden=_hidden(options),
        )
        sinks.add(name, sink, capacity=_waiting_for(info))


def _draw(outputs: Outputs, options: Options, info: VideoInfo) -> Callable[[EmotionFrame], Image] | None:
    """Draws a result; nothing is drawn, and no image is made, unless an output shows it."""
    if not wants_pictures(outputs.files):
        return _nothing
    return _renderer(options, info, partly=_only_mp4(outputs)).draw if outputs.video else None


def _waiting_for(info: VideoInfo) -> int:
    """How many drawn pictures may wait for a file: about 16 MB of them."""
    return min(4, _MOST_WAITING // (3 * info.width * info.height))


def _nothing(result: EmotionFrame) -> Image:
    """A placeholder for the drawn picture if only tables are written; it takes no memory."""
    return result.frame.without_picture().image


def _too_small(info: VideoInfo) -> str:
    if not is_too_small(info.width, info.height):
        return ""
    return (
        f"Pictures of {info.width}x{info.height} are too small for faces and are not analysed: "
        f"the shorter side must have {SMALLEST_PICTURE} pixels."
    )


def _hidden(options: Options) -> Callable[[EmotionFrame], Image] | None:
    """Hides the faces in a frame's picture, if they are to be hidden; for one sink, because it has state."""
    if options.drawing.privacy == "none":
        return None
    anonymiser = Anonymiser(options.drawing.privacy)
    return lambda result: anonymiser.hide(result).frame.image


def _only_mp4(outputs: Outputs) -> bool:
    """Whether only the annotated video takes drawn pictures."""
    return not wants_pictures(name for name in outputs.files if name != "mp4")


def _renderer(options: Options, info: VideoInfo, partly: bool = False) -> Renderer:
    """Draws a video's results, with a timeline from the beginning to the end of what is read."""
    begin, end = info.span
    return Renderer(options.drawing, begin, None if end is None else max(0.0, end - begin), partly)


def _live_view(
    views: Fanout, options: Options, info: VideoInfo, say: Callable[[str], object]
) -> Callable[[EmotionFrame], None] | None:
    """Shows causal results during the run, as events or MJPEG; None if neither is wanted."""
    outputs = options.outputs
    open_views(views, say=say, events=outputs.events, mjpeg=outputs.mjpeg)
    if not views.listening:
        return None
    draw = _renderer(options, info).draw if outputs.mjpeg is not None else None

    def show(result: EmotionFrame) -> None:
        if views.listening:
            views.write(result, draw(result) if draw else result.frame.image)

    return show


def _shortened(name: str, video: Path) -> str:
    """What a video's results are called, short enough for their endings."""
    if len(os.fsencode(name)) <= _LONGEST:
        return name
    digest = hashlib.sha1(os.fsencode(video.name)).hexdigest()[:8]
    return f"{shortened(name, _LONGEST - 9)}~{digest}"


def _own_folder(video: Path, videos: Sequence[Path]) -> Path:
    """The video's folder as seen from the one that it shares with all others."""
    folders = [Path(os.path.abspath(one.parent)) for one in videos]
    return Path(os.path.relpath(os.path.abspath(video.parent), os.path.commonpath(folders)))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SinkError(
            f"{folder} cannot be made a folder for the results ({error.strerror}): choose another with -o."
        ) from error


def is_done(video: Path, outputs: Outputs, models: Models, options: Options) -> bool:
    """Whether a video's results exist, complete, unchanged, and equal to those that this run would make.

    They are not equal if the video was changed or is missing, or if the release, the models, or an option
    that changes results differs. A damaged video that was read to its end counts as done.
    """
    if not os.path.isfile(video):
        return False
    values = results_of(outputs.summary, tuple(outputs.files.values()), video.name)
    return values is not None and values.get("made") == _dependencies_of(video, models, options)


def _replaced(video: Path, outputs: Outputs, now: Mapping[str, Any]) -> str:
    """A sentence where earlier results that are not those of this run give way to them; else empty."""
    values = results_of(outputs.summary, (), video.name) or {}
    before = values.get("made") or now
    words = {"options": "options", "models": "models", "version": "releases"}
    others = [word for key, word in words.items() if before.get(key) != now[key]]
    if not others:
        return ""
    return (
        f"{readable(video.name)}: its earlier results, made with other {' and '.join(others)}, were "
        "replaced; to keep both, name another folder with -o."
    )


def _dependencies_of(video: Path, models: Models, options: Options) -> dict[str, Any]:
    found = video.stat()
    return video_dependencies(found.st_size, found.st_mtime_ns, models, options)


def video_dependencies(size: int, changed_ns: int, models: Models, options: Options) -> dict[str, Any]:
    """Everything that results depend on, for JSON: ``made`` in the summary.

    Args:
        size: of the video, in bytes.
        changed_ns: its modification time, in nanoseconds since 1970.
        models: of the run.
        options: of the run.
    """
    return dependencies(models, options) | {"video": {"bytes": size, "changed_ns": changed_ns}}


def dependencies(models: Models, options: Options) -> dict[str, Any]:
    """The same without the video: release, models and options that change results."""
    chosen: dict[str, Any] = {name: to_mapping(getattr(options, name)) for name in GROUPS}
    chosen |= {"precision": options.engine.precision, "landmarks": options.engine.landmarks}
    return {
        "version": __version__,
        "models": [*(model.manifest.sha256 for model in models.regions), models.weights.digest],
        "options": hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest(),
    }


def _summary_values(
    video: Path, summary: Summary, reasons: Sequence[str], notes: Iterable[str]
) -> dict[str, Any]:
    """The content of the summary file; it is complete if there are no `reasons`."""
    values = summary.to_dict()
    values["video"] = {"name": readable(video.name)} | values["video"]
    hints = [summary.hint] if summary.hint else []
    return {"complete": not reasons, "reasons": list(reasons), "notes": [*notes, *hints]} | values
