"""The model card of a custom model."""

from collections.abc import Sequence

from emotion.models.classes import Classes
from emotion.models.engines.options import model_folder_name
from emotion.own_model.judge import Judgement
from emotion.own_model.options import LearnOptions


def card(
    classes: Classes,
    found: Judgement,
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
    begun = "nothing" if options.from_nothing else f"`{model_folder_name(options.start_from)}`"
    terms = (
        "The networks that it begins with have learnt from others; their card says from which, and their "
        "terms hold here too."
    )
    if options.from_nothing:
        terms = "Nothing else has been learnt from."
    how = "on faces held out, that nothing was fitted to"
    if not held_out:
        how = (
            "by cross-validation, each face by models that did not learn from it: they are too few to hold "
            "some out"
        )
    return f"""# Model card

Tells {len(classes)} classes of apparent facial expressions apart: {", ".join(classes)}. Made with
`emotion learn`, beginning with {begun}; the vote, and a classifier of blendshapes where it helps, are fitted
to the photographs below.

| region | network | what has learnt from the photographs |
| --- | --- | --- |
{rows}

## Data

{options.about_data or "Photographs of one's own."} {terms}

| class | faces | left out |
| --- | --- | --- |
{counts}

What was noticed:

{warnings}

## Uses

It says how a face looks to those who sorted the photographs, not what a person feels. It is known only on
faces like these; on other people, cameras and light it may do worse.

## Scores

Measured {how}.{" " + caution if caution else ""}
"""
