"""What is reported of all videos together: tables, their description, the mean courses and the page."""

import csv
import html
import io
import json
import re
import unicodedata
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from emotion.models.classes import EMOTIONS
from emotion.models.errors import OptionError
from emotion.models.schema import SHIPPED
from emotion.realtime.details import DETAILS
from emotion.realtime.errors import SinkError, SourceError
from emotion.realtime.sinks.columns import Columns, description
from emotion.realtime.sinks.result_sources import Source
from emotion.study.columns import video_columns
from emotion.study.course import courses
from emotion.study.metadata import Metadata, read_metadata
from emotion.study.options import Shard
from emotion.study.outcome import Outcome, StudiedVideo
from emotion.study.shards import merge
from emotion.study.study_files import StudyFiles, write_study
from emotion.study.tables import NAMES
from tests.helpers.results import face, result
from tests.helpers.studies import PROVENANCE, happy, nobody, study

VIDEOS = {
    "a/one": happy(people=2),
    "a/two": [*happy(10), *(result(10 + n, face("fear", 1)) for n in range(15))],
    "b/empty": None,
    "b/four": nobody(),
    "b/<i>": happy(5, share=0.6),
}


def written(home, videos, metadata=Metadata(), by=None):  # noqa: B008
    outcomes = study(home, videos)
    files = StudyFiles(home, None, False)
    return write_study(files, outcomes, PROVENANCE, metadata, by)


def table(home, name):
    with open(home / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(("videos", "hidden"), [({"one": nobody(), "two": nobody()}, True), (VIDEOS, False)])
def test_where_nobody_is_seen_no_empty_charts_are_shown(tmp_path, videos, hidden):
    written(tmp_path / "out", videos)
    page = (tmp_path / "out" / "study.html").read_text(encoding="utf-8")
    assert ('aria-labelledby="average-head" hidden>' in page) == hidden
    assert ('"means":[]' in page) == hidden


def test_a_row_a_video_and_a_row_a_person(tmp_path):
    written(tmp_path / "out", VIDEOS)
    videos, people = (table(tmp_path / "out", name) for name in ("videos.csv", "people.csv"))
    assert [row["video"] for row in videos] == list(VIDEOS)
    assert [row["folder"] for row in videos] == ["a", "a", "b", "b", "b"]
    assert [row["state"] for row in videos] == ["done", "done", "failed", "done", "done"]
    assert videos[2]["reason"] == "empty.mp4 cannot be read: it is <empty>."
    assert {videos[2][name] for name in ("seconds", "label", "share_fear", "sha256")} == {""}
    assert [row["label"] for row in videos] == ["happiness", "fear", "", "", "happiness"]
    shares = [float(videos[1][f"share_{name}"]) for name in (*EMOTIONS, "uncertain", "no_face")]
    assert sum(shares) == pytest.approx(1, abs=1e-3)
    assert (videos[3]["share_no_face"], videos[3]["mean_fear"], videos[3]["people"]) == ("1.0", "", "0")
    assert [(row["video"], row["track_id"]) for row in people] == [
        ("a/one", "1"),
        ("a/one", "2"),
        ("a/two", "1"),
        ("b/<i>", "1"),
    ]
    assert people[2]["episodes_fear"] == people[2]["episodes_happiness"] == "1"
    assert people[2]["episodes_anger"] == "0"
    assert people[2]["median_anger_seconds"] == ""
    assert float(people[2]["median_fear_seconds"]) == pytest.approx(0.6, abs=0.05)


def test_videos_in_the_folder_that_all_share_are_of_a_group_of_that_name_everywhere(tmp_path):
    # An empty cell would mean that it is not known: R and pandas leave such rows out of groups.
    written(tmp_path / "out", {"one": happy(), "b/two": happy()})
    for name in ("videos.csv", "people.csv"):
        assert [row["folder"] for row in table(tmp_path / "out", name)] == ["(top)", "b"]
    assert {row["group"] for row in table(tmp_path / "out", "course.csv")} == {"all", "(top)", "b"}


def test_a_folder_called_all_does_not_stand_for_all_videos(tmp_path):
    written(tmp_path / "out", {"all/one": happy(), "b/two": happy()})
    courses = {row["group"]: row["videos"] for row in table(tmp_path / "out", "course.csv")}
    assert courses == {"all": "2", "all (group)": "1", "b": "1"}


def test_pandas_reads_each_table_with_the_types_that_are_said(tmp_path):
    pandas = pytest.importorskip("pandas")
    path = tmp_path / "m.csv"
    path.write_text("file,age,score,who\none.mp4,31,0.5,Ann\ntwo.mp4,,0.25,\n")
    written(tmp_path / "out", VIDEOS, read_metadata(path, None, []))
    said = table(tmp_path / "out", "columns.csv")
    kinds = {"string": "string", "integer": "Int64", "number": "float64", "boolean": "boolean"}
    for name in NAMES:
        columns = [row for row in said if row["table"] == name]
        assert [row["column"] for row in columns] == list(table(tmp_path / "out", name)[0])
        read = pandas.read_csv(
            tmp_path / "out" / name, dtype={row["column"]: kinds[row["type"]] for row in columns}
        )
        for row in columns:
            values = read[row["column"]].dropna()
            assert row["meaning"], row
            if row["range"] == "0 to 1":
                assert values.between(0, 1).all(), row
            if row["range"] == "from 0":
                assert (values >= 0).all(), row
    assert {row["column"]: row["type"] for row in said if row["meaning"] == "from --metadata"} == {
        "age": "integer",
        "score": "number",
        "who": "string",
    }


def test_every_column_of_a_timeline_is_described():
    for columns in (Columns(SHIPPED, live=True, details=DETAILS), Columns(SHIPPED)):
        for name in columns.all:
            assert description(name).meaning
    assert description("eyes_fear").meaning == "fear: prediction from the region eyes, smoothed"
    assert description("probabilities_frame_fear").meaning.startswith("fear: vote of this frame alone")
    with pytest.raises(KeyError):
        description("unknown")


def test_a_cell_that_a_spreadsheet_would_take_for_a_formula_or_a_line_stays_one_cell(tmp_path):
    written(tmp_path / "out", {'x, "y"\n': happy(3)})
    assert [row["video"] for row in table(tmp_path / "out", "videos.csv")] == ['x, "y"\n']


def told_of(home, videos):
    return [StudiedVideo.of(one, home) for one in study(home, videos)]


def test_a_mean_course_and_its_interval(tmp_path):
    videos = {"one": happy(share=0.9), "two": happy(share=0.7), "three": happy(share=0.5), "none": nobody()}
    found = courses(told_of(tmp_path / "out", videos), EMOTIONS, lambda one: "")
    relative, absolute = found.means
    place = EMOTIONS.index("happiness")
    assert set(relative.videos.tolist()) == {3}
    mean, low, high = (getattr(relative, name)[20, place] for name in ("mean", "low", "high"))
    values = [0.9, 0.7, 0.5]
    wanted = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert mean == pytest.approx(0.7, abs=0.003)
    assert (low, high) == pytest.approx((max(0, wanted[0]), min(1, wanted[1])), abs=0.01)
    assert absolute.time == "absolute"
    assert len(absolute.videos) * absolute.step == pytest.approx(1.0, abs=absolute.step)


def test_of_one_video_there_is_a_course_and_no_interval(tmp_path):
    found = courses(told_of(tmp_path / "out", {"one": happy()}), EMOTIONS, lambda one: "")
    assert np.isfinite(found.means[0].mean).all()
    assert np.isnan(found.means[0].low).all()
    assert {row["low"] for row in found.rows()} == {None}


def test_groups_have_courses_of_their_own(tmp_path):
    reported = told_of(tmp_path / "out", {"a/one": happy(share=0.9), "b/two": happy(share=0.5)})
    found = courses(reported, EMOTIONS, lambda one: one.outcome.folder)
    assert [(one.group, one.time) for one in found.means] == [
        (group, time) for group in ("all", "a", "b") for time in ("relative", "absolute")
    ]


def test_a_course_comes_and_goes_with_people(tmp_path):
    video = [
        *nobody(50),
        *(
            replace(one, frame=replace(one.frame, index=50 + n, pts=40 * (50 + n)))
            for n, one in enumerate(happy(50))
        ),
    ]
    found = courses(told_of(tmp_path / "out", {"one": video}), EMOTIONS, lambda one: "")
    assert found.means[0].videos[:24].sum() == 0
    assert found.means[0].videos[27:].all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no table of videos"),
        ("file\none.mp4\n", "no table of videos"),
        ("file,age,age\none.mp4,1,2\n", "no table of videos"),
        ("file,age\none.mp4,1\none.mp4,2\n", "two rows of one.mp4"),
    ],
)
def test_what_is_no_table_of_videos(tmp_path, text, said):
    path = tmp_path / "m.csv"
    path.write_text(text)
    with pytest.raises(SourceError, match=said):
        read_metadata(path, None, [])


def test_metadata_are_found_by_path_name_file_or_stem(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("age;video\n1;a/one.mp4\n2;one\n3;two.mp4\n4;three\n")
    found = read_metadata(path, "age", ["age"] if False else [])
    outcomes = [
        Outcome(0, "one.mp4", f"{name}.mp4", folder, "done", 0, "")
        for folder, name in (("a", "one"), ("b", "one"), ("", "two"), ("", "three"), ("", "four"))
    ]
    assert [found.of(one).get("age") for one in outcomes] == ["1", "2", "3", "4", None]


def videos_named(*names):
    return [Outcome(number, name, f"{name}.MOV", "", "done", 0, "") for number, name in enumerate(names)]


def test_metadata_are_found_whatever_a_file_system_does_to_case_and_accents(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("video,age\nEtüde.mov,1\nsolo.MOV,2\nSOLO.mov,3\nSolo.mov,4\n", encoding="utf-8")
    found = read_metadata(path, "age", [])
    outcomes = videos_named(unicodedata.normalize("NFD", "ETÜDE"), "solo", "sOLO")
    # Of names that differ in case alone only the exact one fits.
    assert [found.of(one).get("age") for one in outcomes] == ["1", "2", None]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ("7,12", "integer"),
        ("0,1", "integer"),
        ("0.5,2", "number"),
        ("007,012", "string"),
        ("01.5,2", "string"),
    ],
)
def test_codes_that_begin_with_zeros_are_text(tmp_path, values, kind):
    path = tmp_path / "m.csv"
    rows = "".join(f"v{number};{value}\n" for number, value in enumerate(values.split(",")))
    path.write_text(f"video;code\n{rows}")
    assert read_metadata(path, None, []).kind("code") == kind


def test_a_row_may_name_the_folder_of_a_persons_videos(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("person,age\nP1,1\nP2,2\nP2/two.mp4,3\n", encoding="utf-8")
    found = read_metadata(path, "age", [])
    outcomes = [
        Outcome(0, f"{folder}/{name}", f"{name}.mp4", folder, "done", 0, "")
        for folder, name in (("P1", "one"), ("P1/late", "two"), ("P2", "one"), ("P2", "two"), ("P3", "one"))
    ]
    assert [found.of(one).get("age") for one in outcomes] == ["1", "1", "2", "3", None]


def test_videos_without_a_row_and_rows_without_a_video_are_named_on_the_page_and_in_the_log(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("video,mood\na/one,good\nb/<x>,bad\n", encoding="utf-8")
    known = read_metadata(path, "mood", [])
    written(tmp_path / "out", VIDEOS, known, "mood")
    said = [
        "4 of 5 videos have no row in --metadata: a/two.mp4, b/empty.mp4, b/four.mp4 and 1 more.",
        "1 row of --metadata names no video: b/<x>.",
    ]
    log = (tmp_path / "out" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert [note["note"] for note in map(json.loads, log) if note["event"] == "metadata"] == said
    page = (tmp_path / "out" / "study.html").read_text(encoding="utf-8")
    assert all(html.escape(sentence) in page for sentence in said)


def test_where_metadata_and_videos_fit_nothing_is_said(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("video,age\none.mov,1\n", encoding="utf-8")
    assert read_metadata(path, None, []).gaps(videos_named("one")) == []
    assert Metadata().gaps(videos_named("one")) == []


def test_empty_rows_and_columns_of_a_spreadsheet_are_passed_over(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("video;age;;\r\none.mp4;31;;\r\n;;;\r\ntwo.mp4;;;\r\n;;;\r\n")
    found = read_metadata(path, None, [])
    assert (found.columns, dict(found.rows)) == (
        ("age",),
        {"one.mp4": {"age": "31"}, "two.mp4": {"age": ""}},
    )


def test_a_table_of_another_encoding_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / "m.csv"
    path.write_bytes("video;Gruppe\r\none.mp4;Übung\r\n".encode("cp1252"))
    with pytest.raises(SourceError, match="in Excel choose the type 'CSV UTF-8'"):
        read_metadata(path, None, [])


def test_a_column_that_is_taken_gets_another_name_and_one_that_is_not_there_is_refused(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("video,label\none,x\n")
    taken = [column.name for column in video_columns(EMOTIONS, Metadata())]
    assert read_metadata(path, None, taken).columns == ("metadata_label",)
    with pytest.raises(OptionError, match="--by age"):
        read_metadata(path, "age", taken)
    with pytest.raises(OptionError, match="there is no --metadata"):
        read_metadata(None, "age", taken)


def shards(folder, together=True):
    """Three shards of VIDEOS, in one folder or in three."""
    names = list(VIDEOS)
    for number in (1, 2, 3):
        home = folder if together else folder / f"shard{number}"
        outcomes = [
            replace(study(home, {name: VIDEOS[name]})[0], number=names.index(name), folder=name[0])
            for name in names[number - 1 :: 3]
        ]
        files = StudyFiles(home, Shard(number, 3), False)
        files.log.note("start")
        files.finish(outcomes, PROVENANCE | {"date": f"day {number}"})


@pytest.mark.parametrize("together", [True, False])
def test_shards_give_the_tables_of_one_machine(tmp_path, together):
    written(tmp_path / "x/out", VIDEOS)
    folder = tmp_path / "y/parts"
    shards(folder, together)
    folders = [folder] if together else [folder / f"shard{number}" for number in (3, 1, 2)]
    home = folder if together else tmp_path / "y/all"
    findings, outcomes = merge(folders, home, False, Metadata(), None)
    for name in NAMES:
        assert (home / name).read_bytes() == (tmp_path / "x/out" / name).read_bytes(), name
    assert [one.number for one in outcomes] == [0, 1, 2, 3, 4] or len(outcomes) == 5
    assert all(
        (home / one.outcome.results["summary"]).exists() for one in findings.studied if one.outcome.results
    )
    lines = [json.loads(line)["event"] for line in (home / "log.jsonl").read_text().splitlines()]
    assert (lines.count("start"), lines.count("merged"), lines[-1]) == (3, 1, "end")
    # Once more, into what is its own by now.
    merge(folders, home, False, Metadata(), None)


def test_a_shard_that_is_missing_or_of_another_study_is_named(tmp_path):
    shards(tmp_path / "out")
    path = tmp_path / "out/provenance.2-of-3.json"
    values = json.loads(path.read_text())
    path.unlink()
    with pytest.raises(SourceError, match="The shards 2/3 are missing"):
        merge([tmp_path / "out"], tmp_path / "out", False, Metadata(), None)
    path.write_text(json.dumps(values | {"models": {"folder": "standard"}}))
    with pytest.raises(SourceError, match="differ in models"):
        merge([tmp_path / "out"], tmp_path / "out", False, Metadata(), None)
    with pytest.raises(SourceError, match="holds no results"):
        merge([tmp_path], tmp_path / "out", False, Metadata(), None)


def test_a_whole_study_is_reported_anew_with_other_metadata(tmp_path):
    home = tmp_path / "out"
    written(home, VIDEOS)
    path = tmp_path / "m.csv"
    path.write_text("video,mood\na/one,good\na/two,bad\n")
    merge([home], home, False, read_metadata(path, "mood", []), "mood")
    assert [row["mood"] for row in table(home, "videos.csv")] == ["good", "bad", "", "", ""]
    groups = {row["group"] for row in table(home, "course.csv")}
    assert groups == {"all", "good", "bad", "(none)"}


def test_what_is_the_users_is_not_replaced(tmp_path):
    home = tmp_path / "out"
    outcomes = study(home, VIDEOS)
    (home / "videos.csv").write_text("mine")
    with pytest.raises(SinkError, match=r"videos\.csv would be replaced"):
        StudyFiles(home, None, False)
    assert (home / "videos.csv").read_text() == "mine"
    write_study(StudyFiles(home, None, True), outcomes, PROVENANCE, Metadata(), None)
    assert len(table(home, "videos.csv")) == 5


@pytest.mark.parametrize("shard", [None, Shard(1, 2)], ids=["whole", "shard"])
def test_another_studys_tables_are_not_replaced_by_shards_either(tmp_path, shard):
    first, second = ([Source(tmp_path / f"{name}.mp4")] for name in "ab")
    for number, sources in ((1, first), (2, second)):
        sources[0].path.touch()
        home = tmp_path / str(number)
        StudyFiles(home, shard, False, sources=sources).finish(study(home, {"one": None}), PROVENANCE)
    with pytest.raises(SinkError, match=r"a\.mp4.* would be replaced by results of .*b\.mp4"):
        StudyFiles(tmp_path / "1", shard, False, sources=second)
    if shard:
        return
    merge([tmp_path / "1"], tmp_path / "all", False, Metadata(), None)
    with pytest.raises(SinkError, match=r"a\.mp4.* would be replaced by results of .*b\.mp4"):
        merge([tmp_path / "2"], tmp_path / "all", False, Metadata(), None)


def test_an_interrupted_run_leaves_its_log_and_the_next_goes_on_with_it(tmp_path):
    first = StudyFiles(tmp_path, None, False)
    first.log.note("begun", video="one")
    first.keep()
    assert (tmp_path / "log.partial.jsonl").exists()
    second = StudyFiles(tmp_path, None, False)
    with pytest.raises(SinkError, match="another run"):
        StudyFiles(tmp_path, None, False)
    second.log.note("begun", video="two")
    second.finish([], PROVENANCE)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line.get("video") for line in lines] == ["one", "two", None]
    assert not list(tmp_path.glob("*.partial.*"))


def test_the_provenance_lists_videos_and_files_with_checksums(tmp_path):
    home = tmp_path / "out"
    written(home, VIDEOS)
    values = json.loads((home / "provenance.json").read_text())
    assert (values["complete"], len(values["videos"])) == (False, 5)
    assert values["videos"][2]["code"] == 3
    assert set(values["results"]) == {*NAMES, "study.html", "log.jsonl"}
    assert values["program"] == "emotion-live 0"


def test_the_page_shows_all_and_loads_nothing(tmp_path):
    home = tmp_path / "out"
    written(home, VIDEOS)
    text = (home / "study.html").read_text()
    assert text.count("<tr data-row=") == 5
    assert not re.search(r"(src|href)=\"(https?:)?//|@import|url\((?!#)", text)
    assert "<i>" not in text.replace("&lt;i&gt;", "")
    assert "it is &lt;empty&gt;" in text
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])
    assert [one["state"] for one in data["videos"]] == ["done", "done", "failed", "done", "done"]
    assert {one["group"] for one in data["means"]} == {"all", "a", "b"}
    assert 'href="a/one.summary.json"' in text
    assert "5 videos" in text


def test_the_csv_has_no_carriage_returns(tmp_path):
    written(tmp_path / "out", {"one": happy(3)})
    assert io.BytesIO((tmp_path / "out/people.csv").read_bytes()).read().count(b"\r") == 0
