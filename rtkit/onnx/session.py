"""Sessions of ONNX Runtime: made in one place, for live use, and shared between processors."""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtkit.core.errors import InputError, UsageError
from rtkit.onnx import cache

if TYPE_CHECKING:
    import onnxruntime

log = logging.getLogger(__name__)

#: Names of execution providers as a user writes them.
PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    "rocm": "ROCMExecutionProvider",
    "xnnpack": "XnnpackExecutionProvider",
}

#: A folder that does not exist, so that no weights are read from files outside the model.
_NO_EXTERNAL_DATA = str(Path(__file__).parent / "no-external-data")
#: ONNX Runtime makes as many threads as it is told, and a machine that has no more of them stands still.
MAX_THREADS = 64

_shared: weakref.WeakValueDictionary[tuple[Any, ...], onnxruntime.InferenceSession] = weakref.WeakValueDictionary()
_lock = threading.Lock()


def session(path: Path, data: bytes, digest: str, threads: int = 1, providers: str | None = None) -> onnxruntime.InferenceSession:
    """A session for the model in `data`; the same one for the same model, threads and providers, while anyone holds it.

    Its threads sleep when there is nothing to do: a live stream is idle most of the time, and other threads need the cores.

    Parameters
    ----------
    path : Path
        Where the model was read, for errors.
    data : bytes
        The ONNX file.
    digest : str
        Its sha256.
    threads : int
        Threads for one call; 1 is best for small models.
    providers : str, optional
        Execution providers in order of preference, as ``"cuda+openvino"``; the value of ``RTKIT_PROVIDERS`` when not given. What is
        not there is left out with a warning; the processor (``cpu``) is always last.

    Raises
    ------
    InputError
        Not an ONNX model, or one that this ONNX Runtime does not run.
    UsageError
        A provider that rtkit does not know, or no sensible number of threads.
    """
    if not 1 <= threads <= MAX_THREADS:
        raise UsageError(f"threads={threads} does not fit; expected a whole number from 1 to {MAX_THREADS}")
    chosen = _available(os.environ.get("RTKIT_PROVIDERS", "") if providers is None else providers)
    key = (digest, threads, *chosen)
    with _lock:
        found = _shared.get(key)
        if found is None:
            found = _shared[key] = _make(path, data, digest, threads, chosen)
        return found


def _available(wanted: str) -> list[str]:
    import onnxruntime

    names = [name.strip().lower() for name in wanted.replace("+", ",").split(",") if name.strip()]
    for name in names:
        if name not in PROVIDERS:
            raise UsageError(f"provider {name!r} is not known; known: {', '.join(PROVIDERS)}")
    there = onnxruntime.get_available_providers()
    for name in names:
        if PROVIDERS[name] not in there:
            log.warning("provider %s is not in this ONNX Runtime; going on without it", name)
    return [PROVIDERS[name] for name in names if name != "cpu" and PROVIDERS[name] in there] + [PROVIDERS["cpu"]]


def _make(path: Path, data: bytes, digest: str, threads: int, providers: Sequence[str]) -> onnxruntime.InferenceSession:
    on_cpu = list(providers) == [PROVIDERS["cpu"]]
    optimised = cache.read(digest) if on_cpu else None
    if optimised is not None:
        try:
            return _open(optimised, threads, providers, optimise=False)
        except Exception as error:  # whatever is wrong with the cached graph, the model itself is there
            log.warning("%s: the cached graph does not load, optimising again: %s", path, error)
    try:
        start = time.perf_counter()
        made = _open(data, threads, providers)
        if on_cpu and time.perf_counter() - start > cache.MIN_OPENING_S:
            cache.write(digest, lambda target: _open(data, threads, providers, save=target))
        return made
    except Exception as error:
        if on_cpu:
            reason = " ".join(str(error).split())
            raise InputError(f"{path}: ONNX Runtime does not run this model: {reason}") from None
        log.warning("%s: no session with %s (%s); going on with the processor", path, "+".join(providers[:-1]), error)
        return _make(path, data, digest, threads, [PROVIDERS["cpu"]])


def _open(
    data: bytes, threads: int, providers: Sequence[str], optimise: bool = True, save: Path | None = None
) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4  # it raises what it logs, and its warnings are about its own optimisations
    # weights in files of their own are not in the hash: a session that is made of bytes would look for them in the working folder
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", _NO_EXTERNAL_DATA)
    if not optimise:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    if save is not None:
        options.optimized_model_filepath = str(save)
    return onnxruntime.InferenceSession(data, options, providers=list(providers))
