"""Lab Streaming Layer: a live ECG from whatever device sends one on the network."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import BLOCK_SAMPLES, Block, DeviceError, Item, Options, SampleSpec, Source, channel_names, unique_names
from rtkit_ecg.wfdb_record import in_mv

#: Seconds in which a stream must be found at the start.
FIND_TIMEOUT_S = 5.0
#: Seconds in which it must then answer.
ANSWER_TIMEOUT_S = 0.5
#: Seconds that a call waits for samples, so that `stop` is heard.
POLL_TIMEOUT_S = 0.1
#: Samples that come later than this (s) by their own clock, or than 4 times the usual deviation, show that some are lost.
GAP_S = 0.1
#: More is a clock that was set anew, and is not filled.
MAX_GAP_S = 60.0


class LslStream(Source):
    """``lsl`` or ``lsl:NAME``: a stream of that name, or the first of type ECG; samples in mV where the stream tells its unit.

    Samples that were lost on the way, which the time stamps show, come as NaN and are counted. A stream that goes away is looked for
    as long as the options say; the time until it is back is NaN as well.
    """

    live = True
    gives = "samples"
    open_to_pages = True

    def __init__(self, name: str, options: Options) -> None:
        self.name = f"lsl:{name}" if name else "lsl"
        self._wanted = ("name", name) if name else ("type", "ECG")
        self._size = options.block or BLOCK_SAMPLES
        self._patience = options.reconnect
        self._lost = self._reconnects = 0
        self._stopped = False
        self._resolver: Any = None
        self._inlet: Any = None
        self._uid = ""
        self._spec = SampleSpec(0.0, ())

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> SampleSpec:
        """Find the stream and subscribe to it.

        Raises
        ------
        DeviceError
            There is no such stream, it has no constant rate or holds no numbers, or pylsl is not installed.
        """
        self._dtype = dtype
        try:
            import pylsl
        except (ImportError, RuntimeError, OSError) as error:
            reason = str(error).splitlines()[0]
            raise DeviceError(f"{self.name}: Lab Streaming Layer is not available ({reason}): pip install pylsl") from None
        self._pylsl = pylsl
        self._resolver = pylsl.ContinuousResolver(*self._wanted)
        if not self._connect(FIND_TIMEOUT_S):
            everything = pylsl.ContinuousResolver()
            time.sleep(ANSWER_TIMEOUT_S)
            streams = sorted({stream.name() for stream in everything.results()})
            found = f"found: {', '.join(streams)}" if streams else "found none at all"
            raise DeviceError(f"{self.name}: no stream of {self._wanted[0]} {self._wanted[1]!r} on the network; {found}")
        return self._spec

    def _connect(self, seconds: float) -> bool:
        """Subscribe to the stream if it appears within some seconds."""
        until = time.monotonic() + seconds
        while not self._stopped:
            if self._try(self._resolver.results()):
                return True
            if time.monotonic() > until:
                break
            time.sleep(0.02)
        return False

    def _try(self, found: list[Any]) -> bool:
        """Subscribe to one of the streams found, to the one that went away last if there is no other: it is still listed."""
        if not found:
            return False
        chosen = min(found, key=lambda stream: (stream.uid() == self._uid, -stream.created_at()))
        try:
            inlet = self._pylsl.StreamInlet(chosen, max_buflen=60, recover=False)
            spec, scale = self._format(inlet.info(timeout=ANSWER_TIMEOUT_S))
            inlet.open_stream(timeout=ANSWER_TIMEOUT_S)
        except RuntimeError:  # went away again, or does not answer
            return False
        if self._inlet is None:
            self._spec = spec
        elif (spec.rate, len(spec.channels)) != (self._spec.rate, len(self._spec.channels)):
            raise DeviceError(f"{self.name}: came back with {spec}; expected {self._spec}")
        self._scale, self._inlet, self._uid = scale, inlet, chosen.uid()
        self._due: float | None = None  # time stamp of the next sample
        self._jitter = 0.0
        return True

    def _format(self, info: Any) -> tuple[SampleSpec, NDArray[np.float64]]:
        """Format of a stream by its description, and what to multiply its samples by."""
        rate, count = info.nominal_srate(), info.channel_count()
        if rate <= 0:
            raise DeviceError(f"{self.name}: has no constant rate; expected a sampled signal")
        if info.channel_format() == self._pylsl.cf_string:
            raise DeviceError(f"{self.name}: holds text; expected numbers")
        labels, units = info.get_channel_labels() or [], info.get_channel_units() or []
        names = (
            unique_names(label or str(number) for number, label in enumerate(labels, 1)) if len(labels) == count else channel_names(count)
        )
        scale = [in_mv(unit) for unit in units] if len(units) == count else [1.0] * count
        return SampleSpec(rate, names), np.array(scale)

    def __iter__(self) -> Iterator[Item]:
        """Blocks as they arrive; raises DeviceError when the stream went away and stayed away."""
        start, heard = 0, time.monotonic()
        while not self._stopped:
            try:
                data, stamps = self._inlet.pull_chunk(timeout=POLL_TIMEOUT_S, max_samples=self._size, min_samples=1, as_numpy=True)
                gone = False
            except RuntimeError:  # pylsl's LostError and its like
                data, stamps, gone = np.empty((0, len(self._scale))), np.empty(0), True
            if len(stamps):
                heard = time.monotonic()
            elif gone:
                if not self._connect(self._patience):
                    if self._stopped:
                        break
                    raise DeviceError(f"{self.name}: went away and did not come back within {self._patience:g} s")
                self._reconnects += 1
                data = self._missing(round((time.monotonic() - heard) * self._spec.rate))
                heard = time.monotonic()
            elif time.monotonic() - heard > self._patience:
                raise DeviceError(f"{self.name}: sent nothing for {self._patience:g} s")
            else:
                continue
            whole = self._filled(data, stamps) if len(stamps) else data
            for first in range(0, len(whole), self._size):
                block = whole[first : first + self._size].astype(self._dtype)
                yield Block(block, start, self._spec.rate, self._spec.channels)
                start += len(block)

    def _filled(self, data: NDArray[Any], stamps: NDArray[np.float64]) -> NDArray[np.float64]:
        """Samples in mV, with NaN where the time stamps show that some are missing."""
        rate = self._spec.rate
        data = data * self._scale
        slack = max(GAP_S, 1.5 / rate, 4 * self._jitter)
        parts = []
        for part in np.split(np.arange(len(stamps)), np.flatnonzero(np.diff(stamps) > slack + 1 / rate) + 1):
            first, last = float(stamps[part[0]]), float(stamps[part[-1]])
            early = 0.0 if self._due is None else first - self._due
            if slack < early <= MAX_GAP_S:
                parts.append(self._missing(round(early * rate)))
                self._due = last + 1 / rate
            elif abs(early) > slack or self._due is None:
                self._due = last + 1 / rate
            else:  # a clock read late now and then: its deviations cancel out, a slow drift is followed
                self._jitter += 0.05 * (abs(early) - self._jitter)
                self._due += len(part) / rate + 0.1 * early
            parts.append(data[part])
        return np.concatenate(parts)

    def _missing(self, count: int) -> NDArray[np.float64]:
        count = max(0, min(count, round(MAX_GAP_S * self._spec.rate)))
        self._lost += count
        return np.full((count, len(self._scale)), np.nan)

    def stop(self) -> None:
        """End within a tenth of a second."""
        self._stopped = True

    def close(self) -> None:
        """Leave the stream."""
        if self._inlet is not None:
            self._inlet.close_stream()
            self._inlet = None
        self._resolver = None

    def counts(self) -> dict[str, int]:
        """``lost``: samples that did not arrive; ``reconnects``: how often the stream went away and came back."""
        return {name: count for name, count in (("lost", self._lost), ("reconnects", self._reconnects)) if count}
