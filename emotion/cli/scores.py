"""The scores of an evaluation as a table for the terminal."""

from typing import TYPE_CHECKING

from rich.table import Table

from emotion.models.words import counted

if TYPE_CHECKING:
    from emotion.models.evaluation.evaluate import Evaluation


def scores_table(evaluation: "Evaluation") -> Table:
    """A column for each predictor, a row for each class, since there may be many with long names."""
    scores = evaluation.scores.values()
    evaluated = counted(evaluation.vote.faces, "video" if evaluation.videos else "face")
    table = Table("", *evaluation.scores, title=f"{evaluated}; by class: recall")
    table.add_row("accuracy", *(f"{one.accuracy.value:.1%}" for one in scores))
    intervals = (f"{one.accuracy.low:.0%}-{one.accuracy.high:.0%}" for one in scores)
    table.add_row("95% interval", *intervals)
    table.add_row("balanced accuracy", *(f"{one.balanced_accuracy.value:.1%}" for one in scores))
    errors = (f"{one.calibration_error.value:.3f}" for one in scores)
    table.add_row("calibration error", *errors, end_section=True)
    if evaluation.overlap and (others := evaluation.overlap.without):
        faces = counted(others["vote"].faces, "other")
        table.add_row(f"accuracy, {faces}", *(f"{one.accuracy.value:.1%}" for one in others.values()))
        balanced = (f"{one.balanced_accuracy.value:.1%}" for one in others.values())
        table.add_row(f"balanced accuracy, {faces}", *balanced, end_section=True)
    for index, name in enumerate(evaluation.classes):
        rows = (one.emotions[index] for one in scores)
        table.add_row(name, *(f"{row.recall.value:.0%}" if row.faces else "-" for row in rows))
    return table
