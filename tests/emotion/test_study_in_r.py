"""The mixed model in docs/examples/study.R, where R and lmerTest are there."""

import csv
import functools
import shutil
import subprocess

import pytest

from tests.helpers.paths import ROOT

SCRIPT = ROOT / "docs" / "examples" / "study.R"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@functools.cache
def has_lmer_test():
    if shutil.which("Rscript") is None:
        return False
    command = ["Rscript", "-e", "library(lmerTest)"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.fixture
def fit(tmp_path):
    """Fits a model of people, and gives the exit code and what was said."""
    if not has_lmer_test():
        pytest.skip("there is no R with lmerTest")

    def fitted(people, condition, name="happiness"):
        with open(tmp_path / "people.csv", "w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, people[0].keys())
            table.writeheader()
            table.writerows(people)
        command = ["Rscript", SCRIPT, tmp_path, name, condition]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    return fitted


def people(**columns):
    """Twenty people, two in each of ten videos, in two folders in turn; columns by a person's number."""
    made = []
    for number in range(20):
        video = number // 2
        more = {name: value(number) for name, value in columns.items()}
        happy = 0.3 + 0.02 * (7 * number % 11) + 0.1 * (video % 3)
        made.append(
            {"video": f"v{video}", "folder": "ab"[video % 2], "seconds": 5, "mean_happiness": happy} | more
        )
    return made


def test_a_folder_that_each_condition_has_of_its_own_is_no_random_effect(fit):
    code, said = fit(people(condition=lambda n: "xy"[n // 2 % 2]), "condition")
    assert code == 0, said
    assert "mean_happiness ~ condition + (1 | video)\n" in said


def test_a_folder_that_holds_both_conditions_is_a_random_effect(fit):
    code, said = fit(people(condition=lambda n: "xy"[n // 4 % 2]), "condition")
    assert code == 0, said
    assert "mean_happiness ~ condition + (1 | video) + (1 | folder)\n" in said


def test_names_with_spaces_are_taken_as_they_are(fit):
    renamed = [
        {("mean_very happy" if name == "mean_happiness" else name): value for name, value in one.items()}
        for one in people(**{"my group": lambda n: "xy"[n // 2 % 2]})
    ]
    code, said = fit(renamed, "my group", "very happy")
    assert code == 0, said
    assert "`mean_very happy` ~ `my group` + (1 | video)\n" in said


@pytest.mark.parametrize(
    ("condition", "said"),
    [("age", "people.csv has no column age: columns.csv"), ("same", "same has fewer than two values")],
)
def test_what_cannot_be_compared_is_said(fit, condition, said):
    code, reported = fit(people(same=lambda n: "x"), condition)
    assert code == 1
    assert said in reported
