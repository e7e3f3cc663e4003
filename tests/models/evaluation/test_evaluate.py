import csv
import json
import os
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from emotion.cli import app as cli
from emotion.models.classes import EMOTIONS
from emotion.models.data.image_io import write_png
from emotion.models.data.label_folders import Photograph, find_photographs
from emotion.models.errors import DatasetError
from emotion.models.evaluation import charts, report
from emotion.models.evaluation import predictions as looking
from emotion.models.evaluation.evaluate import Slice, cast_vote, evaluate, evaluate_shrunk, shrinkable
from emotion.models.evaluation.prediction_table import Prediction, to_csv, worst
from emotion.models.evaluation.predictions import faces_of_photographs, of_part, predict
from emotion.models.evaluation.scores import score
from emotion.models.regions import EYES, LIPS
from emotion.models.statistics.intervals import Interval
from emotion.models.voting.vote import VoteWeights
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.sources.file import VideoFile
from emotion.realtime.stages.photographs import PhotographFinder
from emotion.recognizer import Recognizer
from tests.helpers.landmarks import gradient, landmarks
from tests.helpers.predictions import faces, labels, predictions, probabilities


class FakeFace:
    blendshapes = np.full(52, 0.1, np.float32)

    def __init__(self, width):
        self.points = landmarks(width / 128)


def find(image):
    """A face as wide as the picture, unless the picture is tiny."""
    return FakeFace(image.shape[1]) if image.shape[1] >= 16 else None


def photographs(folder, count=4, size=128):
    made = []
    for index in range(count):
        label = EMOTIONS[index % 6]
        path = folder / label / f"{index}.png"
        picture = gradient(size * 5 // 4, size)
        picture[20:60, 10 * index : 10 * index + 20] = 255  # so that no two look alike
        write_png(path, picture)
        made.append(Photograph(path, f"set/{label}/{index}.png", label, None, None))
    return made


def test_faces_come_in_the_order_of_their_photographs(tmp_path):
    made = photographs(tmp_path, 8)
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    broken = Photograph(tmp_path / "broken.png", "set/broken.png", "fear", None, None)
    steps = []
    said = []
    found = faces_of_photographs(
        [broken, *made], find, lambda done, total: steps.append((done, total)), workers=3, say=said.append
    )
    assert found.sources == tuple(photograph.source for photograph in made)
    assert found.labels.tolist() == [index % 6 for index in range(8)]
    assert (found.missing, found.unreadable) == ((), ("fear",))
    assert said == ["set/broken.png is left out: unreadable"]
    assert [part.shape for part in found.crops] == [(8, *EYES.size), (8, *LIPS.size)]
    assert found.eye_distance == pytest.approx(np.full(8, 80), abs=0.1)
    assert steps[-1] == (9, 9)


def test_shrunk_photographs_have_smaller_faces_and_some_are_lost(tmp_path):
    made = photographs(tmp_path)
    scales = {made[0].source: 0.5, made[1].source: 0.1, made[2].source: 3.0}
    found = faces_of_photographs(made, find, scales=scales)
    assert found.sources == (made[0].source, made[2].source, made[3].source)
    assert found.eye_distance == pytest.approx([40, 80, 80], abs=1)


def test_no_face_at_all_ends_in_a_sentence(tmp_path):
    with pytest.raises(DatasetError, match="Not one face"):
        faces_of_photographs(photographs(tmp_path, size=12), find)


def test_of_whole_photographs_one_part_is_evaluated_where_there_are_parts(tmp_path):
    photographs(tmp_path / "whole")
    photographs(tmp_path / "parts" / "test", 2)
    photographs(tmp_path / "parts" / "train", 4)
    assert len(of_part(find_photographs(tmp_path / "whole"))) == 4
    assert {photograph.split for photograph in of_part(find_photographs(tmp_path / "parts"))} == {"test"}
    found = list(find_photographs(tmp_path / "parts"))
    assert {photograph.split for photograph in of_part(found, "train")} == {"train"}
    with pytest.raises(DatasetError, match="no validation part"):
        of_part(found, "validation")


def test_models_predict_in_batches_and_in_order():
    class Model:
        def __init__(self):
            self.sizes = []

        def __call__(self, crops):
            self.sizes.append(len(crops))
            return np.eye(6, dtype=np.float32)[crops[:, 0, 0].astype(int)]

    truth = labels(150)
    labelled = faces(truth)
    for part in labelled.crops:
        part[:, 0, 0] = truth
    eyes, lips = Model(), Model()
    found = predict(labelled, [eyes, lips])
    assert found.predictions.argmax(axis=2).tolist() == [truth.tolist()] * 2
    assert max(eyes.sizes) <= 64


def test_regions_out_of_the_picture_vote_nothing():
    visible = np.ones((600, 2), np.float32)
    visible[:10, 0] = visible[5:15, 1] = 0.3
    found = predictions(visible=visible)
    vote = cast_vote(found, VoteWeights.equal())
    np.testing.assert_array_equal(vote[:5], found.predictions[1][:5])
    np.testing.assert_array_equal(vote[10:15], found.predictions[0][10:15])
    np.testing.assert_allclose(vote[5:10], 1 / 6)
    without_lips = cast_vote(found, VoteWeights.equal(), hide="lips")
    np.testing.assert_allclose(without_lips[20:], found.predictions[0][20:])


def test_slices_share_out_the_faces():
    sizes = np.linspace(5, 200, 600).astype(np.float32)
    sources = tuple(f"{'far' if i % 3 else 'near'}/{i}.png" for i in range(600))
    found = evaluate(
        predictions(eye_distance=sizes, sources=sources, missing=("fear", "fear", "anger")),
        VoteWeights.equal(),
        {},
    )
    assert sum(row.faces for row in found.sizes) == 600
    assert [row.name for row in found.sizes][:2] == ["0 to 16", "16 to 24"]
    assert {row.name: row.faces for row in found.sets} == {"far": 400, "near": 200}
    assert found.missing == {"fear": 2, "anger": 1}
    hidden = {row.name: row.accuracy.value for row in found.hidden}
    assert list(hidden) == ["nothing hidden", "eyes hidden", "lips hidden"]
    assert hidden["eyes hidden"] == found.scores["lips"].accuracy.value
    assert hidden["nothing hidden"] == found.vote.accuracy.value > hidden["eyes hidden"]


def test_a_draw_from_afar_is_even_and_repeatable(tmp_path):
    made = [Photograph(tmp_path, f"set/{i}.png", "fear", None, None) for i in range(100)]
    found = faces(labels(60), sources=tuple(f"set/{i}.png" for i in range(60)))
    drawn, sizes = shrinkable(made, found, 20)
    assert len({photograph.source for photograph in drawn}) == 20
    assert all(int(photograph.source[4:-4]) < 60 for photograph in drawn)
    assert drawn == shrinkable(made, found, 20)[0]
    assert sizes["set/3.png"] == 50
    lost = evaluate_shrunk("12", 240, predictions(60), VoteWeights.equal())
    assert lost.found == 0.25


class Tags(HTMLParser):
    """Which tags are open at the end, and what the page asks the network for."""

    VOID = frozenset({"meta", "link", "img", "br", "path", "use"})

    def __init__(self):
        super().__init__()
        self.open, self.asked = [], []

    def handle_starttag(self, tag, attributes):
        if tag not in self.VOID:
            self.open.append(tag)
        self.asked += [v for k, v in attributes if k in ("src", "href") and v and not v.startswith("#")]

    def handle_endtag(self, tag):
        if tag in self.open:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def evaluation():
    shrunk = Slice("12", 300, Interval(0.4, 0.3, 0.5), 0.5)
    found = predictions(missing=("fear",))
    rules = {"source": VoteWeights.equal().rule}
    return evaluate(
        found, VoteWeights.equal(), rules, None, {"faces": "<b>my</b> faces", "rule": "source"}, [shrunk]
    )


def test_the_page_is_whole_and_needs_nothing_beside_it(evaluation):
    page = report.to_html(evaluation)
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert tags.asked == []
    assert not re.search(r"url\((?!#)|@import|<script", page)
    assert "<b>my</b>" not in page
    assert "&lt;b&gt;my" in page
    assert page.count("<svg") >= 6
    assert "#010101" not in page
    assert "var(--vote)" in page
    assert f"{evaluation.vote.accuracy.value:.1%}" in page


def test_the_page_tells_chance_of_as_many_classes_as_there_are(evaluation):
    assert "chance is 16.7%" in report.to_html(evaluation)
    two = replace(evaluation, classes=("calm", "angry"))
    assert any("chance is 50.0%" in more for _, _, more in report._tiles(two))


def test_columns_of_confusion_are_distinguished_by_as_few_letters_as_that_takes(evaluation):
    assert "".join(report.short_names(evaluation.classes)) == "hapsadfeaangneusur"
    names = ("very-calm", "very-cross", "very", "sad", "ok")
    assert report.short_names(names) == ["very-ca", "very-cr", "very", "sad", "ok"]
    page = report.to_html(replace(evaluation, classes=("very-calm", "very-cross", *evaluation.classes[2:])))
    assert '<abbr title="very-cross">very-cr</abbr>' in page


def test_long_names_of_rows_stay_beside_the_cells_of_confusion(evaluation):
    (rule,) = re.findall(r"\.matrix th \{ (.*?) \}", report.to_html(evaluation))
    assert "white-space: normal" in rule
    assert "overflow-wrap: anywhere" in rule


def test_markdown_tables_are_rectangular(evaluation):
    text = report.to_markdown(evaluation)
    assert "|  | accuracy | balanced accuracy | happiness |" in text, "the measures have the field's names"
    for table in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1
    assert "source (counts)" in text
    assert "| +0.0 (+0.0 to +0.0) |" in text  # the equal vote, which is what stands for the source's here
    assert "| 12 | 300 | 50% | 40.0% (30.0 to 50.0) |" in text


def test_photographs_that_cannot_be_read_are_no_faces_that_were_found(evaluation):
    tile = [more for name, _, more in report._tiles(replace(evaluation, unreadable=3)) if name == "faces"]
    assert tile == ["in 1 more photograph no face was found (not counted); 3 could not be read"]
    whole = replace(evaluation, missing={}, unreadable=0)
    assert report._tiles(whole)[-1][2] == "a face was found in all of them"
    # Where the faces were cut out before, nothing is known of what was left out.
    assert report._tiles(replace(whole, unreadable=None))[-1][2] == ""


def test_of_a_class_without_faces_no_rate_is_reported(evaluation):
    truth = np.repeat([0, 1], 20)
    said = np.tile(np.float32([0.9, 0.02, 0.02, 0.02, 0.02, 0.02]), (40, 1))
    scores = score(truth, said, np.arange(40))
    found = replace(evaluation, scores=dict.fromkeys(("eyes", "lips", "vote"), scores), rules={}, gains={})
    assert "| sadness | 20 | 0.0% (0.0 to 16.1) | - | 0.0% (0.0 to 0.0) |" in report.to_markdown(found)
    chart = charts.emotions(found.scores)
    assert "sadness" in chart
    assert "fear" not in chart


def test_letters_of_any_script_stay_text_in_charts(evaluation):
    rows = [replace(row, emotion="驚き") for row in evaluation.vote.emotions]
    assert "驚き" in charts.emotions({"vote": replace(evaluation.vote, emotions=tuple(rows))})


def test_a_report_is_three_files(evaluation):
    texts = report.texts(evaluation)
    values = json.loads(texts["report.json"])
    assert values["classes"] == list(EMOTIONS)
    assert values["scores"]["vote"]["accuracy"]["value"] == evaluation.vote.accuracy.value
    assert texts["report.html"].startswith("<!doctype html>")
    assert set(texts) == {"report.html", "report.md", "report.json"}


def test_a_prediction_that_is_never_wrong_is_scored_too(tmp_path):
    truth = labels(36)
    sure = probabilities(truth, 50.0)
    found = predictions(36)
    perfect = looking.Predictions(found.faces, np.stack([sure, sure]), found.free)
    page = report.to_html(evaluate(perfect, VoteWeights.equal(), {}))
    assert "100.0%" in page


def test_a_real_face_goes_the_whole_road(tmp_path, capsys, monkeypatch):
    """Frames of the bundled clip as labelled photographs, through the command."""
    root = tmp_path / "faces"
    with VideoFile(DEMO) as video:
        for index, frame in zip(range(60), video, strict=False):
            if index % 10 == 0:
                write_png(root / ("happy" if index % 20 else "sadness") / f"{index}.png", frame.image)
    write_png(root / "Glad" / "one.png", np.zeros((40, 40, 3), np.uint8))
    (root / "happy" / "one.mp4").touch()
    out = tmp_path / "out"
    monkeypatch.setattr("sys.argv", ["emotion", "evaluate", str(root), "-o", str(out), "--smaller", "2"])
    assert cli.run() == 0
    values = json.loads((out / "report.json").read_text())
    assert values["scores"]["vote"]["faces"] == 6
    assert values["shrunk"]
    said = capsys.readouterr()
    assert "Report" in said.out
    assert "copies of the models' training faces is not known" in said.out, (
        "the models that ship have no list"
    )
    assert "folder Glad is skipped, with 1 picture or video" in said.err
    assert "1 video is not evaluated together with photographs" in said.err
    rows = list(csv.DictReader((out / "predictions.csv").read_text().splitlines()))
    assert len(rows) == 6
    assert {row["predicted"] == row["label"] for row in rows} == {row["right"] == "1" for row in rows}
    assert all(abs(sum(float(row[name]) for name in EMOTIONS) - 1) < 1e-3 for row in rows)
    sheet = cv2.imread(str(out / "worst.jpg"))
    assert sheet[12:232, 12:232].std() > 10  # the first is a picture
    # What was changed since stops the run before it begins.
    (out / "predictions.csv").write_text("mine")
    assert cli.run() == 6
    assert "predictions.csv would be replaced" in capsys.readouterr().err
    assert (out / "predictions.csv").read_text() == "mine"


@pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode here")
def test_the_report_names_a_folder_whose_name_is_no_text(tmp_path, capsys, monkeypatch):
    root, out = (tmp_path / os.fsdecode(name) for name in (b"caf\xe9", b"out\xe9"))
    photographs(root, 6)
    monkeypatch.setattr(PhotographFinder, "largest", lambda self, image: find(image))
    monkeypatch.setattr("sys.argv", ["emotion", "evaluate", str(root), "-o", str(out), "--smaller", "0"])
    assert cli.run() == 0, capsys.readouterr().err
    assert json.loads((out / "report.json").read_text())["about"]["faces"] == r"caf\xe9"
    assert r"caf\xe9" in (out / "report.html").read_text()


def test_a_photograph_has_the_same_prediction_as_annotated(tmp_path, monkeypatch):
    with VideoFile(DEMO) as video:
        image = next(iter(video)).image
    shown = {"upright": image, "upside down": np.ascontiguousarray(image[::-1, ::-1])}
    for name, picture in shown.items():
        write_png(tmp_path / "faces" / "sadness" / f"{name}.png", picture)
    words = ["evaluate", str(tmp_path / "faces"), "-o", str(tmp_path / "out"), "--smaller", "0"]
    monkeypatch.setattr("sys.argv", ["emotion", *words])
    assert cli.run() == 0
    rows = list(csv.DictReader((tmp_path / "out" / "predictions.csv").read_text().splitlines()))
    assert [row["source"] for row in rows] == [f"faces/sadness/{name}.png" for name in sorted(shown)]
    with Recognizer(precision="fp32") as reader:
        annotated = [reader.analyze(shown[name]).faces[0].probabilities for name in sorted(shown)]
    for row, probabilities_of in zip(rows, annotated, strict=True):
        expected = [probabilities_of[name] for name in EMOTIONS]
        assert [float(row[name]) for name in EMOTIONS] == pytest.approx(expected, abs=1e-3)


def test_the_worst_predictions_give_their_label_the_least():
    reported = [
        Prediction(
            str(place), "fear", "fear" if share > 0.5 else "anger", {"fear": share, "anger": 1 - share}
        )
        for place, share in enumerate((0.4, 0.1, 0.9))
    ]
    left_out = Prediction("gone.jpg", "anger", reason="no face was found")
    assert [one.source for one in worst([*reported, left_out], 5)] == ["1", "0"]
    assert worst(reported, 1) == [reported[1]]
    table = to_csv([*reported, left_out], ("anger", "fear")).splitlines()
    assert table[0] == "source,label,predicted,right,confidence,anger,fear,left_out,near_duplicate_of"
    assert table[2] == "1,fear,anger,0,0.9000,0.9000,0.1000,,"
    assert table[4] == "gone.jpg,anger,,,,,,no face was found,"


def test_the_faces_of_one_set_are_picked_out():
    sources = tuple(f"{'far' if i % 3 else 'near'}/{i}.png" for i in range(60))
    found = faces(labels(60), sources=sources, groups=np.arange(60) + 100).of_set("near")
    assert found.sources == sources[::3]
    assert found.labels.tolist() == labels(60)[::3].tolist()
    assert found.groups.tolist() == list(range(100, 160, 3))
    with pytest.raises(DatasetError, match="there are far, near"):
        faces(labels(60), sources=sources).of_set("middle")


def test_covered_regions_and_turned_heads_vote_as_in_streaming():
    turned = np.full(600, 3, np.float32)
    turned[:5] = 20
    found = predictions(alignment_error=turned)
    found.free[5:10, 1] = 0.1
    found.free[10:15, 0] = 0.4
    vote = cast_vote(found, VoteWeights.equal())
    both = VoteWeights.equal().vote(found.predictions)
    np.testing.assert_allclose(vote[:5], 1 / 6)
    np.testing.assert_allclose(vote[5:10], found.predictions[0][5:10], atol=1e-6)
    np.testing.assert_allclose(vote[10:15], (both + found.predictions[1])[10:15] / 2, atol=1e-5)
    np.testing.assert_allclose(vote[15:], both[15:], atol=1e-6)
