"""The room of the virtual sound card: what the loudspeaker plays comes back to the microphone, with a talker and noise.

Run as a process of its own: ``python room.py --response FILE.npy [--near FILE.npy] [--noise FILE.npy] [--rate HZ] [--block N]``.
It says READY when sound flows, and ends when it is interrupted. The files hold float arrays ``[n]`` at
the card's rate; talker and noise begin with the first block, the noise is repeated.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

import numpy as np
from scipy.signal import oaconvolve


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--response", required=True)
    parser.add_argument("--near")
    parser.add_argument("--noise")
    parser.add_argument("--rate", type=int, default=48000)
    parser.add_argument("--block", type=int, default=480)
    arguments = parser.parse_args()
    response = np.load(arguments.response).astype(np.float32)
    near = np.load(arguments.near).astype(np.float32) if arguments.near else np.zeros(0, np.float32)
    noise = np.load(arguments.noise).astype(np.float32) if arguments.noise else np.zeros(1, np.float32)

    form = ["--format=float32le", f"--rate={arguments.rate}", "--channels=1", "--raw"]
    # With less than 30 ms the way back runs dry now and then, and each time the echo comes later for good.
    # These two also keep the null sinks awake: one without a client in a hurry takes 2 s to answer the next.
    heard = subprocess.Popen(["parec", "-d", "spk.monitor", *form, "--latency-msec=10"], stdout=subprocess.PIPE)
    spoken = subprocess.Popen(["pacat", "-p", "-d", "mic", *form, "--latency-msec=80"], stdin=subprocess.PIPE)
    assert heard.stdout is not None
    assert spoken.stdin is not None
    tail = np.zeros(len(response) - 1, np.float32)
    n, at, ready = arguments.block, 0, False
    try:
        while len(data := heard.stdout.read(4 * n)) == 4 * n:
            wet = oaconvolve(np.frombuffer(data, np.float32), response).astype(np.float32)
            wet[: len(tail)] += tail
            out, tail = wet[:n].copy(), wet[n:]
            talk = near[at : at + n]
            out[: len(talk)] += talk
            out += noise[np.arange(at, at + n) % len(noise)]
            spoken.stdin.write(out.tobytes())
            spoken.stdin.flush()
            at += n
            if not ready:
                print("READY", flush=True)
                ready = True
    except (BrokenPipeError, KeyboardInterrupt):
        pass
    finally:
        for process in (heard, spoken):
            process.terminate()


if __name__ == "__main__":
    sys.exit(main())
