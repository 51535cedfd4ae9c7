"""Sound files: WAV, FLAC, OGG and what else libsndfile reads and writes, streamed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rtkit.core.errors import InputError
from rtkit.core.items import Block, Item, SampleSpec, Spec
from rtkit.core.source import Options, Source
from rtkit.files.sink import FileSink
from rtkit.signals.blocks import BLOCK_SAMPLES, channel_names
from rtkit.signals.pair import Pair

#: More is taken for a damaged header.
MAX_CHANNELS = 32
#: Sample formats that lose nothing of float32 worth hearing, by suffix; libsndfile's default elsewhere.
SUBTYPES = {".wav": "FLOAT", ".flac": "PCM_24", ".w64": "FLOAT", ".rf64": "FLOAT", ".aiff": "FLOAT", ".aif": "FLOAT", ".caf": "FLOAT"}
#: From this size on, a header was written by a program that did not know it yet (a pipe): not a promise.
UNKNOWN_SIZE_BYTES = 0x7FFF0000
#: Largest WAV file: the sizes in a RIFF header have 32 bits; some room is left for the header itself.
MAX_WAV_BYTES = 2**32 - 2**16
#: From sndfile.h: write the sizes into the header now.
SFC_UPDATE_HEADER_NOW = 0x1060


class SoundFile(Source):
    """A sound file of any rate and sample format and up to 32 channels, read block by block.

    Integer formats are scaled to -1..1. Channels are called ``1``, ``2``, …; of a single one, ``mono``.
    """

    gives = "samples"

    def __init__(self, path: str, options: Options) -> None:
        self.name = path
        self._size = options.block or BLOCK_SAMPLES

    def open(self, dtype: type[np.floating[Any]] = np.float32) -> SampleSpec:
        """Open the file.

        Raises
        ------
        InputError
            It is missing, empty, not sound, or has too many channels.
        """
        import soundfile

        self._dtype = np.dtype(dtype).name
        try:
            self._file = soundfile.SoundFile(self.name)
        except (soundfile.SoundFileError, OSError) as error:
            raise InputError(f"{self.name}: not readable as a sound file: {_reason(error)}") from None
        channels = self._file.channels
        if channels > MAX_CHANNELS:
            raise InputError(f"{self.name}: has {channels} channels; expected at most {MAX_CHANNELS}")
        self.length = self._file.frames
        self._channels = channel_names(channels)
        return SampleSpec(float(self._file.samplerate), self._channels)

    def __iter__(self) -> Iterator[Item]:
        """Its blocks; raises InputError at the place where a damaged or truncated file ends."""
        import soundfile

        start, rate = 0, float(self._file.samplerate)
        while True:
            try:
                data = self._file.read(self._size, self._dtype, always_2d=True)
            except soundfile.SoundFileError as error:
                raise InputError(f"{self.name}: damaged at sample {start} ({start / rate:.3f} s): {_reason(error)}") from None
            if not len(data):
                break
            yield Block(data, start, rate, self._channels)
            start += len(data)
        promised = self._promised()
        if start < promised:
            raise InputError(f"{self.name}: truncated: ends at sample {start} ({start / rate:.3f} s) where the header promises {promised}")

    def _promised(self) -> int:
        """Samples that the header promises. For RIFF files libsndfile trims that to what is there and only logs it."""
        found = re.search(r"^data : (\d+) \(should be \d+\)", self._file.extra_info, re.M)
        if found is None or int(found[1]) >= UNKNOWN_SIZE_BYTES:
            return int(self._file.frames)
        width = re.search(r"Block Align\s*: (\d+)", self._file.extra_info)
        return int(found[1]) // int(width[1]) if width else int(self._file.frames)

    def close(self) -> None:
        """Close the file."""
        if hasattr(self, "_file"):
            self._file.close()

    def with_far(self, far: Source, options: Options) -> Source:
        """Take this file as near end and another as far end."""
        return Pair(self, far)


class SoundFileSink(FileSink):
    """A sound file to write, of the type that its suffix names.

    A killed process leaves a WAV file that opens and holds everything up to the last second: its header is brought up to date
    once a second of signal.
    """

    def __init__(self, path: str, options: Options) -> None:
        super().__init__(path, options)
        self._suffix = Path(path).suffix.lower()

    def open(self, spec: Spec) -> None:
        """Create the file.

        Raises
        ------
        InputError
            It cannot be written, or its type cannot hold this rate or number of channels.
        """
        import soundfile

        spec = self.require_samples(spec)
        try:
            self.file = soundfile.SoundFile(
                self.name,
                "w",
                round(spec.rate),
                len(spec.channels),
                SUBTYPES.get(self._suffix),
                format={".oga": "OGG", ".aif": "AIFF"}.get(self._suffix),
            )
        except (soundfile.SoundFileError, OSError, ValueError, TypeError) as error:
            raise InputError(f"{self.name}: cannot be written with {spec}: {_reason(error)}") from None
        self._written = self._safe = 0
        self._second = round(spec.rate)
        self._bytes = 4 * len(spec.channels)

    def write(self, item: Item) -> None:
        """Append one block.

        Raises
        ------
        InputError
            The disk is full, or a WAV file has reached its 4 GiB; what was written stays valid.
        """
        import soundfile

        assert isinstance(item, Block)
        if self._suffix == ".wav" and (self._written + len(item.data)) * self._bytes > MAX_WAV_BYTES:
            raise InputError(f"{self.name}: a WAV file holds 4 GiB, reached at sample {self._written}; write .w64 or .rf64 instead")
        try:
            self.file.write(item.data)
            self._written += len(item.data)
            if self._written - self._safe >= self._second:
                self._safe = self._written
                soundfile._snd.sf_command(self.file._file, SFC_UPDATE_HEADER_NOW, soundfile._ffi.NULL, 0)
        except (soundfile.SoundFileError, OSError) as error:
            raise InputError(f"{self.name}: cannot be written beyond sample {self._written}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    """Libsndfile's own words, without the path that soundfile puts before them."""
    return str(getattr(error, "error_string", error)).rstrip(".")
