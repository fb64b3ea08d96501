"""Statements to render, and what a reader finds in them."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pypdfium2 as pdfium  # type: ignore[import-untyped]

from app.ledger.models import TransferKind
from app.ledger.statement.schemas import OwnAccount, PeriodLine, PeriodStatement
from app.statements.contents import Contents
from app.statements.periods import Days

JANUARY = datetime(2026, 1, 4, 16, 30, tzinfo=UTC)  # 0:30 on the 5th in Shanghai


def make_contents(
    points: Sequence[int], *, memo: str = "每日签到", opening: int = 0, **changes: Any
) -> Contents:
    """Return a statement with a line of so many points every ten days from 5 January on."""
    lines: list[PeriodLine] = []
    balance = opening
    for number, moved in enumerate(points):
        balance += moved
        kind = TransferKind.AWARD if moved > 0 else TransferKind.SPEND
        posted_at = JANUARY + timedelta(days=10 * number)
        lines.append(PeriodLine(kind, moved, balance, memo, posted_at, 192118416998900146 + number))
    contents: dict[str, Any] = {
        "community_name": "阳光社区",
        "timezone": "Asia/Shanghai",
        "resident_name": "王小四",
        "account": OwnAccount.WALLET,
        "days": Days(date(2026, 1, 1), date(2026, 11, 18)),
        "statement": PeriodStatement(opening, balance, lines),
        "made_at": datetime(2026, 11, 18, 7, 0, tzinfo=UTC),
    }
    return Contents(**(contents | changes))


def read_rows(table: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(table.decode("utf-8-sig"))))


def read_pages(pdf: bytes) -> list[str]:
    """Return each page's text as a reader copies it, without spaces and breaks of lines."""
    document = pdfium.PdfDocument(pdf)
    texts = ["".join(page.get_textpage().get_text_range().split()) for page in document]
    document.close()
    return texts
