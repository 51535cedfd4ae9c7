"""A source and a sink of your own: python own_ends.py"""

import numpy as np

import rtkit


def thermometer():  # anything that can be iterated over: arrays [n, channels], or pictures uint8 [h, w, 3]
    for second in range(60):
        yield 20 + np.sin(np.arange(second, second + 1, 0.1) / 9)


warmest = []
rtkit.Stream(thermometer(), "pca:components=1", to=lambda block: warmest.append(block.data.max()), rate=10).run()
print(f"{len(warmest)} blocks; the largest score is {max(warmest):.2f}")
