import cv2
import numpy as np
import pytest

from emotion.models.data.duplicates import (
    MAX_DISTANCE,
    MIN_CORRELATION,
    SAME_CORRELATION,
    SAME_DISTANCE,
    fine_structure,
    group_by_label,
    group_near_duplicates,
    perceptual_hash,
)


def picture(seed):
    noise = np.random.default_rng(seed).integers(0, 256, (8, 12), dtype=np.uint8)
    return cv2.resize(noise, (96, 64), interpolation=cv2.INTER_CUBIC)


def distance(a, b):
    return int(np.bitwise_count(perceptual_hash(a) ^ perceptual_hash(b)).sum())


def test_copies_are_near_and_other_pictures_far():
    original = picture(0)
    jpeg = cv2.imdecode(
        cv2.imencode(".jpg", original, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], cv2.IMREAD_GRAYSCALE
    )
    smaller = cv2.resize(original, (60, 40), interpolation=cv2.INTER_AREA)
    darker = (original * 0.7).astype(np.uint8)
    for copy in (jpeg, smaller, darker):
        assert distance(original, copy) <= MAX_DISTANCE
    assert min(distance(original, picture(seed)) for seed in range(1, 50)) > MAX_DISTANCE


def test_groups_are_passed_on_and_named_by_their_first_member():
    bits = np.zeros((5, 4), np.uint64)
    bits[1, 0] = 2**20 - 1  # 20 bits from the first
    bits[2, 0] = 2**40 - 1  # 20 from the second, 40 from the first
    bits[3] = np.uint64(2**64 - 1)
    bits[4] = bits[3]
    assert group_near_duplicates(bits, max_distance=20).tolist() == [0, 0, 0, 3, 3]
    assert group_near_duplicates(bits, max_distance=19).tolist() == [0, 1, 2, 3, 3]


def test_other_expressions_of_one_person_are_no_copies_but_the_same_photograph_is():
    bits = np.zeros((4, 4), np.uint64)
    bits[1, 0] = 2**SAME_DISTANCE - 1
    bits[2, 1] = 2 ** (SAME_DISTANCE + 1) - 1  # from the first; nearer than MAX_DISTANCE
    bits[3] = np.uint64(2**64 - 1)
    groups, contradicted = group_by_label(bits, ["rest", "smile", "smile", "rest"])
    assert groups.tolist() == [0, 0, 2, 3]
    assert contradicted.tolist() == [True, True, False, False]
    groups, contradicted = group_by_label(bits, ["rest", "rest", "rest", "smile"])
    assert groups.tolist() == [0, 0, 0, 3]
    assert not contradicted.any()


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_fine_structure_tells_the_same_photograph_from_another_expression(share):
    hashes = np.random.default_rng(1).integers(0, 2**63, (2, 4)).astype(np.uint64)
    one, other = np.eye(2, 50, dtype=np.float32)
    near = (one + share * other) / np.hypot(1, share)
    structures = np.stack([one, near]).astype(np.float32)
    assert one @ near > MIN_CORRELATION
    groups, contradicted = group_by_label(hashes, ["rest", "smile"], structures=structures)
    assert contradicted.tolist() == [one @ near > SAME_CORRELATION] * 2
    assert len(np.unique(groups)) == (1 if share == 0.2 else 2)


def test_groups_reach_across_the_blocks_that_are_compared_at_once():
    hashes = np.random.default_rng(1).integers(0, 2**63, (700, 4)).astype(np.uint64)
    hashes[650] = hashes[3]
    groups = group_near_duplicates(hashes)
    assert groups[650] == 3
    assert len(np.unique(groups)) == 699


def faces(count, seed):
    """Ovals with a texture of their own, uint8 (n, 128, 128)."""
    rng = np.random.default_rng(seed)
    oval = cv2.ellipse(np.zeros((128, 128), np.uint8), (64, 64), (53, 61), 0, 0, 360, 1, -1)
    noise = [cv2.GaussianBlur(rng.normal(0, 1, (128, 128)), (0, 0), 2.7) for _ in range(count)]
    return [np.clip(120 + 200 * one, 5, 255).astype(np.uint8) * oval for one in noise]


def test_fine_structure_knows_a_toned_and_shaded_copy_and_no_stranger():
    shade = np.linspace(0.5, 1.0, 128)[None]
    toned = [np.where(face > 0, 30 + 0.7 * shade * face, 0).astype(np.uint8) for face in faces(5, seed=0)]
    known = np.stack([fine_structure(face) for face in faces(5, seed=0)])
    copies = np.stack([fine_structure(face) for face in toned]) @ known.T
    assert copies.argmax(axis=1).tolist() == list(range(5))
    assert np.diag(copies).min() > MIN_CORRELATION
    strangers = np.stack([fine_structure(face) for face in faces(5, seed=1)]) @ known.T
    assert strangers.max() < 0.5


def test_copies_that_only_their_structure_tells_are_one_group():
    hashes = np.random.default_rng(1).integers(0, 2**63, (600, 4)).astype(np.uint64)
    structures = np.random.default_rng(2).normal(size=(600, 200)).astype(np.float32)
    structures[590] = structures[7] + 0.3 * structures[8]
    structures /= np.linalg.norm(structures, axis=1, keepdims=True)
    groups = group_near_duplicates(hashes, structures=structures)
    assert groups[590] == 7
    assert len(np.unique(groups)) == 599
    assert len(np.unique(group_near_duplicates(hashes))) == 600
