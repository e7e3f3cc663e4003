"""Networks in ONNX Runtime, in particular the model of one region: crops in, probabilities out."""

import contextlib
import io
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from threading import Lock
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from emotion.models.cores import available_cores
from emotion.models.engines import providers
from emotion.models.engines.providers import NetOptions, Provider, ProviderName, Variant
from emotion.models.errors import ModelFileError, ProviderError
from emotion.models.manifest import ModelManifest, Precision, PrecisionChoice, choose_precision, read_manifest
from emotion.models.native.log import listening
from emotion.models.signature import Signature

__all__ = ["CPU_ONLY", "Net", "ProviderName", "RegionModel", "engine_version"]

CPU_ONLY = "the CPU: this ONNX Runtime has no other provider that is chosen automatically"
"""`Net.choice` if there was only one provider."""

# The log of a provider's start is shown only if it fails.
_ANYTHING = re.compile(rb"")
_ROUNDING = 0.01
"""How far the sum of probabilities may be from one; in half precision it is up to 0.003."""

Crops = npt.NDArray[np.uint8]
Probabilities = npt.NDArray[np.float32]
Batch: TypeAlias = npt.NDArray[Any]
Outputs = npt.NDArray[np.float32]
Find: TypeAlias = Callable[[Provider], tuple[Path, Signature]]
"""Gives the file for a provider: GPUs and CPUs may use different versions of a network."""


class Net:
    """A session of a network with one input and one output. Calls are thread-safe.

    Args:
        find: the file for a provider, and its signature.
        options: of the engine.

    Attributes:
        provider: the execution provider that the session uses.
        choice: the same in words, with the reason after ``auto``.

    Raises:
        ModelFileError: the file cannot be loaded.
        ProviderError: the provider that was requested by name is not available.
    """

    def __init__(self, find: Find, options: NetOptions) -> None:
        started = _start(find, options)
        self.provider: Provider = started.provider
        self.choice = started.choice
        self._signature = started.signature
        self._name = started.path.name
        self._run = started.run
        self._max_batch = options.max_batch

    def __call__(self, batch: Batch) -> Outputs:
        """The network's outputs, in order.

        Args:
            batch: (n, *shape) of the signature's dtype; run in parts of at most `max_batch` of the options.

        Returns:
            float32 (n, *output).

        Raises:
            ProviderError: the provider fails, for example if a GPU has no memory left.
        """
        if len(batch) == 0:
            return np.zeros((0, *self._signature.output), dtype=np.float32)
        parts = [batch[at : at + self._max_batch] for at in range(0, len(batch), self._max_batch)]
        try:
            outputs = [self._run(part) for part in parts]
        except Exception as error:  # ONNX Runtime's own errors share no other base
            raise ProviderError(self._failed(error)) from error
        return outputs[0] if len(outputs) == 1 else np.concatenate(outputs)

    def warm_up(self) -> Outputs:
        """Run each batch size that the provider compiles once, so that no frame waits for that.

        Returns:
            The outputs of the last run, float32 (n, *output).

        Raises:
            ModelFileError: the file cannot be run.
            ProviderError: a GPU cannot run it.
        """
        outputs = np.zeros((0, *self._signature.output), dtype=np.float32)
        for size in self._run.sizes:
            try:
                outputs = self(np.zeros((size, *self._signature.shape), dtype=self._signature.dtype))
            except ProviderError as error:
                if self.provider.name != "cpu":  # which may be short of memory
                    raise
                raise ModelFileError(
                    f"{self._name} cannot be run ({_short(str(error.__cause__))})."
                ) from error
        return outputs

    def _failed(self, error: Exception) -> str:
        advice = "close other programs if memory is short"
        if self.provider.name != "cpu":
            advice = "close what else uses it, or run with --provider cpu"
        return f"{self.provider.title} failed while it ran {self._name} ({_short(str(error))}): {advice}."


class RegionModel:
    """A session of one region's model. Calls are thread-safe.

    Args:
        folder: with the model and its manifest.
        region: of the model.
        provider: by name, or ``auto`` for the best that starts.
        threads: intra-op threads on the CPU; 0: as many as there are cores.
        precision: ``int8`` is the quantised model; ``auto`` takes it if the folder has one and it is faster
            with the provider.
        device: number of the GPU, from 0.
        max_batch: the most crops in one run; more take several runs.
        cache: folder for compiled models; None: they are not kept.

    Attributes:
        manifest: of the model.
        provider: ONNX Runtime's name of the execution provider that the session uses.
        choice: the same in words, with the reason after ``auto``.

    Raises:
        ModelFileError: the model is missing, damaged, or of another version.
        ProviderError: the provider that was requested by name is not available.
        ValueError: an option is out of its range.
    """

    def __init__(
        self,
        folder: Path,
        region: str,
        provider: ProviderName = "auto",
        threads: int = 1,
        precision: PrecisionChoice = "fp32",
        *,
        device: int = 0,
        max_batch: int = 32,
        cache: Path | None = None,
    ) -> None:
        found: dict[str, ModelManifest] = {}

        def find(engine: Provider) -> tuple[Path, Signature]:
            chosen = precision if precision != "auto" else _precision_for(engine, folder, region)
            found[engine.name] = manifest = read_manifest(folder, region, chosen)
            return folder / manifest.file, manifest.signature

        self._net = Net(find, NetOptions(provider, threads, device, max_batch, cache))
        self.manifest: ModelManifest = found[self._net.provider.name]
        self.provider: str = self._net.provider.ort_name
        self.choice = self._net.choice

    def __call__(self, crops: Sequence[Crops] | Crops) -> Probabilities:
        """Probabilities of the manifest's classes.

        Args:
            crops: uint8 (n, height, width), gray, of the manifest's size.

        Returns:
            float32 (n, classes), each row summing to one.

        Raises:
            ModelFileError: the model's outputs are not probabilities.
        """
        # One copy, from the crops into the batch; none where a batch is given.
        outputs = self._net(np.asarray(crops)[..., None])
        self._check(outputs)
        return outputs

    def warm_up(self) -> None:
        """Run each batch size that the provider compiles once, so that no frame waits for that.

        Raises:
            ModelFileError: the model cannot be run, has another number of outputs than its manifest has
                classes, or its outputs are not probabilities.
        """
        outputs, classes = np.asarray(self._net.warm_up()), self.manifest.classes
        count = outputs.shape[1] if outputs.ndim == 2 else 0
        if count != len(classes):
            raise ModelFileError(
                f"{self.manifest.file} has {count} outputs, and its manifest names {len(classes)} classes "
                f"({classes}): put the manifest beside it that was made with it."
            )
        self._check(outputs)

    def _check(self, outputs: Probabilities) -> None:
        # NaN fails these comparisons. NumPy would be slower for so few numbers.
        if not all(abs(sum(row) - 1) <= _ROUNDING and min(row) >= 0 for row in outputs.tolist()):
            raise ModelFileError(
                f"The outputs of {self.manifest.file} are not probabilities (from 0 on, summing to one): the "
                f"model is damaged. Make it again with 'emotion export {self.manifest.region}', or install "
                "emotion-live again."
            )


def engine_version() -> str:
    """The version of ONNX Runtime."""
    return str(ort.__version__)


class _Runner(Protocol):
    """Runs one batch."""

    sizes: tuple[int, ...]

    def __call__(self, batch: Batch, /) -> Outputs: ...


class _Plain:
    """Runs a batch of any size from and to main memory."""

    sizes: tuple[int, ...] = (1,)

    def __init__(self, session: ort.InferenceSession, signature: Signature) -> None:
        self._session = session
        self._input = signature.input

    def __call__(self, batch: Batch) -> Outputs:
        outputs: Outputs = self._session.run(None, {self._input: batch})[0]
        return outputs


class _Padded:
    """For providers that compile each batch size: pads a batch with zeros to the next size.

    Args:
        run: takes batches of these sizes only.
        largest: the largest size.
        shared: `run` may be called from several threads at once.
    """

    def __init__(self, run: "_Plain | _Bound", largest: int, shared: bool) -> None:
        self._inner = run
        self._largest = largest
        self._turn: contextlib.AbstractContextManager[Any] = contextlib.nullcontext() if shared else Lock()
        self.sizes = providers.buckets(largest)

    def __call__(self, batch: Batch) -> Outputs:
        missing = providers.bucket(len(batch), self._largest) - len(batch)
        padded = np.pad(batch, ((0, missing), *[(0, 0)] * (batch.ndim - 1))) if missing else batch
        with self._turn:
            return self._inner(padded)[: len(batch)]


class _Bound:
    """Runs a batch with buffers that stay on the device, a pair for each batch size.

    Inputs and outputs are copied once each. The addresses stay the same, which CUDA graphs need.

    Args:
        session: its inputs and outputs are bound to the buffers.
        signature: of its network.
        device, number: of the buffers, in ONNX Runtime's terms.
        graph: record a CUDA graph for each batch size.
    """

    def __init__(
        self, session: ort.InferenceSession, signature: Signature, device: str, number: int, graph: bool
    ) -> None:
        self._session = session
        self._signature = signature
        self._place = (device, number)
        self._graph = graph
        self._buffers: dict[int, tuple[Any, Any, Any]] = {}

    def __call__(self, batch: Batch) -> Outputs:
        items, outputs, binding = self._buffers.get(len(batch)) or self._bind(len(batch))
        items.update_inplace(np.ascontiguousarray(batch))
        self._session.run_with_iobinding(binding, self._options(len(batch)))
        binding.synchronize_outputs()
        result: Outputs = outputs.numpy()
        return result

    def _bind(self, size: int) -> tuple[Any, Any, Any]:
        value = ort.OrtValue.ortvalue_from_shape_and_type
        known = self._signature
        items = value((size, *known.shape), np.dtype(known.dtype).type, *self._place)
        outputs = value((size, *known.output), np.float32, *self._place)
        binding = self._session.io_binding()
        binding.bind_ortvalue_input(known.input, items)
        binding.bind_ortvalue_output(self._session.get_outputs()[0].name, outputs)
        self._buffers[size] = (items, outputs, binding)
        return self._buffers[size]

    def _options(self, size: int) -> ort.RunOptions | None:
        if not self._graph:
            return None
        options = ort.RunOptions()
        options.add_run_config_entry("gpu_graph_id", str(size))
        return options


@dataclass(frozen=True, slots=True)
class _Started:
    run: _Runner
    provider: Provider
    path: Path
    signature: Signature
    choice: str


def _start(find: Find, options: NetOptions) -> _Started:
    """A session with the first provider that starts."""
    tried = ""
    for provider in providers.candidates(options.provider, ort.get_available_providers()):
        path, signature = find(provider)
        runner, problem = _try(provider, path, signature, options)
        if runner is not None:
            return _Started(runner, provider, path, signature, _in_words(provider, options, tried))
        tried += f"; {provider.title} does not start ({problem})"
        if options.provider != "auto":
            raise ProviderError(
                f"{provider.title} was requested, but ONNX Runtime could not start it ({problem}): "
                f"{provider.check}, or run with --provider cpu."
            )
    raise ProviderError(f"ONNX Runtime has no provider that starts{tried}: install it again.")


def _precision_for(provider: Provider, folder: Path, region: str) -> Precision:
    return choose_precision(folder, region) if provider.int8 else "fp32"


def _in_words(provider: Provider, options: NetOptions, tried: str) -> str:
    if options.provider != "auto":
        return f"{provider.title}, as requested"
    if provider.name == "cpu" and not tried:
        return CPU_ONLY
    return f"{provider.title}: the best that starts here{tried}"


def _try(
    provider: Provider, path: Path, signature: Signature, options: NetOptions
) -> tuple[_Runner | None, str]:
    """A runner, or None and the reason."""
    variants = providers.variants(provider, signature, options)
    if provider.name == "cpu":
        return _Plain(_open(path, signature, provider, variants[0], options), signature), ""
    _make_folders(options.cache)
    problem = ""
    for variant in variants:
        with listening(_ANYTHING) as lines:
            if provider.device == "cuda":
                _preload()
            try:
                session = _open(path, signature, provider, variant, options)
                started = _runs_nodes(session, provider)
            except ModelFileError as error:
                if error.__cause__ is None:  # the file is at fault, whatever runs it
                    raise
                problem = problem or _short(str(error.__cause__))
                continue
        if started:
            return _runner(session, provider, signature, options, variant.graph), ""
        problem = problem or _reason(b"".join(lines).decode(errors="replace"))
    return None, problem


def _runs_nodes(session: ort.InferenceSession, provider: Provider) -> bool:
    """Whether a session's provider runs any node.

    ONNX Runtime logs an error and falls back to the CPU if a provider's libraries are missing; and a provider
    may be available and still leave all nodes to the CPU.
    """
    if provider.ort_name not in session.get_providers():
        return False
    if not _tells_who_runs():
        return True
    return any(part.ep_name == provider.ort_name for part in session.get_provider_graph_assignment_info())


def _tells_who_runs() -> bool:
    return hasattr(ort.InferenceSession, "get_provider_graph_assignment_info")


def _runner(
    session: ort.InferenceSession,
    provider: Provider,
    signature: Signature,
    options: NetOptions,
    graph: bool,
) -> _Runner:
    if not provider.fixed_shapes:
        return _Plain(session, signature)
    inner: _Plain | _Bound = _Plain(session, signature)
    if provider.device:
        inner = _Bound(session, signature, provider.device, options.device, graph)
    return _Padded(inner, options.max_batch, provider.shared)


def _openable(path: Path) -> str | bytes:
    """A file's path; its content if the path is not UTF-8 on the disk, which ONNX Runtime cannot open."""
    name = str(path)
    try:
        is_utf8 = name.encode() == os.fsencode(name)
    except UnicodeEncodeError:
        is_utf8 = False
    return name if is_utf8 else path.read_bytes()


def _open(
    path: Path, signature: Signature, provider: Provider, variant: Variant, options: NetOptions
) -> ort.InferenceSession:
    try:
        # Without ONNX Runtime's own fallback, which prints a message and continues on the CPU.
        session = ort.InferenceSession(
            _openable(path),
            _session_options(provider, options.threads),
            providers=variant.chain,
            enable_fallback=0,
        )
    except Exception as error:  # ONNX Runtime's own errors share no other base
        raise ModelFileError(f"ONNX Runtime cannot load {path}: {error}") from error
    _check_input(session, path, signature)
    return session


def _check_input(session: ort.InferenceSession, path: Path, signature: Signature) -> None:
    """Whether a net takes what it will be given.

    Raises:
        ModelFileError: it has other inputs.
    """
    inputs = session.get_inputs()
    takes = "; ".join(f"{one.type} {one.name!r} of {one.shape}" for one in inputs)
    wanted = (None, *signature.shape)
    types = {"uint8": "tensor(uint8)", "float32": "tensor(float)"}
    fits = len(inputs) == 1 and (inputs[0].name, inputs[0].type) == (signature.input, types[signature.dtype])
    # Dimensions that are not integers are variable.
    if not fits or not all(
        one == other
        for one, other in zip_longest(inputs[0].shape, wanted, fillvalue=0)
        if isinstance(one, int) and isinstance(other, int)
    ):
        raise ModelFileError(
            f"{path} takes {takes or 'nothing'}, not {types[signature.dtype]} {signature.input!r} of "
            f"(n, {', '.join(map(str, signature.shape))}): it is not the model that its manifest speaks of."
        )


def _session_options(provider: Provider, threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or available_cores()
    # Threads that spin while they wait take the cores from decoding and landmarks.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3
    if provider.name != "cpu" and _tells_who_runs():
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    # DirectML plans memory by itself and refuses to run otherwise.
    options.enable_mem_pattern = provider.name != "directml"
    return options


def _make_folders(cache: Path | None) -> None:
    if cache is not None:
        for name in ("tensorrt", "openvino", "coreml"):
            (cache / name).mkdir(parents=True, exist_ok=True)


def _preload() -> None:
    """Load CUDA and cuDNN from pip's nvidia packages; missing ones are reported when CUDA starts."""
    with contextlib.redirect_stdout(io.StringIO()):
        ort.preload_dlls()


def _reason(log: str) -> str:
    """The end of the first error in ONNX Runtime's log, which names what is missing."""
    errors = [line for line in log.splitlines() if "[E:" in line or "[ERROR]" in line]
    if not errors:
        return "it takes no part of the model and gives no reason"
    return _short(errors[0].split("with error:")[-1].split("[ERROR]")[-1].replace("\x1b[m", ""))


def _short(text: str) -> str:
    """A message in one line, without the source location at its beginning."""
    line = " ".join(text.split())
    return re.sub(r"^/onnxruntime\S* .*?\) ", "", line)[-200:].rstrip(".")
