"""Nothing writes a file under its final name: what is killed halfway leaves a part that says so.

The source is read for calls that write. Each stands in a `with` block that gives it a place to write at
(`atomic_output`, `workshop`, a temporary folder), or is listed here with the reason why it need not.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT

ROOMS = ("emotion", "realtime", "models", "exporters", "benchmarks")
PLACES = {"atomic_output", "workshop", "TemporaryDirectory", "temporary"}
# By the last word of what is called.
WRITERS = {
    *("write_text", "write_bytes", "tofile", "to_parquet", "touch", "dump"),
    *("savez", "savez_compressed", "savetxt", "savefig", "imwrite", "open_memmap", "VideoWriter"),
    *("write_table", "ParquetWriter", "copyfile", "copy2", "copytree"),
}
# These write only as methods or functions of these; `save` of a manifest, or of weights, is whole by itself.
SAVERS = {"np", "onnx", "image", "network", "model", "_model", "plain"}
ALLOWED = {
    # In folders that are made, and removed, by whoever calls.
    "emotion/fetching.py: path.open('wb')": "into a temporary folder",
    "emotion/own_model/clock.py: open(path, 'w')": "the head of a log",
    "emotion/own_model/clock.py: open(self._path, 'a')": "a log, a line after the other",
    "emotion/own_model/networks.py: open(self._work / 'log.csv', 'w')": "a log, a line after the other",
    "emotion/own_model/training.py: open(path, 'w')": "the head of a log",
    "emotion/own_model/training.py: open(self._path, 'a')": "a log, a line after the other",
    "benchmarks/peers.py: done.touch()": "a sign in a temporary folder",
    "benchmarks/browser.py: av.open(str(path), 'w')": "into a temporary folder",
    "benchmarks/clips.py: av.open(str(target), 'w')": "into a temporary folder",
    "benchmarks/studies/many_videos.py: (folder / 'a' / 'empty.mp4').touch()": "a clip to try",
    "benchmarks/studies/many_videos.py: av.open(str(path), 'w')": "a clip to try",
    "benchmarks/studies/many_videos.py: path.write_bytes(_spoilt(path.read_bytes(), chance))": "the same",
    "benchmarks/studies/peer_predictions.py: cv2.imwrite(self._files['picture'], inputs.image)": "temporary",
    "benchmarks/studies/peer_predictions.py: cv2.imwrite(self._files['framed'], inputs.framed)": "temporary",
    "benchmarks/studies/sound.py: av.open(str(path), 'w')": "a clip to try",
    # Into memory, pipes and other programs.
    "emotion/tables.py: pq.write_table(table, sink)": "into memory",
    "models/evaluation/charts.py: figure.savefig(file)": "into memory",
    "benchmarks/studies/encoder.py: av.open(file, 'w')": "into memory",
    "emotion/web/http/zipped.py: archive.open(entry, 'w')": "into an answer",
    "emotion/web/http/zipped.py: zipfile.ZipFile(pipe, 'w')": "into an answer",
    "emotion/web/jobs/__main__.py: os.fdopen(os.dup(1), 'w')": "standard output",
    "emotion/study/__main__.py: os.fdopen(os.dup(1), 'w')": "standard output",
    "models/native/log.py: os.fdopen(terminal, 'w')": "standard error",
    # Files that have partial names, or ways of their own.
    "realtime/sinks/partial_file.py: FileIO(self.working, 'wb')": "the writer of sinks",
    "realtime/sinks/result_ledger.py: made.write_text(whole)": "renamed, beside the journal",
    "realtime/sinks/mp4.py: av.open(file, 'w')": "a partial file",
    "models/training/face_views.py: np.lib.format.open_memmap(path, 'w+')": "called with a partial name",
    "models/training/trainer.py: model.save(part)": "renamed; the next run writes over it",
    "models/training/many_sets.py: self._model.save(part)": "renamed; the same",
    "models/training/fine_tuning.py: self._model.save(part)": "renamed; the same",
    "realtime/sinks/parquet.py: pq.ParquetWriter(outlet, self._fields)": "a partial file",
    "realtime/sinks/parquet.py: self._writer.write_table(pa.concat_tables(self._waiting).combine_chunks())": (
        "a partial file"
    ),
    # Journals: read line by line, the last of which may be cut.
    "models/data/dataset.py: open(journal, 'a')": "a journal",
    "benchmarks/studies/peer_predictions.py: open(self._path, 'ab')": "a journal",
    "emotion/web/jobs/store.py: open(folder / LOCK, 'ab')": "a lock",
    "emotion/web/jobs/store.py: open(self._place / 'video' / self.file, 'xb')": "marked as incoming",
}

# Whatever it means, a program without one of these writes nothing.
_MODES = [quote + mode + quote for quote in "'\"" for mode in ("w", "a", "x", "wb", "ab", "xb", "w+", "w+b")]
_HINTS = (*(f"{word}(" for word in (*WRITERS, "save", "copy")), *_MODES)


def sources() -> list[Path]:
    """The files of the program, each once."""
    links = {ROOT / "emotion" / room for room in ROOMS[1:]}
    return sorted(
        path for room in ROOMS for path in (ROOT / room).rglob("*.py") if not links.intersection(path.parents)
    )


def writers(text: str) -> Iterator[str]:
    """The calls of a program that write where nothing gives them a place to write at."""
    if not any(hint in text for hint in _HINTS):  # to read programs takes time
        return
    waiting: list[tuple[ast.AST, bool]] = [(ast.parse(text), False)]
    while waiting:
        node, has_place = waiting.pop()
        if isinstance(node, ast.Call) and not has_place and _writes(node):
            yield ast.unparse(ast.Call(node.func, node.args[:2], []))
        has_place |= isinstance(node, ast.With) and _gives_a_place(node)
        waiting += [(child, has_place) for child in ast.iter_child_nodes(node)]


def _writes(call: ast.Call) -> bool:
    name, owner = _name(call.func), _name(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    if name in ("open", "fdopen", "ZipFile", "FileIO"):
        given = [*call.args, *(word.value for word in call.keywords if word.arg == "mode")]
        modes = [one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        return any(set(mode) & set("wax") and set(mode) <= set("wax+bt") for mode in modes)
    if name == "copy":
        return owner == "shutil"
    if name == "save":
        return owner in SAVERS
    return name in WRITERS


def _name(node: ast.expr) -> str:
    return getattr(node, "attr", getattr(node, "id", ""))


def _gives_a_place(block: ast.With) -> bool:
    calls = [item.context_expr for item in block.items if isinstance(item.context_expr, ast.Call)]
    return any(_name(call.func) in PLACES for call in calls)


def test_what_writes_has_a_place_or_a_reason():
    found = set()
    for path in sources():
        name = path.relative_to(ROOT).as_posix()
        found |= {f"{name}: {call}" for call in writers(path.read_text("utf-8"))}
    assert found - set(ALLOWED) == set()
    assert set(ALLOWED) - found == set(), "no longer there"


@pytest.mark.parametrize(
    "line",
    [
        "path.write_text('x')",
        "open(path, 'w')",
        "path.open('xb')",
        "open(path, mode='a')",
        "np.save(path, data)",
        "onnx.save(graph, path)",
        "figure.savefig(path)",
        "shutil.copy(one, other)",
        "with open(path, 'w') as file: pass",
    ],
)
def test_direct_writers_are_noticed(line):
    assert len(list(writers(line))) == 1


@pytest.mark.parametrize(
    "line",
    [
        "with atomic_output(path) as made: np.save(made, data)",
        "with atomic_output(path) as made, open(made, 'w') as file: file.write('x')",
        "with workshop(folder) as making: onnx.save(graph, making / 'x')",
        "open(path)",
        "open(path, 'rb')",
        "data.copy()",
    ],
)
def test_what_reads_or_has_a_place_is_not(line):
    assert list(writers(line)) == []
