"""Cancel an echo in a loop of your own: python own_loop.py near.flac+far.flac"""

import sys

import numpy as np

import rtkit

samples, rate, channels = rtkit.read(sys.argv[1])  # [n, 2]: near end, far end
with rtkit.Pipeline("echo", rate=rate) as pipe:
    for block in np.array_split(samples, len(samples) // 480):  # as your sound library hands it to you, int16 or float
        cleaned, events = pipe(block)
        for event in events:
            print(f"{event.time:5.1f} s  {event.label:12}  ERLE {event.data['erle_db']:.1f} dB  {len(cleaned)} samples")
