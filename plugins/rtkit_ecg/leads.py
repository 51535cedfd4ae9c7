"""Which leads there are, and the one that is listened to."""

from __future__ import annotations

from rtkit import SpecError

#: More channels than these are no leads: they are heartbeats, one a row.
MOST_LEADS = 64
#: Leads in which a beat stands out best, the best first.
PREFERRED = ("MLII", "II", "ML2", "LEAD II", "V5", "CM5", "I", "MLI")
#: A channel beside the ECG that is not one, by the start of its name.
OTHERS = ("ABP", "ART", "BP", "CVP", "PAP", "PLETH", "RESP", "SPO2", "CO2", "EMG", "EEG", "EOG", "TEMP", "ACC", "TIME")


def choose(channels: tuple[str, ...], wanted: str | None) -> list[int]:
    """The leads to listen to, as indices into `channels`, the one to begin with first.

    Parameters
    ----------
    channels : tuple of str
        Names of all channels.
    wanted : str, optional
        Name of one lead, or its number from 1 on: that one alone.

    Raises
    ------
    SpecError
        There is no such lead.
    """
    names = [name.upper().removeprefix("ECG ").removeprefix("EKG ").strip() for name in channels]
    if wanted is not None:
        if wanted.upper() in names:
            return [names.index(wanted.upper())]
        if wanted.upper() in [name.upper() for name in channels]:
            return [[name.upper() for name in channels].index(wanted.upper())]
        if wanted.isdecimal() and 1 <= int(wanted) <= len(channels):
            return [int(wanted) - 1]
        raise SpecError(f"has no lead {wanted!r}; the channels are {', '.join(channels)}")
    leads = [place for place, name in enumerate(names) if not name.startswith(OTHERS)] or list(range(len(names)))
    first = next((names.index(name) for name in PREFERRED if name in names), leads[0])
    return [first, *(place for place in leads if place != first)]
