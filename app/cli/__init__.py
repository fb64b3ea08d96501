"""The command line: `gridpoints serve`, `worker`, `migrate`, `demo`, `keys`, `verify` and more."""

from app.cli.commands import main

__all__ = ["main"]
