"""Sheets of paper cards for residents without a phone, as a PDF to print and cut.

Typst reads the residents' names as strings, never as markup.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from app.core import qr
from app.core.typesetting import compile_pdf, printable

MOST_LINK_BYTES = 152  # QR version 8, the densest that old phones read from paper

# Typst measures in `context`: a long name is set smaller, and broken inside a word at last.
_template = """
#set document(title: sys.inputs.title, date: none)
#set page(width: 210mm, height: 297mm, margin: 0mm)
#set text(font: "Noto Sans CJK SC", lang: "zh", region: "cn", hyphenate: false, fallback: false)
#set par(leading: 0.4em, spacing: 0mm)

#let sheet = json(bytes(sys.inputs.sheet))
#let card-width = 85.6mm
#let card-height = 54mm
#let left = (210mm - 2 * card-width) / 2
#let top = (297mm - 5 * card-height) / 2
#let column = 39mm

#let in-one-line(words, width, size) = context {
  let natural = measure(text(size: size, words)).width
  text(size: if natural > width { size * (width / natural) } else { size }, words)
}

#let in-a-box(words, width, height) = {
  // No line begins with the dot between the parts of a name.
  let joined = {
    show regex("\\S[·•・‧]"): box
    words
  }
  let broken = words.clusters().map(letter => if letter == " " [ ] else { box(letter) }).join()
  let unbreakable = words.matches(regex("[^\\\\s\\\\p{Han}]+")).map(found => found.text)
  for size in (18pt, 16pt, 14pt, 12pt, 11pt, 10pt, 9pt) {
    let whole = text(size: size, joined)
    let is-wide = unbreakable.any(run => measure(text(size: size, run)).width > width)
    if not is-wide and measure(whole, width: width).height <= height { return whole }
  }
  for size in (9pt, 8pt, 7pt, 6pt, 5pt, 4pt) {
    let letters = text(size: size, broken)
    if measure(letters, width: width).height <= height { return letters }
  }
  box(width: width, height: height, clip: true, text(size: 4pt, broken))
}

#let card(printed) = box(width: card-width, height: card-height, stroke: 0.2pt + luma(75%), {
  let at(y, body) = place(dx: 3.5mm, dy: y, body)
  at(2.2mm, box(width: 78.6mm, height: 6mm, align(
    horizon, in-one-line(sheet.community, 78.6mm, 12pt))))
  at(9.2mm, line(length: 78.6mm, stroke: 0.4pt))
  at(11.5mm, box(width: column, height: 9mm, align(
    horizon, text(size: 21.5pt, stroke: 0.5pt, "纸质积分卡"))))
  // The height of a text leaves out what hangs below its last line.
  at(21mm, box(width: column, height: 15mm, align(
    horizon, context in-a-box(printed.name, column, 13mm))))
  at(36.4mm, box(width: column, height: 5mm, align(
    horizon, in-one-line("卡号 " + printed.serial, column, 11pt))))
  at(42.8mm, text(size: 9.6pt, "出示给网格员扫码领积分"))
  at(47.2mm, text(size: 9.6pt, "遗失请到居委会挂失补办"))
  place(bottom + right, dx: -1.5mm, dy: -2mm,
    image(bytes(printed.code), format: "svg", width: 40mm))
})

#let cut-marks = {
  let mark(x, y, dx, dy) = place(dx: x, dy: y, line(end: (dx, dy), stroke: 0.4pt))
  for number in range(3) {
    let x = left + number * card-width
    mark(x, top - 6mm, 0mm, 5mm)
    mark(x, top + 5 * card-height + 1mm, 0mm, 5mm)
  }
  for number in range(6) {
    let y = top + number * card-height
    mark(left - 6mm, y, 5mm, 0mm)
    mark(left + 2 * card-width + 1mm, y, 5mm, 0mm)
  }
}

#let pages = sheet.cards.chunks(10)
#for (index, cards) in pages.enumerate() {
  if index > 0 { pagebreak() }
  cut-marks
  for (place-number, printed) in cards.enumerate() {
    place(
      dx: left + calc.rem(place-number, 2) * card-width,
      dy: top + calc.quo(place-number, 2) * card-height,
      card(printed),
    )
  }
  place(dx: left + card-width, dy: top + 5 * card-height + 2.5mm, box(width: card-width, align(
    center, text(size: 8pt, "第 " + str(index + 1) + " 页，共 " + str(pages.len()) + " 页"))))
}
"""


@dataclass(frozen=True, slots=True)
class PrintedCard:
    """One card. Raises ValueError for a link too long to be read from paper."""

    serial: str
    name: str
    link: str

    def __post_init__(self) -> None:
        if len(self.link.encode()) > MOST_LINK_BYTES:
            raise ValueError(f"a card's link must take at most {MOST_LINK_BYTES} bytes")


def card_sheet(cards: Sequence[PrintedCard], *, community_name: str) -> bytes:
    """Return a PDF with ten cards of 85.6 × 54 mm to a page of A4, and where to cut them.

    Print at 100 %: the code then takes 40 mm with its quiet zone. The same cards always give
    the same bytes. A card takes 10 ms of CPU, 0.2 MB of memory and 5 kB of PDF, so this is not
    for the event loop. Raises ValueError if there are no cards.
    """
    if not cards:
        raise ValueError("a sheet needs a card")
    sheet = {
        "community": printable(community_name),
        "cards": [
            {
                "serial": printable(card.serial),
                "name": printable(card.name),
                "code": qr.svg(card.link),
            }
            for card in cards
        ],
    }
    inputs = {"title": f"{sheet['community']} 纸质积分卡", "sheet": json.dumps(sheet)}
    return compile_pdf(_template, inputs)
