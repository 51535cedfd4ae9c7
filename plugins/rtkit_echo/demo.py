"""The demo: the echo of the shipped scenes, cancelled, written down and drawn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtkit import Report, Stream, make_folder
from rtkit_echo.scenes import TALKER_AT_S, Scene, hybrid_scene, room_scene

#: Each scene, what it is, and the canceller for it: a hybrid is short and wants no delay, a room is long.
SCENES = {
    "hybrid": ("telephone hybrid G.168 D.4", hybrid_scene, "adaline:tail_ms=32"),
    "room": ("measured seminar room", room_scene, "echo"),
}

#: Keeps the logarithm of digital silence finite.
POWER_FLOOR = 1e-9


def run(folder: str) -> list[str]:
    """Make, clean and draw every scene in `folder`; returns lines to print."""
    import soundfile

    out = make_folder(folder)
    lines = []
    for name, (title, make, canceller) in SCENES.items():
        scene = make()
        recording, cleaned, events, picture = (out / f"{name}{ending}" for ending in (".wav", "-cleaned.wav", "-events.jsonl", ".png"))
        soundfile.write(recording, scene.samples, scene.rate, "FLOAT")
        report = _clean(recording, canceller, cleaned, events)
        curve = [json.loads(line) for line in events.read_text().splitlines()]
        draw(title, scene, soundfile.read(cleaned, dtype="float32")[0], curve, picture)
        alone = [event["data"]["erle_db"] for event in curve if 5 < event["time"] <= TALKER_AT_S]
        lines += [
            f"{title}: rtkit run {recording} {canceller} --to {cleaned} --events {events}",
            f"    ERLE {np.median(alone):.1f} dB in far-end single talk from 5 to {TALKER_AT_S:g} s (median), "
            f"the canceller at {report.stream_s / report.busy_s:.0f} x real time",
            f"    listen to {recording} (left: microphone, right: far end), then {cleaned}; look at {picture}",
        ]
    return lines


def _clean(recording: Path, canceller: str, cleaned: Path, events: Path) -> Report:
    return Stream(str(recording), [canceller], to=[str(cleaned)], events=str(events)).run()


def draw(title: str, scene: Scene, cleaned: NDArray[np.float32], events: list[dict[str, Any]], path: Path) -> None:
    """Draw microphone, cleaned signal, the spectrograms of both, and ERLE over time into a PNG file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 10), layout="constrained")
    axes = figure.subplots(5, sharex=True)
    time = np.arange(len(scene.near)) / scene.rate
    cleaned = cleaned[len(cleaned) - len(time) :]  # it may come late, with as much behind its end
    limit = float(np.abs(scene.near).max())
    for axis, signal, label, colour in ((axes[0], scene.near, "microphone", "tab:red"), (axes[1], cleaned, "cleaned", "tab:blue")):
        axis.plot(time, signal, color=colour, linewidth=0.4, label=label)
        axis.plot(time, scene.talker, color="black", linewidth=0.3, alpha=0.5, label="near-end talker alone")
        axis.set(ylabel=label, ylim=(-limit, limit))
        axis.legend(loc="upper left", fontsize="small")
    for axis, signal, label in ((axes[2], scene.near, "microphone"), (axes[3], cleaned, "cleaned")):
        axis.specgram(signal[: len(scene.near)] + POWER_FLOOR, NFFT=512, Fs=scene.rate, noverlap=256, vmin=-130, vmax=-50, cmap="magma")
        axis.set(ylabel=f"{label} (Hz)")
    axes[4].step([event["time"] for event in events], [event["data"]["erle_db"] for event in events], where="pre", color="tab:green")
    axes[4].axvspan(TALKER_AT_S, time[-1], color="tab:orange", alpha=0.15, label="double talk")
    axes[4].set(xlabel="time (s)", ylabel="ERLE (dB)", xlim=(0, time[-1]))
    axes[4].legend(loc="lower left", fontsize="small")
    axes[0].set_title(f"{title}: far-end speech comes back as echo, and a near-end talker joins at {TALKER_AT_S:g} s")
    figure.savefig(path, dpi=110)
