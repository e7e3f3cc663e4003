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
    Only,
    Option,
    Spelling,
    Without,
    check,
    from_mapping,
    groups_of,
    options_of,
    read_duration,
    read_names,
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
class Some:
    TITLE = "Some"

    letters: Annotated[tuple[Literal["a", "b"], ...], Option(help="Letters.")] = ()

    def __post_init__(self):
        check(self)


def test_some_of_several_words_are_said_as_words_not_as_a_type():
    with pytest.raises(OptionError, match=r"^letters is some of a, b, not \('c',\)\.$"):
        Some(letters=("c",))
    assert Some(letters=("b", "a")).letters == ("b", "a")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    number: Annotated[int, Option(help="Any.")] = 0
    seconds: Annotated[float, Option(help="A time.", unit="seconds")] = 0.0
    minutes: Annotated[float, Option(help="A time.", unit="minutes")] = 0.0
    hours: Annotated[float, Option(help="A time.", unit="hours")] = 0.0
    memory: Annotated[int, Option(help="A size.", unit="bytes")] = 0
    apples: Annotated[int, Option(help="A count.", unit="apples")] = 0

    def __post_init__(self):
        check(self)


@pytest.mark.parametrize(
    ("name", "most", "said"),
    [
        ("number", 2**31 - 1, "2.14748e+09"),
        ("apples", 2**31 - 1, "2.14748e+09 apples"),
        ("seconds", 4e6, "4e+06 seconds"),  # 46 days
        ("minutes", 6e4, "60000 minutes"),
        ("hours", 1e6, "1e+06 hours"),
        ("memory", 2**63 - 1, "9.22337e+18 bytes"),
    ],
)
def test_the_largest_number_of_each_unit_is_allowed_and_the_next_is_not(name, most, said):
    assert getattr(Units(**{name: most}), name) == most
    assert getattr(Units(**{name: -most}), name) == -most
    for wrong in (most + 1, -most - 1):
        with pytest.raises(OptionError) as caught:
            Units(**{name: wrong})
        assert str(caught.value) == f"{name} is at most {said}, not {wrong!r}."


@pytest.mark.parametrize(
    ("number", "said"),
    [(10**20 - 1, str(10**20 - 1)), (10**20, "a far larger number"), (-(10**20), "a far larger number")],
)
def test_an_endless_row_of_digits_is_not_repeated(number, said):
    with pytest.raises(OptionError, match=f"not {said}\\.$"):
        Units(memory=number)


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ({}, ""),
        ({"ge": 1}, "at least 1"),
        ({"gt": 0, "le": 2.5}, "more than 0 and at most 2.5"),
        ({"lt": 0}, "less than 0"),
    ],
)
def test_bounds_are_reported_in_words(bounds, said):
    assert Option(help="A number.", **bounds).bounds == said


@pytest.mark.parametrize(
    ("bounds", "held", "others"),
    [
        ({"ge": 1}, (1, 2), (0, 0.999)),
        ({"gt": 1}, (1.001, 2), (1, 0)),
        ({"le": 1}, (1, 0, -5), (1.001, 2)),
        ({"lt": 1}, (0.999, -5), (1, 2)),
        ({"ge": 0, "lt": 0.5}, (0, 0.4), (-0.1, 0.5)),
        ({"ge": 0, "le": 0, "gt": -1, "lt": 1}, (0,), (-0.1, 0.1)),
        ({"ge": 0, "le": 2**32 - 1}, (0, 2**32 - 1), (-1, 2**32, float("nan"))),
        ({"ge": -(2**40)}, (-(2**40), 2**31 - 1), (2**31, float("nan"))),
        ({}, (2**31 - 1, 1 - 2**31), (2**31, -(2**31), float("inf"), float("nan"))),
    ],
)
def test_a_number_lies_within_all_of_its_bounds(bounds, held, others):
    option = Option(help="A number.", **bounds)
    assert [option.holds(number) for number in held] == [True] * len(held)
    assert [option.holds(number) for number in others] == [False] * len(others)


def test_what_is_not_said_of_an_option_is_not_so():
    one = Option(help="A word.")
    assert (one.unit, one.metavar, one.flags, one.spelling) == ("", "", (), None)
    assert (one.ge, one.gt, one.le, one.lt) == (None,) * 4
    assert (one.positional, one.expert) == (False, False)
    spelling = Spelling(int)
    assert (spelling.many, spelling.switch, spelling.write(3)) == (False, False, "3")


@dataclass(frozen=True, kw_only=True)
class Offered:
    TITLE = "Offered"

    inner: Inner = field(default_factory=Inner)
    plain: Annotated[int, Option(help="For everybody.")] = 1
    expert: Annotated[int, Option(help="For programs.", expert=True)] = 1
    read: Annotated[tuple[str, ...], Option(help="Words.", spelling=Spelling(tuple, many=True), ge=None)] = ()
    switched: Annotated[
        bool, Option(help="Whether.", spelling=Spelling(lambda given: not given, switch=True))
    ] = False

    def __post_init__(self):
        check(self)


@pytest.mark.parametrize(
    ("offer", "experts", "names"),
    [
        (Only("plain", "read"), False, ["plain", "read"]),
        (Only("read", "plain"), True, ["plain", "read"]),
        (Only("inner"), False, ["count", "share", "size"]),
        (Only("share", "expert"), False, ["share", "expert"]),
        (Only("share", "expert"), True, ["share", "expert"]),
        (Only(), True, []),
        (Without(), False, ["count", "share", "size", "plain", "read", "switched"]),
        (Without(), True, ["count", "share", "size", "plain", "expert", "read", "switched"]),
        (Without("inner", "read"), True, ["plain", "expert", "switched"]),
        (Without("share", "expert"), True, ["count", "size", "plain", "read", "switched"]),
        (Without("share", "expert"), False, ["count", "size", "plain", "read", "switched"]),
    ],
)
def test_somebody_offers_some_options_or_all_but_some(offer, experts, names):
    assert [one.name for one in offer.chosen(Offered, experts=experts)] == names


@pytest.mark.parametrize("kind", [Only, Without])
def test_what_is_offered_is_an_option(kind):
    assert kind("plain", plain=3).defaults == {"plain": 3}
    with pytest.raises(TypeError, match=r"^Offered has no a, plian$"):
        kind("plian", a=1).chosen(Offered)


def test_by_default_options_for_programs_are_not_offered():
    assert "expert" not in [one.name for one in Without().chosen(Offered)]


def test_a_text_is_read_as_the_option_is_spelled():
    found = from_mapping(Offered, {"read": "abc"})
    assert found.read == ("abc",)
    with pytest.raises(OptionError, match="switched is bool, not 'yes'"):
        from_mapping(Offered, {"switched": "yes"})
    assert from_mapping(Offered, {"switched": True}).switched is True


@dataclass(frozen=True, kw_only=True)
class Kinds:
    both: Annotated[tuple[int, Path], Option(help="A number and a place.", ge=2)] = (2, Path("a"))
    either: Annotated[int | tuple[int, ...], Option(help="One or many.", le=5)] = 1
    table: Annotated[dict, Option(help="Names and places.")] = field(default_factory=dict)
    nothing: Annotated[int | None, Option(help="A number or nothing.")] = 4

    def __post_init__(self):
        check(self)


def test_pairs_and_lists_are_checked_part_by_part():
    assert from_mapping(Kinds, {"both": [3, "b"]}).both == (3, Path("b"))
    assert from_mapping(Kinds, {"nothing": None}).nothing is None
    assert Kinds(either=(1, 5)).either == (1, 5)
    for wrong in (
        {"both": [1, "b"]},
        {"both": [3]},
        {"both": ["b", 3]},
        {"either": (1, 6)},
        {"either": (1, "a")},
    ):
        with pytest.raises(OptionError, match=f"^{next(iter(wrong))} is "):
            from_mapping(Kinds, wrong)


def test_plain_values_are_plain_all_the_way_down():
    plain = to_mapping(Kinds(table={"a": [Path("b"), (1, 2)]}))
    assert plain["both"] == [2, str(Path("a").absolute())]
    assert plain["table"] == {"a": [str(Path("b").absolute()), [1, 2]]}
    assert plain["nothing"] == 4


@pytest.mark.parametrize(
    ("given", "twice"),
    [
        ({"inner": {"count": 2}, "share": 0.1}, None),
        ({"share": 0.1, "inner": {"share": 0.2}}, "share"),
        ({"share": 0.1, "inner": Inner(count=2)}, "share"),
    ],
)
def test_an_option_is_given_once_however_it_comes(given, twice):
    if twice is None:
        assert from_mapping(Outer, given).inner == Inner(count=2, share=0.1)
        return
    with pytest.raises(OptionError, match=f"^{twice} is given twice\\.$"):
        from_mapping(Outer, given)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sizes", "sizes is no option; size is one."),
        ("cost", "cost is no option; count is one."),
        ("xyz", "xyz is no option: choose of count, share, size."),
    ],
)
def test_a_name_far_from_all_others_gets_a_list_and_a_near_one_the_nearest(name, said):
    with pytest.raises(OptionError) as caught:
        from_mapping(Inner, {name: 1})
    assert str(caught.value) == said


def test_names_are_read_between_commas():
    assert read_names(" Fear,, ANGER ,") == ("fear", "anger")
