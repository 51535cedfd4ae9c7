"""The entry of the command line: ``rtkit`` and ``python -m rtkit``."""

import os
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line in a process with one BLAS thread.

    The threads that OpenBLAS keeps for large matrices spin while they wait, at the cost of the one that processes and of audio
    callbacks. It reads the setting when NumPy is first imported, so that comes after; a setting of the user's own stays.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from rtkit import cli

    cli.main()


if __name__ == "__main__":
    main()
