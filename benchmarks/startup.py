"""Time until ``rtkit --help`` has answered, against Python importing NumPy."""

import statistics
import subprocess
import sys
import time


def seconds(*arguments):
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def rows():
    pairs = [(seconds("-c", "import numpy"), seconds("-m", "rtkit", "--help")) for _ in range(11)]
    numpy_, help_ = (statistics.median(times) for times in zip(*pairs, strict=True))
    yield "what", "ms", "x numpy"
    yield "python -c 'import numpy'", round(1e3 * numpy_), 1
    yield "rtkit --help", round(1e3 * help_), round(help_ / numpy_, 2)
