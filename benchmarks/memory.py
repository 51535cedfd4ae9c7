"""Peak memory of ``rtkit run`` on a 3-hour stereo file against a 1-minute file."""

import subprocess
import sys
import tempfile

SECONDS = {"1 minute": 60, "3 hours": 3 * 3600}


#: Runs a command and prints its peak memory (KiB). A process of its own, since a child begins with the size of its parent, and
#: this one may have grown large by other benchmarks.
WATCH = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True)"
WATCH += "; print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"


def peak_mib(*arguments):
    """Peak resident memory (MiB) of ``python ARGUMENTS``."""
    command = [sys.executable, "-c", WATCH, sys.executable, *arguments]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) / 1024


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
