"""The road from Keras to a checked ONNX file: build, train, convert, verify, quantise, write the model card.

One module a model; `python -m export --list` shows them. This is the only place that imports TensorFlow.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # the same sums in the same order on every machine
os.environ["KERAS_BACKEND"] = "tensorflow"  # the one that tf2onnx reads
