"""`rtkit model`: what is known of a model, and how fast it is."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from rtkit.onnx import timing
from rtkit.onnx.card import CARD_FILE, Card, read_card
from rtkit.onnx.find import STEP_FILE, find, shipped
from rtkit.onnx.model import load

Rows = list[dict[str, Any]]


def listed() -> Rows:
    """The models that come with plug-ins."""
    cards = {name: read_card(folder / CARD_FILE) for name, folder in shipped().items()}
    return [{"model": name, "files": list(card.files), "does": card.does} for name, card in cards.items()]


def show(name: str) -> list[str]:
    """The card of a model as lines of text, after its files were checked; for a file without a card, its inputs and outputs.

    Raises
    ------
    InputError
        No such model, or a damaged one.
    """
    model = load(name)
    if model.card is None:
        tensors = [f"  {what}  {tensor}" for what, found in (("in ", model.inputs), ("out", model.outputs)) for tensor in found]
        states = [f"  state  {taken} → {given}" for taken, given in model.states.items()]
        return [f"{model.path}: no model card ({CARD_FILE}) beside it", *tensors, *states]
    for other in model.card.files:
        load(model.path.with_name(other))
    return _lines(model.card)


def as_json(name: str) -> str:
    """The card of a model as it is in its file."""
    path = find(name).with_name(CARD_FILE)
    return json.dumps(msgspec.to_builtins(read_card(path)), indent=2)


def _lines(card: Card) -> list[str]:
    lines = [f"{card.name}: {card.does}"]
    lines += [f"{key:14}{value}" for key, value in (("limits", card.limits), ("licence", card.licence)) if value]
    if card.parameters is not None:
        lines.append(f"{'parameters':14}{card.parameters:,}")
    for name, file in card.files.items():
        lines.append(f"{name:14}{file.bytes:,} bytes, sha256 {file.sha256[:16]}…")
        for what, tensors in (("in", file.inputs), ("out", file.outputs)):
            for tensor in tensors:
                span = f", {tensor.range[0]:g} to {tensor.range[1]:g}" if tensor.range else ""
                about = ": " + tensor.meaning + (f" ({tensor.unit}{span})" if tensor.unit else "") if tensor.meaning else ""
                lines.append(f"  {what:12}{tensor}{about}")
    lines.append(f"{'normalisation':14}{card.normalisation.kind}")
    if card.labels:
        lines.append(f"{'labels':14}{', '.join(card.labels)}")
    tables = {key: getattr(card, key) for key in ("data", "metrics", "verification", "quantisation", "latency")}
    if card.verification:
        worst = max(card.verification, key=lambda row: row.difference)
        tables["verification"] = [{"cases": len(card.verification), "worst": worst.case, "difference": worst.difference}]
    for key, rows in tables.items():
        lines += [key, *("  " + ", ".join(_pair(*item) for item in row.items()) for row in rows)] if rows else []
    return [*lines, "made by", *(f"  {_pair(*item)}" for item in card.made_by.items())]


def _pair(key: str, value: object) -> str:
    if isinstance(value, dict):
        value = ", ".join(f"{name} {part}" for name, part in value.items())
    return f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"


def bench(name: str) -> Rows:
    """Time a model in ONNX Runtime: a call of the whole, and a sample of its stateful form in steps of several sizes.

    Returns
    -------
    list of dict
        Call, and median time (µs).

    Raises
    ------
    InputError
        No such model.
    """
    model = load(name)
    rows = timing.of_steps(model) if model.states else timing.of_model(model)
    if not model.states and model.card is not None and STEP_FILE in model.card.files:
        rows += timing.of_steps(load(model.path.with_name(STEP_FILE)))
    return [{"call": row["case"], "us": row["us"]} for row in rows]
