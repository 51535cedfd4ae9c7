"""What a page may say, as types: what does not fit them is refused before anybody acts on it."""

from __future__ import annotations

import struct

import msgspec

from rtkit.core.errors import InputError

#: Kinds of binary messages.
FRAME, AUDIO = 1, 2
_HEAD = struct.Struct("<BI")

Value = bool | int | float | str | None


class StepRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A processor by its name, and its parameters."""

    processor: str
    values: dict[str, Value] = {}


class Message(msgspec.Struct, tag_field="do", tag=str.lower, forbid_unknown_fields=True):
    """One message of a page."""


class Describe(Message):
    """Tell the pipeline file of a stream that is not started."""

    source: str
    far: str | None = None
    steps: list[StepRequest] = []
    realtime: bool = False
    rate: float | None = None


class Start(Describe):
    """Start a stream."""


class Pause(Message):
    """Pause it."""


class Resume(Message):
    """Go on."""


class Stop(Message):
    """End it."""


class Set(Message):
    """Change live parameters of a step."""

    step: int
    values: dict[str, Value]


class Record(Message):
    """Switch the recording."""

    on: bool


class Listen(Message):
    """Send the processed sound to this page, or do not."""

    on: bool


AnyMessage = Describe | Start | Pause | Resume | Stop | Set | Record | Listen
_decoder = msgspec.json.Decoder(AnyMessage)


def read(text: str) -> AnyMessage:
    """Read a message.

    Raises
    ------
    InputError
        It is none.
    """
    try:
        message: AnyMessage = _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise InputError(f"not understood: {error}") from None
    return message


def read_binary(data: bytes) -> tuple[int, int, bytes]:
    """Kind, index and content of a binary message.

    Raises
    ------
    InputError
        It is too short, or of no known kind.
    """
    if len(data) < _HEAD.size or data[0] not in (FRAME, AUDIO):
        raise InputError("not understood: a binary message of no known kind")
    kind, index = _HEAD.unpack_from(data)
    return kind, index, data[_HEAD.size :]
