"""Other echo cancellers, as far as they are installed, behind one call: near end, far end ``[n]``, rate (Hz), tail (s) → output ``[n]``."""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Peer = Callable[[Floats, Floats, int, float], Floats]

#: Requests of speexdsp's speex_echo_ctl and speex_preprocess_ctl: the rate, and the echo canceller whose residual is to be suppressed.
_SET_RATE, _SET_ECHO = 24, 24


def installed() -> dict[str, Peer]:
    """Peers by name; empty if there are none."""
    found: dict[str, Peer] = {}
    if (library := ctypes.util.find_library("speexdsp")) is not None:
        found["SpeexDSP"] = _speex(ctypes.CDLL(library))
    for name, make in (("AEC3 (pywebrtc-audio)", _pywebrtc), ("AEC3 (livekit)", _livekit)):
        try:
            found[name] = make()
        except ImportError:
            continue
    return found


def _frames(near: Floats, far: Floats, rate: int, cancel: Callable[[Any, Any], Any]) -> Floats:
    """Run a canceller of 16-bit frames of 10 ms over two signals."""
    size = rate // 100
    microphone, loudspeaker = (np.clip(np.round(32768 * signal), -32768, 32767).astype(np.int16) for signal in (near, far))
    out = np.zeros(len(near), np.int16)
    for at in range(0, len(near) - size + 1, size):
        out[at : at + size] = cancel(microphone[at : at + size], loudspeaker[at : at + size])
    return (out / 32768).astype(np.float32)


def _speex(library: Any) -> Peer:
    """SpeexDSP's echo canceller with its preprocessor as residual echo suppressor."""
    library.speex_echo_state_init.restype = library.speex_preprocess_state_init.restype = ctypes.c_void_p

    def run(near: Floats, far: Floats, rate: int, tail: float) -> Floats:
        canceller = ctypes.c_void_p(library.speex_echo_state_init(rate // 100, int(tail * rate)))
        library.speex_echo_ctl(canceller, _SET_RATE, ctypes.byref(ctypes.c_int(rate)))
        suppressor = ctypes.c_void_p(library.speex_preprocess_state_init(rate // 100, rate))
        library.speex_preprocess_ctl(suppressor, _SET_ECHO, canceller)
        out = np.zeros(rate // 100, np.int16)

        def cancel(heard: NDArray[np.int16], said: NDArray[np.int16]) -> NDArray[np.int16]:
            pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (heard, said, out)]
            library.speex_echo_cancellation(canceller, *pointers)
            library.speex_preprocess_run(suppressor, pointers[2])
            return out

        try:
            return _frames(near, far, rate, cancel)
        finally:
            library.speex_preprocess_state_destroy(suppressor)
            library.speex_echo_state_destroy(canceller)

    return run


def _pywebrtc() -> Peer:
    from pywebrtc_audio import EchoCanceller

    return lambda near, far, rate, tail: _frames(near, far, rate, EchoCanceller(sample_rate=rate).process)


def _livekit() -> Peer:
    from livekit import rtc

    def run(near: Floats, far: Floats, rate: int, tail: float) -> Floats:
        canceller = rtc.AudioProcessingModule(echo_cancellation=True)
        canceller.set_stream_delay_ms(0)

        def cancel(heard: NDArray[np.int16], said: NDArray[np.int16]) -> NDArray[np.int16]:
            canceller.process_reverse_stream(rtc.AudioFrame(said.tobytes(), rate, 1, len(said)))
            frame = rtc.AudioFrame(bytearray(heard.tobytes()), rate, 1, len(heard))
            canceller.process_stream(frame)
            return np.frombuffer(frame.data, np.int16)[: len(heard)]

        return _frames(near, far, rate, cancel)

    return run
