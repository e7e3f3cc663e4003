"""Writes an evaluation as one self-contained HTML page, as Markdown and as JSON."""

import json
from collections.abc import Sequence
from importlib import resources
from typing import Any, NamedTuple

from emotion.models.evaluation import charts
from emotion.models.evaluation.evaluate import Evaluation, Slice
from emotion.models.evaluation.overlap import Overlap
from emotion.models.evaluation.scores import Scores
from emotion.models.statistics.intervals import Interval
from emotion.models.words import counted

_COVERAGES = (1.0, 0.9, 0.75, 0.5, 0.25)
_NOTE = (
    "Apparent expressions, not feelings: a prediction is correct here if it agrees with the label that "
    "other people gave the photograph."
)

# Without it the report would have two accuracies of one rule.
_ALL_SEEN = (
    "here each region counts as if it were seen wholly; in the vote above, one that is hidden or outside the "
    "picture counts less"
)


class Table(NamedTuple):
    """Names of columns, and rows of as many cells; an interval stands in brackets behind its value."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def texts(evaluation: Evaluation) -> dict[str, str]:
    """The contents of ``report.html``, ``report.md`` and ``report.json``, by name."""
    return {
        "report.html": to_html(evaluation),
        "report.md": to_markdown(evaluation),
        "report.json": json.dumps(evaluation.to_json(), indent=1) + "\n",
    }


# --- Markdown ---------------------------------------------------------------------------------------


def to_markdown(evaluation: Evaluation, brief: bool = False) -> str:
    """The scores as tables; a brief version is for model cards."""
    vote = evaluation.vote
    parts = [
        f"**{evaluation.about.get('faces', 'Labelled faces')}**: {_size(evaluation)}. {_NOTE} "
        "Brackets are 95% intervals; columns by emotion are recall.",
        _markdown(_predictions(evaluation)),
        *about_overlap(evaluation),
    ]
    if evaluation.overlap and evaluation.overlap.without:
        parts += ["Without these:", _markdown(_without_copies(evaluation))]
    if brief:
        return "\n\n".join(parts) + "\n"
    parts += ["The vote by emotion:", _markdown(_by_emotion(vote))]
    parts += ["Accuracy where the least confident predictions are 'uncertain':", _markdown(_coverage(vote))]
    if evaluation.rules:
        parts += [f"Rules for the vote{_rule_note(evaluation)}:", _markdown(_rules(evaluation))]
    if evaluation.videos:
        parts += ["Each video:", _markdown(_videos(evaluation))]
    for name, column, rows in _slices(evaluation):
        parts += [f"The vote {name}:", _markdown(_slice(column, rows))]
    return "\n\n".join(parts) + "\n"


def _markdown(table: Table) -> str:
    lines = [table.head, ["---"] * len(table.head), *table.rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


# --- tables, for Markdown and HTML alike ------------------------------------------------------------


def _predictions(evaluation: Evaluation) -> Table:
    rows = [
        [
            name,
            _rate(scores.accuracy),
            _rate(scores.balanced_accuracy),
            *(f"{row.recall.value:.0%}" if row.faces else "-" for row in scores.emotions),
            _error(scores.calibration_error),
        ]
        for name, scores in evaluation.scores.items()
    ]
    return Table(("", "accuracy", "balanced accuracy", *evaluation.classes, "calibration error"), rows)


def _by_emotion(scores: Scores) -> Table:
    rows = [
        [row.emotion, str(row.faces), _rate(row.recall), _rate(row.precision), _rate(row.f1)]
        for row in scores.emotions
        if row.faces
    ]
    return Table(("emotion", "faces", "recall", "precision", "F1"), rows)


def _coverage(scores: Scores) -> Table:
    chosen = [min(scores.coverage, key=lambda point: abs(point.coverage - wanted)) for wanted in _COVERAGES]
    rows = [[f"{p.coverage:.0%}", f"{p.confidence:.0%}", _rate(p.accuracy)] for p in dict.fromkeys(chosen)]
    return Table(("coverage", "least confidence", "accuracy"), rows)


def _bins(scores: Scores) -> Table:
    rows = [[f"{b.confidence:.0%}", _rate(b.accuracy), str(b.faces)] for b in scores.reliability]
    return Table(("mean confidence", "accuracy", "faces"), rows)


def _rules(evaluation: Evaluation) -> Table:
    counted = evaluation.about.get("rule")
    alone = {f"{name} alone": s for name, s in evaluation.scores.items() if name != "vote"}
    rows = [
        [
            f"{name} (counts)" if name == counted else name,
            _rate(scores.accuracy),
            _rate(scores.balanced_accuracy),
            _points(evaluation.gains.get(name)),
            f"{scores.log_loss:.3f}",
            _error(scores.calibration_error),
        ]
        for name, scores in (alone | evaluation.rules).items()
    ]
    measures = ("accuracy", "balanced accuracy", "points above the source's", "log loss", "calibration error")
    head = ("rule", *measures)
    return Table(head, rows)


def _videos(evaluation: Evaluation) -> Table:
    rows = [
        [one.name, one.label, one.predicted, f"{one.strength[one.predicted]:.0%}", f"{one.seconds:.1f}"]
        for one in evaluation.videos
    ]
    return Table(("video", "label", "prediction", "strength", "seconds"), rows)


def _slice(column: str, rows: Sequence[Slice]) -> Table:
    found = any(row.found is not None for row in rows)
    head = (column, "faces", *(["face found"] if found else []), "accuracy")
    return Table(
        head,
        [
            [
                row.name,
                str(row.faces),
                *([f"{row.found:.0%}"] if row.found is not None else []),
                _rate(row.accuracy),
            ]
            for row in rows
        ],
    )


def _slices(evaluation: Evaluation) -> list[tuple[str, str, tuple[Slice, ...]]]:
    """The tables that are not empty: title, name of the first column, rows."""
    tables = [
        ("by set", "set", evaluation.sets),
        ("by the face's size", "pixels between the eyes", evaluation.sizes),
        ("on the same photographs made smaller", "pixels between the eyes", evaluation.shrunk),
        ("where a region is hidden", "hidden", evaluation.hidden),
    ]
    return [table for table in tables if table[2]]


def _rule_note(evaluation: Evaluation) -> str:
    rule = evaluation.about.get("rule")
    used = f"this folder uses '{rule}'; " if rule else ""
    return f" ({used}{_ALL_SEEN})"


def _size(evaluation: Evaluation) -> str:
    text = counted(evaluation.vote.faces, "video" if evaluation.videos else "face")
    if evaluation.vote.groups != evaluation.vote.faces:
        text += f" in {evaluation.vote.groups} groups of near duplicates or of one person"
    return "; ".join((text, *_left_out(evaluation)))


def _left_out(evaluation: Evaluation) -> list[str]:
    """A sentence about the photographs that were not evaluated."""
    missing, kind = sum(evaluation.missing.values()), "video" if evaluation.videos else "photograph"
    sentences = [f"in {counted(missing, f'more {kind}')} no face was found (not counted)"] if missing else []
    if evaluation.unreadable:
        to_the_end = ", or not to the end" if evaluation.videos else ""
        sentences.append(f"{evaluation.unreadable} could not be read{to_the_end}")
    return sentences


def about_overlap(evaluation: Evaluation) -> list[str]:
    """Sentences about copies of the models' training faces; none if there are known to be none."""
    overlap, kind = evaluation.overlap, "video" if evaluation.videos else "face"
    if overlap is None:
        return []
    if overlap.reason:
        return [
            f"Whether some of these {kind}s are copies of the models' training faces is not known: "
            f"{overlap.reason}."
        ]
    unknown = f"The training faces of {', '.join(overlap.unknown)} are not known."
    return [_copies(evaluation, overlap), *([unknown] if overlap.unknown else [])]


def _copies(evaluation: Evaluation, overlap: Overlap) -> str:
    faces = counted(evaluation.vote.faces, "face")
    if not overlap.seen:
        return f"Of {faces} none is a near duplicate of the models' training or validation faces."
    parts = ((overlap.training, "training"), (overlap.validation, "validation"))
    counts = " or ".join(f"{part} faces ({count})" for count, part in parts if count)
    verb = "is a near duplicate" if overlap.seen == 1 else "are near duplicates"
    copies = f"Of {faces} {overlap.seen} {verb} of the models' {counts}."
    if not overlap.without:
        return f"{copies} There are no others, so these scores say nothing about new faces."
    others, every = overlap.without["vote"], evaluation.vote
    rate, of_all = _rate(others.accuracy), _rate(every.accuracy)
    return (
        f"{copies} The accuracy of the vote on {counted(others.faces, 'other')} is {rate}, on all {of_all}."
    )


def _without_copies(evaluation: Evaluation) -> Table:
    assert evaluation.overlap is not None
    without = evaluation.overlap.without
    head = [
        f"{measure}, {which}"
        for measure in ("accuracy", "balanced accuracy")
        for which in (counted(without["vote"].faces, "other"), "all")
    ]
    rows = [
        [name, *map(_rate, (new.accuracy, every.accuracy, new.balanced_accuracy, every.balanced_accuracy))]
        for name, new in without.items()
        for every in (evaluation.scores[name],)
    ]
    return Table(("", *head), rows)


def _rate(rate: Interval) -> str:
    if (rate.value, rate.low, rate.high) == (0, 0, 1):
        return "-"  # no faces
    return f"{100 * rate.value:.1f}% ({100 * rate.low:.1f} to {100 * rate.high:.1f})"


def _points(gain: Interval | None) -> str:
    if gain is None:
        return ""
    return f"{100 * gain.value:+.1f} ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})"


def _error(error: Interval) -> str:
    return f"{error.value:.3f} ({error.low:.3f} to {error.high:.3f})"


# --- HTML -------------------------------------------------------------------------------------------


def to_html(evaluation: Evaluation) -> str:
    """The report as one page; it loads nothing and follows the reader's light or dark theme."""
    # Only here: what else imports this module wants the tables.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    pages = Environment(
        loader=PackageLoader("emotion.models.evaluation", ""), autoescape=True, undefined=StrictUndefined
    )
    return pages.get_template("report.html.j2").render(_content(evaluation)) + "\n"


def short_names(names: Sequence[str]) -> list[str]:
    """The first three letters of each, or more if needed to be unique."""

    def begin(name: str, length: int) -> list[str]:
        return [other for other in names if other[:length] == name[:length]]

    return [
        next((name[:length] for length in range(3, len(name)) if len(begin(name, length)) == 1), name)
        for name in names
    ]


def _content(evaluation: Evaluation) -> dict[str, Any]:
    """The values of the template, by name."""
    scores, vote = evaluation.scores, evaluation.vote
    return {
        "title": f"How often are the models right? {evaluation.about.get('faces', '')}".strip(),
        "note": _NOTE,
        "style": resources.files(__package__).joinpath("report.css").read_text(encoding="utf-8"),
        "emotions": evaluation.classes,
        "short": short_names(evaluation.classes),
        "tiles": _tiles(evaluation),
        "predictions": _predictions(evaluation),
        "overlap": about_overlap(evaluation),
        "others": _without_copies(evaluation) if evaluation.overlap and evaluation.overlap.without else None,
        "confusions": [
            (name, scores[name].confusion) for name in sorted(scores, key=lambda name: name != "vote")
        ],
        "by_emotion": _by_emotion(vote),
        "calibration_error": _error(vote.calibration_error),
        "bins": _bins(vote),
        "few": charts.FEW,
        "coverage": _coverage(vote),
        "videos": _videos(evaluation),
        "rule": str(evaluation.about.get("rule", "")),
        "rules": _rules(evaluation),
        "all_seen": _ALL_SEEN,
        "slices": [
            (name, charts.slices(rows, "accuracy", 1 / len(evaluation.classes)), _slice(column, rows))
            for name, column, rows in _slices(evaluation)
        ],
        "charts": {
            "emotions": charts.emotions(scores),
            "reliability": charts.reliability(scores),
            "coverage": charts.coverage(scores),
            "rules": _forest(evaluation),
        },
        "about": evaluation.about,
    }


def _tiles(evaluation: Evaluation) -> list[tuple[str, str, str]]:
    vote = evaluation.vote
    return [
        (
            "accuracy",
            f"{vote.accuracy.value:.1%}",
            f"95%: {vote.accuracy.low:.1%} to {vote.accuracy.high:.1%}{_on_others(evaluation)}",
        ),
        (
            "balanced accuracy",
            f"{vote.balanced_accuracy.value:.1%}",
            f"mean recall of the emotions; chance is {1 / len(evaluation.classes):.1%}",
        ),
        (
            "calibration error",
            f"{vote.calibration_error.value:.3f}",
            "mean gap of confidence and accuracy",
        ),
        (
            "videos" if evaluation.videos else "faces",
            f"{vote.faces:,}",
            "; ".join(_left_out(evaluation)) or _all_found(evaluation),
        ),
    ]


def _on_others(evaluation: Evaluation) -> str:
    """The accuracy that counts if some faces are copies of training faces, and else nothing."""
    overlap = evaluation.overlap
    if overlap is None or not overlap.seen:
        return ""
    if not overlap.without:
        return "; all are copies of training or validation faces"
    others = overlap.without["vote"]
    return (
        f"; without copies of training or validation faces, on {counted(others.faces, 'other')}: "
        f"{others.accuracy.value:.1%}"
    )


def _all_found(evaluation: Evaluation) -> str:
    """The sentence if nothing was left out; empty for crops, where that is unknown."""
    return "" if evaluation.unreadable is None else "a face was found in all of them"


def _forest(evaluation: Evaluation) -> str:
    """Each region alone, then the rules; empty if no rules were evaluated."""
    if not evaluation.rules:
        return ""
    alone = [(f"{name} alone", s.accuracy) for name, s in evaluation.scores.items() if name != "vote"]
    rows = alone + [(name, scores.accuracy) for name, scores in evaluation.rules.items()]
    return charts.forest(rows, str(evaluation.about.get("rule", "")))
