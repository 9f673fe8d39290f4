"""Runs ``python -m cqtui``."""

from cqtui.cli.main import main

if __name__ == "__main__":
    main()
