"""Peak memory of ``rtkit run`` on a 3-hour stereo file against a 1-minute file."""

import os
import subprocess
import sys
import tempfile

SECONDS = {"1 minute": 60, "3 hours": 3 * 3600}


def peak_mib(*arguments):
    """Peak resident memory (MiB) of ``python ARGUMENTS``."""
    process = subprocess.Popen([sys.executable, *arguments])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{arguments} ended with {status}")
    return usage.ru_maxrss / 1024


def rows():
    yield "file", "peak MiB"
    with tempfile.TemporaryDirectory() as folder:
        for name, seconds in SECONDS.items():
            wav, options = f"{folder}/long.wav", ("--channels", "2", "--rate", "8000")
            subprocess.run(
                [sys.executable, "-m", "rtkit", "run", "synth:noise", "--seconds", str(seconds), *options, "--to", wav, "-q"], check=True
            )
            peak = peak_mib("-m", "rtkit", "run", wav, "adaline:tail_ms=4", "--to", f"{folder}/out.wav", "-q")
            yield name, round(peak, 1)
