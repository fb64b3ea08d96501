"""What ends a command with one sentence."""


class CannotServe(Exception):
    """The server cannot start here; the message says why and what to do."""
