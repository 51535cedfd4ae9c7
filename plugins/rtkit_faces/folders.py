"""Where people are kept."""

from __future__ import annotations

from pathlib import Path


def chosen(people: str | None) -> Path:
    """The folder of that name, or the user's own when not given."""
    if people is not None:
        return Path(people)
    import platformdirs

    return Path(platformdirs.user_data_dir("rtkit")) / "people"
