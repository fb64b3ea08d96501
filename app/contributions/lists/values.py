"""What is written in one cell of a list, read as what its column holds."""

import re
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.community.residents.schemas import in_international_form
from app.contributions.lists.tables import Cell, Odd
from app.core.ids import MAX_ID
from app.rules.models import Effort

LONGEST_TEXT = 100
SHORTEST_NOTE, LONGEST_NOTE = 2, 200
MOST_UNITS = 1000
# A spreadsheet keeps 15 digits of a number.
LARGEST_EXACT = 10**15
NOON = time(12)
EARLIEST = date(2000, 1, 1)
EFFORTS = {
    "低": Effort.LOW, "中": Effort.MEDIUM, "高": Effort.HIGH,
    "low": Effort.LOW, "medium": Effort.MEDIUM, "high": Effort.HIGH,
}  # fmt: skip
_date = re.compile(
    r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?"
    r"(?:[T\s]+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?)?"
)
_number = re.compile(r"[0-9]{1,19}")
_rounded = re.compile(r"[0-9.]+[eE]\+?[0-9]+")
_phone = re.compile(r"\+[1-9][0-9]{6,14}")
_serial = re.compile(r"[2-9A-Z]{8}")
_blanks_and_hyphens = re.compile(r"[\s-]")


class Unfit(Exception):
    """A cell does not hold what its column is for; `code` is that of a fault."""

    def __init__(self, code: str, **details: int) -> None:
        super().__init__(code)
        self.code = code
        self.details = details


def read_text(cell: Cell) -> str:
    return _text(cell, LONGEST_TEXT)


def read_note(cell: Cell) -> str:
    note = _text(cell, LONGEST_NOTE)
    if len(note) < SHORTEST_NOTE:
        raise Unfit("too_short", least=SHORTEST_NOTE)
    return note


def read_resident_id(cell: Cell) -> int:
    """Return a number of up to 19 digits, if no spreadsheet has rounded it."""
    text = _exact(cell)
    if _number.fullmatch(text) is None or int(text) > MAX_ID:
        raise Unfit("resident_unknown")
    return int(text)


def read_serial(cell: Cell) -> str:
    """Return a card's serial as it is stored, however it was grouped."""
    serial = _blanks_and_hyphens.sub("", _exact(cell)).upper()
    if _serial.fullmatch(serial) is None:
        raise Unfit("resident_unknown")
    return serial


def read_phone(cell: Cell) -> str:
    """Return a number in E.164."""
    phone = in_international_form(_blanks_and_hyphens.sub("", _exact(cell)))
    if _phone.fullmatch(phone) is None:
        raise Unfit("resident_unknown")
    return phone


def read_units(cell: Cell) -> int:
    text = read_text(cell)
    if _number.fullmatch(text) is None or not 1 <= int(text) <= MOST_UNITS:
        raise Unfit("units_unreadable")
    return int(text)


def read_effort(cell: Cell) -> Effort:
    effort = EFFORTS.get(cell.casefold()) if isinstance(cell, str) else None
    if effort is None:
        raise Unfit("effort_unknown")
    return effort


def read_moment(cell: Cell, *, zone: ZoneInfo, now: datetime) -> datetime:
    """Return when it was done; a day alone means its noon, or now if that is earlier."""
    _refuse_odd(cell)
    local = _local_moment(cell)
    if local is None or local.date() < EARLIEST:
        raise Unfit("date_unreadable")
    # The last days of the calendar have no time in other zones.
    if local.date() > now.date() + timedelta(days=1):
        raise Unfit("in_the_future")
    is_day_alone = local.time() == time()
    if is_day_alone:
        local = datetime.combine(local.date(), NOON)
    moment = local.replace(tzinfo=zone).astimezone(now.tzinfo)
    if is_day_alone and local.date() == now.astimezone(zone).date():
        return min(moment, now)
    if moment > now:
        raise Unfit("in_the_future")
    return moment


def place_of(text: str) -> str:
    """Return a building's name without blanks: 1 号楼 and 1号楼 are the same."""
    return re.sub(r"\s", "", text)


def _text(cell: Cell, most: int) -> str:
    _refuse_odd(cell)
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    # A room like 1-10 that a spreadsheet took for a date is no text any more.
    if not isinstance(cell, (str, int, float)):
        raise Unfit("cell_unreadable")
    text = str(cell)
    if len(text) > most:
        raise Unfit("too_long", most=most)
    return text


def _exact(cell: Cell) -> str:
    """Return what stands for somebody, if no spreadsheet has rounded it (1.38E+10)."""
    if isinstance(cell, (int, float)) and abs(cell) >= LARGEST_EXACT:
        raise Unfit("number_rounded")
    text = read_text(cell)
    if _rounded.fullmatch(text) is not None:
        raise Unfit("number_rounded")
    return text


def _refuse_odd(cell: Cell) -> None:
    if isinstance(cell, Odd):
        raise Unfit("formula" if cell is Odd.FORMULA else "cell_unreadable")


def _local_moment(cell: Cell) -> datetime | None:
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=None)
    if isinstance(cell, date):
        return datetime.combine(cell, time())
    written = _date.fullmatch(cell) if isinstance(cell, str) else None
    if written is None:
        return None
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in written.groups())
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - clock on the wall
    except ValueError:
        return None
