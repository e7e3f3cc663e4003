"""The options of data sets: classes, labels and what is left to train on."""

import pytest

from emotion.models.classes import EMOTIONS
from emotion.models.data.options import DatasetOptions, read_labels
from emotion.models.errors import DatasetError, OptionError
from emotion.models.options import options_of

DEFAULTS = {
    "validation": 0.1,
    "test": 0.1,
    "margin": 16,
    "labels": {},
    "classes": EMOTIONS,
    "every": 0.5,
    "min_eye_distance": 8.0,
    "max_alignment_error": 12.0,
    "max_hash_distance": 28,
    "min_correlation": 0.85,
    "seed": 0,
}


def test_defaults_are_those_that_data_sets_are_known_by():
    found = {option.name: option.default for option in options_of(DatasetOptions)}
    assert {name: found[name] for name in DEFAULTS} == DEFAULTS


def test_two_classes_are_enough():
    assert DatasetOptions(classes=("calm", "cross")).classes == ("calm", "cross")


@pytest.mark.parametrize(
    "classes",
    [
        (),
        ("calm",),
        ("calm", "calm"),
        ("calm", "calm", "cross"),
        ("calm", "Cross"),
        ("calm", " cross"),
        ("calm", ""),
        ("calm", ".."),
        *(("calm", f"a{sign}b") for sign in '/\\:*?"<>|,'),
    ],
)
def test_classes_are_two_different_names_at_least_fit_for_folders(classes):
    with pytest.raises(OptionError, match="two different names"):
        DatasetOptions(classes=classes)


@pytest.mark.parametrize(
    ("validation", "test", "left"), [(0.5, 0.49, True), (0.5, 0.5, False), (0, 1, False)]
)
def test_something_is_left_to_train_on(validation, test, left):
    if left:
        assert DatasetOptions(validation=validation, test=test).test == test
    else:
        with pytest.raises(OptionError):
            DatasetOptions(validation=validation, test=test)


def test_folders_mean_classes_that_there_are():
    options = DatasetOptions(labels=read_labels(["joyful=happiness"]))
    assert options.meaning.of("Joyful") == "happiness"
    with pytest.raises(DatasetError, match="'glee' is none of the classes"):
        DatasetOptions(labels={"joyful": "glee"})
    for wrong in ("joyful", "a=b=c"):
        with pytest.raises(ValueError, match="joyful=happiness"):
            read_labels([wrong])


@pytest.mark.parametrize(("margin", "middle"), [(0, [0, 1, 2, 3, 4, 5]), (1, [1, 2, 3, 4]), (2, [2, 3])])
def test_the_middle_of_a_crop_is_what_is_left_without_its_margin(margin, middle):
    rows, columns = DatasetOptions(margin=margin).middle
    assert list(range(6))[rows] == list(range(6))[columns] == middle


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ({"validation": 0.0}, {"validation": -0.01}),
        ({"validation": 0.89}, {"validation": 1.0}),
        ({"test": 0.0}, {"test": -0.01}),
        ({"margin": 0}, {"margin": -1}),
        ({"margin": 256}, {"margin": 257}),
        ({"every": 0.0}, {"every": -0.1}),
        ({"min_eye_distance": 0.0}, {"min_eye_distance": -1.0}),
        ({"max_alignment_error": 0.0}, {"max_alignment_error": -1.0}),
        ({"max_hash_distance": 0}, {"max_hash_distance": -1}),
        ({"max_hash_distance": 256}, {"max_hash_distance": 257}),
        ({"min_correlation": -1.0}, {"min_correlation": -1.01}),
        ({"min_correlation": 1.0}, {"min_correlation": 1.01}),
        ({"seed": 0}, {"seed": -1}),
    ],
)
def test_bounds_are_allowed_and_what_lies_beyond_is_not(right, wrong):
    (name,) = right
    assert getattr(DatasetOptions(**right), name) == right[name]
    with pytest.raises(OptionError) as refused:
        DatasetOptions(**wrong)
    assert refused.value.name == name


def test_regions_are_added_to_eyes_and_lips_or_move_these():
    plain = DatasetOptions().places
    assert plain.names == ("eyes", "lips")
    more = DatasetOptions(regions=("brows=8,12,112,36", "lips=10,100,90,50", "face")).places
    assert more.names == ("eyes", "lips", "brows", "face")
    eyes, lips, *_ = more
    assert eyes == next(iter(plain))
    assert lips != tuple(plain)[1]
    with pytest.raises(OptionError) as refused:
        DatasetOptions(regions=("brows",))
    assert refused.value.name == "regions"


def test_what_is_offered_as_text_is_read_and_written():
    spelled = {one.name: one.option.spelling for one in options_of(DatasetOptions) if one.option.spelling}
    assert spelled["classes"].read("Calm, cross") == ("calm", "cross")
    assert spelled["classes"].write(("calm", "cross")) == "calm,cross"
    assert spelled["labels"].read(["Joyful = happiness"]) == {"joyful": "happiness"}
    assert spelled["labels"].write({"joyful": "happiness"}) == ["joyful=happiness"]
    assert (spelled["labels"].many, spelled["classes"].many) == (True, False)


def test_what_programs_alone_may_set_is_not_offered_to_people():
    assert {one.name for one in options_of(DatasetOptions) if one.option.expert} == {
        "max_hash_distance",
        "min_correlation",
    }
