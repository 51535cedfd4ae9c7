"""From Keras to a checked ONNX file: build, train, convert, verify, quantise, write the model card; `python -m export --list`.

`recipes` has a module a model. They draw on `families` (what like models share), `data` (readers, simulation, augmentation), `evaluation`
(measures and baselines) and `pipeline` (training, conversion, verification, quantisation, release). Only here TensorFlow is imported.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # the same sums in the same order on every machine
os.environ["KERAS_BACKEND"] = "tensorflow"  # the one that tf2onnx reads
