"""PDFs set by typst in Noto Sans CJK SC: what every kind of paper shares.

The font is embedded as the subset in use, so the text can be copied and looks the same in every
viewer. What people wrote goes in as input strings, never as markup, and through `printable`.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from unicodedata import category

import typst
from fontTools.ttLib import TTCollection  # type: ignore[import-untyped]
from noto_cjk_sans_otc import FONT_PATH  # type: ignore[import-untyped]

REPLACEMENT = "〓"  # what printers have always set for a character they lack
FONT = "Noto Sans CJK SC"
_DOCUMENTS_REMEMBERED = 11
_font_path = Path(str(FONT_PATH))


def compile_pdf(source: str, inputs: dict[str, str]) -> bytes:
    """Return the PDF of a template; takes seconds for long ones, so not for the event loop."""
    try:
        return _compile(source, inputs)
    finally:
        _forget()


def printable(text: str) -> str:
    """Return a text as one line, with 〓 for what the font lacks, without what nobody would see."""
    return "".join(_replaced(text))


def missing_glyphs(text: str) -> tuple[str, ...]:
    """Return the characters that paper shows as 〓, each once, in their order."""
    return tuple(dict.fromkeys(letter for letter in text if not _is_shown(letter)))


def _compile(source: str, inputs: dict[str, str]) -> bytes:
    pdf = typst.compile(
        source.encode(), font_paths=_fonts(), sys_inputs=inputs, format="pdf", pdf_tags=False
    )
    assert isinstance(pdf, bytes)  # noqa: S101 - one PDF, however many pages
    return pdf


def _forget() -> None:
    """Give back the memory that typst would keep until it has compiled ten more documents."""
    for _ in range(_DOCUMENTS_REMEMBERED):
        _compile("", {})


def _replaced(text: str) -> Iterator[str]:
    for letter in text:
        if ord(letter) in _glyphs():
            yield letter
        elif letter.isspace():
            yield " "  # a memo may have lines; the font has no glyph for their ends
        elif not _is_shown(letter):
            yield REPLACEMENT


def _is_shown(letter: str) -> bool:
    """Tell whether the font has the character, or nobody would see it anyway."""
    if ord(letter) in _glyphs() or letter.isspace():
        return True
    return category(letter) == "Cf" or _selects_a_variant(letter)


def _selects_a_variant(letter: str) -> bool:
    return "\ufe00" <= letter <= "\ufe0f" or "\U000e0100" <= letter <= "\U000e01ef"


@cache
def _glyphs() -> frozenset[int]:
    with TTCollection(_font_path, lazy=True) as collection:
        [font] = [face for face in collection if face["name"].getDebugName(1) == FONT]
        return frozenset(font.getBestCmap())


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[str(_font_path.parent)],
    )
