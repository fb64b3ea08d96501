"""The command line: `gridpoints serve`, `worker`, `migrate`, `demo`, `keys`, `openapi`."""

from app.cli.commands import main

__all__ = ["main"]
