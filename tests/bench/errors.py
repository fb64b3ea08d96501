class BenchFailed(Exception):
    """The run means nothing; the message says why."""
