"""Commands get their parameters from the options that they take."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pytest
import typer
from typer.testing import CliRunner

from emotion.cli import app as cli
from emotion.cli.parameters import with_options
from emotion.models.errors import OptionError
from emotion.models.options import DURATION, Only, Option, Spelling, Without, check


@dataclass(frozen=True, slots=True, kw_only=True)
class Faces:
    TITLE: ClassVar[str] = "Faces"

    most: Annotated[int, Option(help="The most.", ge=1, le=20)] = 4
    inner: Annotated[float, Option(help="For programs.", expert=True)] = 1.0

    def __post_init__(self):
        check(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    TITLE: ClassVar[str] = "Everything"

    faces: Faces = field(default_factory=Faces)
    word: Annotated[Literal["one", "two"], Option(help="A word.")] = "one"
    place: Annotated[Path | None, Option(help="A place.")] = None
    places: Annotated[tuple[Path, ...], Option(help="Places.", flags=("--place-of", "-p"))] = ()
    mirror: Annotated[bool, Option(help="Mirrored.")] = False
    window: Annotated[bool, Option(help="With a window.")] = True
    rest: Annotated[float, Option(help="Rest.", unit="seconds", ge=0, spelling=DURATION)] = 0.0
    slow: Annotated[float, Option(help="Slow.", unit="seconds", gt=0)] = 2.0
    pairs: Annotated[
        dict[str, str],
        Option(
            help="Pairs.",
            spelling=Spelling(
                lambda texts: dict(text.split("=") for text in texts),
                lambda pairs: [f"{name}={value}" for name, value in pairs.items()],
                many=True,
            ),
        ),
    ] = field(default_factory=dict)
    half: Annotated[
        Literal["whole", "half"],
        Option(
            help="By halves.",
            spelling=Spelling(lambda on: "half" if on else "whole", lambda word: word == "half", switch=True),
        ),
    ] = "whole"

    def __post_init__(self):
        check(self)
        if self.slow < self.rest:
            raise OptionError("slow", "slow is not less than rest.")


def command(offer=None):
    """A command that takes everything, or what is offered of it, and a list of what it was called with."""
    called = []
    kind = Annotated[Everything, offer] if offer else Everything

    def run(source: Annotated[str, typer.Argument(help="Where.")] = "0", *, options, more: int = 1):
        called.append((source, options, more))

    run.__annotations__["options"] = kind
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(with_options(run))
    return lambda *arguments: CliRunner().invoke(app, arguments), called


def test_what_is_not_given_has_its_default():
    invoke, called = command()
    assert invoke().exit_code == 0
    assert called == [("0", Everything(), 1)]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["--most", "3"], Everything(faces=Faces(most=3))),
        (["--word", "two"], Everything(word="two")),
        (["--place", "a"], Everything(place=Path("a"))),
        (["-p", "a", "--place-of", "b"], Everything(places=(Path("a"), Path("b")))),
        (["--mirror"], Everything(mirror=True)),
        (["--no-window"], Everything(window=False)),
        (["--rest", "1500ms"], Everything(rest=1.5)),
        (["--slow", "3"], Everything(slow=3.0)),
        (["--pairs", "a=b", "--pairs", "c=d"], Everything(pairs={"a": "b", "c": "d"})),
        (["--half"], Everything(half="half")),
    ],
)
def test_what_is_given_arrives_in_its_group(given, meant):
    invoke, called = command()
    assert invoke("file", *given, "--more", "2").exit_code == 0
    assert called == [("file", meant, 2)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--most", "21"], "--most"),
        (["--most", "many"], "--most"),
        (["--word", "three"], "--word"),
        (["--rest", "soon"], "no length of time"),
        (["--slow", "0"], "slow is more than 0 seconds, not 0.0"),
        (["--slow", "nan"], "finite"),
        (["--rest", "3"], "slow is not less than rest"),
        (["--pairs", "ab"], "--pairs"),
        (["--inner", "2"], "No such option"),
    ],
)
def test_what_is_wrong_ends_as_wrong_usage_and_names_the_flag(given, said):
    invoke, called = command()
    result = invoke(*given)
    assert (result.exit_code, called) == (2, [])
    assert said in " ".join(result.output.replace("│", " ").split())


def test_help_says_what_the_fields_say(monkeypatch):
    monkeypatch.setenv("COLUMNS", "150")
    shown = " ".join(command()[0]("--help").output.replace("│", " ").split())
    for words in ("Faces", "Everything", "The most. [default: 4]", "1<=x<=20", "SECONDS", "--no-window"):
        assert words in shown
    assert "For programs" not in shown


def test_help_has_what_many_people_want_first():
    text = CliRunner().invoke(cli.app, ["annotate", "--help"], env={"COLUMNS": "150"}).output
    panels = re.findall(r"^╭─ ([A-Z][a-z ]+) ─", text, re.MULTILINE)
    assert panels[:5] == ["Arguments", "Options", "Input", "Results", "Faces"]
    assert panels[-1] == "Many videos"
    assert len(panels) == len(set(panels))
    assert re.findall(r"^│ (--[a-z]+)", text, re.MULTILINE)[1:6] == [
        *("--help", "--recursive", "--resume", "--start", "--end"),
    ]


def test_a_command_takes_a_part_with_defaults_of_its_own():
    invoke, called = command(Only("faces", "word", word="two", most=7))
    assert invoke().exit_code == 0
    assert called[0][1] == Everything(word="two", faces=Faces(most=7))
    assert invoke("--mirror").exit_code == 2
    invoke, called = command(Without("faces", "word", mirror=True))
    assert invoke("--most", "3").exit_code == 2
    assert invoke("--no-mirror", "--slow", "9").exit_code == 0
    assert called[0][1] == Everything(slow=9.0)


def test_an_expert_may_be_offered_by_name():
    invoke, called = command(Only("inner"))
    assert invoke("--inner", "2").exit_code == 0
    assert called[0][1].faces.inner == 2


@pytest.mark.parametrize("offer", [Only("wrod"), Without("wrod"), Only(wrod=1)])
def test_a_name_that_no_option_has_is_a_mistake_of_the_program(offer):
    with pytest.raises(TypeError, match="wrod"):
        command(offer)


def test_two_options_of_one_name_are_a_mistake_of_the_program():
    def run(most: int = 1, *, faces: Faces):
        """Nothing."""

    with pytest.raises(TypeError, match="most"):
        with_options(run)
