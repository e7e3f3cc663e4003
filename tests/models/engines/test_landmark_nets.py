"""MediaPipe's nets as ONNX files: whole, batched, and saying what they were made of says."""

import json
import shutil

import numpy as np
import onnxruntime
import pytest

from emotion.models.engines import landmark_nets
from emotion.models.engines.landmark_nets import NET_NAMES, LandmarkNets, read_signatures
from emotion.models.engines.providers import PROVIDERS, NetOptions
from emotion.models.engines.session import Net
from emotion.models.errors import ModelFileError, ProviderError
from emotion.models.faces import mediapipe_landmarker as landmarks
from emotion.models.manifest import ZOO
from emotion.models.small_files import sha256


def items(signature, count):
    """Inputs that differ: smooth pictures, or points."""
    rng = np.random.default_rng(0)
    if signature.dtype == "float32":
        return rng.uniform(0, 200, (count, *signature.shape)).astype(np.float32)
    small = rng.uniform(0, 255, (count, 8, 8, 3))
    times = signature.shape[0] // 8
    return np.repeat(np.repeat(small, times, axis=1), times, axis=2).astype(np.uint8)


def net(name, **options):
    known = read_signatures(ZOO)[name]
    return Net(lambda _: (ZOO / f"{name}.onnx", known), NetOptions("cpu", **options)), known


@pytest.mark.parametrize("name", NET_NAMES)
def test_a_batch_says_what_its_items_say(name):
    run, known = net(name)
    batch = items(known, 3)
    together = run(batch)
    assert together.shape == (3, *known.output)
    assert together.dtype == np.float32
    alone = np.concatenate([run(item[None]) for item in batch])
    # A CPU adds in another order for other batch sizes.
    np.testing.assert_allclose(together, alone, atol=5e-3)
    assert np.abs(together[0] - together[1]).max() > 0.01
    assert run(batch[:0]).shape == (0, *known.output)


def test_the_cpus_version_of_the_landmark_net_says_the_same():
    plain, known = net("face_landmarks")
    fast, _ = net("face_landmarks.cpu")
    batch = items(known, 2)
    np.testing.assert_allclose(fast(batch), plain(batch), atol=0.01)  # pixels of 256


def test_the_nets_are_made_of_the_bundle_that_ships():
    values = json.loads((ZOO / landmark_nets.MANIFEST).read_text())
    assert values["made_from"] == landmarks.MODEL_SHA256 == sha256(landmarks.MODEL_PATH)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda folder: (folder / "face_detector.onnx").unlink(), "cannot be read"),
        (lambda folder: (folder / "face_detector.onnx").write_bytes(b"no net"), "damaged or changed"),
        (lambda folder: (folder / "landmarks.json").write_text("{}"), "has format None"),
        (lambda folder: (folder / "landmarks.json").write_text('{"format": 1}'), "not a manifest"),
        (lambda folder: (folder / "landmarks.json").write_text("["), "not a manifest"),
    ],
)
def test_a_missing_or_changed_file_is_refused(tmp_path, spoil, reason):
    for name in ("landmarks.json", *(f"{name}.onnx" for name in NET_NAMES)):
        shutil.copy(ZOO / name, tmp_path)
    LandmarkNets.load(NetOptions("cpu"), tmp_path)
    spoil(tmp_path)
    with pytest.raises(ModelFileError, match=reason) as refused:
        LandmarkNets.load(NetOptions("cpu"), tmp_path)
    assert "--landmarks mediapipe" in str(refused.value)


def test_a_provider_by_name_is_what_runs_or_is_refused():
    missing = next(
        name
        for name, provider in PROVIDERS.items()
        if provider.ort_name not in onnxruntime.get_available_providers()
    )
    with pytest.raises(ProviderError, match="was requested"):
        LandmarkNets.load(NetOptions(missing))
    assert LandmarkNets.load(NetOptions("cpu")).landmarks.provider.name == "cpu"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_export_says_what_tensorflow_lite_says(tmp_path):
    pytest.importorskip("tensorflow", reason="needs the training extra")
    from emotion.exporters import landmarks as exporter

    proofs = exporter.export(tmp_path, exporter.clip_pictures(4))
    assert [proof.name for proof in proofs] == list(NET_NAMES)
    assert all(proof.holds and proof.items == 4 for proof in proofs)
    assert set(read_signatures(tmp_path)) == set(NET_NAMES)


gpu = pytest.mark.gpu
needs_cuda = pytest.mark.skipif(
    PROVIDERS["cuda"].ort_name not in onnxruntime.get_available_providers(),
    reason="needs onnxruntime-gpu and an NVIDIA GPU",
)


@gpu
@needs_cuda
def test_cuda_says_what_the_cpu_says():
    ours, theirs = (LandmarkNets.load(NetOptions(name)) for name in ("cuda", "cpu"))
    known = read_signatures(ZOO)
    for name, one, other, margin in (
        ("face_detector", ours.detector, theirs.detector, 0.2),
        ("face_landmarks", ours.landmarks, theirs.landmarks, 0.5),
        ("face_blendshapes", ours.blendshapes, theirs.blendshapes, 0.02),
    ):
        batch = items(known[name], 5)
        np.testing.assert_allclose(one(batch), other(batch), atol=margin)  # TF32 on the GPU
