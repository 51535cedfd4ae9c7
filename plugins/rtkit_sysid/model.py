"""A model that was identified: a predictor an output, written to a file and read from it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from rtkit import InputError
from rtkit_sysid.predictor import ACTIVATIONS, Form, Predictor, Scale
from rtkit_sysid.regressors import Order
from rtkit_sysid.transfer import TransferFunction

#: What a model file says it is.
FORMAT = "rtkit model 1"


@dataclass(frozen=True, slots=True)
class Model:
    """What was identified of a plant: for each output a predictor for one step, and one that was chosen for running free.

    Parameters
    ----------
    kind : str
        ``arx`` or ``narx``.
    inputs, outputs : tuple of str
        Names of the channels.
    rate : float
        Sample rate (Hz); 1 where nobody told it.
    predict, simulate : tuple of Predictor
        For each output: for one step ahead from measured samples, and for a free run. May be the same.
    report : dict
        How it was found, and its errors; JSON-able.
    """

    kind: Literal["arx", "narx"]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    rate: float
    predict: tuple[Predictor, ...]
    simulate: tuple[Predictor, ...]
    report: dict[str, Any] = field(default_factory=dict)

    def transfer_function(self, output: int = 0, input: int = 0) -> TransferFunction:
        """From an input to an output (by number, from 0 on) of a linear model. Raises InputError if it is not linear."""
        return TransferFunction.of(self.predict[output], input, self.rate)

    def write(self, path: str | Path) -> None:
        """Write it as JSON, whole or not at all. Raises InputError if the file cannot be written."""
        path = Path(path)
        made = {
            "format": FORMAT,
            "kind": self.kind,
            "inputs": list(self.inputs),
            "outputs": list(self.outputs),
            "rate": self.rate,
            "predict": [_as_json(one, self.inputs, name) for one, name in zip(self.predict, self.outputs, strict=True)],
            "simulate": [_as_json(one, self.inputs, name) for one, name in zip(self.simulate, self.outputs, strict=True)],
            "report": self.report,
        }
        part = path.with_name(path.name + ".part")
        try:
            part.write_text(json.dumps(made, indent=1, allow_nan=False) + "\n", encoding="utf-8")
            part.replace(path)
        except OSError as error:
            raise InputError(f"{path}: the model cannot be written: {error.strerror}") from None

    @classmethod
    def read(cls, path: str | Path) -> Model:
        """Read what `write` wrote.

        Raises
        ------
        InputError
            The file is missing, or is no model; the message says what is wrong where.
        """
        try:
            made = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{path}: no model there: {error.strerror}") from None
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}: not a model of rtkit identify (JSON expected): {error}") from None
        if not isinstance(made, dict) or made.get("format") != FORMAT:
            raise InputError(f"{path}: not a model of rtkit identify; expected format {FORMAT!r}")
        try:
            inputs, outputs = (tuple(_list_of(made[key], str)) for key in ("inputs", "outputs"))
            if len({*inputs, *outputs}) != len(inputs + outputs):
                raise ValueError("a channel is named twice")
            if made["kind"] not in ("arx", "narx") or not outputs or not 0 < float(made["rate"]) < math.inf:
                raise ValueError("kind, outputs or rate does not fit")
            predict, simulate = (tuple(_from_json(one, len(inputs)) for one in made[key]) for key in ("predict", "simulate"))
            if not len(predict) == len(simulate) == len(outputs):
                raise ValueError("expected one predictor an output")
            return cls(made["kind"], inputs, outputs, float(made["rate"]), predict, simulate, made.get("report", {}))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            what = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
            raise InputError(f"{path}: damaged model: {what}") from None


def _as_json(predictor: Predictor, inputs: tuple[str, ...], output: str) -> dict[str, Any]:
    form, scale = predictor.form, predictor.scale
    return {
        "na": form.order.na,
        "nb": form.order.nb,
        "delay": form.order.delay,
        "regressors": list(form.order.names(inputs, output)),
        "terms": form.terms.tolist(),
        "hidden": form.hidden,
        "activation": form.activation,
        "u_mean": scale.u_mean.tolist(),
        "u_scale": scale.u_scale.tolist(),
        "y_mean": scale.y_mean,
        "y_scale": scale.y_scale,
        "theta": predictor.theta.tolist(),
    }


#: Larger than any model that makes sense, and small enough not to fill the memory.
MOST_LAGS, MOST_UNITS = 100_000, 10_000
#: Numbers beyond this are damage, and their products would overflow.
FAR = 1e100


def _from_json(made: dict[str, Any], inputs: int) -> Predictor:
    na, nb, delay, hidden = _list_of([made[key] for key in ("na", "nb", "delay", "hidden")], int)
    if not (0 <= na <= MOST_LAGS and 0 <= nb <= MOST_LAGS and 0 <= delay <= MOST_LAGS and 0 <= hidden <= MOST_UNITS):
        raise ValueError("na, nb, delay or hidden does not fit")
    if made["activation"] not in ACTIVATIONS:
        raise ValueError(f"activation {made['activation']!r}; expected one of {', '.join(ACTIVATIONS)}")
    terms = np.array([_list_of(term, int) for term in _list_of(made["terms"], list)], np.int64).reshape(-1, 3)
    form = Form(Order(na, nb, delay), inputs, terms, hidden, made["activation"])
    theta, u_mean, u_scale = (np.array(_list_of(made[key], float, int), np.float64) for key in ("theta", "u_mean", "u_scale"))
    y_mean, y_scale = _list_of([made["y_mean"], made["y_scale"]], float, int)
    scale = Scale(u_mean, u_scale, float(y_mean), float(y_scale))
    if terms.size and not 0 <= terms.min() <= terms.max() <= form.width:
        raise ValueError(f"terms name regressors beyond 1 to {form.width}")
    if theta.shape != (form.size,) or scale.u_mean.shape != (inputs,) or scale.u_scale.shape != (inputs,):
        raise ValueError(f"expected {form.size} parameters in theta, found {theta.size}, and scales of {inputs} inputs")
    scales, numbers = np.append(u_scale, y_scale), np.concatenate([theta, u_mean, [y_mean]])
    if not (np.abs(numbers) < FAR).all() or not ((scales > 1 / FAR) & (scales < FAR)).all():
        raise ValueError(f"a parameter or scale is not a number within {FAR:g}, or a scale is not above 0")
    return Predictor(form, scale, theta)


def _list_of(values: Any, *kinds: type) -> list[Any]:
    """A list of values of these types (a truth value is no number). Raises ValueError for anything else."""
    if not isinstance(values, list) or any(type(value) not in kinds for value in values):
        raise ValueError(f"expected a list of {kinds[0].__name__}, found {str(values)[:60]}")
    return values
