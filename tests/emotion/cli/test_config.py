"""Configuration files, the environment and the command line: one rule of precedence."""

import sys
from typing import Annotated

import pytest
import typer

from emotion import config
from emotion.cli import app as cli
from emotion.cli.defaults import defaults_of
from emotion.cli.parameters import with_options
from emotion.models.errors import OptionError
from emotion.models.options import Only
from emotion.realtime.options import Options
from tests.helpers.pictures import smooth_jpeg


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """A project in a folder of its own, and a user without settings."""
    folder = tmp_path / "project" / "deep"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(config, "user_file", lambda: tmp_path / "user" / "emotion.toml")
    for name in ("EMOTION_SMOOTH", "EMOTION_MODELS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def chosen(*arguments, command="annotate"):
    """The options that a command takes these arguments for."""
    taken = []
    app = typer.Typer(add_completion=False)

    @app.command()
    @with_options
    def annotate(*, options: Annotated[Options, Only("smooth", "models", "formats", "mirror")]) -> None:
        taken.append(options)

    made = typer.main.get_command(app)
    made.main(list(arguments), standalone_mode=False, default_map=defaults_of(command, made))
    return taken[0]


def test_a_place_for_settings_that_cannot_be_looked_into_holds_none(tmp_path, monkeypatch):
    """As another user's home after ``sudo -u``; here a name too long, since the superuser may search all."""
    monkeypatch.setattr(config, "user_file", lambda: tmp_path / ("u" * 300) / "emotion.toml")
    assert config.read_settings() == []


def test_the_nearer_wins(places, monkeypatch):
    assert chosen().vote.smooth == 0.3
    write(places / "user" / "emotion.toml", "smooth = 0.1\nmirror = true")
    assert (chosen().vote.smooth, chosen().live.mirror) == (0.1, True)
    write(places / "project" / "pyproject.toml", "[tool.emotion]\nsmooth = 0.2")
    assert (chosen().vote.smooth, chosen().live.mirror) == (0.2, True)
    write(places / "project" / "emotion.toml", "smooth = 0.4")
    assert chosen().vote.smooth == 0.4
    write(places / "project" / "emotion.toml", "[annotate]\nsmooth = 0.5\n[live]\nsmooth = 9")
    assert chosen().vote.smooth == 0.5
    monkeypatch.setenv("EMOTION_SMOOTH", "0.6")
    assert chosen().vote.smooth == 0.6
    assert chosen("--smooth", "0.7").vote.smooth == 0.7


def test_values_are_written_as_toml_has_them(places):
    write(places / "project" / "emotion.toml", 'models = "lite"\nformats = ["csv", "html"]\nmirror = false')
    options = chosen()
    assert options.engine.models.name == "lite"
    assert options.outputs.formats == ("csv", "html")
    assert options.live.mirror is False


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("smoth = 1", r"emotion\.toml names smoth, which is no option; smooth is one"),
        ("[annotate]\nwindow = true", r"names window, which is no option"),
        ("[anotate]\nsmooth = 1", r"\[anotate\], but there is no such command; annotate is one"),
        ("smooth =", r"is no configuration file"),
    ],
)
def test_what_a_file_gets_wrong_is_said(places, text, said):
    write(places / "project" / "emotion.toml", text)
    with pytest.raises(OptionError, match=said):
        chosen()


def test_a_home_in_a_file_is_the_users(places, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(places / "home"))
    write(places / "project" / "emotion.toml", 'models = "~/mine"')
    assert chosen().engine.models == places / "home" / "mine"


def test_what_another_command_has_is_no_mistake(places):
    write(
        places / "project" / "emotion.toml",
        "max-faces = 2\nstride = 2\njobs = 2\nport = 80\nregions = 'eyes'",
    )
    assert chosen().vote.smooth == 0.3


def test_somebody_elses_project_file_is_left_alone(places):
    write(places / "project" / "pyproject.toml", "[tool.black]\nline = [")
    assert chosen().vote.smooth == 0.3


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["emotion", *map(str, arguments)])
    return cli.run()


def test_a_bad_value_in_the_environment_is_a_usage_error(monkeypatch, capsys):
    monkeypatch.setenv("EMOTION_SMOOTH", "much")
    assert run(monkeypatch, "annotate", "x.mp4") == 2
    assert "--smooth" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["config"], ["info", "x.mp4"]], ids=lambda command: command[0])
def test_a_misspelt_variable_is_said(places, monkeypatch, capsys, command):
    write(places / "x.mp4", "")
    monkeypatch.setenv("EMOTION_MODLES", "standard")
    for name in ("EMOTION_JOBS", "EMOTION_PORT", "EMOTION_RECURSIVE", "EMOTION_BY"):
        monkeypatch.setenv(name, "1")
    run(monkeypatch, *command)
    said = [line for line in capsys.readouterr().err.splitlines() if "environment" in line]
    assert said == ["EMOTION_MODLES in the environment is no option and does nothing; EMOTION_MODELS is one."]


def test_a_commands_own_options_are_in_the_environment_too(places, monkeypatch, capsys):
    folder = places / "project" / "deep"
    monkeypatch.setenv("EMOTION_RECURSIVE", "1")
    (folder / "in").mkdir()
    (folder / "in" / "a.jpg").write_bytes(smooth_jpeg())
    assert run(monkeypatch, "info", ".") == 0
    assert "a.jpg" in capsys.readouterr().out


def test_config_shows_what_holds_and_from_where(places, monkeypatch, capsys):
    monkeypatch.setattr("emotion.cli.config.user_file", config.user_file)
    write(places / "project" / "emotion.toml", "smooth = 0.5\n[annotate]\nstride = 2")
    monkeypatch.setenv("EMOTION_MODELS", "lite")
    assert run(monkeypatch, "config") == 0
    rows = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines() if line}
    file = str(places / "project" / "emotion.toml")
    assert rows["smooth"] == ["0.5", file]
    assert rows["models"] == ["lite", "EMOTION_MODELS"]
    assert rows["max_faces"][1] == "default"
    assert rows["annotate.stride"] == ["2", file]


@pytest.mark.parametrize(
    ("said", "variables", "where"),
    [
        ('smooth = "abc"', {}, "(from a configuration file: see 'emotion config')"),
        ("start = 4\nend = 1", {}, "(from a configuration file: see 'emotion config')"),
        ("", {"EMOTION_SMOOTH": "abc"}, "(from the environment: EMOTION_SMOOTH)"),
        ("smooth = 0.4", {"EMOTION_START": "4", "EMOTION_END": "1"}, "(from the environment: EMOTION_END)"),
    ],
)
def test_a_value_that_cannot_be_is_reported_with_its_place(
    places, monkeypatch, capsys, said, variables, where
):
    write(places / "project" / "emotion.toml", said)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["emotion", "annotate", "clip.mp4"])
    assert cli.run() == 2
    assert where in words(capsys)


@pytest.mark.parametrize("option", ["--smooth=abc", "--style=neon"])
def test_what_is_on_the_command_line_is_reported_alone(monkeypatch, capsys, option):
    monkeypatch.setenv("EMOTION_SMOOTH", "0.4")
    monkeypatch.setattr(sys, "argv", ["emotion", "annotate", "clip.mp4", option])
    assert cli.run() == 2
    reported = words(capsys)
    assert "Invalid value" in reported
    assert "(from" not in reported
    assert "Value error" not in reported


def words(capsys):
    """What was said to standard error, without the frame around it."""
    return " ".join(capsys.readouterr().err.replace("│", " ").split())
