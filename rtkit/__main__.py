"""``python -m rtkit``."""

from rtkit.cli import main

if __name__ == "__main__":
    main()
