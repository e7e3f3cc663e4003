"""What networks begin with, where region, size or architecture are others than the models have."""

import re

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="learning needs the extra 'learn'")

from emotion.exporters.head import features_of
from emotion.models.classes import SIX
from emotion.models.data import fingerprints
from emotion.models.data.fingerprints import Fingerprints
from emotion.models.errors import ModelFileError, OptionError
from emotion.models.manifest import LITE, ModelManifest, choose_precision, read_manifest
from emotion.models.regions import EYES, FACE, LIPS, Region
from emotion.models.small_files import sha256
from emotion.own_model.initial_weights import begin, caution_of, donor, wanted_regions
from emotion.own_model.options import SCRATCH, LearnOptions
from tests.helpers.small_dataset import striped_dataset


def test_copies_of_what_the_initial_model_was_trained_on_are_counted(tmp_path):
    data = striped_dataset(tmp_path / "data")
    seen = fingerprints.of_dataset(data, {"train"})
    some, others = seen.training[:40], np.full((2, 4), 7, np.uint64)
    options = LearnOptions(start_from=tmp_path / "mine")

    def reported(training, unknown=()):
        fingerprints.write(tmp_path / "mine", {"eyes": Fingerprints(training, unknown=unknown)})
        return caution_of(options, data)

    assert re.match(r"\d+ of 120 faces are copies of training faces of mine", reported(some, ("lite",)))
    assert reported(others, ("lite",)) == reported(others) == ""
    assert reported(some, ("another",)) == options.caution
    (tmp_path / "mine" / fingerprints.FILE).unlink()
    assert caution_of(options, data) == options.caution != ""
    assert caution_of(LearnOptions(), data) == ""


def test_regions_are_those_of_the_models_and_those_requested():
    chosen = wanted_regions(LearnOptions(regions=("brows=8,12,112,48", "face")))
    assert chosen.places == (EYES, LIPS, Region("brows", 8, 12, 112, 48), FACE)
    assert wanted_regions(LearnOptions(start_from=SCRATCH)).places == (EYES, LIPS)


def test_a_region_has_the_pixels_that_networks_need():
    (*_, brows) = wanted_regions(LearnOptions(regions=("brows=8,12,112,20",)))
    assert brows.size[0] == 32


def test_larger_crops_are_the_same_rectangle():
    eyes, lips = wanted_regions(LearnOptions(size=2.0))
    assert eyes.size == (96, 192)
    assert EYES.shows_as(eyes)
    assert not EYES.shows_as(lips)


def test_a_region_may_be_moved():
    eyes, _ = wanted_regions(LearnOptions(regions=("eyes=0,10,128,66",)))
    assert (eyes.top, eyes.height) == (10, 66)


@pytest.mark.parametrize("text", ["nose", "brows=1,2,3", "brows=100,0,100,10"])
def test_regions_that_are_none_are_refused(text):
    with pytest.raises(OptionError):
        LearnOptions(regions=(text,))


def test_a_region_without_a_network_takes_that_which_shows_most_of_it():
    brows, mouth = Region("brows", 8, 12, 112, 48), Region("mouth", 24, 90, 80, 48)
    assert donor(LITE, EYES, None).kept
    assert donor(LITE, brows, None).manifest.region == "eyes"
    assert donor(LITE, mouth, None).manifest.region == "lips"
    assert not donor(LITE, mouth, None).same
    assert donor(LITE, EYES, "mobilenet").manifest.region == "face"
    with pytest.raises(OptionError, match="no DenseNet121 to begin with, only ResNet-29, MobileNet"):
        donor(LITE, EYES, "densenet121")


def test_networks_take_other_crops(tmp_path):
    options = LearnOptions(regions=("brows=8,12,112,40", "face"), size=1.25)
    regions, said = wanted_regions(options), []
    begin(options, regions, tmp_path / "begin", said.append)
    assert said == ["  brows begin with the network of the eyes."]
    for region in regions:
        found = read_manifest(tmp_path / "begin", region.name)
        assert found.where == region
        crops = np.random.default_rng(0).integers(0, 256, (2, *region.size), np.uint8)
        seen = features_of(tmp_path / "begin", region.name, crops)
        assert len(seen) == 2
        assert seen.std() > 0
    assert choose_precision(tmp_path / "begin", "brows") == "int8"
    # A larger picture of the same is seen as nearly the same.
    small = np.random.default_rng(1).integers(60, 200, (1, 6, 12), np.uint8)
    large = [
        features_of(folder, "eyes", np.kron(small, np.ones((1, side // 6, side // 6), np.uint8)))
        for folder, side in ((LITE, 48), (tmp_path / "begin", 60))
    ]
    assert np.corrcoef(large[0].ravel(), large[1].ravel())[0, 1] > 0.8


def test_a_network_that_takes_no_other_size_says_so(tmp_path):
    height, width = EYES.size
    make, tensor = onnx.helper.make_node, onnx.numpy_helper.from_array
    constants = [
        tensor(np.array([-1, height * width]), "flat"),
        tensor(np.zeros((height * width, 6), np.float32), "kernel"),
    ]
    nodes = [
        make("Cast", ["crops"], ["gray"], to=onnx.TensorProto.FLOAT),
        make("Reshape", ["gray", "flat"], ["rows"]),
        make("MatMul", ["rows", "kernel"], ["probabilities"]),
    ]
    crops = onnx.helper.make_tensor_value_info("crops", onnx.TensorProto.UINT8, ["n", height, width, 1])
    reported = onnx.helper.make_tensor_value_info("probabilities", onnx.TensorProto.FLOAT, ["n", 6])
    graph = onnx.helper.make_graph(nodes, "eyes", [crops], [reported], constants)
    start = tmp_path / "start"
    start.mkdir()
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(made, start / "eyes.onnx")
    ModelManifest(
        "eyes", "flat", "eyes.onnx", sha256(start / "eyes.onnx"), "float32", EYES.size, classes=SIX
    ).save(start)
    (start / "weights.json").write_text('{"regions": ["eyes"]}')
    options = LearnOptions(start_from=start, size=2.0)
    with pytest.raises(ModelFileError, match=r"takes no crops of 192 x 96 pixels .*--start-from"):
        begin(options, wanted_regions(options), tmp_path / "begin")
