"""`python -m rollbook.cli` is the command `rollbook`."""

from __future__ import annotations

from rollbook.cli.main import main

if __name__ == "__main__":
    main()
