import cv2
import numpy as np

from models.duplicates import MAX_DISTANCE, group_near_duplicates, perceptual_hash


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


def test_groups_reach_across_the_blocks_that_are_compared_at_once():
    hashes = np.random.default_rng(1).integers(0, 2**63, (700, 4)).astype(np.uint64)
    hashes[650] = hashes[3]
    groups = group_near_duplicates(hashes)
    assert groups[650] == 3
    assert len(np.unique(groups)) == 699
