"""What is drawn beside a face: a panel with bars, or a label of one line, composed of sprites.

All measures are multiples of the text size. Parts that do not change from frame to frame are merged into one
sprite per label, so that a panel takes some twenty small blends.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import accumulate

from emotion.models.classes import UNCERTAIN, Classes
from emotion.models.palette import PANEL, bgr
from emotion.models.regions import Image
from emotion.models.statistics.shares import whole_percents
from emotion.realtime.drawing.sprites import BGR, Sprite, ascent, copy, merge, plate, press, text, text_width
from emotion.realtime.messages import FaceEmotion, Probabilities

SURFACE = bgr(PANEL)

_BRIGHT: BGR = (250, 250, 250)
_SOFT: BGR = (214, 206, 198)
TRACK: BGR = (124, 120, 116)
_WIDEST = "100%"
# Brightness of the bars of a hidden face, for which the last result is shown.
_OLD = 0.5
# The mark before the emotion with the largest share, if the label is still another one.
_AHEAD = "\u25b8"
_UNCERTAIN_COLOUR: BGR = (170, 166, 162)


@cache
def colours(classes: Classes) -> tuple[BGR, ...]:
    """The colour of each class in pictures, and that of `UNCERTAIN` last: as `Classes.labels`."""
    return (*(bgr(colour) for colour in classes.on_dark), _UNCERTAIN_COLOUR)


def label_colour(face: FaceEmotion) -> BGR:
    """The colour of a face's label."""
    return colours(face.classes)[_label_index(face)]


def _label_index(face: FaceEmotion) -> int:
    return len(face.classes) if face.label == UNCERTAIN else face.classes.index(face.label)


@dataclass(frozen=True, slots=True)
class Content:
    """The rows of a panel.

    Attributes:
        classes: with a bar each.
        rows: with a prediction each: the regions, and the blendshapes if they take part in the vote.
    """

    classes: Classes
    rows: tuple[str, ...]

    @classmethod
    def of(cls, face: FaceEmotion) -> "Content":
        """The rows for a face."""
        third = () if face.blendshapes is None else ("blendshapes",)
        return cls(face.classes, (*face.regions, *third))


@dataclass(frozen=True, slots=True)
class PanelPlan:
    """The layout of a panel, in pixels from its top left corner.

    Attributes:
        size: of the text in the rows.
        head: of the emotion's name on top.
        pad: free space inside the edges.
        numbered: whether there is a line with the person's number.
        bars: whether there are bars; without them it is a brief panel.
        width, height: of the whole panel.
        bar_left, bar_width: of the bars.
        name_left: of the classes' names in the rows of predictions.
        number_line, header_line: baselines of the person's number and of the header.
        bar_lines, prediction_lines: baselines of the bars, if there are any, and of the predictions.
        rules: positions of the thin lines between the sections.
        content: the rows.
    """

    size: int
    head: int
    pad: int
    numbered: bool
    bars: bool
    width: int
    height: int
    bar_left: int
    bar_width: int
    name_left: int
    number_line: int
    header_line: int
    bar_lines: tuple[int, ...]
    prediction_lines: tuple[int, ...]
    rules: tuple[int, ...]
    content: Content

    @property
    def right(self) -> int:
        """The right edge of numbers."""
        return self.width - self.pad

    @property
    def bar_height(self) -> int:
        """The thickness of the bars."""
        return round(0.6 * self.size)

    def bar_top(self, row: int) -> int:
        """The top of a bar, which is centred on the letters of its row."""
        return self.bar_lines[row] - round(0.37 * self.size + self.bar_height / 2)


@cache
def panel_plan(size: int, numbered: bool, bars: float, content: Content) -> PanelPlan:
    """The layout of a panel.

    Args:
        size: of the rows' text in pixels.
        numbered: whether there is a line with the person's number.
        bars: length of the bars in units of `size`; 0 for a brief panel without bars.
        content: the rows.
    """
    classes, rows = content.classes, content.rows
    head, pad = round(1.3 * size), round(0.8 * size)
    names = max(text_width(name, size) for name in classes)
    heads = max(text_width(name, head, bold=True) for name in classes.labels)
    number = text_width(_WIDEST, size)
    bar_left = pad + names + round(0.6 * size)
    called = max(text_width(name, size) for name in rows)
    name_left = pad + called + round(1.6 * size)
    right = max(
        bar_left + round((bars + 0.4) * size) + number if bars else 0,
        pad + round(1.1 * size) + heads + text_width(_WIDEST, head, bold=True),
        name_left + names + round(0.5 * size) + number,
    )
    lines = _lines(size, numbered, len(classes) if bars else 0, len(rows))
    first = lines[-len(rows)]
    return PanelPlan(
        size=size,
        head=head,
        pad=pad,
        numbered=numbered,
        bars=bars > 0,
        width=right + pad,
        height=lines[-1] + round(0.9 * size),
        bar_left=bar_left,
        bar_width=right - number - round(0.4 * size) - bar_left,
        name_left=name_left,
        number_line=lines[0],
        header_line=lines[1],
        bar_lines=lines[2 : -len(rows)],
        prediction_lines=lines[-len(rows) :],
        rules=tuple(line - round(1.3 * size) for line in (*(lines[2:3] if bars else ()), first)),
        content=content,
    )


def _lines(size: int, numbered: bool, bars: int, predictions: int) -> tuple[int, ...]:
    """Baselines of the person's number, the header, the bars and the predictions, from the top."""
    row, section = round(1.4 * size), round(2.05 * size)
    steps = [round((1.4 if numbered else 0.2) * size), round(1.6 * size)]
    steps += [section, *[row] * (bars - 1)] if bars else []
    return tuple(accumulate([*steps, section, *[row] * (predictions - 1)]))


def paint_panel(
    canvas: Image, plan: PanelPlan, left: int, top: int, face: FaceEmotion, opacity: float
) -> None:
    """Draw a panel into a picture, in place.

    Args:
        canvas: uint8 (h, w, 3), BGR.
        plan: the panel's layout.
        left, top: of the panel, in pixels.
        face: with its result.
        opacity: of the dark surface, in [0, 1].
    """
    best = _label_index(face)
    press(canvas, _panel_base(plan, best, opacity), left, top)
    if plan.numbered:
        _write(canvas, f"person {face.track_id}", plan.size, _SOFT, left + plan.pad, top + plan.number_line)
    right = left + plan.right
    _write_right(canvas, _label_percent(face), plan.head, right, top + plan.header_line, bold=True)
    shares = face.probabilities
    ahead = best if shares is None else int(shares.argmax())
    rows: Iterable[tuple[float, str]] = ()
    if plan.bars and shares is not None:
        rows = zip(shares.tolist(), _percents(shares), strict=True)
    for row, (share, percent) in enumerate(rows):
        _paint_bar(canvas, plan, left, top, row, share, _OLD if face.old else 1.0)
        colour = _BRIGHT if row in (best, ahead) and not face.old else _SOFT
        _write_right(canvas, percent, plan.size, right, top + plan.bar_lines[row], colour)
    if plan.bars and ahead != best:
        middle = left + (plan.pad - text_width(_AHEAD, plan.size)) // 2
        _write(canvas, _AHEAD, plan.size, _BRIGHT, middle, top + plan.bar_lines[ahead])
    # The blendshapes are as visible as the regions from which they are computed.
    all_seen = math.prod(face.seen.values())
    for name, baseline in zip(plan.content.rows, plan.prediction_lines, strict=True):
        seen = face.seen.get(name, all_seen)
        _paint_prediction(canvas, plan, face.probabilities_of(name), seen, left, top + baseline)


def _paint_bar(
    canvas: Image, plan: PanelPlan, left: int, top: int, row: int, share: float, seen: float
) -> None:
    filled = round(steady(share) * plan.bar_width)
    colour = _dim(colours(plan.content.classes)[row], seen)
    mark = plan.content.classes.marks[row]
    pill = plate(plan.bar_width, plan.bar_height, plan.bar_height / 2, colour, mark=mark)
    if filled:
        press(canvas, pill.part(filled), left + plan.bar_left, top + plan.bar_top(row))


def _paint_prediction(
    canvas: Image, plan: PanelPlan, prediction: Probabilities | None, seen: float, left: int, baseline: int
) -> None:
    """Draw one region's emotion and share with a dot in its colour; dimmed if the region is partly hidden."""
    name_left = left + plan.name_left
    if prediction is None:
        _write(canvas, "not seen", plan.size, _dim(_SOFT, 0), name_left, baseline)
        return
    best = int(prediction.argmax())
    bright = _dim(_BRIGHT, seen)
    dot = round(0.55 * plan.size)
    classes = plan.content.classes
    spot = plate(dot, dot, dot / 2, _dim(colours(classes)[best], seen), mark=classes.marks[best])
    press(
        canvas, spot, name_left - round(0.45 * plan.size) - dot, baseline - round(0.37 * plan.size + dot / 2)
    )
    _write(canvas, plan.content.classes[best], plan.size, bright, name_left, baseline)
    _write_right(canvas, _percents(prediction)[best], plan.size, left + plan.right, baseline, bright)


def _dim(colour: BGR, seen: float) -> BGR:
    """A colour mixed with the gray of hidden regions; in few steps, because texts are cached per colour."""
    share = round(4 * steady(seen)) / 4
    blue, green, red = (
        round(quiet + share * (full - quiet)) for full, quiet in zip(colour, TRACK, strict=True)
    )
    return blue, green, red


@lru_cache(maxsize=24)
def _panel_base(plan: PanelPlan, best: int, opacity: float) -> Sprite:
    """The part of a panel that depends on the label only."""
    size, classes = plan.size, plan.content.classes
    base = copy(plate(plan.width, plan.height, 0.6 * size, SURFACE, opacity))
    mark = plate(round(0.3 * size), round(1.2 * size), size, colours(classes)[best])
    merge(base, mark, plan.pad, plan.header_line - round(1.07 * size))
    head_left = plan.pad + round(0.75 * size)
    _inscribe(base, classes.labels[best], plan.head, _BRIGHT, head_left, plan.header_line, bold=True)
    for row, name in enumerate(classes if plan.bars else ()):
        _inscribe(base, name, size, _BRIGHT if row == best else _SOFT, plan.pad, plan.bar_lines[row])
        track = plate(plan.bar_width, plan.bar_height, plan.bar_height / 2, TRACK, 0.55)
        merge(base, track, plan.bar_left, plan.bar_top(row))
    for name, baseline in zip(plan.content.rows, plan.prediction_lines, strict=True):
        _inscribe(base, name, size, _SOFT, plan.pad, baseline)
    line = plate(plan.right - plan.pad, round(size / 14), 0, TRACK, 0.45)
    for rule in plan.rules:
        merge(base, line, plan.pad, rule)
    return base


@dataclass(frozen=True, slots=True)
class Label:
    """One line with a face's label and its share, after the person's number if there are several people.

    Attributes:
        size: of the text, in pixels.
        number: of the person, or empty.
        name: the label.
        colour: of the mark before it.
        percent: the share as text; empty if the label is `uncertain`.
        share: whether there is room for the share.
        bold: the heavier weight for the name.
        name_left: where the name begins, in pixels from the label's left edge.
        width, height: of the whole label.
    """

    size: int
    number: str
    name: str
    colour: BGR
    percent: str
    share: bool
    bold: bool
    name_left: int
    width: int
    height: int


def label_for(face: FaceEmotion, size: int, numbered: bool, bold: bool, share: bool = True) -> Label:
    """The label of a face, in text of this size in pixels.

    Args:
        face: with its result.
        size: of the text.
        numbered: whether to show the person's number.
        bold: the heavier weight for the name.
        share: whether to show the share.
    """
    number = str(face.track_id) if numbered else ""
    return _label(size, number, face.label, label_colour(face), _label_percent(face) if share else None, bold)


def label_room(
    face: FaceEmotion, size: int, numbered: bool, bold: bool, share: bool = True
) -> tuple[int, int]:
    """Width and height that are enough for every label of a face; arguments as of `label_for`."""
    number = str(face.track_id) if numbered else ""
    # The last label is `uncertain`, which has no share.
    percents = [_WIDEST if share else None for _ in face.classes] + [None]
    named = zip(face.classes.labels, percents, strict=True)
    widths = [_label(size, number, name, TRACK, percent, bold).width for name, percent in named]
    return max(widths), round(1.7 * size)


@lru_cache(maxsize=512)
def _label(size: int, number: str, name: str, colour: BGR, percent: str | None, bold: bool) -> Label:
    name_left = round(1.2 * size) + (text_width(number + " ", size) if number else 0)
    # Room for two digits, so that a label does not change its width all the time.
    digits = 0 if percent is None else round(0.5 * size) + text_width(percent.rjust(3, "0"), size)
    width = name_left + text_width(name, size, bold) + round(0.55 * size) + digits
    return Label(
        size,
        number,
        name,
        colour,
        percent or "",
        percent is not None,
        bold,
        name_left,
        width,
        round(1.7 * size),
    )


def paint_label(canvas: Image, label: Label, left: int, top: int, opacity: float) -> None:
    """Draw a label into a picture, in place.

    Args:
        canvas: uint8 (h, w, 3), BGR.
        label: what to write.
        left, top: of the label, in pixels.
        opacity: of the dark surface, in [0, 1].
    """
    press(canvas, plate(label.width, label.height, 0.45 * label.size, SURFACE, opacity), left, top)
    paint_line(canvas, label, left, top, label.width)


def paint_line(canvas: Image, label: Label, left: int, top: int, width: int) -> None:
    """Draw a label's text onto an existing surface, in place; its share is right-aligned."""
    size, baseline = label.size, top + round(1.2 * label.size)
    mark = plate(round(0.3 * size), round(1.0 * size), size, label.colour)
    press(canvas, mark, left + round(0.5 * size), top + (label.height - mark.height) // 2)
    if label.number:
        _write(canvas, label.number, size, _SOFT, left + round(1.2 * size), baseline)
    _write(canvas, label.name, size, _BRIGHT, left + label.name_left, baseline, label.bold)
    if label.percent:
        _write_right(canvas, label.percent, size, left + width - round(0.55 * size), baseline)


@lru_cache(maxsize=16)
def note_sprite(string: str, size: int, opacity: float) -> Sprite:
    """A line of small text on a dark rounded rectangle, as a sprite."""
    pad = round(0.7 * size)
    note = copy(plate(text_width(string, size) + 2 * pad, round(1.7 * size), 0.85 * size, SURFACE, opacity))
    _inscribe(note, string, size, _SOFT, pad, round(1.2 * size))
    return note


def _label_percent(face: FaceEmotion) -> str:
    """The share of the label as text; empty if the label is `uncertain`."""
    if face.label_share is None or face.probabilities is None:
        return ""
    return _percents(face.probabilities)[face.classes.index(face.label)]


def _percents(shares: Probabilities) -> list[str]:
    """Each share in whole per cent, rounded so that all together are 100."""
    return [f"{one}%" for one in whole_percents(map(steady, shares.tolist()))]


def steady(share: float) -> float:
    """A share clipped to [0, 1], also for NaN from a broken model."""
    return min(max(share, 0.0), 1.0) if math.isfinite(share) else 0.0


def _write(
    canvas: Image, string: str, size: int, colour: BGR, left: int, baseline: int, bold: bool = False
) -> None:
    press(canvas, text(string, size, colour, bold), left, baseline - ascent(size, bold))


def _write_right(
    canvas: Image,
    string: str,
    size: int,
    right: int,
    baseline: int,
    colour: BGR = _BRIGHT,
    bold: bool = False,
) -> None:
    """Draw text that ends at `right`; digits have equal widths, so that numbers form columns."""
    _write(canvas, string, size, colour, right - text_width(string, size, bold), baseline, bold)


def _inscribe(
    base: Sprite, string: str, size: int, colour: BGR, left: int, baseline: int, bold: bool = False
) -> None:
    merge(base, text(string, size, colour, bold), left, baseline - ascent(size, bold))
