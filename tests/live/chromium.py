"""A real browser in tests, skipped where there is none; and the rooms that its microphone hears."""

import json
import shutil
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmarks import chromium


@contextmanager
def browser(camera: Path | None = None, microphone: Path | None = None):
    """Chromium; skips where it is not installed."""
    if chromium.find_chromium() is None:
        pytest.skip("no Chromium on this machine")
    with chromium.launched(camera, microphone) as made:
        yield made


def as_camera(video: Path, folder: Path) -> Path:
    """A video as frames that the browser's camera plays; skips without FFmpeg."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("no FFmpeg on this machine")
    return chromium.as_camera(video, folder)


#: A loudspeaker and a microphone in one room: what a page plays comes back, 30 ms later, to where it takes its microphone from.
ROOM = """
(impulse) => {
    const connect = AudioNode.prototype.connect, take = AudioContext.prototype.createMediaStreamSource;
    const rooms = new WeakMap();
    const room = (context) => {
        if (!rooms.has(context)) {
            const buffer = context.createBuffer(1, impulse.length, context.sampleRate);
            buffer.copyToChannel(Float32Array.from(impulse), 0);
            const echo = new ConvolverNode(context, { buffer, disableNormalization: true });
            const delay = new DelayNode(context, { delayTime: 0.03 });
            connect.call(echo, delay);
            rooms.set(context, { echo, delay });
        }
        return rooms.get(context);
    };
    AudioNode.prototype.connect = function (target, ...places) {
        if (target instanceof AudioDestinationNode) connect.call(this, room(this.context).echo);
        return connect.call(this, target, ...places);
    };
    AudioContext.prototype.createMediaStreamSource = function (stream) {
        const heard = new GainNode(this);
        connect.call(take.call(this, stream), heard);
        connect.call(room(this).delay, heard);
        return heard;
    };
}
"""


def in_a_room(impulse: Path) -> str:
    """A script that, run before the page's own, puts the page into this room."""
    samples, _ = soundfile.read(impulse)
    return f"({ROOM})({json.dumps(samples.round(6).tolist())})"


def silence(folder: Path) -> Path:
    """A room's noise, which the browser's microphone plays."""
    path = folder / "noise.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 1e-4, 100 * 16000), 16000)  # at its end the browser would make a gap
    return path
