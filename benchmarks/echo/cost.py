"""What the cancellers cost: processor time a sample on the first pair, all in turn, so that a busy machine is busy for all."""

import statistics
import time

from rtkit_echo.comparison import RATE_HZ, scene

TURNS = 7
AEC3 = "AEC3 ("


def costs(cancellers, pair):
    """Microseconds a sample (median) by name."""
    far, echo, noise, talker = scene(pair, 0, pair.room)
    near = echo + noise + talker
    for cancel in cancellers.values():
        cancel(near[:RATE_HZ], far[:RATE_HZ])
    times = {name: [] for name in cancellers}
    for _ in range(TURNS):
        for name, cancel in cancellers.items():
            begin = time.process_time()
            cancel(near, far)
            times[name].append(1e6 * (time.process_time() - begin) / len(near))
    return {name: statistics.median(values) for name, values in times.items()}


def figures(cancellers, pair):
    """Rows of a table: what, and a figure for each canceller; last, the ratio to every AEC3 that is installed."""
    found = costs(cancellers, pair)
    yield "microseconds a sample", *(f"{value:.2f}" for value in found.values())
    yield "x real time", *(f"{1e6 / RATE_HZ / value:.0f}" if value else "" for value in found.values())
    for peer in found:
        if peer.startswith(AEC3):
            yield f"cost beside {peer}", *(f"{value / found[peer]:.2f}" for value in found.values())
