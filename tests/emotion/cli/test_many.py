"""What a study's bar and its table at the end say."""

from dataclasses import replace

import pytest
from rich.console import Console

from emotion.cli import many
from emotion.cli.many import Bar, _say_warnings, _sentence, found, say_found
from emotion.study.metadata import Metadata
from emotion.study.outcome import Outcome, StudiedVideo
from emotion.study.run import Run


@pytest.fixture
def reported(monkeypatch):
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
def test_it_is_said_once_that_a_study_stops_and_how_it_goes_on(reported, resume, command):
    with Bar(3, resume=resume) as bar:
        bar.stopping()
        bar.stopping()
        description = bar._bar.tasks[0].description
    said = reported.export_text()
    assert description == "stopping"
    assert said.count("Stopping") == 1
    assert command in said


def test_a_quiet_study_stops_without_a_word(reported):
    with Bar(3, quiet=True) as bar:
        bar.stopping()
    assert not reported.export_text()


def test_what_was_done_before_is_counted_and_marked():
    run = Run(outcomes("done", "failed", "done"), frames=10, seconds=2.0, passed={0, 2})
    said = _sentence(run, 2)
    assert said.startswith("3 videos: 2 done, 1 failed, 2 skipped because they were done before; 10 frames")
    table = text_of(found([StudiedVideo(one, None, None) for one in run.outcomes], run.passed))
    assert table.count("done before") == 2
    assert _sentence(Run(outcomes("done"), passed={0}), 1) == (
        "1 video: 1 done, 1 skipped because they were done before"
    )


@pytest.mark.parametrize(
    ("on_page", "where"), [(True, "see the page of the study"), (False, "see notes in their summaries")]
)
def test_videos_with_warnings_are_counted_and_gaps_in_the_metadata_told(on_page, where):
    studied = [
        StudiedVideo(one, {"notes": notes}, None)
        for one, notes in zip(outcomes("done", "done"), ([], ["a frame is missing"]), strict=True)
    ]
    console = Console(record=True, width=60)
    _say_warnings(studied, Metadata(("age",), {"v0": {"age": "1"}, "[x]": {"age": "2"}}), on_page, console)
    said = " ".join(console.export_text().split())
    assert f"1 video has warnings, such as missing frames: {where}." in said
    assert "1 of 2 videos has no row in --metadata" in said
    assert "1 row of --metadata names no video: [x]." in said


def test_of_videos_without_warnings_none_are_counted():
    console = Console(record=True)
    _say_warnings(
        [StudiedVideo(one, {"notes": []}, None) for one in outcomes("done")], Metadata(), True, console
    )
    assert not console.export_text()


def test_of_many_videos_the_reasons_of_failures_stand_below_the_table():
    ended = [
        replace(one, reason=f"{one.name} is empty.") if one.state == "failed" else one
        for one in outcomes(*["done"] * 35, "failed")
    ]
    for some, wanted in ((ended, True), (ended[-2:], False)):
        console = Console(record=True, width=200)
        say_found([StudiedVideo(one, None, None) for one in some], console)
        assert console.export_text().endswith("failed: v35: v35 is empty.\n") == wanted
