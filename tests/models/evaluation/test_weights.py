"""The comparison of rules in words."""

from emotion.models.evaluation.rule_fitting import Comparison
from emotion.models.evaluation.weights import _in_words
from emotion.models.statistics.intervals import Interval


def test_a_rule_that_is_the_same_differs_by_a_positive_zero():
    same = Interval(0.0, 0.0, 0.0)
    row = Comparison("equal", 0.7, 0.7, 0.8, 0.1, gain=same, saving=Interval(0.0001, 0.0, 0.0))
    assert _in_words(row).endswith("+0.0 (+0.0 to +0.0) points, log loss +0.000 (+0.000 to +0.000)")
