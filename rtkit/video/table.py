"""The table of cameras."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def cameras() -> list[dict[str, Any]]:
    """Cameras that the kernel lists (Linux); elsewhere, and where there is none, nothing.

    Returns
    -------
    list of dict
        For each: ``source`` (what `rtkit run` takes) and ``name``.
    """
    found = []
    for path in sorted(Path("/sys/class/video4linux").glob("video*"), key=lambda path: int(path.name[5:])):
        try:
            if (path / "index").read_text().strip() == "0":  # the others are metadata of the same camera
                found.append({"source": f"camera:{path.name[5:]}", "name": (path / "name").read_text().strip()})
        except OSError:  # unplugged meanwhile
            continue
    return found
