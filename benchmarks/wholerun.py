"""The whole of ``rtkit run`` on a 10-minute file, as a process, against the kernel alone on the same samples."""

import resource
import subprocess
import sys
import tempfile

import numpy as np
import soundfile
from rtkit_echo.scenes import room_scene

import rtkit
from benchmarks.clock import cpu_seconds

MINUTES = 10


def rows():
    scene = room_scene()
    samples = np.tile(scene.samples, (MINUTES * 60 * scene.rate // len(scene.samples), 1))
    spec = rtkit.SampleSpec(float(scene.rate), ("near", "far"))

    def kernel():
        processor = rtkit.create("adaline")
        processor.open(spec)
        processor.process(rtkit.Block(samples, 0, spec.rate, spec.channels))

    alone, _ = cpu_seconds(kernel, 3)
    with tempfile.TemporaryDirectory() as folder:
        soundfile.write(f"{folder}/call.wav", samples, scene.rate)
        command = [sys.executable, "-m", "rtkit", "run", f"{folder}/call.wav", "adaline", "--to", f"{folder}/clean.wav", "-q"]
        times = []
        for _ in range(3):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(command, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            times.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    yield "what", "CPU s", "x kernel"
    yield f"adaline kernel on {MINUTES} minutes", round(alone, 2), 1
    yield "rtkit run, the whole process", round(min(times), 2), round(min(times) / alone, 2)
