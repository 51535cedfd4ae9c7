"""Cancellers side by side on the same scenes: how much echo is left, what double talk does to the talker, and what it costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import apply
from rtkit_echo import peers
from rtkit_echo.scenes import FAR_LEVEL_DB, NOISE_DB, ROOM_LOSS_DB, at_level, read

Floats = NDArray[np.float32]
Canceller = Callable[[Floats, Floats], Floats]
#: Takes a canceller whose output is in time with its input, a pair and a seed for the noise; gives figures by name.
Measure = Callable[[Canceller, "Pair", int], dict[str, float]]

RATE_HZ, DURATION_S = 16_000, 24
#: Beginning of the last third, of double talk and of another path, as shares of a scene.
LAST_THIRD, DOUBLE_TALK, PATH_CHANGE = 2 / 3, 5 / 12, 1 / 2
#: Filter lengths at which peers are shown.
TAILS_S = (0.128, 0.4)
#: Longest delay of a canceller that is looked for, and length of the windows of an ERLE curve and the step between them.
MAX_DELAY_SAMPLES, ERLE_WINDOW_S, ERLE_STEP_S = RATE_HZ // 4, 0.5, 0.05
#: Endings of the names of figures that are better the lower they are: times, costs, and levels of what should not be there.
LOW_IS_GOOD = ("_s", "_us", "_level")


@dataclass(frozen=True, slots=True)
class Pair:
    """What scenes are made of: two talkers, two rooms; signals ``[n]`` at `RATE_HZ`."""

    far: Floats
    near: Floats
    room: Floats
    other: Floats


def shipped() -> list[Pair]:
    """The one pair of the shipped recordings; its second room is made: noise that dies away within 0.4 s."""
    count = RATE_HZ // 2
    other = np.random.default_rng(0).standard_normal(count) * 10 ** (-3 * np.arange(count) / RATE_HZ / 0.4)
    other[:48] = 0
    return [Pair(read("far.flac", RATE_HZ), read("near.flac", RATE_HZ), read("room.wav", RATE_HZ), other.astype(np.float32))]


def own(chain: str, rate: float = RATE_HZ) -> Canceller:
    """A chain of this plug-in's processors."""
    return lambda near, far: apply(chain, np.stack([near, far], axis=1), rate=rate)[0][:, 0]


def cancellers(rate: float = RATE_HZ, tails: Sequence[float] = TAILS_S) -> dict[str, Canceller]:
    """The microphone as it is, those of this plug-in, and every peer that is installed, with each of these tails (s) where it takes one."""

    def of(peer: peers.Peer, tail: float) -> Canceller:
        return lambda near, far: peer(near, far, round(rate), tail)

    chains = ("echo", "echo:suppressor=rule", "echo:suppressor=none", "adaline:tail_ms=128", "slpr:tail_ms=128")
    found: dict[str, Canceller] = {"nothing": lambda near, far: near}
    found |= {name: own(name, rate) for name in chains}
    for name, peer in peers.installed().items():
        fixed = name.startswith("AEC3")  # its tail is fixed inside
        for tail in tails[:1] if fixed else tails:
            found[name if fixed else f"{name}, {1000 * tail:g} ms"] = of(peer, tail)
    return found


def compare(pairs: Sequence[Pair], names: Sequence[str] = (), measures: Sequence[Measure] = ()) -> Iterator[dict[str, Any]]:
    """A row for each canceller: medians over the pairs, with the worst in brackets.

    ``late_ms``: delay of the output. What `everyday` measures, or all of `measures`. PESQ and STOI need the packages pesq and pystoi, and
    are left out without.
    """
    for name, cancel in cancellers().items():
        if names and name not in names:
            continue
        late = delay_of(cancel)
        found: dict[str, list[float]] = {}
        for number, pair in enumerate(pairs):
            for measure in measures or (everyday,):
                for figure, value in measure(in_time(cancel, late), pair, number).items():
                    found.setdefault(figure, []).append(value)
        yield {"canceller": name, "late_ms": round(1000 * late / RATE_HZ, 1)} | {key: shown(key, values) for key, values in found.items()}


def shown(figure: str, values: Sequence[float]) -> str:
    """The median, and in brackets the worst."""
    worst = max(values) if figure.endswith(LOW_IS_GOOD) else min(values)
    return f"{np.median(values):.2f}" + (f" ({worst:.2f})" if len(values) > 1 else "")


def in_time(cancel: Canceller, late: int) -> Canceller:
    """The canceller without its delay (samples), so that its output can be held against its input."""

    def cleaned(near: Floats, far: Floats) -> Floats:
        out = cancel(near, far)
        return np.concatenate([out[late:], np.zeros(late, np.float32)])[: len(near)]

    return cleaned


def everyday(cleaned: Canceller, pair: Pair, seed: int) -> dict[str, float]:
    """What every canceller has to do.

    ``erle``: ERLE (dB) with the far end alone, in the last third. ``erle_new``, ``t10_s``: after a change of the path, ERLE in the last
    third, and seconds until 10 dB. ``dt_pesq``, ``dt_stoi``: double talk with both alike, against the clean talker. ``near10_…``: the same
    with the near end 10 dB louder. ``near_pesq``: the near end alone, against the microphone. ``cost_us``: processor time a sample.
    """
    far, echo, noise, talker = scene(pair, seed, pair.room)
    near = echo + noise
    count = len(near)
    part, talk = (slice(round(share * count), count - MAX_DELAY_SAMPLES) for share in (LAST_THIRD, DOUBLE_TALK))
    half = round(PATH_CHANGE * count)
    begin = time.process_time()
    out = cleaned(near, far)
    cost = time.process_time() - begin
    found = {"erle": erle(near, out, part)}
    changed = changed_path(pair, seed, echo)
    out = cleaned(changed + noise, far)
    found["erle_new"] = erle(changed + noise, out, part)
    found["t10_s"] = reached(changed + noise, out, 10, half)
    voice = joined_at(talker, talk.start)
    for name, gain in (("dt", 1.0), ("near10", 10**0.5)):
        out = cleaned(echo + noise + np.float32(gain) * voice, far)
        found |= {f"{name}_{key}": value for key, value in speech(gain * voice[talk], out[talk]).items()}
    near = noise + voice
    out = cleaned(near, np.zeros_like(far))
    found |= {f"near_{key}": value for key, value in speech(near[talk], out[talk]).items() if key == "pesq"}
    return found | {"cost_us": 1e6 * cost / count}


def scene(
    pair: Pair,
    seed: int,
    room: Floats,
    rate: int = RATE_HZ,
    loss: float = ROOM_LOSS_DB,
    noise: float = NOISE_DB,
    loudspeaker: Callable[[Floats], Floats] | None = None,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Far end, its echo, noise, and the near-end talker at the level of the echo; each ``[n]``.

    The echo comes back with so much echo return loss (dB), through what the loudspeaker makes of the far end; the noise is at this level
    (dB) beside the echo.
    """
    from scipy.signal import fftconvolve

    count = DURATION_S * rate
    far, talker = (np.tile(signal, 1 + count // len(signal))[:count] for signal in (pair.far, pair.near))
    far, talker = at_level(far, rate, FAR_LEVEL_DB), at_level(talker, rate, FAR_LEVEL_DB - loss)
    said = loudspeaker(far) if loudspeaker else far
    echo = at_level(fftconvolve(said, room)[:count].astype(np.float32), rate, FAR_LEVEL_DB - loss)
    hiss = np.random.default_rng(seed).standard_normal(count) * 10 ** ((FAR_LEVEL_DB - loss + noise) / 20)
    return far, echo, hiss.astype(np.float32), talker


def changed_path(pair: Pair, seed: int, echo: Floats) -> Floats:
    """An echo in the pair's room that from `PATH_CHANGE` on comes from its other room."""
    half = round(PATH_CHANGE * len(echo))
    return np.concatenate([echo[:half], scene(pair, seed, pair.other)[1][half:]])


def joined_at(talker: Floats, start: int) -> Floats:
    """A talker who says nothing before a sample."""
    return np.concatenate([np.zeros(start, np.float32), talker[start:]])


def erle(near: Floats, out: Floats, part: slice) -> float:
    """Echo return loss enhancement (dB) over a part, after ITU-T G.168."""
    before, after = (float(np.sum(np.square(signal[part], dtype=float))) for signal in (near, out))
    return 10 * float(np.log10((before + 1e-12) / (after + 1e-12)))


def reached(near: Floats, out: Floats, level: float, since: int, rate: int = RATE_HZ) -> float:
    """Time (s) from a sample on until the ERLE of a window of half a second is at least `level` (dB); that to the end if it never is."""
    window, step = round(ERLE_WINDOW_S * rate), round(ERLE_STEP_S * rate)
    for at in range(since, len(near) - window, step):
        if erle(near, out, slice(at, at + window)) >= level:
            return (at - since) / rate
    return (len(near) - since) / rate


def speech(clean: Floats, out: Floats, rate: int = RATE_HZ) -> dict[str, float]:
    """PESQ (wide band, ITU-T P.862.2; at 8 kHz narrow band, P.862) and STOI, where the packages are there."""
    found = {}
    try:
        from pesq import pesq
        from pystoi import stoi
    except ImportError:
        return {}
    found["pesq"] = float(pesq(rate, clean.astype(float), out.astype(float), "wb" if rate == RATE_HZ else "nb"))
    found["stoi"] = float(stoi(clean, out, rate))
    return found


def delay_of(cancel: Canceller) -> int:
    """Samples by which the output is late, found with the near end alone."""
    from scipy.signal import correlate, lfilter

    random = np.random.default_rng(3)
    signal = (0.03 * lfilter([1], [1, -0.9], random.standard_normal(3 * RATE_HZ))).astype(np.float32)
    out = cancel(signal, np.zeros_like(signal))[: len(signal)]
    match = correlate(out[RATE_HZ : RATE_HZ + MAX_DELAY_SAMPLES + RATE_HZ], signal[RATE_HZ : 2 * RATE_HZ], mode="valid")
    return int(np.argmax(match))
