"""Longer runs of what the tests do shortly: `python -m tests.soak --help`."""

import argparse
from collections.abc import Sequence

from tests.soak import codes, kills, model, operations, rush, seals

SOAKS = {
    "kills": kills,
    "model": model,
    "operations": operations,
    "seals": seals,
    "codes": codes,
    "rush": rush,
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak",
        description="Longer runs of what the tests do shortly. Each ends by itself.",
    )
    soaks = parser.add_subparsers(dest="soak", required=True, metavar="SOAK")
    for name, soak in SOAKS.items():
        soak.add_options(
            soaks.add_parser(
                name,
                help=soak.HELP,
                description=soak.DESCRIPTION,
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
        )
    soaks.add_parser("all", help="each of them as long as it goes unless told otherwise")
    options = parser.parse_args(arguments)
    for name in SOAKS if options.soak == "all" else [options.soak]:
        chosen = parser.parse_args([name]) if options.soak == "all" else options
        SOAKS[name].run(chosen)


if __name__ == "__main__":
    main()
