"""The whole of ``rtkit run`` on a 10-minute file, as a process, against the kernel alone on the same samples."""

import resource
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import soundfile
from rtkit_echo.scenes import room_scene

import rtkit
from rtkit import BLOCK_SAMPLES as BLOCK

MINUTES, PAIRS = 10, 9


def child_seconds():
    """Processor time (s) of all children so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def rows():
    scene = room_scene()
    samples = np.tile(scene.samples, (MINUTES * 60 * scene.rate // len(scene.samples), 1))
    spec = rtkit.SampleSpec(float(scene.rate), ("near", "far"))

    def kernel():
        processor = rtkit.create("adaline")
        processor.open(spec)
        start = time.process_time()
        for at in range(0, len(samples), BLOCK):  # in blocks that stay in the cache; one array of all would cost copies besides
            processor.process(rtkit.Block(samples[at : at + BLOCK], at, spec.rate, spec.channels))
        return time.process_time() - start

    kernel()  # compiled and cached from here on
    pairs = []
    with tempfile.TemporaryDirectory() as folder:
        soundfile.write(f"{folder}/call.wav", samples, scene.rate)
        command = [sys.executable, "-m", "rtkit", "run", f"{folder}/call.wav", "adaline", "--to", f"{folder}/clean.wav", "-q"]
        for _ in range(PAIRS):  # side by side, for the machine is faster at one time than at another
            before = child_seconds()
            subprocess.run(command, check=True)
            pairs.append((kernel(), child_seconds() - before))
    ratios = sorted(whole / alone for alone, whole in pairs)
    alone, whole = (statistics.median(times) for times in zip(*pairs, strict=True))
    yield "what", "CPU s, median", "x kernel, median (least to most)"
    yield f"adaline kernel on {MINUTES} minutes", round(alone, 2), 1
    yield "rtkit run, the whole process", round(whole, 2), f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
