import numpy as np

from emotion.benchmarks.studies.copies import nearest


def test_the_nearest_of_a_set_is_found_beyond_one_block():
    others = np.eye(5, 300, dtype=np.float32)
    faces = np.tile(others[[3]], (300, 1))
    faces[299] = 0.9 * others[1] + 0.1 * others[0]
    best, whose = nearest(faces, others)
    assert whose.tolist() == [3] * 299 + [1]
    assert best[299] == np.float32(0.9)
