"""What a study's bar and its table at the end say."""

from dataclasses import replace

import pytest
from rich.console import Console

from emotion.cli import many
from emotion.cli.many import Bar, _sentence, found, say_found
from emotion.study.outcome import Outcome, StudiedVideo
from emotion.study.run import Run


@pytest.fixture
def told(monkeypatch):
    console = Console(record=True, width=200)
    monkeypatch.setattr(many, "errors", console)
    return console


def text_of(shown):
    console = Console(record=True, width=200)
    console.print(shown)
    return console.export_text()


def outcomes(*states):
    return [Outcome(number, f"v{number}", "", "", state, 0, "") for number, state in enumerate(states)]


@pytest.mark.parametrize(
    ("resume", "command"), [(True, "command resumes"), (False, "command with --resume resumes")]
)
def test_it_is_said_once_that_a_study_stops_and_how_it_goes_on(told, resume, command):
    with Bar(3, resume=resume) as bar:
        bar.stopping()
        bar.stopping()
        description = bar._bar.tasks[0].description
    said = told.export_text()
    assert description == "stopping"
    assert said.count("Stopping") == 1
    assert command in said


def test_a_quiet_study_stops_without_a_word(told):
    with Bar(3, quiet=True) as bar:
        bar.stopping()
    assert not told.export_text()


def test_what_was_done_before_is_counted_and_marked():
    run = Run(outcomes("done", "failed", "done"), frames=10, seconds=2.0, passed={0, 2})
    said = _sentence(run, 2)
    assert said.startswith("3 videos: 2 done, 1 failed, 2 skipped because they were done before; 10 frames")
    table = text_of(found([StudiedVideo(one, None, None) for one in run.outcomes], run.passed))
    assert table.count("done before") == 2
    assert _sentence(Run(outcomes("done"), passed={0}), 1) == (
        "1 video: 1 done, 1 skipped because they were done before"
    )


def test_of_many_videos_the_reasons_of_failures_stand_below_the_table():
    ended = [
        replace(one, reason=f"{one.name} is empty.") if one.state == "failed" else one
        for one in outcomes(*["done"] * 35, "failed")
    ]
    for some, wanted in ((ended, True), (ended[-2:], False)):
        console = Console(record=True, width=200)
        say_found([StudiedVideo(one, None, None) for one in some], console)
        assert console.export_text().endswith("failed: v35: v35 is empty.\n") == wanted
