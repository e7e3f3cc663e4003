"""Writes scores into their model folder: manifests, vote and model card."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from emotion.models.evaluation.evaluate import Evaluation
from emotion.models.evaluation.report import to_markdown
from emotion.models.evaluation.scores import Scores
from emotion.models.manifest import ModelManifest
from emotion.models.shipped import put_text, refuse_shipped

CARD = "MODEL_CARD.md"
COPIES = "near_duplicates"
"""In recorded scores: how many of the faces are near duplicates of training or validation faces."""


def record(folder: Path, name: str, evaluation: Evaluation, manifests: Iterable[ModelManifest]) -> None:
    """Record the evaluation on one set of faces; an earlier one of that set is replaced.

    Args:
        folder: of the models.
        name: of the set.
        evaluation: its scores.
        manifests: of the files that were evaluated.
    """
    refuse_shipped(folder)
    # Scores on copies of training faces never stand alone.
    copies = {COPIES: evaluation.overlap.seen} if evaluation.overlap and evaluation.overlap.seen else {}
    for manifest in manifests:
        found = _brief(evaluation.scores[manifest.region]) | copies
        scored = replace(manifest, scores=manifest.scores | {name: found})
        put_text(scored.to_json(), scored.path(folder))
    path = folder / "weights.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    values["scores"] = values.get("scores", {}) | {name: _brief(evaluation.vote) | copies}
    put_text(json.dumps(values, indent=2) + "\n", path)
    card = folder / CARD
    text = card.read_text(encoding="utf-8") if card.exists() else "# Model card\n\n## Scores\n"
    put_text(with_block(text, name, to_markdown(evaluation, brief=True)), card)


def with_block(text: str, name: str, markdown: str) -> str:
    """A model card with a set's scores in place of its older ones, or after the last set's.

    A set's scores are between two comments that name it. The first set is put at the end of the
    section called Scores, or of the whole card if there is none.
    """
    begin, end = f"<!-- scores of {name} -->", f"<!-- end of {name} -->"
    block = f"{begin}\n{markdown.strip()}\n{end}"
    own = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", flags=re.DOTALL)
    if own.search(text):
        return own.sub(lambda _: block, text)
    others = list(re.finditer(r"<!-- end of .* -->", text))
    section = re.search(r"^## Scores\n(?:(?!^## ).*\n?)*", text, flags=re.MULTILINE)
    at = others[-1].end() if others else section.end() if section else len(text)
    return f"{text[:at].rstrip()}\n\n{block}\n\n{text[at:].lstrip()}".rstrip() + "\n"


def _brief(scores: Scores) -> dict[str, Any]:
    """The main scores of a predictor, with the interval of the accuracy."""
    rates = {
        "accuracy": scores.accuracy.value,
        "accuracy_low": scores.accuracy.low,
        "accuracy_high": scores.accuracy.high,
        "balanced_accuracy": scores.balanced_accuracy.value,
        "calibration_error": scores.calibration_error.value,
    }
    return {"faces": scores.faces} | {key: round(value, 4) for key, value in rates.items()}
