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


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ({"batch": 1}, {"batch": 0}),
        ({"batch": 65536}, {"batch": 65537}),
        ({"warm_up": 0.0}, {"warm_up": -0.01}),
        ({"warm_up": 1.0}, {"warm_up": 1.01}),
        ({"weight_decay": 0.0}, {"weight_decay": -0.01}),
        ({"label_smoothing": 0.0}, {"label_smoothing": -0.01}),
        ({"label_smoothing": 0.99}, {"label_smoothing": 1.0}),
        ({"mixup": 0.0}, {"mixup": -0.1}),
        ({"blendshape_weight": 0.0}, {"blendshape_weight": -0.1}),
        ({"teacher_weight": 0.0}, {"teacher_weight": -0.1}),
        ({"teacher_weight": 1.0}, {"teacher_weight": 1.1}),
        ({"fold": (0, 1)}, {"fold": (-1, 4)}),
        ({"fold": (3, 4)}, {"fold": (4, 4)}),
        ({"share": 0.01}, {"share": 0.0}),
        ({"share": 1.0}, {"share": 1.01}),
        ({"caps": (("a", 1),)}, {"caps": (("a", 0),)}),
        ({"sizes": ((1, 1.0),)}, {"sizes": ((1, 0.0),)}),
        ({"learning_rate": 1e-9}, {"learning_rate": 0.0}),
        ({"seed": 0}, {"seed": -1}),
    ],
)
def test_bounds_are_allowed_and_what_lies_beyond_is_not(right, wrong):
    (name,) = right
    assert getattr(TrainingOptions(view="eyes", **right), name) == right[name]
    with pytest.raises(OptionError) as refused:
        TrainingOptions(view="eyes", **wrong)
    assert refused.value.name == name


def test_each_view_has_an_architecture_of_its_own_unless_another_is_requested():
    assert {view: TrainingOptions(view=view).network for view in ("eyes", "lips", "face")} == {
        "eyes": "densenet201",
        "lips": "resnet29",
        "face": "resnet29",
    }
    assert TrainingOptions(view="eyes", architecture="mobilenet").network == "mobilenet"


def test_what_is_offered_as_text_is_read_and_written():
    found = {one.name: one.option for one in options_of(TrainingOptions)}
    spelled = {name: option.spelling for name, option in found.items() if option.spelling}
    assert spelled["sizes"].write(((8, 0.667), (4, 1.0))) == "8@0.667,4@1"
    assert spelled["caps"].write((("web-faces", 500),)) == ["web-faces=500"]
    assert spelled["fold"].write((1, 4)) == "1/4"
    assert [spelled["precision"].read(wanted) for wanted in (True, False)] == ["bfloat16", "float32"]
    assert [spelled["precision"].write(word) for word in ("bfloat16", "float32")] == [True, False]
    assert {name for name, one in spelled.items() if one.many} == {"caps"}
    assert {name for name, one in spelled.items() if one.switch} == {"precision"}
    assert {name for name, option in found.items() if option.positional} == {"view"}
    assert {name for name, option in found.items() if option.expert} == {
        "warm_up",
        "weight_decay",
        "label_smoothing",
    }
