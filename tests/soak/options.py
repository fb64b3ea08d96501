"""What the soaks share: reading numbers, and saying how it goes."""

import argparse
import sys
from collections.abc import Callable


def up_to(most: int) -> Callable[[str], int]:
    """Return a reader of numbers from 1 to `most`."""

    def number(text: str) -> int:
        value = int(text)
        if not 1 <= value <= most:
            raise argparse.ArgumentTypeError(f"from 1 to {most}")
        return value

    return number


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
