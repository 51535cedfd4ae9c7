"""Pictures of what was identified, as PNG files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rtkit import InputError
from rtkit_sysid.regressors import Floats
from rtkit_sysid.residuals import Correlation, Whiteness
from rtkit_sysid.transfer import TransferFunction

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Colours of what is measured, and of models, one after another: distinct for colour-blind readers, too (Okabe and Ito).
MEASURED = "#202020"
MODELS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
GRID: dict[str, Any] = {"color": "#d8d8d8", "linewidth": 0.6}
DPI = 130
#: Samples in which single ones can be told apart.
CLOSE_UP_SAMPLES = 400
#: Frequencies in a Bode plot, and by what factor the lowest is below half the sample rate.
POINTS, DECADES = 2000, 3


def poles_and_zeros(transfer: TransferFunction, path: str | Path) -> None:
    """Poles and zeros in the z plane, with the unit circle."""
    figure, (axes,) = _figure((5.6, 5.4))
    axes.axhline(0, **GRID)
    axes.axvline(0, **GRID)
    circle = np.exp(2j * np.pi * np.linspace(0, 1, 200))
    axes.plot(circle.real, circle.imag, "--", color="#808080", linewidth=1, label="unit circle")
    for what, marker, places, colour in (("zeros", "o", transfer.zeros, MODELS[0]), ("poles", "x", transfer.poles, MODELS[1])):
        axes.plot(places.real, places.imag, marker, color=colour, fillstyle="none", markersize=9, markeredgewidth=1.8, label=what)
        for place, times in _repeated(places):
            axes.annotate(f"×{times}", (place.real, place.imag), (7, 6), textcoords="offset points", color=colour)
    axes.set(xlabel="real part", ylabel="imaginary part")
    reach = 1.15 * max([1.0, *np.abs(np.concatenate([transfer.zeros, transfer.poles]))])
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    _head(axes, "Stable" if transfer.stable else "Not stable")
    _save(figure, path)


def _repeated(places: Any) -> list[tuple[complex, int]]:
    """Places that hold more than one pole or zero, and how many."""
    found, counts = np.unique(np.round(places, 6), return_counts=True)
    return [(complex(place), int(times)) for place, times in zip(found, counts, strict=True) if times > 1]


def bode(transfer: TransferFunction, path: str | Path) -> None:
    """Gain (dB) and phase (degrees) over frequency (Hz), up to half the sample rate."""
    frequencies = np.geomspace(10.0**-DECADES, 1, POINTS) * transfer.rate / 2
    answer = transfer.response(frequencies)
    figure, (gain, phase) = _figure((7.2, 5.4), rows=2)
    with np.errstate(divide="ignore"):
        gain.semilogx(frequencies, 20 * np.log10(np.abs(answer)), color=MODELS[0])
    known = np.isfinite(answer)
    phase.semilogx(frequencies[known], np.degrees(np.unwrap(np.angle(answer[known]))), color=MODELS[0])
    gain.set(ylabel="gain (dB)")
    _head(gain, "Frequency response")
    phase.set(xlabel="frequency (Hz)", ylabel="phase (°)", xlim=(frequencies[0], frequencies[-1]))
    _save(figure, path)


def impulse_response(responses: Mapping[str, TransferFunction | Floats], rate: float, path: str | Path, count: int = 50) -> None:
    """Answers to a single 1: of transfer functions (the first `count` samples), and measured ones, by name."""
    figure, (axes,) = _figure((7.2, 4.0))
    axes.axhline(0, color="#808080", linewidth=0.8)
    for number, (name, one) in enumerate(responses.items()):
        values = one.impulse(count) if isinstance(one, TransferFunction) else one
        axes.plot(np.arange(len(values)) / rate, values, ".-", color=MODELS[number % len(MODELS)], linewidth=1, markersize=5, label=name)
    axes.set(xlabel="time (s)", ylabel="output")
    _head(axes, "Impulse response")
    _save(figure, path)


def free_run(time: Floats, measured: Floats, models: Mapping[str, Floats], path: str | Path) -> None:
    """An output ``[n]`` as measured and as models have it, close up where the last one errs most; below, all errors over time (s)."""
    figure, (values, errors) = _figure((9.0, 5.6), rows=2, share=False)
    finite = {name: np.where(np.isfinite(one), one, np.nan) for name, one in models.items()}
    close = _worst(measured - list(finite.values())[-1])
    values.plot(time[close], measured[close], color=MEASURED, linewidth=2.2, label="measured")
    errors.axhline(0, color="#808080", linewidth=0.8)
    for number, (name, one) in enumerate(finite.items()):
        colour = MODELS[number % len(MODELS)]
        values.plot(time[close], one[close], color=colour, linewidth=1, label=name)
        errors.plot(time, measured - one, color=colour, linewidth=0.8, zorder=3 - number / 10)  # the later ones err more
    if len(time[close]) < len(time):
        errors.axvspan(time[close][0], time[close][-1], color="#ececec", zorder=0)
    values.set(ylabel="output")
    errors.set(xlabel="time (s)", ylabel="measured - model")
    for axes in (values, errors):
        axes.margins(x=0.01)
    _head(values, "Model against measurement")
    _save(figure, path)


def _worst(error: Floats) -> slice:
    """A stretch of `CLOSE_UP_SAMPLES` samples around the largest error."""
    size = np.nan_to_num(np.abs(error))
    start = min(max(0, int(np.argmax(size)) - CLOSE_UP_SAMPLES // 2), max(0, len(error) - CLOSE_UP_SAMPLES))
    return slice(start, start + CLOSE_UP_SAMPLES)


def residuals(white: Whiteness, inputs: Sequence[Correlation], path: str | Path) -> None:
    """The tests of a model's one-step errors: correlation with themselves, and with each input."""
    figure, rows = _figure((7.2, 1.2 + 1.9 * (1 + len(inputs))), rows=1 + len(inputs))
    _stems(rows[0], white)
    _head(rows[0], f"Errors with themselves: {'may be white' if white.passed else 'not white'} (p = {white.p_value:.2g})")
    for number, (axes, one) in enumerate(zip(rows[1:], inputs, strict=True), 1):
        _stems(axes, one)
        axes.set_title(f"Errors with input {number}: {100 * one.outside:.0f} % of lags outside", loc="left")
    rows[-1].set_xlabel("lag (samples)")
    _save(figure, path)


def _stems(axes: Axes, one: Correlation) -> None:
    lags, values, bounds = (np.array(values) for values in (one.lags, one.values, one.bounds))
    outside = np.abs(values) > bounds
    axes.fill_between(lags, -bounds, bounds, color="#e4ecf2", label="99 % if independent")
    axes.axhline(0, color="#808080", linewidth=0.8)
    for chosen, colour in ((~outside, MODELS[0]), (outside, MODELS[1])):
        axes.vlines(lags[chosen], 0, values[chosen], color=colour, linewidth=1.5)
        axes.plot(lags[chosen], values[chosen], ".", color=colour)
    reach = 1.15 * max([0.01, *np.abs(values), *bounds])
    axes.set(ylabel="correlation", ylim=(-reach, reach))


def order_errors(rows: Sequence[Mapping[str, Any]], path: str | Path) -> None:
    """The error of free runs over the reach of the models, a line a family; rows with family, reach and error (infinite left out)."""
    from matplotlib.ticker import MaxNLocator

    figure, (axes,) = _figure((7.2, 4.4))
    for number, family in enumerate(dict.fromkeys(row["family"] for row in rows)):
        best: dict[int, float] = {}
        for row in rows:
            if row["family"] == family and np.isfinite(row["error"]):
                best[row["reach"]] = min(row["error"], best.get(row["reach"], np.inf))
        reaches = sorted(best)
        axes.plot(reaches, [best[reach] for reach in reaches], "o-", color=MODELS[number % len(MODELS)], markersize=4, label=family)
    axes.set(yscale="log", xlabel="reach (samples)", ylabel="free-run error (rms)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _head(axes, "Error over order")
    _save(figure, path)


def _figure(size: tuple[float, float], rows: int = 1, share: bool = True) -> tuple[Figure, Sequence[Axes]]:
    """A figure of this size (inches), and its axes, one below the other, which may share the horizontal one."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    axes: list[Axes] = figure.subplots(rows, sharex=share, squeeze=False)[:, 0].tolist()
    for one in axes:
        one.grid(True, **GRID)
        one.set_axisbelow(True)
        one.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _head(axes: Axes, title: str) -> None:
    """Title and legend above the axes, where they hide nothing."""
    axes.set_title(title, loc="left")
    labels = axes.get_legend_handles_labels()[1]
    if labels:
        axes.legend(loc="lower right", bbox_to_anchor=(1.01, 0.98), ncols=min(4, len(labels)), frameon=False, fontsize="small")


def _save(figure: Figure, path: str | Path) -> None:
    try:
        figure.savefig(path, format="png", dpi=DPI)
    except OSError as error:
        raise InputError(f"{path}: the picture cannot be written: {error.strerror}") from None
