"""Writes an evaluation down: one HTML page that needs nothing beside it, Markdown, JSON."""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path

from emotion.models.classes import EMOTIONS
from emotion.models.evaluation import charts
from emotion.models.evaluation.evaluate import Evaluation, Slice
from emotion.models.evaluation.scores import Scores
from emotion.models.statistics.intervals import Interval

_COVERAGES = (1.0, 0.9, 0.75, 0.5, 0.25)
_RULE_HEAD = ("rule", "right", "balanced", "points above the source's", "log loss", "calibration error")
_VIDEO_HEAD = ("video", "label", "answer", "mean vote for it", "seconds")
_NOTE = (
    "Apparent expressions, not feelings: a right answer here is one that agrees with the label that "
    "other people gave the photograph."
)


KINDS = ("html", "md", "json")
"""Suffixes of what `save` writes."""


def save(folder: Path, evaluation: Evaluation) -> dict[str, Path]:
    """Write ``report.html``, ``report.md`` and ``report.json`` into a folder; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "html": to_html(evaluation),
        "md": to_markdown(evaluation),
        "json": json.dumps(evaluation.to_json(), indent=1) + "\n",
    }
    paths = {suffix: folder / f"report.{suffix}" for suffix in texts}
    for suffix, text in texts.items():
        paths[suffix].write_text(text, encoding="utf-8")
    return paths


# --- Markdown ---------------------------------------------------------------------------------------


def to_markdown(evaluation: Evaluation, brief: bool = False) -> str:
    """The scores as tables; a brief version is for model cards."""
    vote = evaluation.vote
    parts = [
        f"**{evaluation.about.get('faces', 'Labelled faces')}**: {_size(evaluation)}. {_NOTE} "
        "Brackets are 95% intervals; columns by emotion are recall.",
        _markdown(
            ("", "right", "balanced", *EMOTIONS, "calibration error"),
            [_opinion_row(name, scores) for name, scores in evaluation.scores.items()],
        ),
    ]
    if brief:
        return "\n\n".join(parts) + "\n"
    parts += [
        "The vote by emotion:",
        _markdown(("emotion", "faces", "recall", "precision", "F1"), _emotion_rows(vote)),
        "Where the least sure faces are answered with 'uncertain':",
        _markdown(("answered", "least confidence", "right"), _coverage_rows(vote)),
    ]
    if evaluation.rules:
        parts += [
            f"Rules for the vote{_rule_note(evaluation)}:",
            _markdown(_RULE_HEAD, _rule_rows(evaluation)),
        ]
    if evaluation.videos:
        parts += ["Each video:", _markdown(_VIDEO_HEAD, _video_rows(evaluation))]
    for title, rows in _slice_tables(evaluation):
        parts += [f"The vote {title}:", _markdown(*rows)]
    return "\n\n".join(parts) + "\n"


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


# --- rows, for Markdown and HTML alike -----------------------------------------------------------


def _opinion_row(name: str, scores: Scores) -> list[str]:
    return [
        name,
        _rate(scores.accuracy),
        _rate(scores.balanced_accuracy),
        *(f"{row.recall.value:.0%}" if row.faces else "-" for row in scores.emotions),
        _error(scores.calibration_error),
    ]


def _emotion_rows(scores: Scores) -> list[list[str]]:
    return [
        [row.emotion, str(row.faces), _rate(row.recall), _rate(row.precision), _rate(row.f1)]
        for row in scores.emotions
        if row.faces
    ]


def _coverage_rows(scores: Scores) -> list[list[str]]:
    chosen = [min(scores.coverage, key=lambda point: abs(point.coverage - wanted)) for wanted in _COVERAGES]
    return [[f"{p.coverage:.0%}", f"{p.confidence:.0%}", _rate(p.accuracy)] for p in dict.fromkeys(chosen)]


def _rule_rows(evaluation: Evaluation) -> list[list[str]]:
    counted = evaluation.about.get("rule")
    alone = {f"{name} alone": s for name, s in evaluation.scores.items() if name != "vote"}
    return [
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


def _video_rows(evaluation: Evaluation) -> list[list[str]]:
    return [
        [video.name, video.label, video.answer, f"{video.mean[video.answer]:.0%}", f"{video.seconds:.1f}"]
        for video in evaluation.videos
    ]


def _slice_tables(evaluation: Evaluation) -> Iterable[tuple[str, tuple[list[str], list[list[str]]]]]:
    for title, first, rows in _slices(evaluation):
        found = any(row.found is not None for row in rows)
        head = [first, "faces", *(["face found"] if found else []), "right"]
        yield (
            title,
            (
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
            ),
        )


def _slices(evaluation: Evaluation) -> list[tuple[str, str, tuple[Slice, ...]]]:
    """Those that there are: a title, the name of the first column, the rows."""
    tables = [
        ("by set", "set", evaluation.sets),
        ("by the face's size", "pixels between the eyes", evaluation.sizes),
        ("on the same photographs made smaller", "pixels between the eyes", evaluation.shrunk),
        ("where a region is hidden", "hidden", evaluation.hidden),
    ]
    return [table for table in tables if table[2]]


def _rule_note(evaluation: Evaluation) -> str:
    rule = evaluation.about.get("rule")
    return f" (this folder uses '{rule}')" if rule else ""


def _size(evaluation: Evaluation) -> str:
    missing = sum(evaluation.missing.values())
    kind = "video" if evaluation.videos else "face"
    text = f"{evaluation.vote.faces} {kind}{'s' * (evaluation.vote.faces != 1)}"
    if evaluation.vote.groups != evaluation.vote.faces:
        text += f" in {evaluation.vote.groups} groups of near duplicates"
    return text + (
        f"; in {missing} more {'videos' if evaluation.videos else 'photographs'} no face was found"
        if missing
        else ""
    )


def _rate(rate: Interval) -> str:
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
    title = f"How often are the models right? {evaluation.about.get('faces', '')}".strip()
    sections = [
        _section("What each says", "", _opinions(evaluation)),
        _section(
            "What is taken for what",
            "Rows are the label, columns the answer; each row sums to 100%.",
            _confusions(evaluation.scores),
        ),
        _section(
            "By emotion",
            "Recall: of the faces with this label, how many got this answer. Lines are 95% intervals.",
            _two(
                charts.emotions(evaluation.scores),
                _table(("emotion", "faces", "recall", "precision", "F1"), _emotion_rows(evaluation.vote)),
            ),
        ),
        _section(
            "Does the confidence mean what it says?",
            "On the dashed line, answers given with 70% confidence are right 70 times in a hundred. "
            f"The vote's expected calibration error is {_error(evaluation.vote.calibration_error)}.",
            f"<figure class=narrow>{charts.reliability(evaluation.scores)}</figure>{_bins(evaluation.vote)}",
        ),
        _section(
            "What does 'uncertain' buy?",
            "If the least sure faces are answered with 'uncertain', the other answers are right more often.",
            _two(
                charts.coverage(evaluation.scores),
                _table(("answered", "least confidence", "right"), _coverage_rows(evaluation.vote)),
            ),
        ),
        _videos_section(evaluation),
        _rules_section(evaluation),
        *_slice_sections(evaluation),
        _section("How this was made", "", _about(evaluation)),
    ]
    return _PAGE.format(
        title=escape(title),
        style=_style(),
        tiles=_tiles(evaluation),
        note=escape(_NOTE),
        body="".join(sections),
    )


def _style() -> str:
    return resources.files(__package__).joinpath("report.css").read_text(encoding="utf-8")


def _section(title: str, lead: str, body: str) -> str:
    lead = f"<p class=lead>{escape(lead)}</p>" if lead else ""
    return f"<section><h2>{escape(title)}</h2>{lead}{body}</section>"


def _two(picture: str, other: str) -> str:
    return f"<div class=two><figure>{picture}</figure><div>{other}</div></div>"


def _tiles(evaluation: Evaluation) -> str:
    vote = evaluation.vote
    tiles = (
        (
            "right answers",
            f"{vote.accuracy.value:.1%}",
            f"95%: {vote.accuracy.low:.1%} to {vote.accuracy.high:.1%}",
        ),
        (
            "balanced accuracy",
            f"{vote.balanced_accuracy.value:.1%}",
            "mean recall of the emotions; chance is 16.7%",
        ),
        ("calibration error", f"{vote.calibration_error.value:.3f}", "mean gap of confidence and truth"),
        (
            "videos" if evaluation.videos else "faces",
            f"{vote.faces:,}",
            _size(evaluation).partition("; ")[2] or "a face was found in all of them",
        ),
    )
    return "".join(
        f"<div class=tile><span>{label}</span><strong>{value}</strong><small>{escape(more)}</small></div>"
        for label, value, more in tiles
    )


def _opinions(evaluation: Evaluation) -> str:
    head = ("", "right", "balanced", *EMOTIONS, "calibration error")
    return _table(
        head, [_opinion_row(name, scores) for name, scores in evaluation.scores.items()], last="vote"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], last: str | None = None) -> str:
    cells = "".join(f"<th scope=col>{escape(name)}</th>" for name in head)
    body = "".join(
        f"<tr{' class=main' if row[0] == last or row[0].endswith('(counts)') else ''}>"
        f"<th scope=row>{escape(row[0])}</th>{''.join(_cell(value) for value in row[1:])}</tr>"
        for row in rows
    )
    return f"<div class=scroll><table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>"


def _cell(text: str) -> str:
    """A value, with its interval in small print below."""
    value, bracket, interval = text.partition(" (")
    small = f"<small>{escape(interval.rstrip(')'))}</small>" if bracket else ""
    return f"<td>{escape(value)}{small}</td>"


def _confusions(scores: Mapping[str, Scores]) -> str:
    order = sorted(scores, key=lambda name: name != "vote")
    return f"<div class=matrices>{''.join(_confusion(name, scores[name]) for name in order)}</div>"


def _confusion(name: str, scores: Scores) -> str:
    head = "".join(f"<th scope=col><abbr title={emotion}>{emotion[:3]}</abbr></th>" for emotion in EMOTIONS)
    rows = []
    for emotion, counts in zip(EMOTIONS, scores.confusion, strict=True):
        total = sum(counts)
        cells = "".join(
            _shade(count, total, emotion, answer) for answer, count in zip(EMOTIONS, counts, strict=True)
        )
        rows.append(f"<tr><th scope=row>{emotion}</th>{cells}</tr>")
    return (
        f"<figure class=matrix><figcaption>{escape(name)}</figcaption><table>"
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></figure>"
    )


def _shade(count: int, total: int, truth: str, answer: str) -> str:
    if not total:
        return "<td>-</td>"
    share = count / total
    strong = " class=strong" if share > 0.75 else ""
    return (
        f'<td{strong} style="--share:{100 * share:.0f}%" '
        f'title="{truth} taken for {answer}: {count} of {total}">{100 * share:.0f}</td>'
    )


def _bins(vote: Scores) -> str:
    rows = [[f"{part.confidence:.0%}", _rate(part.accuracy), str(part.faces)] for part in vote.reliability]
    table = _table(("mean confidence", "right", "faces"), rows)
    return f"<details><summary>The vote's bins as a table</summary>{table}</details>"


def _videos_section(evaluation: Evaluation) -> str:
    if not evaluation.videos:
        return ""
    lead = "A video's answer is the emotion with the largest mean of the smoothed vote over its time."
    return _section("Each video", lead, _table(_VIDEO_HEAD, _video_rows(evaluation)))


def _rules_section(evaluation: Evaluation) -> str:
    if not evaluation.rules:
        return ""
    alone = [(f"{name} alone", s.accuracy) for name, s in evaluation.scores.items() if name != "vote"]
    counted = str(evaluation.about.get("rule", ""))
    rows = alone + [(name, scores.accuracy) for name, scores in evaluation.rules.items()]
    table = _table(_RULE_HEAD, _rule_rows(evaluation))
    lead = "Each region alone, and every rule for the vote, fitted to a data set's validation part"
    lead += f"; this folder uses '{counted}'." if counted else "."
    return _section(
        "Which rule for the vote?",
        lead,
        f"<figure class=narrow>{charts.forest(rows, counted)}</figure>{table}",
    )


def _slice_sections(evaluation: Evaluation) -> list[str]:
    tables = dict(_slice_tables(evaluation))
    return [
        _section(
            f"The vote {title}",
            "The dashed line is chance.",
            _two(charts.slices(rows, "right"), _table(*tables[title])),
        )
        for title, _, rows in _slices(evaluation)
    ]


def _about(evaluation: Evaluation) -> str:
    rows = "".join(
        f"<dt>{escape(str(key))}</dt><dd>{_value(value)}</dd>" for key, value in evaluation.about.items()
    )
    return (
        f"<dl>{rows}</dl><p class=lead>Intervals of shares are Wilson's; those of balanced accuracy, F1 and "
        "calibration error come from drawing groups of near duplicates anew a thousand times.</p>"
    )


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "<br>".join(
            f"{escape(str(key))}: <code>{escape(str(item))}</code>" for key, item in value.items()
        )
    return escape(str(value))


_PAGE = """<!doctype html>
<html lang=en>
<head>
<meta charset=utf-8>
<meta name=viewport content="width=device-width, initial-scale=1">
<meta name=color-scheme content="light dark">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<header><h1>{title}</h1><p class=lead>{note}</p><div class=tiles>{tiles}</div></header>
{body}
</main>
</body>
</html>
"""
