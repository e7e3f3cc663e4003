"""Layers of small networks: the same numbers as NumPy's, and no other thread than the caller's."""

import subprocess
import sys

import numpy as np
import pytest

from emotion.models.statistics.affine import affine

_ALONE = """
import time
import cv2
import numpy as np
from emotion.models.faces.visibility import read
from emotion.models.regions import REGIONS
from emotion.models.voting.blendshapes import BlendshapeModel
from emotion.models.manifest import ZOO

cv2.setNumThreads(1)  # its threads are another matter
rng = np.random.default_rng(0)
net = read()["lips"]
crops = [rng.integers(1, 255, REGIONS["lips"].size, np.uint8) for _ in range(48)]
crowd = rng.random((200, 52), np.float32)
shapes = BlendshapeModel.read(ZOO)
net(crops), shapes(crowd)
time.sleep(0.2)  # what is done once is done
whole, own = time.process_time(), time.thread_time()
for _ in range(20):
    net(crops), shapes(crowd)
    time.sleep(0.01)  # threads that wait in a loop go on meanwhile
print((time.process_time() - whole) / (time.thread_time() - own))
"""


@pytest.mark.parametrize("shape", [(865, 64), (52, 6), (9,)])
def test_numbers_are_those_of_the_product(shape):
    rng = np.random.default_rng(0)
    values, weights = rng.normal(size=(5, shape[0])), rng.normal(size=shape)
    biases = rng.normal(size=shape[1:])
    found = affine(values.astype(np.float32), weights.astype(np.float32), biases)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, values @ weights + biases, rtol=1e-4, atol=1e-4)


def test_a_row_does_not_depend_on_the_others():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(24, 865)).astype(np.float32)
    weights = rng.normal(size=(865, 64)).astype(np.float32)
    together = affine(values, weights, 0.5)
    alone = np.concatenate([affine(values[at : at + 1], weights, 0.5) for at in range(len(values))])
    np.testing.assert_array_equal(together, alone)


def test_no_other_thread_works_or_waits():
    done = subprocess.run(
        [sys.executable, "-c", _ALONE], capture_output=True, text=True, timeout=120, check=True
    )
    assert float(done.stdout) < 1.5
