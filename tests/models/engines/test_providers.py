"""Which engine runs the models. GPUs are not needed: `tests.fakes.onnx_runtime` stands for one."""

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime
import pytest

from emotion.models.engines import providers
from emotion.models.engines import session as inference
from emotion.models.engines.providers import PROVIDERS, NetOptions
from emotion.models.engines.session import RegionModel
from emotion.models.errors import ModelFileError, ProviderError
from emotion.models.manifest import LITE, ZOO, choose_precision, read_manifest
from emotion.models.regions import LIPS
from tests.fakes.onnx_runtime import CPU, Runtime, answers

CUDA, TENSORRT = PROVIDERS["cuda"].ort_name, PROVIDERS["tensorrt"].ort_name
NAMED = tuple(name for name in PROVIDERS if name != "cpu")


@pytest.fixture
def runtime(monkeypatch):
    def install(*starting, available=None, **options):
        fake = Runtime((*(available or starting), CPU), starting, **options)
        monkeypatch.setattr(inference, "ort", fake)
        return fake

    return install


def crops(*levels):
    return np.stack([np.full(LIPS.size, level, np.uint8) for level in levels])


@pytest.mark.parametrize("name", NAMED)
def test_a_provider_that_this_build_lacks_is_refused_with_the_fix(runtime, name):
    runtime()
    with pytest.raises(ProviderError) as refused:
        RegionModel(ZOO, "lips", name)
    assert PROVIDERS[name].title in str(refused.value)
    assert PROVIDERS[name].install in str(refused.value)
    assert "--provider cpu" in str(refused.value)


@pytest.mark.parametrize("name", NAMED)
def test_a_provider_that_silently_falls_back_is_refused_with_the_reason(runtime, name):
    """As ONNX Runtime's GPU wheel does on a machine without CUDA: it lists CUDA and runs on the CPU."""
    runtime(available=(PROVIDERS[name].ort_name,))
    with pytest.raises(ProviderError, match=r"libcudnn\.so\.9: missing") as refused:
        RegionModel(ZOO, "lips", name)
    assert PROVIDERS[name].check in str(refused.value)


@pytest.mark.parametrize("name", NAMED)
def test_what_is_requested_by_name_is_what_runs(runtime, name):
    fake = runtime(*(provider.ort_name for provider in PROVIDERS.values()))
    model = RegionModel(ZOO, "lips", name)
    assert model.provider == PROVIDERS[name].ort_name == fake.sessions[-1].get_providers()[0]
    assert "as requested" in model.choice
    np.testing.assert_allclose(model(crops(0, 255, 51))[:, 0], [0, 1, 0.2], atol=1e-6)


def test_auto_says_what_it_chose_and_why(runtime):
    runtime(CUDA)
    assert RegionModel(ZOO, "lips").choice.startswith("CUDA")
    runtime(available=(CUDA,))
    model = RegionModel(ZOO, "lips")
    assert model.provider == CPU
    assert "CUDA does not start" in model.choice
    assert "libcudnn.so.9" in model.choice
    runtime()
    assert RegionModel(ZOO, "lips").choice == inference.CPU_ONLY


def test_a_provider_that_is_there_and_does_nothing_is_refused(runtime):
    """As OpenVINO's AUTO device does: it is among the session's providers, and the CPU runs all nodes."""
    runtime(PROVIDERS["openvino"].ort_name, idle=True)
    with pytest.raises(ProviderError, match="takes no part of the model"):
        RegionModel(ZOO, "lips", "openvino")
    assert RegionModel(ZOO, "lips").provider == CPU


def test_openvino_takes_a_gpu_before_the_cpu(runtime):
    fake = runtime(PROVIDERS["openvino"].ort_name)
    RegionModel(ZOO, "lips", "openvino", threads=2)
    options = fake.sessions[-1].chain[PROVIDERS["openvino"].ort_name]
    assert options == {"device_type": "GPU", "num_of_threads": "2"}


def test_tensorrt_and_coreml_are_never_chosen_by_themselves(runtime):
    runtime(TENSORRT, PROVIDERS["coreml"].ort_name)
    assert RegionModel(ZOO, "lips").provider == CPU


def test_pips_cuda_libraries_are_loaded_first_and_quietly(runtime, capsys):
    fake = runtime(CUDA)
    RegionModel(ZOO, "lips", "cuda")
    assert fake.preloaded == 1
    assert capsys.readouterr().out == ""
    runtime()
    RegionModel(ZOO, "lips", "cpu")
    assert inference.ort.preloaded == 0


def test_a_reason_is_one_line_without_the_place_in_the_source():
    text = "/onnxruntime_src/state.cc:729 void Register(Options&, const Map&) Please install\n it first.\n"
    assert inference._short(text) == "Please install it first"


def test_what_native_code_says_is_heard_and_not_shown(runtime, capfd):
    runtime(available=(CUDA,))
    RegionModel(ZOO, "lips")
    assert "libcudnn" not in capfd.readouterr().err


def test_each_batch_size_is_recorded_once_and_padded_to(runtime):
    fake = runtime(CUDA)
    model = RegionModel(ZOO, "lips", "cuda", max_batch=8)
    for count in (1, 3, 5, 8, 3):
        levels = list(range(10, 10 + count))
        np.testing.assert_allclose(model(crops(*levels)), answers(crops(*levels)), atol=1e-6)
    assert fake.sessions[-1].runs == [(1, "1"), (4, "4"), (8, "8"), (8, "8"), (4, "4")]


def test_a_graph_that_cannot_be_recorded_still_runs_on_the_gpu(runtime):
    fake = runtime(CUDA, no_graph=True)
    model = RegionModel(ZOO, "lips", "cuda")
    assert model.provider == CUDA
    assert fake.sessions[-1].chain[CUDA]["enable_cuda_graph"] == "0"
    model(crops(1, 2, 3))
    assert fake.sessions[-1].runs == [(4, None)]


def test_more_crops_than_a_batch_holds_go_in_several_runs(runtime):
    fake = runtime()
    model = RegionModel(ZOO, "lips", "cpu", max_batch=4)
    levels = range(0, 110, 10)
    np.testing.assert_allclose(model(crops(*levels)), answers(crops(*levels)), atol=1e-6)
    assert [size for size, _ in fake.sessions[-1].runs] == [4, 4, 3]


def test_warming_up_runs_each_size(runtime):
    fake = runtime(CUDA)
    RegionModel(ZOO, "lips", "cuda", max_batch=8).warm_up()
    assert [size for size, _ in fake.sessions[-1].runs] == [1, 2, 4, 8]


def test_a_gpu_that_fails_at_work_is_reported_with_the_way_out(runtime, monkeypatch):
    fake = runtime(CUDA)
    model = RegionModel(ZOO, "lips", "cuda")

    def fail(*args):
        raise RuntimeError("CUDA failure 2: out of memory")

    monkeypatch.setattr(fake.sessions[-1], "run_with_iobinding", fail)
    with pytest.raises(
        ProviderError, match=r"CUDA failed while it ran lips\.onnx \(CUDA failure 2.*"
    ) as reported:
        model(crops(1))
    assert "--provider cpu" in str(reported.value)
    with pytest.raises(ProviderError, match="out of memory"):
        model.warm_up()


def test_threads_never_meet_in_a_session_that_is_not_shared(runtime):
    runtime(CUDA)
    model = RegionModel(ZOO, "lips", "cuda")
    levels = list(range(200))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda level: model(crops(level))[0, 0], levels))
    np.testing.assert_allclose(found, np.array(levels) / 255, atol=1e-6)


def test_tensorrt_keeps_its_engines_and_knows_the_batches(runtime, tmp_path):
    fake = runtime(TENSORRT, CUDA)
    RegionModel(ZOO, "lips", "tensorrt", max_batch=16, device=1, cache=tmp_path)
    options = fake.sessions[-1].chain[TENSORRT]
    height, width = LIPS.size
    assert options["trt_profile_min_shapes"] == f"crops:1x{height}x{width}x1"
    assert options["trt_profile_max_shapes"] == f"crops:16x{height}x{width}x1"
    assert options["trt_fp16_enable"] == "1"
    assert options["trt_int8_enable"] == "0"
    assert options["device_id"] == "1"
    for key in ("trt_engine_cache_path", "trt_timing_cache_path"):
        assert options[key] == str(tmp_path / "tensorrt")
    assert read_manifest(ZOO, "lips").sha256.startswith(options["trt_engine_cache_prefix"].split("-")[1])
    assert (tmp_path / "tensorrt").is_dir()
    assert list(fake.sessions[-1].chain) == [TENSORRT, CUDA, CPU]


def test_without_a_cache_nothing_is_kept():
    manifest = read_manifest(ZOO, "lips")
    for name in NAMED:
        for variant in providers.variants(PROVIDERS[name], manifest.signature, NetOptions()):
            assert not [key for _, values in variant.chain for key in values if "cache" in key.lower()]


def test_a_cpu_session_does_not_spin_and_has_the_threads_requested(runtime):
    fake = runtime()
    RegionModel(ZOO, "lips", "cpu", threads=3)
    options = fake.sessions[-1].options
    assert options.entries["session.intra_op.allow_spinning"] == "0"
    assert options.intra_op_num_threads == 3


@pytest.mark.parametrize(
    ("count", "largest", "size"), [(1, 32, 1), (2, 32, 2), (3, 32, 4), (17, 32, 32), (5, 6, 6), (3, 6, 4)]
)
def test_a_bucket_is_the_next_power_of_two(count, largest, size):
    assert providers.bucket(count, largest) == size


def test_buckets_are_all_that_can_be_requested():
    assert providers.buckets(32) == (1, 2, 4, 8, 16, 32)
    assert providers.buckets(6) == (1, 2, 4, 6)
    assert providers.buckets(1) == (1,)


@pytest.mark.parametrize(
    "values", [{"provider": "abacus"}, {"threads": -1}, {"max_batch": 0}, {"device": -1}]
)
def test_options_out_of_range_are_refused(values):
    with pytest.raises(ValueError, match="|".join(values)):
        NetOptions(**values)


def test_a_quantised_model_of_another_model_is_not_used(tmp_path):
    for name in ("lips.onnx", "lips.json"):
        shutil.copy(LITE / name, tmp_path)
    assert choose_precision(tmp_path, "lips") == "fp32"
    with pytest.raises(ModelFileError, match="quantise lips"):
        RegionModel(tmp_path, "lips", "cpu", precision="int8")
    shutil.copy(LITE / "lips.onnx", tmp_path / "lips.int8.onnx")
    values = json.loads((tmp_path / "lips.json").read_text())
    path = tmp_path / "lips.int8.json"
    path.write_text(json.dumps(values | {"file": "lips.int8.onnx", "made_from": values["sha256"]}))
    assert choose_precision(tmp_path, "lips") == "int8"
    assert RegionModel(tmp_path, "lips", "cpu", precision="int8").manifest.int8
    assert RegionModel(tmp_path, "lips", "cpu", precision="auto").manifest.int8
    assert not RegionModel(tmp_path, "lips", "cpu").manifest.int8
    path.write_text(json.dumps(values | {"file": "lips.int8.onnx", "made_from": "0" * 64}))
    assert choose_precision(tmp_path, "lips") == "fp32"
    with pytest.raises(ModelFileError, match="another lips model"):
        RegionModel(tmp_path, "lips", "cpu", precision="int8")


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_a_quantised_model_is_chosen_where_it_is_faster(name):
    assert choose_precision(LITE, "lips") == "int8"
    assert inference._precision_for(PROVIDERS[name], LITE, "lips") == ("int8" if name == "cpu" else "fp32")


def test_the_real_runtime_refuses_what_it_lacks():
    missing = [
        name for name in NAMED if PROVIDERS[name].ort_name not in onnxruntime.get_available_providers()
    ]
    for name in missing:
        with pytest.raises(ProviderError, match="was requested"):
            RegionModel(ZOO, "lips", name)


def test_a_process_with_the_cpu_alone_says_nothing():
    """Neither ONNX Runtime nor the search for a GPU may write to the terminal."""
    code = (
        "from emotion.models.engines.session import *; from emotion.models.manifest import ZOO; "
        "RegionModel(ZOO, 'lips').warm_up()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ZOO.parents[1]
    )
    assert (done.stdout, done.stderr) == ("", "")


gpu = pytest.mark.gpu
needs_cuda = pytest.mark.skipif(
    CUDA not in onnxruntime.get_available_providers(), reason="needs onnxruntime-gpu and an NVIDIA GPU"
)


@gpu
@needs_cuda
@pytest.mark.parametrize("name", ["cuda", "tensorrt"])
def test_a_gpu_says_what_the_cpu_says(name, tmp_path):
    """Run with: pytest -m gpu"""
    rng = np.random.default_rng(0)
    faces = rng.integers(0, 256, (11, *LIPS.size), dtype=np.uint8)
    model = RegionModel(ZOO, "lips", name, max_batch=8, cache=tmp_path)
    model.warm_up()
    for count in (1, 3, 8, 11):
        expected = RegionModel(ZOO, "lips", "cpu")(faces[:count])
        np.testing.assert_allclose(model(faces[:count]), expected, atol=0.02)
