"""What processors are tried on: formats to offer, an example signal, example frames, and ways to cut a signal into blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from rtkit.core.items import FrameSpec, SampleSpec

#: Formats of samples, offered one after another until a processor accepts one: audio, then an ECG.
SAMPLE_SPECS = tuple(
    SampleSpec(rate, tuple(str(number + 1) for number in range(count))) for rate in (8000.0, 16000.0, 360.0, 48000.0) for count in (2, 1, 3)
)
#: Format of the frames.
FRAME_SPEC = FrameSpec(64, 48, 30.0)
#: Frames in the example.
EXAMPLE_FRAMES = 8
#: Duration (s) of an example signal at audio rates: more than a second, for what is told once a second.
DURATION_S = 1.25
#: Fewest samples of an example signal: at the rate of an ECG, some beats.
MIN_SAMPLES = 4320
#: Time (s) from one pulse of the example signal to the next, and half the width of a pulse: those of a heart.
PULSE_PERIOD_S, PULSE_WIDTH_S = 0.8, 0.012
#: Samples by which each channel of the example signal is behind the next one.
CHANNEL_DELAY_SAMPLES = 10


def example_samples(spec: SampleSpec) -> NDArray[np.float64]:
    """Noise with a pause and a loud part, and pulses like heartbeats; each channel a delayed copy of the next, as an echo is.

    For a while before the loud part, each channel has noise of its own as well: double talk.

    Returns
    -------
    ndarray
        ``[n, channels]``.
    """
    random = np.random.default_rng(5)
    count = max(MIN_SAMPLES, round(DURATION_S * spec.rate))
    ahead = CHANNEL_DELAY_SAMPLES * len(spec.channels)
    time = np.arange(count + ahead) / spec.rate
    phase = (time % PULSE_PERIOD_S - PULSE_PERIOD_S / 2) / PULSE_WIDTH_S
    last = 0.05 * random.standard_normal(count + ahead)
    last[count // 3 : count // 2] = 0
    last[3 * count // 4 :] *= 5
    last += np.exp(-0.5 * phase**2)
    delays = [CHANNEL_DELAY_SAMPLES * number for number in reversed(range(len(spec.channels)))]
    channels = [0.5 ** min(delay, 1) * last[ahead - delay : ahead - delay + count] for delay in delays]
    own = random.standard_normal((count, len(channels)))
    own[: 5 * count // 8] *= 0.003
    own[5 * count // 8 : 3 * count // 4] *= 0.05
    own[3 * count // 4 :] *= 0.003
    return np.stack(channels, axis=1) + own


def example_frames(spec: FrameSpec, colour: bool = True) -> NDArray[np.uint8]:
    """Noise on a bright square that moves over a gradient: ``[EXAMPLE_FRAMES, h, w, 3]``, or grey ``[EXAMPLE_FRAMES, h, w]``."""
    random = np.random.default_rng(7)
    images = np.empty((EXAMPLE_FRAMES, spec.height, spec.width, 3))
    images[:] = np.linspace(20, 120, spec.width)[:, None] * [1.0, 0.7, 0.4]
    for index, image in enumerate(images):
        left = 4 + 5 * index
        image[spec.height // 4 : 3 * spec.height // 4, left : left + spec.width // 4] = (60, 200, 240)
    images += random.uniform(-20, 20, images.shape)
    whole: NDArray[np.uint8] = images.clip(0, 255).astype(np.uint8)
    return whole if colour else whole[..., 1].copy()


def example_cuts(length: int, moments: Iterable[int]) -> Iterator[tuple[str, list[int]]]:
    """Ways to cut `length` samples: in words, and the indices at which a new block begins.

    Parameters
    ----------
    length : int
        Samples of the signal.
    moments : iterable of int
        Samples around which something happens: there, each sample gets a block of its own.
    """
    singles = {place for moment in (0, length // 2, length, *moments) for place in range(moment - 100, moment + 100)}
    yield "in blocks of one sample", sorted(place for place in singles if 0 < place < length)
    yield "in blocks of 7", list(range(7, length, 7))
    yield "in blocks of 480", list(range(480, length, 480))
    random = np.random.default_rng(11)
    for number, blocks in enumerate((2, 5, 20, 200)):
        cuts = [int(cut) for cut in np.unique(random.integers(1, length, blocks))]
        yield f"at random ({number + 1})", cuts
