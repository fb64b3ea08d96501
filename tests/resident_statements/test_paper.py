"""A statement on paper, read back from the PDF."""

import pypdfium2 as pdfium  # type: ignore[import-untyped]
import pytest

from app.ledger.statement.schemas import OwnAccount
from app.statements.paper import statement_pdf
from tests.resident_statements.rendering import make_contents, read_pages

MM = 72 / 25.4
HEAD = "日期时间类型说明收入支出余额"


def test_a_statement_tells_whose_it_is_and_how_it_adds_up() -> None:
    [page] = read_pages(statement_pdf(make_contents([1250, -20, -30, -40], opening=7)))

    assert page.startswith("阳光社区积分钱包明细姓名王小四期初余额7账户积分钱包收入合计1,250")
    assert "期间2026年1月1日至2026年11月18日支出合计90笔数4笔期末余额1,167" in page
    assert f"{HEAD}期初余额72026-01-0500:30获得积分每日签到1,2501,257" in page
    assert "2026年1月小计1,250501,2072026-02-0400:30兑换使用每日签到401,167" in page
    assert "2026年2月小计0401,167期末余额1,167" in page


def test_the_foot_tells_when_it_was_made_and_whose_book_counts() -> None:
    [page] = read_pages(statement_pdf(make_contents([1])))
    assert "2026年11月18日15:00生成，以阳光社区积分账本当时的记录为准。" in page
    assert "第1页，共1页" in page


def test_every_page_has_the_tables_head_and_its_number() -> None:
    pages = read_pages(statement_pdf(make_contents([1] * 100)))

    assert len(pages) == 4
    for number, page in enumerate(pages, start=1):
        assert page.count(HEAD) == 1
        assert page.count(f"第{number}页，共4页") == 1
        assert "王小四" in page
    whole = "".join(pages)
    assert whole.count("每日签到") == 100
    assert whole.count("月小计") == 33


def test_a_statement_without_lines_says_so() -> None:
    [page] = read_pages(statement_pdf(make_contents([], opening=12)))
    assert "期初余额12期末余额12本期没有积分变动" in page
    assert "小计" not in page


def test_savings_are_called_by_their_name() -> None:
    [page] = read_pages(statement_pdf(make_contents([1], account=OwnAccount.SAVINGS)))
    assert page.startswith("阳光社区积分银行明细")


def test_debt_has_a_minus_sign() -> None:
    [page] = read_pages(statement_pdf(make_contents([-1234])))
    assert "期末余额−1,234" in page


@pytest.mark.parametrize(
    "memo", ["长" * 200, "https://example.com/" + "x" * 180, "W" * 200, "пример" * 30]
)
def test_a_long_memo_wraps_within_its_column(memo: str) -> None:
    pdf = statement_pdf(make_contents([1], memo=memo))

    assert memo in read_pages(pdf)[0]
    text = pdfium.PdfDocument(pdf)[0].get_textpage()
    boxes = [
        text.get_charbox(index)
        for index in range(text.count_chars())
        if text.get_text_range(index, 1) == memo[-1]
    ]
    # The column ends where the numbers begin, 138 mm from the left.
    assert max(right for _, _, right, _ in boxes) / MM <= 138


def test_what_the_font_lacks_leaves_a_mark() -> None:
    [page] = read_pages(statement_pdf(make_contents([1], memo="礼物🎁", resident_name="李ئ四")))
    assert "礼物〓" in page
    assert "李〓四" in page


@pytest.mark.parametrize("memo", ["一楼\n二楼", "一楼\r\n\t二楼", "一楼\u2028二楼"])
def test_a_memo_of_several_lines_is_set_as_one(memo: str) -> None:
    [page] = read_pages(statement_pdf(make_contents([1], memo=memo)))
    assert "一楼二楼" in page


def test_nothing_that_people_wrote_is_markup() -> None:
    written = '#panic("x")*粗*$x$\\n@a//"]'
    [page] = read_pages(
        statement_pdf(
            make_contents([1], memo=written, resident_name=written, community_name=written)
        )
    )
    assert page.count(written) == 4


def test_the_same_contents_give_the_same_bytes() -> None:
    contents = make_contents([1, 2, 3])
    assert statement_pdf(contents) == statement_pdf(contents)
