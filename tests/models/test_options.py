"""What is said of an option at its field: checks, words, plain values."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import pytest

from emotion.models.errors import EmotionError, OptionError
from emotion.models.options import (
    DURATION,
    Option,
    Spelling,
    check,
    from_mapping,
    groups_of,
    options_of,
    read_duration,
    to_mapping,
    with_values,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    TITLE = "Inner"

    count: Annotated[int, Option(help="How many.", ge=1, le=20)] = 4
    share: Annotated[float, Option(help="A share.", unit="of all", gt=0, lt=1)] = 0.5
    size: Annotated[
        tuple[int, int] | None,
        Option(
            help="A size.",
            gt=0,
            spelling=Spelling(lambda text: tuple(map(int, text.split("x"))), "{0[0]}x{0[1]}".format),
        ),
    ] = None

    def __post_init__(self):
        check(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    TITLE = "Outer"

    inner: Inner = field(default_factory=Inner)
    word: Annotated[Literal["one", "two"], Option(help="A word.")] = "one"
    place: Annotated[Path | None, Option(help="A place.")] = None
    yes: Annotated[bool, Option(help="Whether.")] = False
    names: Annotated[tuple[str, ...], Option(help="Names.")] = ()
    time: Annotated[float, Option(help="A time.", ge=0, spelling=DURATION)] = 0.0

    def __post_init__(self):
        check(self)


@pytest.mark.parametrize("count", [1, 20])
def test_bounds_belong_to_what_is_allowed(count):
    assert Inner(count=count).count == count


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"count": 0}, "count is at least 1 and at most 20, not 0."),
        ({"count": 21}, "count is at least 1 and at most 20, not 21."),
        ({"count": 2.5}, "count is int, not 2.5."),
        ({"count": True}, "count is int, not True."),
        ({"count": None}, "count is int, not None."),
        ({"share": 0.0}, "share is more than 0 and less than 1 of all, not 0.0."),
        ({"share": 1}, "share is more than 0 and less than 1 of all, not 1."),
        ({"share": math.nan}, "share is a finite number, not nan."),
        ({"share": "0.5"}, "share is float, not '0.5'."),
        ({"size": (640, 0)}, "size is more than 0, not 0."),
        ({"size": (640,)}, r"size is tuple\[int, int\] or None, not \(640,\)."),
    ],
)
def test_what_is_not_allowed_is_said_with_its_name_and_bound(wrong, said):
    with pytest.raises(ValueError, match=f"^{said.removesuffix('.')}\\.$") as caught:
        Inner(**wrong)
    assert isinstance(caught.value, OptionError)
    assert isinstance(caught.value, EmotionError)
    assert caught.value.name == next(iter(wrong))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"word": "three"}, "word is one of one, two, not 'three'."),
        ({"place": "here"}, "place is Path or None, not 'here'."),
        ({"yes": 1}, "yes is bool, not 1."),
        ({"names": ("a", 1)}, "names is tuple"),
        ({"names": ["a"]}, "names is tuple"),
        ({"time": math.inf}, "time is a finite number"),
    ],
)
def test_words_paths_and_lists_are_checked_too(wrong, said):
    with pytest.raises(OptionError, match=said):
        Outer(**wrong)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unbounded:
    number: Annotated[float, Option(help="Any.", ge=0)] = 0.0
    whole: Annotated[int, Option(help="Any.")] = 0
    wait: Annotated[float, Option(help="A time.", unit="seconds", ge=0)] = 0.0

    def __post_init__(self):
        check(self)


@pytest.mark.parametrize("name", ["number", "whole", "wait"])
def test_numbers_that_would_overflow_something_are_refused_without_a_bound_of_their_own(name):
    kind = int if name == "whole" else float
    with pytest.raises(OptionError, match=f"{name} is at most [0-9e.+]+( seconds)?, not .{{1,40}}$"):
        Unbounded(**{name: kind(1e308)})
    with pytest.raises(OptionError):
        Unbounded(**{name: -(10**400)})
    with pytest.raises(OptionError, match="far larger"):
        from_mapping(Unbounded, {name: 10**400})
    assert Unbounded(wait=3600.0).wait == 3600


def test_minus_nothing_is_nothing():
    assert math.copysign(1, Unbounded(number=-0.0).number) == 1
    assert math.copysign(1, Inner(share=0.5).share) == 1


def test_a_whole_number_does_where_any_number_does():
    assert Outer(time=3).time == 3


def test_a_group_lists_its_options_with_all_that_is_said_of_them():
    found = {one.name: one for one in options_of(Outer)}
    assert list(found) == ["count", "share", "size", "word", "place", "yes", "names", "time"]
    assert found["count"].path == ("inner",)
    assert (found["count"].title, found["word"].title) == ("Inner", "Outer")
    assert (found["size"].kind, found["size"].optional) == (tuple[int, int], True)
    assert found["word"].choices == ("one", "two")
    assert found["names"].default == ()
    assert found["count"].value(Outer(inner=Inner(count=7))) == 7
    assert groups_of(Outer) == {"inner": Inner}


@dataclass(frozen=True)
class Either:
    either: Annotated[int | str | None, Option(help="A number, a word or nothing.")] = None
    one: Annotated[int | str, Option(help="A number or a word.")] = 1

    def __post_init__(self):
        check(self)


@pytest.mark.parametrize("value", [1, "a"])
def test_an_option_may_be_of_several_types(value):
    assert Either(either=value, one=value) == Either(value, value)
    assert Either().either is None
    optional = {one.name: one.optional for one in options_of(Either)}
    assert optional == {"either": True, "one": False}


@pytest.mark.parametrize("wrong", [{"either": 1.5}, {"one": None}, {"one": ()}])
def test_an_option_of_several_types_is_of_no_other(wrong):
    with pytest.raises(OptionError, match=f"^{next(iter(wrong))} is .*int, str.* not "):
        Either(**wrong)


def test_two_options_of_one_name_are_refused():
    @dataclass(frozen=True)
    class Twice:
        inner: Inner = field(default_factory=Inner)
        count: Annotated[int, Option(help="Again.")] = 1

    with pytest.raises(TypeError, match="count"):
        options_of(Twice)


def test_a_field_without_a_word_on_it_is_refused():
    @dataclass(frozen=True)
    class Silent:
        count: int = 1

    with pytest.raises(TypeError, match="count"):
        options_of(Silent)


def test_options_survive_json():
    chosen = Outer(
        inner=Inner(count=2, size=(640, 480)),
        word="two",
        place=Path("a").absolute(),
        yes=True,
        names=("a", "b"),
        time=1.5,
    )
    plain = json.loads(json.dumps(to_mapping(chosen)))
    assert plain["inner"] == {"count": 2, "share": 0.5, "size": [640, 480]}
    assert from_mapping(Outer, plain) == chosen


def test_options_come_by_their_bare_names_and_by_their_group():
    assert from_mapping(Outer, {"count": 2, "word": "two"}) == Outer(inner=Inner(count=2), word="two")
    assert from_mapping(Outer, {"inner": {"count": 2}, "share": 0.1}) == Outer(
        inner=Inner(count=2, share=0.1)
    )
    assert from_mapping(Outer, {"inner": Inner(count=3)}) == Outer(inner=Inner(count=3))
    assert from_mapping(Outer, {"size": "640x480", "time": "1500ms"}) == Outer(
        inner=Inner(size=(640, 480)), time=1.5
    )


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"cuont": 2}, "cuont is no option; count is one."),
        ({"zzzzzz": 2}, "zzzzzz is no option: choose of count, share"),
        ({"inner": {"shar": 2}}, "shar is no option; share is one."),
        ({"inner": 3}, "inner is no option"),
        ({"inner": {"count": 2}, "count": 3}, "count is given twice."),
        ({"count": "many"}, "count is int, not 'many'."),
        ({"time": "soon"}, "time: 'soon' is no length of time"),
    ],
)
def test_unknown_names_and_wrong_values_are_refused(values, said):
    with pytest.raises(OptionError, match=said):
        from_mapping(Outer, values)


def test_a_relative_path_is_read_back_as_the_same_place():
    assert from_mapping(Outer, to_mapping(Outer(place=Path("a")))).place == Path("a").absolute()


def test_some_options_are_changed_by_their_names():
    before = Outer(inner=Inner(count=2), word="two")
    assert with_values(before, {"share": 0.1, "time": "2s"}) == Outer(
        inner=Inner(count=2, share=0.1), word="two", time=2.0
    )
    assert with_values(before, {}) == before
    with pytest.raises(OptionError, match="shar is no option; share is one"):
        with_values(before, {"shar": 0.1})
    with pytest.raises(OptionError, match="count is at least 1"):
        with_values(before, {"count": 0})


def test_an_option_without_a_default_must_be_given():
    @dataclass(frozen=True, kw_only=True)
    class Needed:
        view: Annotated[str, Option(help="What.")]

    with pytest.raises(OptionError, match="view is missing"):
        from_mapping(Needed, {})
    assert from_mapping(Needed, {"view": "eyes"}).view == "eyes"


@pytest.mark.parametrize(
    ("text", "seconds"), [("3s", 3.0), ("3", 3.0), ("1500ms", 1.5), (" 0.5 S ", 0.5), ("0", 0.0)]
)
def test_lengths_of_time_are_read(text, seconds):
    assert read_duration(text) == seconds
    assert read_duration(DURATION.write(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "s", "-1", "1m", "1.2.3", "nan", "inf"])
def test_what_is_no_length_of_time_is_refused(text):
    with pytest.raises(ValueError, match="no length of time"):
        read_duration(text)
