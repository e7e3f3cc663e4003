"""The model card of a custom model."""

from collections.abc import Sequence

from emotion.models.classes import Classes
from emotion.models.engines.options import model_folder_name
from emotion.models.names import readable
from emotion.own_model.data_checks import DataChecks
from emotion.own_model.options import LearnOptions


def card(
    classes: Classes,
    found: DataChecks,
    options: LearnOptions,
    networks: Sequence[tuple[str, str, str]],
    held_out: bool,
    caution: str = "",
) -> str:
    """The model, its training data, and its limits, as Markdown.

    Args:
        classes: of the model.
        found: the checks of the photographs.
        options: it was made with.
        networks: for each region its name, its network's architecture, and the trained layers.
        held_out: whether a part was held out for evaluation.
    """
    counts = "\n".join(f"| {one.name} | {one.faces} | {one.lost} |" for one in found.counts)
    warnings = "\n".join(f"- {line}" for line in found.warnings) or "- nothing unusual"
    rows = "\n".join(f"| {' | '.join(row)} |" for row in networks)
    start = readable(model_folder_name(options.start_from))
    begun = "random weights" if options.from_nothing else f"`{start}`"
    terms = (
        "The initial networks were trained on other photographs; their card lists them, and their "
        "terms apply here too."
    )
    if options.from_nothing:
        terms = "There are no other training data."
    how = "on held-out faces"
    if not held_out:
        how = "by cross-validation: each face is predicted by models that were not trained on it"
    return f"""# Model card

Classifies {len(classes)} apparent facial expressions: {", ".join(classes)}. Made with
`emotion learn`, starting from {begun}; the vote, and a classifier of blendshapes if it helps, are fitted
to the photographs below.

| region | network | layers trained on the photographs |
| --- | --- | --- |
{rows}

## Data

{options.about_data or "The user's photographs."} {terms}

| class | faces | left out |
| --- | --- | --- |
{counts}

Findings:

{warnings}

## Uses

It predicts how a face looks to those who sorted the photographs, not what a person feels. It was evaluated
only on faces like these; with other people, cameras and light it may be less accurate.

## Scores

Measured {how}.{" " + caution if caution else ""}
"""
