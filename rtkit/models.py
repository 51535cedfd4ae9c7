"""ONNX models for plug-ins: found, loaded, called, stepped with their state, described by their card, and written."""

from __future__ import annotations

from rtkit.onnx.card import CARD_FILE, Card, Normalisation, Tensor, publish, read_card
from rtkit.onnx.dense import Dense, DenseNetwork, write_dense
from rtkit.onnx.find import MODEL_FILE, STEP_FILE, find, qualified_model_name
from rtkit.onnx.model import Call, Loader, Model, bind, load, single_shape
from rtkit.onnx.normalising import UNIT_INTERVAL, choose_normalisation, zscore
from rtkit.onnx.picture import PictureInput, picture_axis
from rtkit.onnx.pool import Pool
from rtkit.onnx.processor import OnnxFrameProcessor, OnnxProcessor
from rtkit.onnx.session import session
from rtkit.onnx.stepper import Stepper
from rtkit.onnx.taps import Concatenation, Layer, Part, Product, TapNetwork
from rtkit.onnx.writer import LearnedNetwork, write

__all__ = [
    "CARD_FILE",
    "MODEL_FILE",
    "STEP_FILE",
    "UNIT_INTERVAL",
    "Call",
    "Card",
    "Concatenation",
    "Dense",
    "DenseNetwork",
    "Layer",
    "LearnedNetwork",
    "Loader",
    "Model",
    "Normalisation",
    "OnnxFrameProcessor",
    "OnnxProcessor",
    "Part",
    "PictureInput",
    "Pool",
    "Product",
    "Stepper",
    "TapNetwork",
    "Tensor",
    "bind",
    "choose_normalisation",
    "find",
    "load",
    "picture_axis",
    "publish",
    "qualified_model_name",
    "read_card",
    "session",
    "single_shape",
    "write",
    "write_dense",
    "zscore",
]
