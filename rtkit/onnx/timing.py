"""Benchmarks of models: latencies of calls, measured side by side in one run, because the machine is never quiet."""

from __future__ import annotations

import functools
import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rtkit.core.errors import InputError
from rtkit.onnx.model import Call, Model
from rtkit.onnx.stepper import Stepper

Rows = list[dict[str, Any]]
#: Sizes to try for axes that may vary.
_TRIED_SIZES = (1, 16, 224, 512)


def processor_name() -> str:
    """What the processor calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def medians(calls: Mapping[str, Callable[[], object]], rounds: int = 5, seconds: float = 0.1) -> dict[str, float]:
    """Median time (s) of each call; they take turns, so that what else the machine does hits all of them.

    Parameters
    ----------
    calls : dict of str to callable
        What to time.
    rounds : int
        Turns of each.
    seconds : float
        Length of a turn; at least 3 calls.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(rounds):
        for name, call in calls.items():
            end, count = time.perf_counter() + seconds, 0
            while count < 3 or time.perf_counter() < end:
                start = time.perf_counter()
                call()
                times[name].append(time.perf_counter() - start)
                count += 1
    return {name: float(np.median(values)) for name, values in times.items()}


def sizes_to_try(axes: int) -> tuple[int, ...]:
    """Sizes for what may vary beside the batch, of an input with so many axes: those of pictures, which have four, are no single pixels."""
    return _TRIED_SIZES if axes < 4 else tuple(size for size in _TRIED_SIZES if size >= 224)


def one_call(model: Model) -> Call:
    """A call of a model on noise, batch 1; other sizes that may vary are the first of some that the model takes.

    Raises
    ------
    InputError
        It takes none of them.
    """
    names = {size for tensor in model.inputs for size in tensor.shape if isinstance(size, str)}
    random = np.random.default_rng(0)
    sizes = sizes_to_try(max(len(tensor.shape) for tensor in model.inputs))
    for size in sizes:
        call = Call(model, {name: 1 if name in ("batch", "batch_size", "n", "N") else size for name in names})
        for array in call.inputs.values():
            array[...] = random.standard_normal(array.shape) if array.dtype.kind == "f" else random.integers(0, 2, array.shape)
        try:
            call()
        except InputError:
            if size == sizes[-1]:
                raise
        else:
            return call
    raise AssertionError("unreachable")


def of_model(model: Model) -> Rows:
    """Latency of one call of a model, with the threads with which it was loaded."""
    row = {"case": f"one call of {model.path.name}", "us": round(1e6 * medians({"call": one_call(model)})["call"], 2)}
    return [row | {"processor": processor_name()}]


def of_steps(model: Model, blocks: tuple[int, ...] = (1, 36, 360)) -> Rows:
    """Latency of a stateful model a sample, in steps of several sizes."""
    stepper = Stepper(model)
    random, features = np.random.default_rng(0), int(stepper.input.shape[-1])
    rows: Rows = []
    for size in blocks:
        call = functools.partial(stepper, random.standard_normal((1, size, features)).astype(np.float32))
        each = round(1e6 * medians({"step": call})["step"] / size, 3)
        rows.append({"case": f"{model.path.name} in steps of {size}, a sample", "us": each, "processor": processor_name()})
    return rows
