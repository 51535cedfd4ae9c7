"""Optimised graphs, kept from one run to the next: half the time of opening a network for pictures goes into optimising it."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import platform
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

#: Threshold of the time to open a model from which its optimised graph is cached.
MIN_OPENING_S = 0.01


def read(digest: str) -> bytes | None:
    """The optimised graph of the model with this sha256, if one is kept and undamaged."""
    for path in folder().glob(f"{_key(digest)}-*.onnx"):
        with contextlib.suppress(OSError):
            kept = path.read_bytes()
            if path.name == _name(digest, kept):
                return kept
            path.unlink()
    return None


def write(digest: str, make: Callable[[Path], object]) -> None:
    """Keep the optimised graph that `make` writes to a path. A folder that cannot be written, or a full disk, is no error."""
    with contextlib.suppress(Exception):  # ONNX Runtime has kinds of its own
        folder().mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=folder()) as scratch:  # another process may do the same: the last move wins
            path = Path(scratch) / "graph.onnx"
            make(path)
            name = _name(digest, path.read_bytes())
            for old in folder().glob(f"{digest[:16]}-*.onnx"):  # of another version of ONNX Runtime, or of another machine
                old.unlink(missing_ok=True)
            os.replace(path, folder() / name)


def folder() -> Path:
    """Where graphs are kept: the user's cache folder."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("rtkit")) / "onnx"


def _name(digest: str, kept: bytes) -> str:
    """A name that tells a damaged graph: it ends in the checksum of its content."""
    return f"{_key(digest)}-{zlib.crc32(kept):08x}.onnx"


@functools.lru_cache
def _key(digest: str) -> str:
    """What an optimised graph depends on: the model, the version of ONNX Runtime, and the processor."""
    import onnxruntime

    place = [onnxruntime.__version__, platform.machine(), platform.processor()]
    with contextlib.suppress(OSError):  # the instruction sets: a home folder may be shared between machines
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        place += next(([line] for line in lines if line.startswith(("flags", "Features"))), [])
    return f"{digest[:16]}-{hashlib.sha256(chr(10).join(place).encode()).hexdigest()[:16]}"
