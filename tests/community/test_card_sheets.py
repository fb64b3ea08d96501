"""Paper cards, read back from the PDF by a renderer and a decoder of their own."""

from collections.abc import Iterator
from dataclasses import dataclass

import pypdfium2 as pdfium  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from app.community.card_sheets import MOST_LINK_BYTES, PrintedCard, card_sheet
from app.core.typesetting import missing_glyphs
from tests.support.scanner import read_qr_codes

MM = 72 / 25.4
COMMUNITY = "阳光社区居民委员会"
# 30 characters each, as long as the names may be.
LONGEST_NAMES = [
    "古丽娜尔·阿布都热依木·买买提江·艾合买提·吐尔逊·依明江",
    "欧阳" * 15,
    "𠮷" * 30,
    "W" * 30,
    "Wwwwwwwwww Wwwwwwwww Wwwwwwwww",
    "·" * 30,
]


@dataclass(frozen=True)
class Letter:
    """A character and its ink, in millimetres from the page's upper left corner."""

    text: str
    left: float
    top: float
    right: float
    bottom: float


def make_card(number: int = 0, *, name: str = "王桂芳", link_bytes: int = 0) -> PrintedCard:
    link = f"https://points.example.cn/c/{number:04}".ljust(link_bytes, "x")
    return PrintedCard(serial=f"A3F7-{number:04}", name=name, link=link)


def read(pdf: bytes, *, page: int = 0) -> str:
    """Return the page's text as a reader copies it, without the breaks of lines."""
    text: str = pdfium.PdfDocument(pdf)[page].get_textpage().get_text_range()
    return "".join(text.split())


def count_pages(pdf: bytes) -> int:
    return len(pdfium.PdfDocument(pdf))


def printed(pdf: bytes, *, dots_per_inch: int, page: int = 0) -> Image.Image:
    image: Image.Image = pdfium.PdfDocument(pdf)[page].render(scale=dots_per_inch / 72).to_pil()
    return image.convert("L")


def letters(pdf: bytes) -> Iterator[Letter]:
    page = pdfium.PdfDocument(pdf)[0]
    height = page.get_height()
    text = page.get_textpage()
    for index in range(text.count_chars()):
        left, bottom, right, top = text.get_charbox(index)
        if right > left:
            yield Letter(
                text.get_text_range(index, 1),
                left / MM,
                (height - top) / MM,
                right / MM,
                (height - bottom) / MM,
            )


def on_first_card(pdf: bytes) -> list[Letter]:
    """Return the letters of the upper left card, measured from its corner."""
    return [
        Letter(each.text, each.left - 19.4, each.top - 13.5, each.right - 19.4, each.bottom - 13.5)
        for each in letters(pdf)
        if each.top < 13.5 + 54 and each.left < 19.4 + 85.6
    ]


def test_a_card_tells_what_it_is_whose_and_what_to_do() -> None:
    pdf = card_sheet([make_card(7, name="王桂芳")], community_name=COMMUNITY)
    assert pdf.startswith(b"%PDF-")
    assert read(pdf) == (
        "阳光社区居民委员会纸质积分卡王桂芳卡号A3F7-0007"
        "出示给网格员扫码领积分遗失请到居委会挂失补办第1页，共1页"
    )


def test_a_page_is_a4() -> None:
    page = pdfium.PdfDocument(card_sheet([make_card()], community_name=COMMUNITY))[0]
    assert (page.get_width() / MM, page.get_height() / MM) == pytest.approx((210, 297), abs=0.1)


@pytest.mark.parametrize(("cards", "pages"), [(1, 1), (10, 1), (11, 2), (30, 3)])
def test_ten_cards_share_a_page(cards: int, pages: int) -> None:
    pdf = card_sheet([make_card(number) for number in range(cards)], community_name=COMMUNITY)
    assert count_pages(pdf) == pages
    last = read(pdf, page=pages - 1)
    assert last.endswith(f"第{pages}页，共{pages}页")
    assert last.count("纸质积分卡") == cards - 10 * (pages - 1)
    assert f"A3F7-{cards - 1:04}" in last


def test_a_sheet_of_no_cards_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a card"):
        card_sheet([], community_name=COMMUNITY)


def test_a_phone_reads_every_card_of_a_page() -> None:
    cards = [make_card(number, link_bytes=MOST_LINK_BYTES) for number in range(10)]
    page = printed(card_sheet(cards, community_name=COMMUNITY), dots_per_inch=200)
    found = read_qr_codes(page)
    assert sorted(code.text for code in found) == sorted(card.link for card in cards)


def test_a_code_belongs_to_the_card_it_stands_on() -> None:
    cards = [make_card(number) for number in range(4)]
    page = printed(card_sheet(cards, community_name=COMMUNITY), dots_per_inch=200)
    per_mm = 200 / 25.4
    for number, card in enumerate(cards):
        left = (19.4 + number % 2 * 85.6) * per_mm
        top = (13.5 + number // 2 * 54) * per_mm
        cut = page.crop((round(left), round(top), round(left + 674), round(top + 425)))
        assert [code.text for code in read_qr_codes(cut)] == [card.link]


def test_the_code_takes_forty_millimetres_with_its_quiet_zone() -> None:
    card = make_card(link_bytes=MOST_LINK_BYTES)
    page = printed(card_sheet([card], community_name=COMMUNITY), dots_per_inch=300)
    [code] = read_qr_codes(page)
    corners = code.position
    across = (corners.top_right.x - corners.top_left.x) / 300 * 25.4
    assert across == pytest.approx(40 * 49 / 57, abs=0.3)


def test_a_link_too_dense_for_paper_is_refused() -> None:
    make_card(link_bytes=MOST_LINK_BYTES)
    with pytest.raises(ValueError, match="152 bytes"):
        make_card(link_bytes=MOST_LINK_BYTES + 1)


@pytest.mark.parametrize("name", LONGEST_NAMES)
def test_the_longest_names_stay_in_their_place(name: str) -> None:
    pdf = card_sheet([make_card(name=name)], community_name="海" * 30)
    assert "".join(name.split()) in read(pdf)
    card = on_first_card(pdf)
    assert min(letter.left for letter in card) >= 3
    community = [letter for letter in card if letter.text == "海"]
    assert len(community) == 30
    assert max(letter.right for letter in community) <= 85.6 - 3
    assert max(letter.bottom for letter in community) < 9.2
    below = [letter for letter in card if letter.top > 9.2]
    # The quiet zone of the densest code begins at 44.1 mm, its first module at 46.9 mm.
    assert max(letter.right for letter in below) <= 44.1
    assert max(letter.bottom for letter in below) <= 54 - 2
    title = [letter for letter in below if letter.text in "纸质积分卡"][:5]
    owner = [letter for letter in below if 21 <= (letter.top + letter.bottom) / 2 <= 36]
    serial = next(letter for letter in below if letter.text == "号")
    assert {letter.text for letter in owner if letter.text.isalpha()} == {
        letter for letter in name if letter.isalpha() and letter <= "\uffff"
    }
    assert max(letter.bottom for letter in title) < min(letter.top for letter in owner)
    assert max(letter.bottom for letter in owner) < serial.top


@given(st.text(max_size=30), st.text(max_size=30))
def test_whatever_is_written_stays_on_its_card(name: str, community_name: str) -> None:
    pdf = card_sheet([make_card(name=name)], community_name=community_name)
    assert count_pages(pdf) == 1
    card = on_first_card(pdf)
    assert min(letter.left for letter in card) >= 2
    assert max(letter.right for letter in card) <= 85.6 - 2
    assert min(letter.top for letter in card) >= 1
    assert max(letter.bottom for letter in card) <= 54 - 2
    serial = [letter for letter in card if letter.text == "号"][-1]
    assert serial.top == pytest.approx(37.3, abs=0.3)


def test_an_ordinary_name_is_large() -> None:
    card = on_first_card(card_sheet([make_card(name="王桂芳")], community_name=COMMUNITY))
    [king] = [letter for letter in card if letter.text == "王"]
    assert king.right - king.left > 5


def test_no_line_of_a_name_begins_with_its_dot() -> None:
    name = "买买提·吐尔逊·阿卜杜热合曼"
    card = on_first_card(card_sheet([make_card(name=name)], community_name=COMMUNITY))
    dots = [letter for letter in card if letter.text == "·"]
    assert len(dots) == 2
    assert min(dot.left for dot in dots) > 6


@pytest.mark.parametrize("name", ["欧阳𠮷", "㛃镕喆", "𬭎𫖮", "龑堃䶮", "买买提·吐尔逊", "Zoë"])
def test_a_rare_name_is_printed_as_it_is_written(name: str) -> None:
    assert missing_glyphs(name) == ()
    assert name in read(card_sheet([make_card(name=name)], community_name=name))


def test_a_character_that_the_font_lacks_leaves_a_mark() -> None:
    assert missing_glyphs("李ئەئ\a\n四") == ("ئ", "ە", "\a")
    pdf = card_sheet([make_card(name="李ئە四")], community_name="ئ社区")
    assert "李〓〓四" in read(pdf)
    assert read(pdf).startswith("〓社区")


def test_a_mark_that_chooses_a_form_is_left_out() -> None:
    assert missing_glyphs("葛\U000e0101\u200d") == ()
    pdf = card_sheet([make_card(name="葛\U000e0101\ufe00明")], community_name=COMMUNITY)
    assert "葛明" in read(pdf)


def test_a_name_is_never_markup() -> None:
    name = '#panic("x")*粗*$x$\\n@a//"]'
    assert name in read(card_sheet([make_card(name=name)], community_name=COMMUNITY))


def test_only_the_glyphs_in_use_are_embedded() -> None:
    assert len(card_sheet([make_card()], community_name=COMMUNITY)) < 30_000


def test_the_same_cards_give_the_same_bytes() -> None:
    cards = [make_card(number) for number in range(3)]
    assert card_sheet(cards, community_name=COMMUNITY) == card_sheet(
        cards, community_name=COMMUNITY
    )
