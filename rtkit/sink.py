"""The contract of a sink."""

from __future__ import annotations

from rtkit.items import Event, Item, Spec


class Sink:
    """Where items and events go. Made from its name (the text after ``kind:``, or a path) and the `Options`.

    Attributes
    ----------
    name : str
        What it is called in errors and in the report.
    live : bool
        The source is live, so `write` must not wait; a stream sets it before `open`.
    """

    name: str = ""
    live: bool = False

    def open(self, spec: Spec) -> None:
        """Open it for items of this format.

        Raises
        ------
        InputError
            It cannot hold this format, or cannot be written.
        DeviceError
            A device that is not there or does not open.
        """
        raise NotImplementedError

    def write(self, item: Item) -> None:
        """Take one item; keep no reference to its array."""
        raise NotImplementedError

    def event(self, event: Event) -> None:
        """Take one event; most sinks have no room for them."""

    def close(self) -> None:
        """Finish: everything written is then safe. Called once, also after an error."""

    def counts(self) -> dict[str, int]:
        """What went wrong, counted in samples or frames: such as ``underrun``."""
        return {}

    def delays(self) -> dict[str, float]:
        """Delays behind the last processor, in seconds, by where they arise."""
        return {}
