"""Quantisation that is checked: each variant is timed and scored against float32, and kept only if it is faster and as accurate."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from rtkit.models import Call, Model, load
from rtkit.onnx.timing import medians

#: How many times faster a variant must be to be worth its loss.
MIN_SPEEDUP = 1.1

Score = Callable[[Model], float]
Rows = list[dict[str, Any]]
_VARIANTS: dict[str, dict[str, Any]] = {
    "dynamic int8": {},
    "dynamic int8, reduced range": {"reduce_range": True},
    "static U8S8": {"static": True},
    "static U8S8, reduced range": {"static": True, "reduce_range": True},
    "static S8S8": {"static": True, "signed": True},
}


def best(model: Path, examples: NDArray[Any], score: Score, margin: float, scratch: Path, faster: float = MIN_SPEEDUP) -> tuple[Path, Rows]:
    """Try the variants; give the file to ship, and the table for the card.

    Parameters
    ----------
    model : Path
        The float32 model.
    examples : ndarray
        Real inputs ``[n, …]`` from the training split, to calibrate and to time with.
    score : callable
        Figure of merit of a model on the validation split; higher is better.
    margin : float
        How much of it a variant may lose.
    scratch : Path
        Folder for the variants.
    faster : float
        How many times faster a variant must be to be kept.

    Returns
    -------
    path : Path
        The fastest variant that is within the margin and at least `faster` times as fast as float32; or float32 itself.
    rows : list of dict
        Variant, size, speed relative to float32, score, and whether it was kept.
    """
    reference = load(model)
    base = score(reference)
    float32 = {"variant": "float32", "bytes": model.stat().st_size, "speed": 1.0, "score": base}
    rows, kept, best_row = [float32], model, float32
    for number, (name, settings) in enumerate(_VARIANTS.items()):
        path = scratch / f"variant-{number}.onnx"
        try:
            logging.disable(logging.WARNING)  # it advises on every model to preprocess it
            _quantise(model, path, examples, **settings)
            variant = load(path)
            row: dict[str, Any] = {"variant": name, "bytes": path.stat().st_size}
            row |= {"speed": round(_speed(reference, variant, examples), 3), "score": score(variant)}
        except Exception as error:  # many kinds: an operator that has no such form, a shape that is not known
            rows.append({"variant": name, "refused": " ".join(f"{type(error).__name__}: {error}".split())[:200]})
            continue
        finally:
            logging.disable(logging.NOTSET)
        rows.append(row)
        if row["score"] >= base - margin and row["speed"] >= faster and row["speed"] > best_row["speed"]:
            kept, best_row = path, row
    return kept, [row | {"kept": row is best_row} for row in rows]


def _speed(reference: Model, variant: Model, examples: NDArray[Any]) -> float:
    """How many times as fast the variant is, one example a call."""
    sizes = {str(name): size for name, size in zip(reference.inputs[0].shape, (1, *examples.shape[1:]), strict=True)}
    calls = {name: Call(model, sizes) for name, model in (("reference", reference), ("variant", variant))}
    for call in calls.values():
        next(iter(call.inputs.values()))[...] = examples[:1]
    times = medians(calls)
    return times["reference"] / times["variant"]


def _quantise(
    model: Path, path: Path, examples: NDArray[Any], static: bool = False, signed: bool = False, reduce_range: bool = False
) -> None:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_dynamic, quantize_static

    if not static:
        quantize_dynamic(model, path, weight_type=QuantType.QInt8, reduce_range=reduce_range)
        return
    quantize_static(
        model,
        path,
        _Reader(load(model).inputs[0].name, examples),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QInt8 if signed else QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=reduce_range,
    )


class _Reader:
    """Hands examples to the calibration, one by one."""

    def __init__(self, name: str, examples: NDArray[Any]) -> None:
        self._rest = iter([{name: examples[index : index + 1]} for index in range(min(len(examples), 200))])

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        return next(self._rest, None)
