"""Run benchmarks by name, or all of them."""

import importlib
import sys

NAMES = (
    "overhead",
    "cancellers",
    "echo",
    "identifiers",
    "wholerun",
    "startup",
    "memory",
    "models",
    "ecg",
    "frames",
    "colorize",
    "cluster",
    "pca",
    "faces",
    "vae",
    "live",
)

for name in sys.argv[1:] or NAMES:
    print(f"\n## {name}")
    for row in importlib.import_module(f"benchmarks.{name}").rows():
        print("| " + " | ".join(str(cell) for cell in row) + " |", flush=True)
