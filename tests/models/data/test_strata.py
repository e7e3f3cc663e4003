"""Held-out parts with each emotion in the same share."""

from collections import Counter
from pathlib import Path

import pytest

from emotion.models.data.label_folders import Photograph
from emotion.models.data.splits import parts_of
from emotion.models.data.strata import stratified, write_parts


def photographs(counts: dict[str, int]) -> list[Photograph]:
    return [
        Photograph(Path(f"{label}/{i}.jpg"), f"street/train/{label}/{i}.jpg", label, "train", None)
        for label, count in counts.items()
        for i in range(count)
    ]


def test_every_emotion_is_held_out_in_the_same_share() -> None:
    parts = stratified(photographs({"fear": 280, "happiness": 4758}), 0.2)
    held_out = Counter(source.split("/")[2] for source, part in parts.items() if part == "validation")
    assert held_out == {"fear": 56, "happiness": 952}
    assert len(parts) == 5038


def test_names_alone_decide() -> None:
    faces = photographs({"fear": 50})
    parts = stratified(faces, 0.2)
    assert stratified(reversed(faces), 0.2) == parts
    assert stratified(faces, 0.2, seed=1) != parts
    fewer = stratified(faces[1:], 0.2)
    assert sum(fewer[source] != parts[source] for source in fewer) <= 1


def test_parts_are_kept_for_the_next_data_set(tmp_path: Path) -> None:
    parts = stratified(photographs({"fear": 10}), 0.2)
    write_parts(tmp_path / "kept" / "parts.parquet", parts)
    assert parts_of(tmp_path / "kept" / "parts.parquet", needed=True) == parts


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_none_or_all(share: float) -> None:
    parts = set(stratified(photographs({"fear": 5}), share).values())
    assert parts == {"validation" if share else "train"}
