"""QR codes: one text drawn for screens, for print and for a terminal.

Error correction M, raised for free where the symbol does not grow; four light modules around.
Never a Micro QR code: WeChat's scanner does not read them.
"""

from io import BytesIO
from itertools import groupby, zip_longest

import segno

ERROR_CORRECTION = "m"
QUIET_ZONE = 4

_half_blocks = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}
# Palette entries 16 and 231 are black and white whatever the terminal's theme.
_black_on_white = "\x1b[38;5;16;48;5;231m"
_reset = "\x1b[0m"


def png(text: str, *, scale: int = 8, mask: int | None = None) -> bytes:
    """Return a black on white PNG, `scale` pixels per module."""
    image = BytesIO()
    _draw(text, mask).save(image, kind="png", scale=scale, border=QUIET_ZONE)
    return image.getvalue()


def svg(text: str, *, module_mm: float = 0.8, mask: int | None = None) -> str:
    """Return an SVG element of true size, `module_mm` millimetres per module.

    Keep 0.8 mm for paper read at arm's length. A token of 111 characters then takes 42.4 mm,
    the longest link 45.6 mm. Drawn here: segno leaves a strip of the quiet zone unpainted when
    modules are a fraction of a unit.
    """
    rows = _rows(text, mask)
    side = len(rows)
    side_mm = f"{side * module_mm:.2f}mm"
    runs = "".join(_runs(y, row) for y, row in enumerate(rows))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side_mm}" height="{side_mm}"'
        f' viewBox="0 0 {side} {side}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{side}v{side}h-{side}z"/><path d="{runs}"/></svg>'
    )


def terminal(text: str) -> str:
    """Return lines of half blocks, two modules per character.

    Black and white are set by colour codes, so a dark theme does not turn the symbol inside
    out. A token takes 53 columns and 27 lines.
    """
    rows = _rows(text)
    light = (0,) * len(rows)
    return "".join(
        _black_on_white
        + "".join(_half_blocks[pair] for pair in zip(*pairs, strict=True))
        + f"{_reset}\n"
        for pairs in zip_longest(rows[::2], rows[1::2], fillvalue=light)
    )


def _draw(text: str, mask: int | None = None) -> segno.QRCode:
    """Draw with one of the eight masks, or with the best: four times the work for a long text."""
    return segno.make_qr(text, error=ERROR_CORRECTION, boost_error=True, mask=mask)


def _rows(text: str, mask: int | None = None) -> list[tuple[int, ...]]:
    """Return the modules with their quiet zone, 1 for dark."""
    return [tuple(row) for row in _draw(text, mask).matrix_iter(scale=1, border=QUIET_ZONE)]


def _runs(y: int, row: tuple[int, ...]) -> str:
    """Return a row's dark runs as SVG path commands."""
    commands = []
    x = 0
    for is_dark, run in groupby(row):
        width = len(list(run))
        if is_dark:
            commands.append(f"M{x} {y}h{width}v1h-{width}z")
        x += width
    return "".join(commands)
