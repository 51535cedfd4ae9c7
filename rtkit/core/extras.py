"""What is not installed, told in a line that works when it is copied."""

from __future__ import annotations

import importlib.metadata
import re

from rtkit.core.errors import UsageError

#: Distributions whose modules have other names.
DISTRIBUTIONS = {"cv2": "opencv-python", "sklearn": "scikit-learn", "prometheus_client": "prometheus-client"}
#: Extras that are made of others, or are for work on rtkit itself.
COMBINED_EXTRAS = frozenset({"all", "dev", "bench", "export"})


def not_installed(error: ModuleNotFoundError, what: str) -> UsageError:
    """The error for somebody who used `what` and lacks a package: it names the extra of rtkit that brings it, and how to install that."""
    module = (error.name or "?").partition(".")[0]
    name = DISTRIBUTIONS.get(module, module)
    extras: dict[str, list[str]] = {}
    for requirement in importlib.metadata.requires("rtkit") or ():
        package, _, marker = requirement.partition(";")
        for extra in re.findall(r"""extra == ['"]([\w-]+)['"]""", marker):
            extras.setdefault(extra, []).append(package.strip())
    bringing = [extra for extra, found in extras.items() if extra not in COMBINED_EXTRAS and any(re.match(name, each) for each in found)]
    if not bringing:
        return UsageError(f"{what}: needs the package {name}, which is not installed: pip install {name}")
    extra = min(bringing, key=lambda extra: len(extras[extra]))
    packages = " ".join(f"'{each}'" for each in extras[extra] if not each.startswith("rtkit"))
    return UsageError(f"{what}: needs {name}, which is not installed; the extra {extra!r} of rtkit is: pip install {packages}")
