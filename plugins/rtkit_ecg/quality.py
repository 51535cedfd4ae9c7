"""What a stretch of signal may be worth."""

from __future__ import annotations

#: In the order of the codes that the kernel gives.
LABELS = ("good", "gap", "saturated", "flat", "lead off", "jump", "noise")
GOOD, GAP, SATURATED, FLAT, LEAD_OFF, JUMP, NOISE = range(len(LABELS))
#: Qualities that leave the beats as good as they are: after a jump of the baseline they go on.
USABLE = ("good", "jump")
