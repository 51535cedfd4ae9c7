"""The folder of the live page: which files a page may name, and what it may learn of where they are."""

from __future__ import annotations

import os
import re
from pathlib import Path

from rtkit.core.errors import InputError
from rtkit.core.host import host
from rtkit.signals.suffixes import SOUND

#: How many folders deep, and of how many files, a page is told.
MAX_DEPTH, MAX_FILES = 4, 500
#: An absolute path in a message; its last part is what a page may see.
_PATH = re.compile(r"(?:/[^\s:'\"/]+){2,}|[A-Za-z]:\\[^\s:'\"]+")


class Folder:
    """A folder, below which a page may name files, by their names relative to it.

    Parameters
    ----------
    root : path
        The folder.

    Raises
    ------
    InputError
        There is no such folder.
    """

    def __init__(self, root: str | Path) -> None:
        if not Path(root).is_dir():
            raise InputError(f"{root}: no such folder; expected one whose files the page may use")
        self.root = Path(root).resolve()

    def find(self, name: str) -> Path:
        """The file or folder of that name.

        Raises
        ------
        InputError
            There is none below the folder; whether there is one elsewhere is not said.
        """
        try:
            path = (self.root / name).resolve()
            if path.is_relative_to(self.root) and path != self.root and path.exists():
                return path
        except (OSError, ValueError):  # too long, a null byte
            pass
        raise InputError(f"{name[:100]!r}: no such file in the folder of this page")

    def value(self, text: str) -> str:
        """A parameter that may name a file: as a path if there is one below the folder, as it is if it is but a word.

        Raises
        ------
        InputError
            It names a file elsewhere.
        """
        if "/" not in text and "\\" not in text and text not in (".", "..") and not (self.root / text).exists():
            if Path(text).exists():
                raise InputError(f"{text!r}: no such file in the folder of this page")
            return text
        return str(self.find(text))

    def sources(self) -> list[str]:
        """Names of the files that a stream can be made of."""
        suffixes = tuple(name for name in host().sources if name.startswith("."))
        return self._files(suffixes)

    def sounds(self) -> list[str]:
        """Names of the sound files."""
        return self._files(SOUND)

    def _files(self, suffixes: tuple[str, ...]) -> list[str]:
        found = []
        for here, folders, files in os.walk(self.root):
            inner = Path(here).relative_to(self.root)
            folders[:] = sorted(name for name in folders if name[0] not in "._") if len(inner.parts) < MAX_DEPTH else []
            found += [(inner / name).as_posix() for name in sorted(files) if name.lower().endswith(suffixes) and name[0] != "."]
            if len(found) >= MAX_FILES:
                break
        return found[:MAX_FILES]

    def without_paths(self, message: str) -> str:
        """A message in one line that does not tell where things are on this machine."""
        message = " ".join(message.split()).replace(f"{self.root}{os.sep}", "")
        return _PATH.sub(lambda found: re.split(r"[/\\]", found[0])[-1], message)
