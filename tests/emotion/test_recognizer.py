"""`emotion.Recognizer`: pictures of all kinds, files and loops, with models that are loaded once."""

import csv
import io
import json
import pickle
import re
import sys
import tempfile
import threading
from types import SimpleNamespace

import cv2
import matplotlib
import numpy as np
import pandas as pd
import PIL.Image
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from matplotlib.colors import to_hex

import emotion
from emotion import api
from emotion.models.classes import EMOTIONS, SIX
from emotion.models.errors import MissingDependencyError
from emotion.parameters import names_and_images
from emotion.pictures import as_image, frames_of
from emotion.plots import plot_counts, plot_times
from emotion.plots import top as top_of
from emotion.realtime.sources.demo import DEMO
from tests.helpers import clips
from tests.helpers import results as made_up
from tests.helpers.paths import ROOT
from tests.helpers.shipped_models import shipped_models

pytestmark = pytest.mark.timeout(600)
matplotlib.use("agg")


@pytest.fixture(scope="module")
def reader():
    with emotion.Recognizer(models="lite", columns=("pose", "quality", "landmarks")) as made:
        yield made


@pytest.fixture(scope="module")
def image():
    return cv2.VideoCapture(str(DEMO)).read()[1]


@pytest.fixture(scope="module")
def video(reader):
    """A result a second of the first three."""
    return reader.analyze_files(str(DEMO), every="1s", end=3.0)


def png(image):
    return cv2.imencode(".png", image)[1].tobytes()


def test_of_more_faces_than_there_is_room_for_a_result_has_the_number(image):
    two = np.hstack([image, image])
    found = [emotion.analyze(two, models="lite", max_faces=most) for most in (1, 2)]
    assert [(len(one.faces), one.more_faces) for one in found] == [(1, 1), (2, 0)]


def test_a_picture_of_any_kind_gives_the_same(reader, image, tmp_path):
    (tmp_path / "face.png").write_bytes(png(image))
    wanted = reader.analyze(image).faces[0].probabilities
    kinds = [tmp_path / "face.png", str(tmp_path / "face.png"), png(image), io.BytesIO(png(image))]
    kinds.append(PIL.Image.open(tmp_path / "face.png"))
    assert all(reader.analyze(kind).faces[0].probabilities == wanted for kind in kinds)
    assert reader.analyze(image[:, :, ::-1], rgb=True).faces[0].probabilities == wanted


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (3.5, "float is no picture: give a path"),
        (np.ones((4, 4, 3)), r"float64 is no picture: it is uint8, from 0 to 255; write \(255 \* array\)"),
        (np.full((4, 4, 3), 200.0), r"it is uint8, from 0 to 255; write array\.round\(\)"),
        (np.full((4, 4, 3), 300, np.uint16), r"; of 16 bits write \(array / 257\)"),
        (np.full((4, 4, 3), np.nan), "it is uint8, from 0 to 255[.]$"),
        (np.zeros((0, 4, 3)), "it is uint8, from 0 to 255[.]$"),
        (np.zeros((4, 4, 2), np.uint8), "4x4x2 is no picture"),
        (np.zeros((0, 4, 3), np.uint8), "0x4x3 is no picture"),
        (io.StringIO("text"), "opened as text"),
        (b"text", "cannot be used as a picture: it is no picture, or damaged"),
        ("none.jpg", "check the path"),
        ("/9j/" * 2000, "A text of 8,000 characters is no path: decode base64 to bytes first"),
        ("none.mp4", "check the path"),
        ("~none.jpg", "~none.jpg .*check the path"),
        (DEMO, "is a video: use analyze_files, or stream"),
        (".", "is a folder: use analyze_files"),
        (["a.jpg"], "list is no picture.*; analyze_files takes several"),
        (np.zeros((3, 4, 5), np.uint8), r"3x4x5 is no picture.*; write array.transpose\(1, 2, 0\)"),
        (np.zeros((2, 4, 5, 3), np.uint8), "2x4x5x3 is no picture.*; analyze_files and stream take several"),
        (io.BytesIO(), r"read or written to its end: call its seek\(0\) first"),
        (io.TextIOWrapper(io.BytesIO(b"\xff\xd8")), "opened as text is no picture: open it with mode 'rb'"),
        (
            SimpleNamespace(columns=["file"]),
            r"A table is no picture: .* as table\['file'\], to analyze_files",
        ),
    ],
)
def test_what_is_no_picture_is_told_what_would_be(picture, said):
    with pytest.raises(emotion.SourceError, match=said):
        as_image(picture)


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 1), (3, 4, 4)])
def test_gray_and_transparent_arrays_are_pictures(shape):
    assert as_image(np.full(shape, 7, np.uint8)).tolist() == np.full((3, 4, 3), 7).tolist()


def test_a_result_tells_itself(reader, image):
    result = reader.analyze(image)
    (face,) = result.faces
    assert repr(result).startswith("Result(picture: sadness 0.")
    assert repr(face).startswith("FaceResult(1: sadness 0.")
    assert {"yaw", "eye_distance"} <= set(face.details)
    assert face.landmarks.shape == (478, 2)
    assert result.draw().shape == image.shape
    assert "data:image/jpeg;base64," in result._repr_html_()
    assert json.loads(json.dumps(result.to_dict()))["faces"][0]["label"] == face.label
    assert result.to_arrow().num_rows == 1
    axes = result.plot()
    assert [text.get_text() for text in axes.get_xticklabels()] == list(EMOTIONS)
    bars = [to_hex(bar.get_facecolor()) for bar in axes.patches]
    assert bars == [colour.lower() for colour in SIX.on_white] * len(result.faces)
    with pytest.raises(AttributeError):
        result.source = "x"


def test_files_become_a_table(reader, image, video, tmp_path):
    (tmp_path / "face.png").write_bytes(png(image))
    results = reader.analyze_files([tmp_path / "face.png", image, tmp_path / "none.png"])
    assert [result.source for result in results] == [str(tmp_path / "face.png"), ""]
    assert list(results.left_out) == [str(tmp_path / "none.png")]
    assert results.to_arrow().column_names[:3] == ["file", "picture_width", "picture_height"]
    assert results[0].image.shape == image.shape
    assert results.plot().get_title() == "2 faces in 2 photographs"
    frame = video.to_df()
    assert frame["seconds"].round().tolist() == [0, 1, 2]
    assert frame["label"].dtype == "category"
    assert list(frame["file"].unique()) == [str(DEMO)]
    with open(video.save(tmp_path / "t.csv"), newline="") as file:
        assert len(list(csv.DictReader(file))) == 3
    assert pq.read_table(video.save(tmp_path / "t.parquet")).num_rows == 3
    with pytest.raises(emotion.SinkError, match="has an unknown extension"):
        video.save(tmp_path / "t.xlsx")


def test_results_are_a_sequence_without_pictures(video):
    assert len(video) == len(video[:2]) + 1 == 3
    assert repr(video) == "Results(3 pictures of 1 file, 3 faces)"
    assert video[0].size == (480, 270)
    with pytest.raises(emotion.SourceError, match="keep_images=True"):
        video[0].draw()
    assert "<table>" in video._repr_html_()


def test_a_plot_over_time(video):
    (line,) = video.plot("fear", people=[1]).get_lines()
    assert len(video.plot("fear", people=1).get_lines()) == 1
    shares = [result.faces[0].probabilities["fear"] for result in video]
    assert line.get_ydata() == pytest.approx(shares)
    with pytest.raises(ValueError, match="'fright' is no class"):
        video.plot("fright")
    with pytest.raises(ValueError, match="no person has the number 7: there are 1"):
        video.plot(people=[7])


def test_a_video_has_a_summary_and_others_have_none(reader, image, video):
    summary = video.summary()
    assert summary.frames == 3
    assert summary.shares[video[0].faces[0].label] > 0
    assert sum(summary.people[0].shares.values()) == pytest.approx(1, abs=1e-3)
    assert summary.to_dict()["video"]["label"] == summary.label
    with pytest.raises(ValueError, match="not of photographs"):
        reader.analyze_files([image]).summary()
    with pytest.raises(ValueError, match="not of 2 files"):
        emotion.Results([video[0], video[1].called("other.mp4")]).summary()


def test_what_the_reference_names_is_there(video):
    """The table of what objects have in `docs/reference/python.md`."""
    text = (ROOT / "docs/reference/python.md").read_text()
    objects = [video[0], video[0].faces[0], video, video.summary()]
    for one in objects:
        (row,) = re.findall(rf"^\| `{type(one).__name__}` \|(.*)\|$", text, re.MULTILINE)[-1:]
        for name in re.findall(r"`(\w+)[^`]*`", row):
            assert name in dir(one), name


def test_a_column_of_names_is_several_files(image, tmp_path):
    names = [str(tmp_path / name) for name in ("a.png", "b.png")]
    columns = [pd.Series(names), pd.Series(names, dtype="category"), np.array(names), iter(names)]
    columns += [pa.array(names), pa.chunked_array([names]), PolarsSeries(names)]
    for several in columns:
        assert names_and_images(several, False) == (names, {})
    named, pictures = names_and_images(image, False)
    assert (named, list(pictures)) == ([], [1])


class PolarsSeries(list):
    """Like a column of polars: a sequence that is also an array, of a type without NumPy's kinds."""

    dtype = "String"

    def to_list(self):
        return list(self)

    def __array__(self, dtype=None, copy=None):
        return np.array(list(self))


def test_what_is_missing_in_a_column_is_left_out_by_its_place(reader, image, tmp_path):
    (tmp_path / "face.png").write_bytes(png(image))
    results = reader.analyze_files(pd.Series([None, str(tmp_path / "face.png"), "", float("nan"), "a\0b"]))
    assert len(results) == 1
    assert list(results.left_out) == ["picture 1", "picture 3", "picture 4", "picture 5"]
    assert "An empty name is no source" in results.left_out["picture 3"]


def test_a_name_that_no_disk_can_hold_is_left_out(reader, image, tmp_path):
    (tmp_path / "face.png").write_bytes(png(image))
    results = reader.analyze_files([tmp_path / "face.png", "x" * 5000 + ".png", "x" * 5000 + ".mp4"])
    assert (len(results), len(results.left_out)) == (1, 2)


def test_pictures_without_names_are_of_no_file(reader, image):
    assert repr(reader.analyze_files([image])) == "Results(1 picture, 1 face)"


def test_a_copy_in_another_process_reads_the_same_and_loads_its_models_once(reader, image):
    sent = pickle.dumps(reader)
    copy, again = pickle.loads(sent), pickle.loads(sent)
    assert copy.analyze(image).faces == reader.analyze(image).faces
    assert copy._models is again._models
    copy.close()
    again.analyze(image)
    assert pickle.loads(pickle.dumps(again)).classes == reader.classes


def test_a_reader_of_loaded_models_says_that_it_cannot_be_sent():
    with pytest.raises(TypeError, match="with the name or the folder of the models"):
        pickle.dumps(emotion.Recognizer(shipped_models()))


@pytest.mark.parametrize(
    "call",
    [
        lambda reader, image: reader.analyze(image),
        lambda reader, image: reader.analyze_files([image]),
        lambda reader, image: reader.stream([image]),
        lambda reader, image: reader.follow(),
    ],
)
def test_one_that_is_closed_does_nothing_more(image, call):
    reader = emotion.Recognizer(shipped_models())
    reader.close()
    with pytest.raises(emotion.SourceError, match="closed: make a new one"):
        call(reader, image)


@pytest.mark.parametrize(("name", "shown"), [("", "The input"), ("talk.mp4", "talk.mp4")])
def test_an_open_file_that_is_no_video_is_named_and_not_its_copy(reader, name, shown):
    file = io.BytesIO(b"<html>")
    file.name = name
    with pytest.raises(emotion.SourceError, match=f"^{shown} is not a video"):
        reader.stream(file)


def test_an_open_file_that_breaks_off_is_named_and_not_its_copy(reader, tmp_path):
    clips.clip(tmp_path / "whole.ts", 60)
    whole = (tmp_path / "whole.ts").read_bytes()
    file = io.BytesIO(whole[: len(whole) // 2])
    file.name = "talk.ts"
    with pytest.raises(emotion.SourceError) as told:
        list(reader.stream(file))
    assert "talk.ts" in str(told.value)
    assert tempfile.gettempdir() not in str(told.value)


def test_a_plot_takes_numbers_and_names_from_a_table(video):
    table = video.to_df()
    axes = video.plot(pd.Series(["fear"]), people=table["track_id"].iloc[0])
    assert len(axes.lines) == 1
    assert not video.plot("fear", people=[]).lines


def test_nothing_that_can_be_read_is_an_error(reader, tmp_path):
    with pytest.raises(emotion.SourceError, match=r"none\.png"):
        reader.analyze_files(tmp_path / "none.png")


def test_a_loop_of_ones_own_follows_and_smooths(reader, image):
    with reader.follow() as follow:
        first, second = follow(image, 0.0), follow(np.zeros_like(image), 0.04)
        again = follow(image, 0.08)
        assert [len(result.faces) for result in (first, second, again)] == [1, 0, 1]
        assert first.faces[0].track_id == again.faces[0].track_id == 1
        with pytest.raises(emotion.SourceError, match="Time goes back"):
            follow(image, 0.02)
    with pytest.raises(emotion.SourceError, match="closed"):
        follow(image, 1.0)


def test_pictures_have_their_own_times_or_even_ones(image):
    assert [frame.seconds for frame in frames_of([image] * 3, fps=4)] == [0, 0.25, 0.5]
    assert [frame.seconds for frame in frames_of([(1.5, image), (2.0, image)])] == [1.5, 2.0]
    sizes = {frame.image.shape for frame in frames_of([image, image[::2]])}
    assert sizes == {image.shape}
    with pytest.raises(emotion.SourceError, match="Time goes back"):
        list(frames_of([(2.0, image), (1.0, image)]))


@pytest.mark.parametrize("option", ["fps", "file_fps"])
def test_pictures_without_times_have_the_rate_that_is_said(reader, image, option):
    results = list(reader.stream([image] * 2, **{option: 10}))
    assert [result.seconds for result in results] == [0, 0.1]


def test_an_address_of_a_file_is_read_by_every_call(reader, image, tmp_path):
    photograph, clip = tmp_path / "ä 1.png", tmp_path / "ä 2.mp4"
    photograph.write_bytes(png(image))
    clip.write_bytes(DEMO.read_bytes())
    assert reader.analyze(photograph.as_uri()).faces
    assert len(reader.analyze_files([photograph.as_uri(), clip.as_uri()], end=0.1)) == 4
    with reader.stream(clip.as_uri()) as results:
        assert next(results).index == 0


def test_pictures_that_are_made_one_after_the_other_may_be_in_one_array(reader, image):
    array = np.empty_like(image)

    def refilled():
        for picture in (image, np.zeros_like(image)):
            array[:] = picture
            yield array
        yield array.astype(float)

    results = reader.analyze_files(refilled())
    assert [len(result.faces) for result in results] == [1, 0]
    np.testing.assert_array_equal(results[0].image, image)
    assert list(results.left_out) == ["picture 3"]


def test_one_array_of_several_pictures_is_several(reader, image):
    several = np.stack([image, image])
    assert len(reader.analyze_files(several)) == len(list(reader.stream(several))) == 2


def test_what_cannot_move_is_reported_with_what_to_do(reader):
    async def pictures():
        yield None

    with pytest.raises(emotion.SourceError, match=r"asynchronous: call Recognizer\.follow"):
        reader.stream(pictures())
    ended = io.BytesIO(b"video")
    ended.read()
    with pytest.raises(emotion.SourceError, match=r"call its seek\(0\) first"):
        reader.stream(ended)


def test_captures_bytes_and_open_files_are_streams(reader):
    for source in (cv2.VideoCapture(str(DEMO)), DEMO.read_bytes(), io.BytesIO(DEMO.read_bytes())):
        with reader.stream(source, end=0.1) as results:
            assert [result.index for result, _ in zip(results, range(2), strict=False)] == [0, 1]
    with pytest.raises(emotion.SourceError, match="nothing that moves"):
        reader.stream(3.5)


def test_threads_may_share_it(reader, image):
    found = []
    threads = [threading.Thread(target=lambda: found.append(reader.analyze(image))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({tuple(result.faces[0].probabilities.values()) for result in found}) == 1


def test_what_comes_too_late_is_refused(reader):
    with pytest.raises(emotion.OptionError, match="models comes too late"):
        reader.analyze_files("x.mp4", models="lite")


def test_short_forms_keep_the_models_of_the_last_options(monkeypatch):
    made = []
    monkeypatch.setattr(api, "Recognizer", lambda **given: made.append(given) or object())
    monkeypatch.setattr(api, "_readers", {})
    first = api._reader("lite", None, {})
    assert api._reader("lite", None, {}) is first
    others = [api._reader("lite", None, {"smooth": share}) for share in (0.1, 0.2)]
    assert api._reader("lite", None, {"smooth": 0.1}) is others[0]
    assert api._reader("lite", None, {}) is not first
    assert len(made) == 4


def test_results_of_a_file_that_is_not_there_are_an_error_and_not_none(reader, image, tmp_path):
    (tmp_path / "face.png").write_bytes(png(image))
    (tmp_path / "broken.png").write_bytes(b"none")
    results = reader.analyze_files([tmp_path / "face.png", tmp_path / "broken.png"])
    assert len(results.of(tmp_path / "face.png")) == 1
    broken = results.of(tmp_path / "broken.png")
    assert (len(broken), list(broken.left_out)) == (0, [str(tmp_path / "broken.png")])
    with pytest.raises(ValueError, match=r"'face\.png' is none of the files: there are /.*face\.png$"):
        results.of("face.png")


def seen(*tracks):
    """A picture in which these people are."""
    return [made_up.face("fear", track, 0.4) for track in tracks]


def drawn(frames, emotions):
    named = [("clip.mp4", made_up.result(number, *faces)) for number, faces in enumerate(frames)]
    return plot_times(None, named, emotions, None, SIX)


def test_a_legend_of_several_people_and_classes_names_each_colour_and_style_once():
    axes = drawn([seen(1, 2, 3), seen(1, 2, 3)], ["fear", "anger"])
    assert len(axes.get_lines()) == 6
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["fear", "anger", "person 1", "person 2", "person 3"]


def test_who_is_seen_in_a_single_frame_is_a_dot_in_a_plot():
    lines = drawn([seen(1), seen(1, 2), seen(1), [], seen(1)], ["fear"]).get_lines()
    assert [(line.get_marker(), line.get_markevery()) for line in lines] == [("o", [4]), ("o", [0])]
    (line,) = drawn([seen(1), seen(1)], ["fear"]).get_lines()
    assert line.get_marker() == "None"


def test_the_axis_of_counts_has_whole_numbers():
    axes = plot_counts(None, [("a.jpg", made_up.result(0, *seen(1, 2)))], SIX)
    assert all(float(tick).is_integer() for tick in axes.get_yticks())


@pytest.mark.parametrize(
    ("shares", "top"),
    [([], 1.0), ([0.02], 0.1), ([0.1, 0.31], 0.4), ([0.5], 0.6), ([float("nan"), 0.7], 1.0)],
)
def test_small_shares_fill_a_plot(shares, top):
    lines = [SimpleNamespace(get_ydata=lambda share=share: [share, 0.0]) for share in shares]
    assert top_of(SimpleNamespace(lines=lines)) == top


def test_results_as_a_data_frame_say_what_they_need(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingDependencyError, match=r"to_df needs pandas: pip install pandas; to_arrow"):
        emotion.Results([]).to_df()
