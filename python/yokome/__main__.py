"""``python -m yokome``."""

import sys

from yokome.cli import main

if __name__ == "__main__":
    sys.exit(main())
