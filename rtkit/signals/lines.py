"""A text file that is written line by line."""

from __future__ import annotations

from pathlib import Path

from rtkit.core.errors import InputError


class Lines:
    """A text file that is written line by line, each at once, so that a killed process loses none.

    Raises
    ------
    InputError
        It cannot be opened for writing; and whenever the disk is full.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = path
        self._failed = False
        try:
            self._file = Path(path).open("w", newline="", buffering=1, encoding="utf-8")  # noqa: SIM115 - closed by close
        except OSError as error:
            raise self._refusal(error) from None

    def write(self, text: str) -> int:
        """Write some text, whole lines."""
        try:
            return self._file.write(text)
        except OSError as error:
            self._failed = True
            raise self._refusal(error) from None

    def close(self) -> None:
        """Finish the file. What could not be written has been told by then."""
        try:
            self._file.close()
        except OSError as error:
            if not self._failed:
                raise self._refusal(error) from None

    def _refusal(self, error: OSError) -> InputError:
        return InputError(f"{self._path}: cannot be written: {error.strerror}")
