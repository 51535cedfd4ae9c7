"""The stateful form of a recurrent model: the same weights, with the state as input and output and an answer at each sample."""

from __future__ import annotations

from typing import Any

import keras

from rtkit.core.errors import InputError

_RECURRENT = (keras.layers.LSTM, keras.layers.GRU, keras.layers.SimpleRNN)
#: Layers that treat every sample of a sequence by itself.
_POINTWISE = (keras.layers.Dense, keras.layers.Activation, keras.layers.Dropout, keras.layers.ReLU, keras.layers.LeakyReLU)


def is_recurrent(model: keras.Model) -> bool:
    """Whether there is a recurrent layer in it."""
    return any(isinstance(layer, _RECURRENT) for layer in model.layers)


def stateful(model: keras.Model) -> tuple[keras.Model, dict[str, str]]:
    """The stateful form of a chain of recurrent and pointwise layers.

    Parameters
    ----------
    model : keras.Model
        Takes ``[batch, time, features]``; one layer after another.

    Returns
    -------
    form : keras.Model
        Inputs: the signal ``[batch, time, features]``, any length, and the states ``[batch, units]``. Outputs: the answer after each
        sample ``[batch, time, …]``, and the next states.
    states : dict of str to str
        Name of the input of each state → name that its output should have.

    Raises
    ------
    InputError
        A layer that cannot answer sample by sample: it looks at the whole sequence, or there are branches.
    """
    if len(model.outputs) != 1:
        raise InputError(f"has {len(model.outputs)} outputs; only a chain of layers with one has a stateful form")
    _check_chain(model)
    source = model.inputs[0]
    signal = value = keras.Input((None, source.shape[-1]), name=source.name, dtype=source.dtype)
    inputs = [signal]
    outputs: list[Any] = []
    states: dict[str, str] = {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        if isinstance(layer, _RECURRENT) and not layer.go_backwards and not layer.return_state:
            value, taken, given = _step(layer, value)
            inputs += taken
            outputs += given
            states |= {tensor.name: f"{tensor.name}_out" for tensor in taken}
        elif _is_pointwise(layer):
            value = layer(value)
        else:
            raise InputError(f"layer {layer.name!r} ({type(layer).__name__}) has no form that answers sample by sample")
    return keras.Model(inputs, [value, *outputs]), states


def _is_pointwise(layer: Any) -> bool:
    if isinstance(layer, keras.layers.LayerNormalization):
        return layer.axis in (-1, 2, [-1], [2])  # over the features of one sample, not over time
    if isinstance(layer, keras.layers.Rescaling):
        return all(isinstance(value, int | float) for value in (layer.scale, layer.offset))
    return isinstance(layer, _POINTWISE)


def _check_chain(model: keras.Model) -> None:
    """Refuse branches: in a chain, every layer takes what the one before it gives, and nothing else."""
    if isinstance(model, keras.Sequential):
        return
    before: list[str] = []
    for layer in model.get_config()["layers"]:
        if _takes(layer["inbound_nodes"]) != before:
            raise InputError(f"layer {layer['name']!r} does not just follow the one before it; only a chain of layers has a stateful form")
        before = [layer["name"]]


def _takes(nodes: Any) -> list[str]:
    """Names of the layers that a layer's configuration says it takes its inputs from."""
    if isinstance(nodes, dict):
        return [nodes["keras_history"][0]] if "keras_history" in nodes else _takes(list(nodes.values()))
    return [name for node in nodes for name in _takes(node)] if isinstance(nodes, list | tuple) else []


def _step(layer: Any, value: Any) -> tuple[Any, list[Any], list[Any]]:
    """A recurrent layer with its state outside."""
    config = layer.get_config() | {"return_sequences": True, "return_state": True, "stateful": False}
    names = ("h", "c") if isinstance(layer, keras.layers.LSTM) else ("h",)
    taken = [keras.Input((layer.units,), name=f"{layer.name}_{name}") for name in names]
    form = type(layer).from_config(config)
    value, *given = form(value, initial_state=taken)
    form.set_weights(layer.get_weights())
    return value, taken, given
