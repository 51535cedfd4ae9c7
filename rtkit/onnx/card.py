"""The model card: `model.json` beside a model's files says what the model is, and what a loader may rely on."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from rtkit.core.errors import InputError

#: Name of the card, in the folder of the model.
CARD_FILE = "model.json"

#: Sizes of a tensor: numbers, and names for those that may vary.
Shape = tuple[int | str, ...]

Positive = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=0)]
#: Sample rates (Hz) between which a stream can be resampled.
Rate = Annotated[float, msgspec.Meta(ge=0.1, le=1e7)]
#: One value for all colours, or one for each.
Colours = Annotated[tuple[float, ...], msgspec.Meta(min_length=1, max_length=3)]
FileName = Annotated[str, msgspec.Meta(pattern=r"^[^/\\]+\.onnx$")]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
#: A size of a tensor: a number, or a name for one that may vary.
Size = Annotated[int, msgspec.Meta(ge=0)] | str


class Tensor(msgspec.Struct, frozen=True, omit_defaults=True):
    """An input or output of a model.

    Parameters
    ----------
    name : str
        Its name in the graph.
    dtype : str
        Its numpy type, such as ``"float32"``.
    shape : tuple of int or str
        Its sizes; a name stands for one that may vary.
    meaning, unit : str
        What it is, and the unit of its values.
    range : tuple of float, optional
        Lowest and highest value that it takes, or that the model was trained with.
    """

    name: str
    dtype: str
    shape: tuple[Size, ...]
    meaning: str = ""
    unit: str = ""
    range: tuple[float, float] | None = None

    def __str__(self) -> str:
        return f"{self.name} {self.dtype} [{', '.join(map(str, self.shape))}]"

    @property
    def kind(self) -> tuple[str, tuple[int | None, ...]]:
        """Type and shape, with None for a size that may vary, whatever its name."""
        return self.dtype, tuple(size if isinstance(size, int) else None for size in self.shape)


class File(msgspec.Struct, frozen=True, omit_defaults=True):
    """One ONNX file of a model.

    Parameters
    ----------
    sha256 : str
        Hash of the file, in hexadecimal digits.
    bytes : int
        Its size.
    inputs, outputs : tuple of Tensor
        In the order of the graph.
    states : dict
        For a stateful form: name of the input that takes a state → name of the output that gives the next one.
    """

    sha256: Sha256
    bytes: Count
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    states: dict[str, str] = {}


class Normalisation(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a runner does to the input before the model sees it.

    Parameters
    ----------
    kind : str
        ``none``; ``zscore``: zero mean and unit variance over each window and channel; ``pixels``, for pictures of 0 to 255:
        (pixel · scale − mean) / std for each colour.
    scale : float
        Of ``pixels``.
    mean, std : tuple of float
        Of ``pixels``: for all colours, or one for each.
    colour : str
        Order of the colours that the model expects.
    """

    kind: Literal["none", "zscore", "pixels"] = "none"
    scale: Positive = 1.0
    mean: Colours = (0.0,)
    std: Annotated[tuple[Positive, ...], msgspec.Meta(min_length=1, max_length=3)] = (1.0,)
    colour: Literal["rgb", "bgr"] = "rgb"


class Proof(msgspec.Struct, frozen=True):
    """A case in which a file was compared with its origin, and the largest difference, relative to the largest output."""

    case: str
    difference: float


class Card(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is known of a model; every number in it was computed by the run that made the files.

    Parameters
    ----------
    format : int
        Version of this layout.
    name, does : str
        The model's name, and what it does in a sentence.
    limits : str
        What it is not for.
    licence : str
        Of the model.
    files : dict of str to File
        Its ONNX files: ``model.onnx``, ``step.onnx`` if there is a stateful form, and perhaps others, such as ``decoder.onnx``.
    normalisation : Normalisation
        What the input needs.
    labels : tuple of str
        Names of the classes, in the order of the output (two for a single probability); may be empty.
    rate : float, optional
        Sample rate (Hz) of the signals that it is for.
    parameters : int, optional
        How many numbers were learned.
    data : list of dict
        What it learned from: name, source, licence, sha256, rows.
    metrics : list of dict
        Name, value, unit, split, and count each.
    verification : list of Proof
        How far ONNX Runtime is from Keras.
    quantisation : list of dict
        Which variants were tried, what they did to speed and accuracy, and whether one was kept.
    latency : list of dict
        What was measured, on which processor.
    made_by : dict
        Command, seed, versions, and the module of the architecture.
    """

    format: Literal[1]
    name: str
    does: str
    limits: str = ""
    licence: str = ""
    files: Annotated[dict[FileName, File], msgspec.Meta(min_length=1)]
    normalisation: Normalisation = Normalisation()
    labels: tuple[str, ...] = ()
    rate: Rate | None = None
    parameters: Count | None = None
    data: list[dict[str, Any]] = []
    metrics: list[dict[str, Any]] = []
    verification: list[Proof] = []
    quantisation: list[dict[str, Any]] = []
    latency: list[dict[str, Any]] = []
    made_by: dict[str, Any] = {}

    def check(self, path: Path, digest: str) -> None:
        """Compare a file of this model, by its sha256, with what was written down.

        Raises
        ------
        InputError
            The file is not the one that the card describes.
        """
        if path.name not in self.files:
            raise InputError(f"{path}: the model card beside it does not name it; it names {', '.join(self.files)}")
        expected = self.files[path.name].sha256
        if digest != expected:
            raise InputError(f"{path}: damaged, or not the file of its model card: sha256 {digest[:12]}…, expected {expected[:12]}…")

    def write(self, path: Path) -> None:
        """Write the card."""
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")


def publish(card: Card, scratch: Path, folder: Path) -> None:
    """Move the files of a model from a scratch folder to where they belong, with their card.

    The old card goes first and the new one comes last, so that no card ever lies beside files of another model.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / CARD_FILE).unlink(missing_ok=True)
        for name in card.files:
            part = folder / f"{name}.part"
            shutil.copyfile(scratch / name, part)
            part.replace(folder / name)
        card.write(folder / CARD_FILE)
    except OSError as error:
        raise InputError(f"{folder}: the model cannot be written: {error.strerror}") from None


def describe(path: Path, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...], states: dict[str, str]) -> File:
    """The entry of a file on a card, with its hash."""
    data = path.read_bytes()
    return File(hashlib.sha256(data).hexdigest(), len(data), inputs, outputs, states)


def read_card(path: Path) -> Card:
    """Read and check a card.

    Raises
    ------
    InputError
        It is missing, not JSON, or an entry is missing or of a wrong kind; the message names the entry.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Card)
    except OSError as error:
        raise InputError(f"{path}: the model card cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path}: not a model card: {error}") from None
