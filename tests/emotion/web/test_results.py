"""The overview of a timeline: what the page draws."""

import json

import pytest

pytest.importorskip("fastapi", reason="needs the extra 'web'")

from emotion.models.classes import EMOTIONS
from emotion.realtime.sinks.csv_jsonl import JsonLinesTimeline
from emotion.web.jobs.results import KINDS, OVERVIEW, card, find, outputs_of, overview, write_overview
from tests.helpers.results import face, result, sure


def timeline(path, *results):
    with JsonLinesTimeline(path) as sink:
        for one in results:
            sink.write(one, one.frame.image)
    return path


def test_each_person_has_a_row_and_the_one_seen_longest_is_first(tmp_path):
    path = timeline(
        tmp_path / "t.jsonl",
        result(0, face("fear", track=1)),
        result(1, face("anger", track=2)),
        result(2, face("happiness", track=2), face("fear", track=1)),
        result(3, face("happiness", track=2)),
    )
    found = overview(path)
    assert [person["track_id"] for person in found["people"]] == [2, 1]
    assert found["people"][0]["bins"] == [1, 2, 3]
    assert found["people"][0]["labels"] == ["anger", "happiness", "happiness"]
    assert found["people"][1]["bins"] == [0, 2]
    assert found["seconds"] == pytest.approx(0.16)
    assert found["people"][0]["seen"] == pytest.approx(0.12)
    assert found["people"][0]["probabilities"][0][EMOTIONS.index("anger")] == pytest.approx(0.9)


def test_a_list_shows_the_label_that_most_people_have(tmp_path):
    """As the sentence beside it: not one person's, though all were seen equally long."""
    faces = [face(label, track=track) for track, label in enumerate(("neutral", "anger", "fear", "fear"), 1)]
    found = card(overview(timeline(tmp_path / "t.jsonl", *(result(n, *faces) for n in range(120)))))
    assert found["strip"] == ["fear"] * 60


def test_of_labels_that_are_equally_frequent_a_list_shows_that_of_the_person_seen_longest(tmp_path):
    frames = [
        result(n, face("fear", track=2), face("anger" if n < 50 else "fear", track=1)) for n in range(100)
    ]
    frames += [result(n) for n in range(100, 120)]
    frames += [result(n, face("anger", track=1)) for n in range(120, 240)]
    found = card(overview(timeline(tmp_path / "t.jsonl", *frames)))
    assert found["seconds"] == pytest.approx(9.6)
    assert len(found["strip"]) == 60
    assert found["strip"][:12] == ["anger"] * 12
    assert found["strip"][13:25] == ["fear"] * 12
    assert found["strip"][25:30] == [None] * 5
    assert found["strip"][30:] == ["anger"] * 30


def test_where_the_person_seen_longest_is_away_a_list_shows_whoever_is_there(tmp_path):
    # Who comes back after a while has a new number.
    frames = [result(n, face("fear", track=1)) for n in range(128)]
    frames += [result(n) for n in range(128, 140)]
    frames += [result(n, face("anger", track=2)) for n in range(140, 240)]
    found = card(overview(timeline(tmp_path / "t.jsonl", *frames)))
    assert found["strip"] == ["fear"] * 32 + [None] * 3 + ["anger"] * 25


@pytest.mark.parametrize("count", [7, 50])
def test_a_video_of_few_frames_has_a_strip_without_holes(tmp_path, count):
    frames = [result(n, face("fear", track=1)) for n in range(count)]
    assert card(overview(timeline(tmp_path / "t.jsonl", *frames)))["strip"] == ["fear"] * 60


@pytest.mark.parametrize(("rate", "decimals"), [(30, 6), (30, 3), (120, 3), (60000 / 1001, 6)])
def test_each_frame_has_its_bin_though_times_are_rounded(tmp_path, rate, decimals):
    path = tmp_path / "t.jsonl"
    plain = timeline(path, result(0, face("fear"))).read_text()
    lines = []
    for n in range(72):
        line = json.loads(plain)
        line["seconds"] = round(n / rate, decimals)
        lines.append(json.dumps(line))
    path.write_text("\n".join(lines))
    found = overview(path)
    assert found["people"][0]["bins"] == list(range(72))
    assert card(found)["strip"] == ["fear"] * 60


def test_frames_that_do_not_come_evenly_leave_no_holes_in_a_strip(tmp_path):
    # 25 a second, then 12.5.
    steps = [*range(40), *range(40, 160, 2)]
    frames = [result(n, face("fear"), pts=40 * step) for n, step in enumerate(steps)]
    assert card(overview(timeline(tmp_path / "t.jsonl", *frames)))["strip"] == ["fear"] * 60


def test_a_hidden_region_has_no_prediction(tmp_path):
    path = timeline(tmp_path / "t.jsonl", result(0, face("fear", lips=False)), result(1))
    (person,) = overview(path)["people"]
    assert person["lips"] == [None]
    assert person["eyes"][0] is not None


def test_the_third_prediction_is_there_where_it_counts(tmp_path):
    third = sure("anger", 0.8)
    path = timeline(tmp_path / "t.jsonl", result(0, face("fear", blendshapes=third)), result(1, face("fear")))
    (person,) = overview(path)["people"]
    assert person["blendshapes"][0][EMOTIONS.index("anger")] == pytest.approx(0.8)
    assert person["blendshapes"][1] is None


def test_a_long_video_is_drawn_in_few_steps_with_mean_predictions(tmp_path):
    frames = [result(n, face("fear" if n % 4 == 0 else "anger", share=1.0)) for n in range(4800)]
    found = overview(timeline(tmp_path / "t.jsonl", *frames))
    (person,) = found["people"]
    assert person["bins"] == list(range(1200))
    assert set(person["labels"]) == {"anger"}
    for vote in person["probabilities"]:
        assert vote[EMOTIONS.index("fear")] == pytest.approx(0.25, abs=0.01)


def test_a_crowd_is_cut_to_those_seen_longest_and_says_how_many_are_left_out(tmp_path):
    crowd = [face("fear", track=n) for n in range(1, 51)]
    found = overview(timeline(tmp_path / "t.jsonl", result(0, *crowd)))
    assert len(found["people"]) == 40
    assert found["others"] == 10


def test_a_timeline_that_was_cut_off_counts_as_far_as_it_goes(tmp_path):
    path = timeline(tmp_path / "t.jsonl", result(0, face("fear")), result(1, face("fear")))
    path.write_text(path.read_text()[:-20])
    assert overview(path)["people"][0]["bins"] == [0]


def test_results_are_found_whole_or_in_part(tmp_path):
    outputs = outputs_of(tmp_path / "my.clip.mp4", tmp_path)
    assert find(tmp_path, KINDS["jsonl"]) is None
    write_overview(tmp_path, outputs)
    assert not (tmp_path / OVERVIEW).exists()
    sink = JsonLinesTimeline(outputs.files["jsonl"])
    sink.write(result(0, face("fear")), None)
    part = sink.abort()
    assert find(tmp_path, KINDS["jsonl"]) == part
    write_overview(tmp_path, outputs)
    assert len(json.loads((tmp_path / OVERVIEW).read_text())["people"]) == 1
    outputs.files["jsonl"].write_text("")
    assert find(tmp_path, KINDS["jsonl"]) == outputs.files["jsonl"]
