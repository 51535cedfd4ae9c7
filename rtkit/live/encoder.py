"""Signals as a page draws them: samples, envelopes, spectra and levels, as packets."""

from __future__ import annotations

import struct
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from rtkit.live.history import SampleHistory
from rtkit.live.tap import StreamTap

#: From this rate on a signal is drawn as sound; below the other one it is not if a view asks for it: a column has less than 10 samples.
SOUND_RATE_HZ, MIN_SOUND_RATE_HZ = 4000.0, 500.0
#: Seconds of a column of an envelope or spectrum, the most columns in a packet, and the length (s) of what is transformed.
COLUMN_S, MAX_COLUMNS, WINDOW_S = 0.02, 16, 0.032
#: Bands of a spectrum, and its lowest level (dB re full scale).
BANDS, FLOOR_DB = 128, -100.0
#: Channels that are drawn, and points of a trace in a packet.
MAX_CHANNELS, MAX_POINTS = 8, 512


def packet(header: dict[str, Any], *parts: bytes | memoryview) -> bytes:
    """A binary message: length of the header, header (padded, so that a page can look at the bytes as numbers), bytes."""
    text = msgspec.json.encode(header)
    text += b" " * (-len(text) % 4)
    return b"".join((struct.pack("<I", len(text)), text, *parts))


class SignalEncoder:
    """Follows the signals of one stream for one page.

    Parameters
    ----------
    tap : StreamTap
        What there is to see.
    """

    def __init__(self, tap: StreamTap) -> None:
        self._tap = tap
        self._places = {"in": 0, "out": 0}  # samples up to here are drawn

    def _sides(self) -> list[tuple[str, SampleHistory]]:
        sides = (("in", self._tap.input_history), ("out", self._tap.output_history))
        return [(side, history) for side, history in sides if history is not None]

    def samples(self) -> bytes | None:
        """A packet of what is new; None if nothing is."""
        parts: list[dict[str, Any]] = []
        arrays: list[NDArray[Any]] = []
        start, rate, skipped = 0, 0.0, 0
        for side, history in self._sides():
            form = self._tap.form or ("sound" if history.spec.rate >= SOUND_RATE_HZ else "trace")
            heard = form == "sound" and history.spec.rate >= MIN_SOUND_RATE_HZ
            found = self._sound(side, history) if heard else self._trace(side, history)
            if found is None:
                continue
            place, left_out, described = found
            if not parts:
                start, rate, skipped = place, history.spec.rate, left_out
            parts += [part for part, _ in described]
            arrays += [array for _, array in described]
        if not parts:
            return None
        header = {"is": "samples", "start": start / rate, "rate": rate, "skipped": skipped, "parts": parts}
        return packet(header, *(np.ascontiguousarray(array).data for array in arrays))

    def _trace(self, side: str, history: SampleHistory) -> tuple[int, int, list[tuple[dict[str, Any], NDArray[Any]]]] | None:
        """The samples, or every so many of them."""
        since = self._places[side]
        if history.end <= since:
            return None
        start, data = history.read(since, len(history))
        self._places[side] = start + len(data)
        stride = -(-len(data) // MAX_POINTS)
        drawn = np.nan_to_num(data[::stride, :MAX_CHANNELS]).astype("<f4")
        part = self._part(side, history, "trace", drawn) | {"rate": history.spec.rate / stride, "start": start / history.spec.rate}
        return start, start - since, [(part, drawn)]

    def _sound(self, side: str, history: SampleHistory) -> tuple[int, int, list[tuple[dict[str, Any], NDArray[Any]]]] | None:
        """Columns of envelope and spectrum, and levels."""
        hop, window = round(COLUMN_S * history.spec.rate), round(WINDOW_S * history.spec.rate)
        since = self._places[side]
        columns = min((history.end - since) // hop, MAX_COLUMNS)
        if columns < 1:
            return None
        end = since + (history.end - since) // hop * hop  # columns stay on one grid
        first = end - columns * hop
        self._places[side] = end
        read, data = history.read(max(first - (window - hop), 0), len(history))
        data = np.nan_to_num(data[: end - read, :MAX_CHANNELS])
        shown = data[-columns * hop :]
        if len(shown) < columns * hop:  # the stream ran away meanwhile
            return None
        data = np.concatenate((np.zeros((window - hop + columns * hop, data.shape[1]), np.float32), data))[
            -(window - hop + columns * hop) :
        ]
        cut = shown.reshape(columns, hop, -1)
        envelope = np.stack((cut.min(axis=1), cut.max(axis=1)), axis=2).astype("<f4")
        level = np.stack((np.sqrt(np.mean(np.square(shown), axis=0)), np.abs(shown).max(axis=0)), axis=1).astype("<f4")
        spectrum = spectra(data, hop, window)
        found = [("envelope", envelope), ("spectrum", spectrum), ("level", level)]
        return first, first - since, [(self._part(side, history, what, array), array) for what, array in found]

    @staticmethod
    def _part(side: str, history: SampleHistory, what: str, array: NDArray[Any]) -> dict[str, Any]:
        channels = history.spec.channels[:MAX_CHANNELS]
        return {"side": side, "what": what, "channels": channels, "shape": array.shape, "dtype": array.dtype.str.lstrip("<|")}


def spectra(data: NDArray[np.float32], hop: int, window: int) -> NDArray[np.uint8]:
    """Levels of `BANDS` bands of equal width, one column a hop: uint8 ``[columns, channels, bands]`` of samples ``[n, channels]``.

    0 stands for `FLOOR_DB` (dB) and less, 255 for 0 dB, which a full-scale sine reaches.
    """
    weights = np.hanning(window)
    pieces = np.lib.stride_tricks.sliding_window_view(data, window, axis=0)[::hop] * weights  # [columns, channels, window]
    power = np.square(np.abs(np.fft.rfft(pieces, max(window, 2 * BANDS)))) * (2 / weights.sum()) ** 2
    edges = np.arange(BANDS) * power.shape[-1] // BANDS
    bands = np.maximum.reduceat(power, edges, axis=-1)  # a tone keeps its level
    decibels = 10 * np.log10(bands + 1e-13)
    return np.asarray(np.clip(255 * (1 - decibels / FLOOR_DB), 0, 255), np.uint8)
