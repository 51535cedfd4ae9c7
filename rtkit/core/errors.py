"""What can go wrong, each kind with the exit code that the command line gives it."""

from __future__ import annotations


class RtkitError(Exception):
    """Base of all errors that rtkit raises on purpose: one clear line, no traceback for the user."""

    exit_code = 1


class UsageError(RtkitError):
    """Wrong usage: an unknown processor, a parameter that does not exist or does not parse."""

    exit_code = 2


class InputError(RtkitError):
    """Bad input: the message names the file, the place and what was expected."""

    exit_code = 3


class SpecError(InputError):
    """A format that a processor does not accept.

    Parameters
    ----------
    message : str
        What the processor needs and what it was offered.
    rate : float, optional
        A sample rate (Hz) that it would accept; a stream then resamples in front of it.
    """

    def __init__(self, message: str, rate: float | None = None) -> None:
        super().__init__(message)
        self.rate = rate


class StopStream(Exception):
    """A sink wants no more, as when its window is closed: the stream then ends well."""


class StepError(RtkitError):
    """A processor raised what it should not have: an error of its author. The cause is chained."""


class DeviceError(RtkitError):
    """A device that is not there, does not open, or went away and stayed away."""

    exit_code = 4
