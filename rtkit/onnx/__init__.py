"""Models in ONNX files: found by name, checked against their card, and run in sessions that processors share."""

from __future__ import annotations

from rtkit.onnx.card import Card, Tensor
from rtkit.onnx.model import Call, Model, load
from rtkit.onnx.pool import Pool
from rtkit.onnx.processor import OnnxFrameProcessor, OnnxProcessor
from rtkit.onnx.stepper import Stepper

__all__ = ["Call", "Card", "Model", "OnnxFrameProcessor", "OnnxProcessor", "Pool", "Stepper", "Tensor", "load"]
