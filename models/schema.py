"""The schema of a stream's results: the classes and regions of the model folder that made them."""

from dataclasses import dataclass

from emotion.models.classes import SIX, Classes
from emotion.models.regions import REGIONS, Regions


@dataclass(frozen=True, slots=True)
class Schema:
    """The classes and regions of a model folder; it travels with its results.

    Attributes:
        classes: in the order of every row of probabilities.
        regions: in the order of the models, their votes and their columns.
    """

    classes: Classes = SIX
    regions: Regions = REGIONS


SHIPPED = Schema()
"""Of the models that ship."""
