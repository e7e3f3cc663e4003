"""The part of each face: near duplicates, copies, seeds."""

import numpy as np

from emotion.models.data import dataset
from emotion.models.data.dataset import DatasetOptions
from tests.helpers.photographs_to_learn import finding


def structure(seed):
    noise = np.random.default_rng(seed).normal(size=2304).astype(np.float32)
    return noise / np.linalg.norm(noise)


def arrange(photographs, options=DatasetOptions(), before=None, structures=None):  # noqa: B008
    """Rows and rejections for (source, label, split, seed of its look)."""
    made = [
        (dataset.Photograph(None, source, label, split, None), finding(source, label, seed))
        for source, label, split, seed in photographs
    ]
    structures = structures or {source: structure(seed) for source, _, _, seed in photographs}
    rows, rejected = dataset._arrange(
        [p for p, _ in made], {p.source: f for p, f in made}, options, before or {}, structures
    )
    return {row["source"]: row for row in rows}, rejected


def test_near_duplicates_stay_on_one_side():
    photographs = [(f"a/{i}", "fear", None, i // 2) for i in range(400)]
    rows, rejected = arrange(photographs)
    assert not rejected
    for i in range(0, 400, 2):
        assert rows[f"a/{i}"]["split"] == rows[f"a/{i + 1}"]["split"]
        assert rows[f"a/{i}"]["group"] == rows[f"a/{i + 1}"]["group"]
    parts = [row["split"] for row in rows.values()]
    assert 0.04 < parts.count("test") / 400 < 0.16
    assert 0.04 < parts.count("validation") / 400 < 0.16


def test_a_copy_of_a_test_face_is_not_learnt_from():
    rows, rejected = arrange(
        [("a/1", "fear", "train", 1), ("a/2", "fear", "test", 1), ("a/3", "fear", "train", 3)]
    )
    assert rejected == {"a/1": "near duplicate of a test face: group 0"}
    assert rows["a/2"]["split"] == "test"


def test_a_copy_that_the_hash_misses_is_known_by_its_fine_structure():
    photographs = [("a/1", "fear", "train", 1), ("a/2", "fear", "test", 2), ("a/3", "fear", "train", 3)]
    toned = structure(2) + 0.4 * structure(1)
    structures = {
        "a/1": toned / np.linalg.norm(toned),
        "a/2": structure(2),
        "a/3": structure(3),
    }
    rows, rejected = arrange(photographs, structures=structures)
    assert set(rows) == {"a/2", "a/3"}
    assert rejected == {"a/1": "near duplicate of a test face: group 0"}


def test_copies_with_different_labels_are_dropped_and_listed():
    rows, rejected = arrange([("a/1", "fear", None, 1), ("a/2", "anger", None, 1), ("a/3", "fear", None, 2)])
    assert set(rows) == {"a/3"}
    assert all("different labels" in reason for reason in rejected.values())


def test_a_named_test_part_is_kept_and_no_more_is_drawn():
    photographs = [(f"a/{i}", "fear", "test" if i < 50 else "train", i) for i in range(500)]
    rows, _ = arrange(photographs, DatasetOptions(validation=0.2))
    for i in range(500):
        assert (rows[f"a/{i}"]["split"] == "test") == (i < 50)
    assert 60 < sum(row["split"] == "validation" for row in rows.values()) < 120


def test_each_root_gets_by_lot_the_part_that_its_folders_lack():
    without = [(f"a/{i}", "fear", "train", i) for i in range(300)]
    named = [(f"b/{i}", "fear", "train" if i < 350 else "validation", i) for i in range(300, 400)]
    rows, _ = arrange(without + named, DatasetOptions(test=0.0))
    validation = {source for source, row in rows.items() if row["split"] == "validation"}
    assert 10 < sum(source.startswith("a/") for source in validation) < 60
    assert {source for source in validation if source.startswith("b/")} == {f"b/{i}" for i in range(350, 400)}


def test_a_face_keeps_its_part_when_a_data_set_grows():
    photographs = [(f"a/{i}", "fear", None, i) for i in range(200)]
    before = {source: row["split"] for source, row in arrange(photographs)[0].items()}
    more = [(f"b/{i}", "fear", None, i) for i in range(150, 400)]  # 50 of them copies
    rows, _ = arrange(more + photographs, before=before)
    assert all(rows[source]["split"] == part for source, part in before.items())
    assert all(rows[f"b/{i}"]["split"] == before[f"a/{i}"] for i in range(150, 200))


def test_a_lot_does_not_hang_on_which_other_faces_are_found():
    photographs = [(f"a/{i}", "fear", None, i) for i in range(300)]
    whole = arrange(photographs)[0]
    fewer = arrange(photographs[7::-1] + photographs[20:])[0]
    assert all(row["split"] == whole[source]["split"] for source, row in fewer.items())


def test_splits_follow_the_seed_alone():
    photographs = [(f"a/{i}", "fear", None, i) for i in range(200)]
    first, again = arrange(photographs)[0], arrange(photographs)[0]
    other = arrange(photographs, DatasetOptions(seed=1))[0]
    assert first == again
    assert any(first[key]["split"] != other[key]["split"] for key in first)
