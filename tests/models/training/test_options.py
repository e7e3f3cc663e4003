"""The options of training: the recipe by default, and how passes, caps and folds are written."""

from dataclasses import MISSING

import pytest

from emotion.models.errors import OptionError
from emotion.models.options import options_of
from emotion.models.training.options import TrainingOptions, read_caps, read_fold, read_sizes

RECIPE = {
    "view": MISSING,
    "sizes": ((8, 0.667), (4, 1.0)),
    "caps": (),
    "batch": 64,
    "learning_rate": 2e-3,
    "warm_up": 0.05,
    "weight_decay": 0.05,
    "label_smoothing": 0.1,
    "mixup": 0.0,
    "blendshape_weight": 1.0,
    "teacher_weight": 0.0,
    "fold": (0, 1),
    "share": 1.0,
    "architecture": None,
    "precision": "float32",
    "seed": 0,
}


def test_the_recipe_is_the_one_that_the_documents_tell():
    found = {option.name: option.default for option in options_of(TrainingOptions)}
    assert {name: found[name] for name in RECIPE} == RECIPE


def test_passes_are_counted_over_all_sizes_and_each_has_its_own():
    options = TrainingOptions(view="lips", sizes=((2, 0.5), (1, 1.0)))
    height, width = TrainingOptions(view="lips", sizes=((1, 1.0),)).size_of_epoch(0)
    assert options.epochs == 3
    half, whole = (round(height / 2), round(width / 2)), (height, width)
    assert [options.size_of_epoch(epoch) for epoch in range(5)] == [half, half, whole, whole, whole]


def test_texts_are_read_as_they_are_meant():
    assert read_sizes("8@0.667,4@1") == ((8, 0.667), (4, 1.0))
    assert read_caps(["web-faces=500", "a=b=3"]) == (("web-faces", 500), ("a=b", 3))
    assert read_fold("1/4") == (1, 4)


@pytest.mark.parametrize(
    ("read", "wrong"),
    [
        *((read_sizes, text) for text in ("", "8", "8@", "@1", "8@1@2", "8.5@1")),
        *((read_caps, [text]) for text in ("", "faces", "faces=", "faces=many")),
        *((read_fold, text) for text in ("", "1", "1/2/3", "a/b")),
    ],
)
def test_texts_of_another_form_are_refused(read, wrong):
    with pytest.raises(ValueError, match=r"."):
        read(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sizes": ()},
        {"sizes": ((0, 1.0),)},
        {"sizes": ((1, 1.01),)},
        {"fold": (4, 4)},
        {"fold": (0, 0)},
        {"fold": (7, 4)},
        {"label_smoothing": 1.0},
        {"share": 0.0},
        {"learning_rate": 0.0},
    ],
)
def test_what_cannot_be_trained_with_is_refused(wrong):
    with pytest.raises(OptionError) as refused:
        TrainingOptions(view="eyes", **wrong)
    assert refused.value.name == next(iter(wrong))
