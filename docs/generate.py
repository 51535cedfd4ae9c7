"""Writes the tables of the documentation that the code knows best: python docs/generate.py. A test holds that nothing is out of date."""

import re
from pathlib import Path

from rtkit.core.settings import described

ROOT = Path(__file__).parents[1]
#: What stands for a value in a table, by its type.
WORDS = {bool: "", int: " N", float: " X", str: " TEXT"}


def options() -> str:
    """The options of ``rtkit run``, from the description of a run."""
    rows = ["| option | |", "| --- | --- |", "| `--to SINK` | Where the output goes; repeatable |"]
    for parameter in described():
        value = (
            ""
            if parameter.type is bool
            else f" {parameter.type.__name__.upper().replace('STR', 'TEXT').replace('INT', 'N').replace('FLOAT', 'X')}"
        )
        rows.append(f"| `--{parameter.name.replace('_', '-')}{value}` | {parameter.doc.rstrip('.')} |")
    rows.append("| `--plugin FILE.py` | Load a plug-in from a file, before any command; repeatable |")
    rows.append("| `--quiet` | No progress line and no report |")
    return "\n".join(rows)


TABLES = {"README.md": {"options": options}}


def written(path: str) -> str:
    """A document with its tables made anew: each stands between ``<!-- NAME -->`` and ``<!-- end -->``."""
    text = (ROOT / path).read_text()
    for name, make in TABLES[path].items():
        text = re.sub(rf"(<!-- {name} -->\n).*?(\n<!-- end -->)", lambda found, make=make: found[1] + make() + found[2], text, flags=re.S)
    return text


if __name__ == "__main__":
    for path in TABLES:
        (ROOT / path).write_text(written(path))
