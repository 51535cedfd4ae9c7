"""`python -m export bench NAME`: a shipped model in Keras beside ONNX Runtime."""

from __future__ import annotations

import inspect
from typing import Any

from export.recipes import load_recipe
from rtkit.core.errors import UsageError
from rtkit.models import load


def bench(name: str) -> list[dict[str, Any]]:
    """Time a shipped model in ONNX Runtime and, untrained, in Keras, in turns in one run; see `export.pipeline.comparison.compare`.

    Raises
    ------
    UsageError
        No recipe of this name, or one whose network stands on weights in a file.
    """
    recipe = load_recipe(name)
    if any(parameter.default is parameter.empty for parameter in inspect.signature(recipe.build).parameters.values()):
        raise UsageError(f"bench: {name} is built on weights in a file; rtkit model bench {name} times it in ONNX Runtime")
    from export.pipeline.comparison import compare

    return compare(recipe.build(), load(name))
