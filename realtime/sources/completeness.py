"""Whether a file is complete: compares what its container declares with what was decoded."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from emotion.models.words import counted
from emotion.realtime.errors import IncompleteSourceError
from emotion.realtime.sources.containers import Finding
from emotion.realtime.sources.timeline import clock

# Muxers count frames that decoders do not show: those that only affect the order, empty ones at the start.
_FRAMES_OFF = 4
# A file whose pictures end this much before its declared end is truncated.
_SECONDS_OFF = 1.0
# A jump of more steps than this is a gap.
_GAP_STEPS = 2.5
# Damage within this distance of the end is its truncation: if it is known to be truncated, the number of
# steps by which decoding is ahead of display.
_END_STEPS, _CUT_END_STEPS = 3.5, 16.5
# A step that differs this much from the mean is irregular, and one this long skips pictures.
_IRREGULAR, _SKIPPING = 0.1, 1.6
# With gaps this frequent the video is irregular, and they are no evidence.
_GAPS_A_FRAME = 0.05


@dataclass(slots=True)
class Reading:
    """Statistics of the decoded pictures. All times are seconds of the whole timeline.

    Attributes:
        step: mean time between pictures.
        frames: number of pictures.
        end: of the last picture.
        corrupt: number of pictures concealed by the decoder; of those before the first clean one only
            intra-coded pictures, or all if there is no clean one.
        first_corrupt: time of the first of them; last_corrupt: of the last.
        gaps: number of gaps; missing: their total length.
        widest: begin and length of the widest gap.
        irregular: number of irregular steps; skipped: number of pictures that are probably missing in
            them; first_skipped: time of the first of these.
    """

    step: float
    frames: int = 0
    end: float = 0.0
    corrupt: int = 0
    first_corrupt: float = 0.0
    last_corrupt: float = 0.0
    gaps: int = 0
    missing: float = 0.0
    widest: tuple[float, float] = (0.0, 0.0)
    irregular: int = 0
    skipped: int = 0
    first_skipped: float = 0.0
    _clean: bool = False
    _waiting: list[float] = field(default_factory=list)

    def note(self, seconds: float, is_corrupt: bool, is_key: bool = False) -> None:
        """Add the next picture; a key frame does not depend on earlier ones."""
        leap = seconds - (self.end - self.step)
        # If decoding and display order differ, the first picture has a longer step.
        if self.frames > 1 and leap > _GAP_STEPS * self.step:
            self._note_gap(leap - self.step)
        if self.frames > 1:
            self._note_step(leap / self.step)
        if is_corrupt and (self._clean or is_key):
            self._note_corrupt(seconds)
        elif is_corrupt:
            # A recording may begin between key frames: later pictures decide.
            self._waiting.append(seconds)
        else:
            self._clean, self._waiting = True, []
        self.frames, self.end = self.frames + 1, seconds + self.step

    def finish(self) -> None:
        """Count pictures as damaged that are not followed by a clean one."""
        for seconds in self._waiting:
            self._note_corrupt(seconds)
        self._waiting = []

    def _note_corrupt(self, seconds: float) -> None:
        self.first_corrupt = min(self.first_corrupt, seconds) if self.corrupt else seconds
        self.corrupt, self.last_corrupt = self.corrupt + 1, seconds

    def _note_step(self, steps: float) -> None:
        self.irregular += abs(steps - 1) > _IRREGULAR
        if steps > _SKIPPING:
            if not self.skipped:
                self.first_skipped = self.end
            self.skipped += round(steps) - 1

    def _note_gap(self, length: float) -> None:
        if length > self.widest[1]:
            self.widest = (self.end, length)
        self.gaps, self.missing = self.gaps + 1, self.missing + length


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence of damage other than the pictures.

    Attributes:
        errors: number of packets that could not be read or decoded; first_error: time of the first.
        corrupt_packets: number of packets that the demuxer marked as damaged.
        finding: of the container's structure; found_at: time of the picture before it, if known.
        declared_frames, declared_seconds: in the container; None if it has none.
        is_cut: whether its index refers to bytes beyond its end.
    """

    errors: int = 0
    first_error: float = 0.0
    corrupt_packets: int = 0
    finding: Finding | None = None
    found_at: float | None = None
    declared_frames: int | None = None
    declared_seconds: float | None = None
    is_cut: bool = False


@dataclass(slots=True)
class _Verdict:
    middle: list[float] = field(default_factory=list)
    cut: bool = False
    reasons: list[str] = field(default_factory=list)


def check_completeness(path: Path, reading: Reading, evidence: Evidence) -> IncompleteSourceError | None:
    """The error for an incomplete file; None if it is complete."""
    finding = evidence.finding
    if finding and finding.is_weak and reading.frames >= (evidence.declared_frames or 0):
        finding, evidence = None, replace(evidence, finding=None)
    if finding and finding.follows:
        return IncompleteSourceError(
            f"{path} holds another video behind this one (from byte {finding.position:,} on), which is left "
            "out; what comes before is done; split the file to have both.",
            [finding.why],
        )
    verdict = _weigh(reading, evidence)
    if not verdict.reasons:
        return None
    count = _of_about(reading, evidence, cut=not verdict.middle)
    if not verdict.middle and not verdict.cut:
        return IncompleteSourceError(
            f"{path} is incomplete: {count} can be found, for its index contradicts itself; what is there "
            "is done; copy or download the file again for the rest.",
            verdict.reasons,
        )
    if not verdict.middle:
        return IncompleteSourceError(
            f"{path} is incomplete: {count}; the file is cut short, it breaks off at {clock(reading.end)}; "
            "what comes before is done; copy or download the file again for the rest.",
            verdict.reasons,
        )
    lost = f", {reading.missing:.1f} s are missing" if _has_gaps(reading) else ""
    # A gap also makes a file shorter than declared.
    cut = f", and breaks off at {clock(reading.end)}" if verdict.cut and not lost else ""
    return IncompleteSourceError(
        f"{path} is damaged at {clock(min(verdict.middle))}{lost}{cut}: {count}; everything else is done; "
        "copy or download the file again for the rest.",
        verdict.reasons,
    )


def _weigh(reading: Reading, evidence: Evidence) -> _Verdict:
    """Whether it is damaged in the middle, whether its end is missing, and the evidence."""
    verdict = _Verdict()
    verdict.cut = evidence.is_cut or bool(evidence.finding and evidence.finding.is_cut)
    near_end = reading.end - (_CUT_END_STEPS if verdict.cut else _END_STEPS) * reading.step
    _weigh_decoding(verdict, reading, evidence, near_end)
    _weigh_container(verdict, reading, evidence)
    if not verdict.reasons:
        return verdict
    # Alone these are no evidence: a video may have been recorded like this.
    if _has_gaps(reading) and reading.widest[0] < near_end:
        verdict.reasons.append(f"{reading.missing:.1f} s are missing")
        verdict.middle.append(reading.widest[0])
    if evidence.corrupt_packets:
        verdict.reasons.append(
            f"{counted(evidence.corrupt_packets, 'packet is', 'packets are')} marked as damaged"
        )
    return verdict


def _weigh_decoding(verdict: _Verdict, reading: Reading, evidence: Evidence, near_end: float) -> None:
    """Add decoding errors; from `near_end` on, in seconds, they show that the end is missing."""
    if reading.corrupt:
        verdict.reasons.append(f"{counted(reading.corrupt, 'frame is', 'frames are')} damaged")
        if reading.first_corrupt < near_end:
            verdict.middle.append(reading.first_corrupt)
        verdict.cut |= reading.last_corrupt >= near_end
    if evidence.errors:
        verdict.reasons.append(f"{counted(evidence.errors, 'packet')} cannot be decoded")
        if evidence.first_error < near_end:
            verdict.middle.append(evidence.first_error)
        else:
            verdict.cut = True


def _weigh_container(verdict: _Verdict, reading: Reading, evidence: Evidence) -> None:
    """Add evidence from the container's structure, and declared content that was not read."""
    if evidence.finding:
        verdict.reasons.append(evidence.finding.why)
        if not evidence.finding.is_cut:
            verdict.middle.append(reading.end if evidence.found_at is None else evidence.found_at)
    if evidence.is_cut:
        verdict.reasons.append("its index refers to data beyond its end")
    frames, seconds = evidence.declared_frames, evidence.declared_seconds
    if frames is not None and reading.frames < frames - _FRAMES_OFF:
        verdict.reasons.append(f"it declares {counted(frames, 'frame')}")
    elif seconds is not None and reading.end < seconds - _SECONDS_OFF:
        verdict.reasons.append(f"it declares {seconds:.1f} s")
        verdict.cut = True


def remark(reading: Reading) -> str | None:
    """Notes about a video without other evidence: it may have been recorded like this."""
    if reading.frames == 1:
        return "it has one picture only"
    if not reading.skipped or reading.irregular > 1 + _IRREGULAR * reading.frames:
        return None
    where = clock(reading.first_skipped)
    missing = counted(reading.skipped, "is", "are")
    return f"its frames are regular, but {missing} missing, from {where} on"


def _has_gaps(reading: Reading) -> bool:
    return 0 < reading.gaps <= 1 + _GAPS_A_FRAME * reading.frames


def _of_about(reading: Reading, evidence: Evidence, cut: bool) -> str:
    """The number of frames, and the total if it is known."""
    expected = evidence.declared_frames or 0
    if not expected and cut and evidence.declared_seconds:
        expected = round(evidence.declared_seconds / reading.step)
    if not expected and not cut and _has_gaps(reading):
        expected = reading.frames + round(reading.missing / reading.step)
    if expected > reading.frames:
        return f"{reading.frames} of about {expected} frames"
    return counted(reading.frames, "frame")
