"""The execution providers, their requirements and settings. Plain data: nothing is loaded here.

ONNX Runtime calls an engine an execution provider. A provider that is requested by name runs or
fails; ``auto`` takes the first of `AUTO_ORDER` that starts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from emotion.models.errors import ProviderError
from emotion.models.options import Option, check
from emotion.models.signature import Signature

ProviderName: TypeAlias = Literal["auto", "cpu", "cuda", "tensorrt", "openvino", "coreml", "directml"]
Chain: TypeAlias = list[tuple[str, dict[str, str]]]
"""ONNX Runtime's providers with their options, best first; each node runs on the first that supports it."""

_GPU = "install 'onnxruntime-gpu[cuda,cudnn]' (the extra 'gpu') in place of 'onnxruntime'"
_DRIVER = "check the driver with 'nvidia-smi', install 'onnxruntime-gpu[cuda,cudnn]' (the extra 'gpu')"


@dataclass(frozen=True, slots=True)
class Provider:
    """One engine.

    Attributes:
        name: in options.
        title: in messages.
        ort_name: in ONNX Runtime.
        install: how to get it, as part of a sentence.
        check: what to check if it is installed and does not start.
        fixed_shapes: it compiles, or captures a graph, for each batch size; so sizes are few.
        device: of its buffers, in ONNX Runtime's terms; None: main memory.
        shared: several threads may run one session at once.
        int8: a quantised model is faster on it; elsewhere half precision is.
    """

    name: ProviderName
    title: str
    ort_name: str
    install: str = ""
    check: str = ""
    fixed_shapes: bool = False
    device: str | None = None
    shared: bool = True
    int8: bool = False


PROVIDERS: dict[str, Provider] = {
    provider.name: provider
    for provider in (
        Provider("cpu", "the CPU", "CPUExecutionProvider", int8=True),
        Provider(
            "cuda",
            "CUDA",
            "CUDAExecutionProvider",
            install=_GPU,
            check=_DRIVER,
            fixed_shapes=True,
            device="cuda",
            shared=False,
        ),
        Provider(
            "tensorrt",
            "TensorRT",
            "TensorrtExecutionProvider",
            install=f"{_GPU}, and TensorRT with 'pip install tensorrt'",
            check=f"{_DRIVER} and TensorRT with 'pip install tensorrt'",
            fixed_shapes=True,
            device="cuda",
            shared=False,
        ),
        Provider(
            "openvino",
            "OpenVINO",
            "OpenVINOExecutionProvider",
            install="install 'onnxruntime-openvino' in place of 'onnxruntime'",
            check="install 'openvino' of the version that 'onnxruntime-openvino' names",
        ),
        Provider(
            "coreml",
            "CoreML",
            "CoreMLExecutionProvider",
            install="run on a Mac, whose 'onnxruntime' has it",
            check="update macOS",
            fixed_shapes=True,
        ),
        Provider(
            "directml",
            "DirectML",
            "DmlExecutionProvider",
            install="on Windows, install 'onnxruntime-directml' in place of 'onnxruntime'",
            check="update the graphics driver",
            fixed_shapes=True,
            shared=False,
        ),
    )
}

# TensorRT builds engines for minutes and CoreML computes in half precision: both by name only.
AUTO_ORDER: tuple[ProviderName, ...] = ("cuda", "directml", "openvino", "cpu")


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to start a provider.

    Attributes:
        chain: the provider with its options, and the fallbacks for nodes that it does not support.
        graph: CUDA records a run as a graph and replays it, which spares hundreds of launches.
    """

    chain: Chain
    graph: bool = False


@dataclass(frozen=True, slots=True)
class NetOptions:
    """How one network is run: the relevant `EngineOptions`, and what a GPU needs."""

    provider: Annotated[ProviderName, Option(help="One by name, or auto.")] = "auto"
    threads: Annotated[int, Option(help="Of one run on the CPU; 0: as many as there are cores.", ge=0)] = 1
    device: Annotated[int, Option(help="Which GPU, from 0.", ge=0)] = 0
    max_batch: Annotated[
        int, Option(help="The most inputs in one run; more are run in several goes.", ge=1)
    ] = 32
    cache: Annotated[
        Path | None, Option(help="Folder for what providers compile; nothing is kept where there is none.")
    ] = None

    def __post_init__(self) -> None:
        check(self)


def candidates(wanted: ProviderName, available: Sequence[str]) -> list[Provider]:
    """The providers to try, best first.

    Args:
        wanted: by the user.
        available: what this build of ONNX Runtime has, in its own names.

    Raises:
        ProviderError: the one that is wanted by name is not in this build.
    """
    if wanted == "auto":
        return [PROVIDERS[name] for name in AUTO_ORDER if PROVIDERS[name].ort_name in available]
    provider = PROVIDERS[wanted]
    if provider.ort_name not in available:
        raise ProviderError(
            f"{provider.title} was requested, but this ONNX Runtime is not made for it: "
            f"{provider.install}, or run with --provider cpu."
        )
    return [provider]


def bucket(count: int, largest: int) -> int:
    """The padded batch size for `count` crops: the next power of two, at most `largest`."""
    return min(1 << max(count - 1, 0).bit_length(), largest)


def buckets(largest: int) -> tuple[int, ...]:
    """All sizes that `bucket` gives, smallest first."""
    return tuple(dict.fromkeys(bucket(count, largest) for count in range(1, largest + 1)))


def variants(provider: Provider, signature: Signature, options: NetOptions) -> list[Variant]:
    """The ways to start a provider, best first: not every graph can be recorded, nor is every device there.

    Args:
        provider: which.
        signature: of the net, whose shape and digest some options need.
        options: of the engine.
    """
    cpu: Chain = [(PROVIDERS["cpu"].ort_name, {})]
    name = provider.ort_name
    match provider.name:
        case "cuda":
            return [Variant([(name, _cuda(options, graph)), *cpu], graph) for graph in (True, False)]
        case "tensorrt":
            rest = [(PROVIDERS["cuda"].ort_name, _cuda(options, graph=False)), *cpu]
            return [
                Variant([(name, _tensorrt(signature, options, graph)), *rest], graph)
                for graph in (True, False)
            ]
        case "openvino":
            # Its AUTO device registers and then takes no node of these models.
            return [Variant([(name, _openvino(options, device)), *cpu]) for device in ("GPU", "CPU")]
        case "coreml":
            return [Variant([(name, _coreml(options)), *cpu])]
        case "directml":
            return [Variant([(name, {"device_id": str(options.device)}), *cpu])]
        case _:
            return [Variant(cpu)]


def _cuda(options: NetOptions, graph: bool) -> dict[str, str]:
    return {
        "device_id": str(options.device),
        # Sizes are few and come again and again, so the search for the best kernel pays.
        "cudnn_conv_algo_search": "EXHAUSTIVE",
        # Grow by what is needed: two models share the card with whatever else runs there.
        "arena_extend_strategy": "kSameAsRequested",
        "use_tf32": "1",
        "enable_cuda_graph": "1" if graph else "0",
    }


def _tensorrt(signature: Signature, options: NetOptions, graph: bool) -> dict[str, str]:
    def shape(batch: int) -> str:
        return f"{signature.input}:{'x'.join(str(side) for side in (batch, *signature.shape))}"

    values = {
        "device_id": str(options.device),
        "trt_fp16_enable": "1",
        # A quantised model itself marks what is int8.
        "trt_int8_enable": "1" if signature.int8 else "0",
        "trt_profile_min_shapes": shape(1),
        "trt_profile_opt_shapes": shape(bucket(8, options.max_batch)),
        "trt_profile_max_shapes": shape(options.max_batch),
        "trt_cuda_graph_enable": "1" if graph else "0",
    }
    if options.cache is not None:
        folder = str(options.cache / "tensorrt")
        values |= {
            "trt_engine_cache_enable": "1",
            "trt_engine_cache_path": folder,
            # Another model, or a retrained one, never gets this one's cached engines.
            "trt_engine_cache_prefix": f"{signature.name}-{signature.sha256[:16]}",
            "trt_timing_cache_enable": "1",
            "trt_timing_cache_path": folder,
        }
    return values


def _openvino(options: NetOptions, device: str) -> dict[str, str]:
    values = {"device_type": device} | ({"num_of_threads": str(options.threads)} if options.threads else {})
    return values | ({"cache_dir": str(options.cache / "openvino")} if options.cache else {})


def _coreml(options: NetOptions) -> dict[str, str]:
    values = {"ModelFormat": "MLProgram", "MLComputeUnits": "ALL", "RequireStaticInputShapes": "0"}
    return values | ({"ModelCacheDirectory": str(options.cache / "coreml")} if options.cache else {})
