"""The entry of the command line: ``rtkit`` and ``python -m rtkit``."""

import gc
import os
from typing import NoReturn

#: New objects between two searches for garbage in cycles. A stream makes hardly any cycles, and Python's own 700 would search
#: through all that numba defines, again and again while it loads and now and then while a device waits for its block.
GARBAGE_THRESHOLD = 100_000


def main() -> NoReturn:
    """Run the command line in a process that is set up for it: one BLAS thread, and little garbage collection.

    The threads that OpenBLAS keeps for large matrices spin while they wait, at the cost of the one that processes and of audio
    callbacks. It reads the setting when NumPy is first imported, so that comes after; a setting of the user's own stays.
    """
    gc.set_threshold(GARBAGE_THRESHOLD)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from rtkit.cli import app

    app.main()


if __name__ == "__main__":
    main()
