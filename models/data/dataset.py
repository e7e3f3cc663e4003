"""Makes a data set of aligned eyes and lips from labelled photographs and videos.

Input: one or several roots, each with a folder per emotion, or with ``train``, ``validation`` and
``test`` folders of such folders. A ``votes.csv`` in a root (columns ``path`` and one per emotion)
gives soft labels. From videos, frames are taken at equal intervals. Output folder::

    eyes/<class>/<id>.png     gray crops with a margin for augmentation
    lips/<class>/<id>.png     and so on for each requested region
    manifest.parquet          a row a face: label, split, group, quality, blendshapes (`schema`)
    rejected.csv              every photograph that was left out, why, and its label
    montage/<class>.png       some of the crops, for inspection
    dataset.json              the options it was made with, and the sizes of the crops
        journal.jsonl             one line per photograph, to resume a stopped run

Splits go by group, never by picture: near duplicates, and frames of one video, stay on one side.
"""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from emotion.models.atomic_files import atomic_output, write_atomically
from emotion.models.cores import available_cores
from emotion.models.data.duplicates import (
    HASH_BITS,
    face_hash,
    face_picture,
    fine_structure,
    group_by_label,
)
from emotion.models.data.image_io import PictureError, read_gray, write_png
from emotion.models.data.label_folders import Photograph, Split, Video
from emotion.models.data.labelled import find_others, find_photographs, find_unread, find_videos
from emotion.models.data.montage import save_montage
from emotion.models.data.options import DatasetOptions
from emotion.models.data.processes import in_processes
from emotion.models.data.splits import PARTS, parts_of, split_groups, with_whole_videos
from emotion.models.data.stored import LeftOut, crop_path, read_options, schema
from emotion.models.data.video_frames import sample_frames
from emotion.models.errors import DatasetError
from emotion.models.faces.mediapipe_landmarker import FaceLandmarker
from emotion.models.faces.portrait import find_portrait
from emotion.models.names import readable
from emotion.models.options import to_mapping
from emotion.models.regions import (
    OUTLINE,
    REGIONS,
    Image,
    alignment_error,
    crop,
    eye_distance,
)
from emotion.models.voting.blendshapes import DECIMALS


@dataclass(frozen=True, slots=True)
class Summary:
    """The content of a data set: faces by part and emotion, and the reasons for rejections."""

    faces: dict[str, dict[str, int]]
    rejected: dict[str, int]


def make_dataset(
    roots: Sequence[Path],
    output: Path,
    options: DatasetOptions | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    parts: Path | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Summary:
    """Make a data set, or finish one that was stopped.

    Args:
        roots: folders of labelled photographs.
        output: the data set's folder; made where it is missing.
        options: `DatasetOptions()` where not given.
        workers: processes; as many as there are cores where not given.
        progress: called with (photographs done, photographs in all).
        parts: another data set's manifest; faces that are in it keep the part that they had there.
        say: called with a message before long steps without progress.

    Raises:
        DatasetError: no photographs, two photographs of one name, `output` was made with other options or
            from other folders, or `parts` is not a manifest.
    """
    options = options or DatasetOptions()
    items = _labelled(roots, options)
    given = parts_of(parts, needed=True) if parts else {}
    earlier = parts_of(output / "manifest.parquet")
    _check_grown(output, earlier, roots)
    output.mkdir(parents=True, exist_ok=True)
    _claim(output, options)
    faces = _analyse_all(items, output, options, workers or available_cores(), progress)
    before = earlier | given
    photographs = _photographs(items, faces)
    say(f"Comparing {len(photographs)} pictures with one another, to find copies ...")
    structures = _structures(photographs, faces, output, options)
    rows, rejected = _arrange(photographs, faces, options, before, structures)
    for source in rejected:
        if "id" in faces[source]:
            _remove_crops(output, faces[source], options)
    left_out = [
        LeftOut(source, reason, faces[source].get("label", "")) for source, reason in rejected.items()
    ]
    left_out += _not_read(roots, options)
    _write(output, rows, left_out, options)
    if not rows:
        raise DatasetError(f"Not one usable face was found; {output / 'rejected.csv'} says why.")
    _save_montages(output, rows, options)
    counts = Counter((row["split"], row["label"]) for row in rows)
    return Summary(
        faces={part: {label: counts[part, label] for label in options.classes} for part in PARTS[::-1]},
        rejected=dict(Counter(one.kind for one in left_out)),
    )


def _check_grown(output: Path, earlier: Iterable[str], roots: Sequence[Path]) -> None:
    """Refuse to replace a data set by one of other folders; folders may be added."""
    lost = {source.split("/")[0] for source in earlier} - {readable(root.name) for root in roots}
    if lost:
        raise DatasetError(
            f"{output} was made of {', '.join(sorted(lost))}, and would be replaced by a data set of "
            f"{', '.join(map(str, roots))}: name the former, too, choose another folder with -o or delete it."
        )


def _labelled(roots: Sequence[Path], options: DatasetOptions) -> list[Photograph | Video]:
    items: list[Photograph | Video] = []
    for root in roots:
        items += [*find_photographs(root, options.meaning), *find_videos(root, options.meaning)]
    repeated = [name for name, count in Counter(item.source for item in items).items() if count > 1]
    if repeated:
        raise DatasetError(f"Two roots share a name and hold {repeated[0]}: rename one of them.")
    return items


def _not_read(roots: Sequence[Path], options: DatasetOptions) -> Iterator[LeftOut]:
    """Files that are not photographs of a class."""
    for root in roots:
        for source, reason in find_others(root, options.meaning):
            yield LeftOut(source, reason)
        for source, label, ending in find_unread(root, options.meaning):
            yield LeftOut(source, f"a format that is not read: {ending}", label)


def _write(
    output: Path, rows: list[dict[str, Any]], left_out: Sequence[LeftOut], options: DatasetOptions
) -> None:
    table = pa.Table.from_pylist(rows, schema(options.classes, options.places.names))
    # Opened here, as everywhere: Arrow takes only paths of UTF-8.
    with atomic_output(output / "manifest.parquet") as made, open(made, "wb") as manifest:
        pq.write_table(table, manifest)
    path = output / "rejected.csv"
    with atomic_output(path) as made, open(made, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([LeftOut._fields, *sorted(left_out)])


def _save_montages(output: Path, rows: Sequence[dict[str, Any]], options: DatasetOptions) -> None:
    for label in options.classes:
        crops = {
            r: [crop_path(output, r, row) for row in rows if row["label"] == label] for r in REGIONS.names
        }
        save_montage(output / "montage" / f"{label}.png", crops["eyes"], crops["lips"], options.seed)


def _claim(output: Path, options: DatasetOptions) -> None:
    """Record the options, or refuse to mix crops made with others."""
    path = output / "dataset.json"
    crops = {region.name: list(region.padded_size(options.margin)) for region in options.places}
    wanted = {"options": to_mapping(options), "crop_size": crops}
    if path.exists() and read_options(output) != options:
        raise DatasetError(f"{output} was made with other options: choose another folder or delete it.")
    write_atomically(path, json.dumps(wanted, indent=2) + "\n")


# --- analysis of photographs, in worker processes -------------------------------------------------

# The finding for a photograph: "reason" if it is rejected, else the measures.
Finding: TypeAlias = dict[str, Any]

# Reasons that may have gone: a package, a permission or memory was missing.
_TRIED_AGAIN = ("unreadable", "too large to analyse")

_landmarker: FaceLandmarker


def _analyse_all(
    items: Sequence[Photograph | Video],
    output: Path,
    options: DatasetOptions,
    workers: int,
    progress: Callable[[int, int], None],
) -> dict[str, Finding]:
    """Findings by source; photographs in the journal are not analysed again."""
    journal = output / "journal.jsonl"
    earlier = _read_journal(journal)
    findings = {finding["source"]: finding for finding in earlier}
    regions = options.places.names
    states = {item.source: _state(item) for item in items}
    waiting = [item for item in items if not _is_done(item, states[item.source], findings, output, regions)]
    progress(len(items) - len(waiting), len(items))
    if waiting:
        analyse = partial(_analyse, output=output, options=options)
        # Line by line: nothing is lost by a kill, and two runs at once do not tear each other's lines.
        with open(journal, "a", buffering=1, encoding="utf-8") as file:
            found = in_processes(analyse, waiting, workers, _start_worker)
            for done, (item, looked) in enumerate(
                zip(waiting, found, strict=True), start=len(items) - len(waiting) + 1
            ):
                for new in [_ended(item)] if looked is None else looked:
                    finding = new | {"state": states.get(new["source"])}
                    file.write(json.dumps(finding) + "\n")
                    findings[finding["source"]] = finding
                progress(done, len(items))
    wanted = {item.source for item in items} | {p.source for p in _photographs(items, findings)}
    findings = {source: finding for source, finding in findings.items() if source in wanted}
    for finding in earlier:
        if "hash" in finding and not _is_current(finding, findings):
            _remove_crops(output, finding, options)
    return findings


def _is_current(finding: Finding, findings: dict[str, Finding]) -> bool:
    """Whether a photograph still exists, can be used, and has the label that it had."""
    now = findings.get(finding["source"], {})
    return "hash" in now and now["label"] == finding["label"]


def _state(item: Photograph | Video) -> list[int | str]:
    """If it differs from an earlier one, the photograph or video has been replaced since."""
    if isinstance(item, Photograph) and item.pixels is not None:
        return [hashlib.sha1(item.pixels).hexdigest()]
    try:
        there = item.path.stat()
    except OSError:
        return []
    return [there.st_size, there.st_mtime_ns]


def _photographs(items: Iterable[Photograph | Video], findings: dict[str, Finding]) -> list[Photograph]:
    """The photographs, and the frames of the videos."""
    photographs: list[Photograph] = []
    for item in items:
        if isinstance(item, Photograph):
            photographs.append(item)
        else:
            photographs += [item.frame(seconds) for seconds in findings[item.source]["frames"]]
    return photographs


def _is_done(
    item: Photograph | Video,
    state: list[int | str],
    findings: dict[str, Finding],
    output: Path,
    regions: Sequence[str],
) -> bool:
    """Whether it was analysed with its present content and label, and all of its crops still exist."""
    finding = findings.get(item.source)
    if (
        finding is None
        # Journals of older releases have neither.
        or finding.get("label", item.label) != item.label
        or finding.get("state", state) != state
        or finding.get("reason", "").startswith(_TRIED_AGAIN)
    ):
        return False
    frames = (findings.get(f"{item.source}#{seconds:.2f}") for seconds in finding.get("frames", ()))
    return all(one is not None and _is_cut_out(one, output, regions) for one in (finding, *frames))


def _is_cut_out(finding: Finding, output: Path, regions: Sequence[str]) -> bool:
    return "hash" not in finding or all(crop_path(output, name, finding).exists() for name in regions)


def _read_journal(path: Path) -> list[Finding]:
    """All complete lines, the last of a source being its present one; a truncated line is removed."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        write_atomically(path, whole)
    return list(map(json.loads, whole.splitlines()))


def _start_worker() -> None:
    global _landmarker  # noqa: PLW0603  a worker process has one landmarker for all its pictures
    cv2.setNumThreads(1)
    _landmarker = FaceLandmarker()


def _analyse(item: Photograph | Video, output: Path, options: DatasetOptions) -> list[Finding]:
    """The finding for a photograph, or for each of a video's frames and then for all of it."""
    try:
        return _findings(item, output, options)
    except PictureError as error:
        return [_left_out(item, str(error))]
    except (MemoryError, cv2.error) as error:
        return [_left_out(item, f"too large to analyse: {type(error).__name__}")]


def _findings(item: Photograph | Video, output: Path, options: DatasetOptions) -> list[Finding]:
    if isinstance(item, Photograph):
        return [_cut_out(item, item.read(), output, options)]
    frames = [
        _cut_out(item.frame(seconds), image, output, options)
        for seconds, image in sample_frames(item.path, options.every)
    ]
    seconds = [float(frame["source"].rpartition("#")[2]) for frame in frames]
    whole: Finding = {"source": item.source, "label": item.label, "frames": seconds}
    return [*frames, whole if frames else _left_out(item, "unreadable")]


def _left_out(item: Photograph | Video, reason: str) -> Finding:
    finding: Finding = {"source": item.source, "label": item.label, "reason": reason}
    if isinstance(item, Photograph):
        return finding | {"id": item.id}
    return finding | {"frames": []}


def _ended(item: Photograph | Video) -> Finding:
    return _left_out(item, "damaged: the process that analysed it ended unexpectedly")


def _cut_out(photograph: Photograph, image: Image, output: Path, options: DatasetOptions) -> Finding:
    """Detect the face in a picture, write its crops, and return the finding."""
    finding: Finding = {"source": photograph.source, "id": photograph.id, "label": photograph.label}
    face = find_portrait(_landmarker, image)
    if face is None:
        return finding | {"reason": "no face found"}
    distance, error = eye_distance(face.points), alignment_error(face.points)
    if distance < options.min_eye_distance:
        return finding | {"reason": f"too small: {distance:.1f} pixels between the eyes' corners"}
    if error > options.max_alignment_error:
        return finding | {"reason": f"too turned: alignment error {error:.1f}"}
    cut = {place.name: crop(image, face.points, place, options.margin) for place in options.places}
    for name, one in cut.items():
        write_png(crop_path(output, name, finding), one.image)
    eyes, lips = (cut[name].image[options.middle] for name in REGIONS.names)
    return finding | {
        "eye_distance": distance,
        "alignment_error": error,
        **{f"{name}_visible": one.visible for name, one in cut.items()},
        "blendshapes": [round(float(score), DECIMALS) for score in face.blendshapes],
        "outline": [round(float(value), 2) for value in face.points[OUTLINE].ravel()],
        "hash": [int(word) for word in face_hash(eyes, lips)],
    }


def _remove_crops(output: Path, face: Finding, options: DatasetOptions) -> None:
    for region in options.places.names:
        crop_path(output, region, face).unlink(missing_ok=True)


# --- groups and parts -----------------------------------------------------------------------------


def _structures(
    photographs: Sequence[Photograph], findings: dict[str, Finding], output: Path, options: DatasetOptions
) -> dict[str, npt.NDArray[np.float32]]:
    """The `fine_structure` of every face that was found, by source; 0 for a video's frames.

    A person in front of one camera looks alike from video to video, but the frames are not copies.
    """
    found = {}
    for photograph in photographs:
        face = findings[photograph.source]
        if "reason" in face:
            continue
        eyes, lips = (read_gray(crop_path(output, region, face)) for region in ("eyes", "lips"))
        if eyes is None or lips is None:
            raise DatasetError(f"{crop_path(output, 'eyes', face)} is missing: make the data set again.")
        structure = fine_structure(face_picture(eyes[options.middle], lips[options.middle]))
        found[photograph.source] = structure if photograph.video is None else np.zeros_like(structure)
    return found


def _arrange(
    photographs: Sequence[Photograph],
    findings: dict[str, Finding],
    options: DatasetOptions,
    before: dict[str, Split],
    structures: dict[str, npt.NDArray[np.float32]],
) -> tuple[list[Finding], dict[str, str]]:
    """The manifest's rows, and the reason for every photograph that is not among them."""
    rejected = {source: face["reason"] for source, face in findings.items() if "reason" in face}
    kept = [photograph for photograph in photographs if photograph.source not in rejected]
    hashes = np.array([findings[photograph.source]["hash"] for photograph in kept], dtype=np.uint64)
    copies, contradicted = group_by_label(
        hashes.reshape(len(kept), HASH_BITS // 64),
        [photograph.label for photograph in kept],
        options.max_hash_distance,
        np.stack([structures[photograph.source] for photograph in kept]) if kept else None,
        options.min_correlation,
    )
    members: dict[int, list[Photograph]] = {}
    for photograph, group in zip(kept, with_whole_videos(copies, kept).tolist(), strict=True):
        members.setdefault(group, []).append(photograph)
    splits = split_groups(members, options.validation, options.test, options.seed, before)
    twice = {photograph.source for photograph, one in zip(kept, contradicted.tolist(), strict=True) if one}
    rows = []
    for group, same in members.items():
        for photograph in same:
            if photograph.source in twice:
                rejected[photograph.source] = f"near duplicates with different labels: group {group}"
            elif photograph.split not in (
                None,
                splits[group],
                "train" if splits[group] == "validation" else None,
            ):
                rejected[photograph.source] = f"near duplicate of a {splits[group]} face: group {group}"
            else:
                extra = {"split": splits[group], "group": group, "votes": photograph.votes}
                rows.append(findings[photograph.source] | extra)
    return rows, rejected
