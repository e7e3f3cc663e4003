import csv

import numpy as np
import pyarrow.parquet as pq
import pytest

from emotion.models.atomic_files import partial_path
from emotion.models.schema import SHIPPED
from emotion.realtime.sinks import parquet
from emotion.realtime.sinks.columns import Columns
from emotion.realtime.sinks.csv_jsonl import CsvTimeline
from emotion.realtime.sinks.parquet import ParquetTimeline
from tests.helpers.results import face, result, sure


def write(sink, *results):
    with sink:
        for one in results:
            sink.write(one, one.frame.image)


def many(count):
    return [result(n, face("fear", 1, 0.7), face("anger", 2)) for n in range(count)]


def test_the_table_says_what_the_csv_says(tmp_path):
    third = face("anger", 2, blendshapes=sure("fear", 0.6))
    results = [result(0), result(1, face("fear", 7, 0.7, lips=False), third), *many(3)]
    write(ParquetTimeline(tmp_path / "a.parquet"), *results)
    write(CsvTimeline(tmp_path / "a.csv"), *results)
    table = pq.read_table(tmp_path / "a.parquet")
    assert tuple(table.column_names) == Columns(SHIPPED).all
    with open(tmp_path / "a.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert table.num_rows == len(rows) == 9
    for typed, row in zip(table.to_pylist(), rows, strict=True):
        for name, text in row.items():
            value = typed[name]
            if text == "":
                assert value is None
            elif isinstance(value, str):
                assert value == text
            else:
                assert value == pytest.approx(float(text), abs=5e-5)


def test_types_are_small_and_exact(tmp_path):
    write(ParquetTimeline(tmp_path / "a.parquet"), result(3, face("fear"), pts=2**40))
    table = pq.read_table(tmp_path / "a.parquet")
    assert table["pts"].to_pylist() == [2**40]
    assert table["emotion"].to_pylist() == ["fear"]
    assert table["probabilities_frame_fear"].to_numpy().dtype == np.float32
    assert str(table.schema.field("track_id").type) == "int32"


def test_rows_are_written_in_groups_and_memory_is_freed(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "_GROUP_ROWS", 10)
    monkeypatch.setattr(parquet, "_BATCH_ROWS", 4)
    sink = ParquetTimeline(tmp_path / "a.parquet")
    for one in many(12):
        sink.write(one, one.frame.image)
        assert len(sink._rows) < 4
    path = sink.close()
    meta = pq.read_metadata(path)
    assert [meta.row_group(n).num_rows for n in range(meta.num_row_groups)] == [12, 12]
    assert pq.read_table(path)["frame"].to_pylist() == [n for n in range(12) for _ in range(2)]


def test_a_run_that_fails_leaves_a_part_that_can_be_read(tmp_path):
    with pytest.raises(RuntimeError), ParquetTimeline(tmp_path / "a.parquet") as sink:
        for one in many(5):
            sink.write(one, one.frame.image)
        raise RuntimeError
    assert not (tmp_path / "a.parquet").exists()
    assert pq.read_table(partial_path(tmp_path / "a.parquet")).num_rows == 10


def test_an_empty_run_that_ends_well_is_an_empty_table_and_else_nothing(tmp_path):
    write(ParquetTimeline(tmp_path / "a.parquet"))
    assert pq.read_table(tmp_path / "a.parquet").num_rows == 0
    with pytest.raises(RuntimeError), ParquetTimeline(tmp_path / "b.parquet"):
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


def test_rows_are_written_in_groups_of_8192_and_memory_does_not_grow(tmp_path, monkeypatch):
    groups = []
    write_group = parquet._Table._write
    monkeypatch.setattr(
        parquet._Table, "_write", lambda table: (groups.append(table._count), write_group(table))
    )
    sink = parquet.ParquetTimeline(tmp_path / "a.parquet")
    one = result(0)
    for _ in range(8191):
        sink.write(one, None)
        assert len(sink._rows) < 256
    assert groups == []
    sink.write(result(8191, face("fear", 1), face("anger", 2)), None)
    assert groups == [8193]
    assert sink._rows == sink._table._waiting == []
    sink.close()
    assert groups == [8193]


def test_categories_stay_categories_though_parts_of_a_group_have_others(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "_BATCH_ROWS", 1)
    names = ["fear", "anger", "fear", "happiness"]
    write(ParquetTimeline(tmp_path / "a.parquet"), *(result(n, face(name)) for n, name in enumerate(names)))
    table = pq.read_table(tmp_path / "a.parquet")
    assert table["emotion"].to_pylist() == names
    assert str(table.schema.field("emotion").type).startswith("dictionary")
