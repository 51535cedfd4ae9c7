"""`echo` beside every peer that is installed, in every scene; medians over pairs of talkers and rooms, the worst in brackets."""

from rtkit_echo import comparison

from benchmarks.echo import cost, data, lines, recordings, scenes


def wanted(name):
    return not name.startswith(("adaline", "slpr"))  # `rtkit bench echo` shows them; lines are what they are for


def turned(found, names, labels):
    """A row for each figure, with a place for each canceller."""
    by_name = {row["canceller"]: row for row in found}
    for figure, label in labels.items():
        cells = [by_name.get(name, {}).get(figure, "") for name in names]
        if any(cells):
            yield (label, *cells)


def rows():
    cancellers = {name: cancel for name, cancel in comparison.cancellers().items() if wanted(name)}
    names, pairs, held_out = list(cancellers), data.pairs(), data.held_out()
    yield (f"{len(pairs)} pairs of talkers and rooms", *names)
    late = {"late_ms": "delay of the output (ms)"}
    yield from turned(list(comparison.compare(pairs, names)), names, scenes.EVERYDAY | late)
    yield from turned(list(comparison.compare(pairs, names, scenes.MEASURES)), names, scenes.HARDER)
    if held_out:
        yield (f"**{len(held_out)} other pairs**", *[""] * len(names))
        yield from turned(list(comparison.compare(held_out, names)), names, scenes.EVERYDAY)
    found = list(lines.compare(wanted))
    heads = [row["canceller"] for row in found]
    yield ("**telephone hybrids**, 8 kHz", *heads)
    yield from turned(found, heads, lines.LABELS)
    yield ("**recordings and cost**", *names)
    heard = {name: recordings.figures(cancel) for name, cancel in cancellers.items()} if data.FOLDER else {}
    yield from turned([{"canceller": name} | row for name, row in heard.items()], names, {key: key for key in heard.get("echo", {})})
    yield from cost.figures(cancellers, pairs[0])
