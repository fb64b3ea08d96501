"""What is wrong with a list, row by row, in words of the caller's language."""

from dataclasses import dataclass, field
from typing import Any

from app.contributions.lists.schemas import RowError

MOST_TOLD = 500
LONGEST_QUOTED = 40
# By code: in English, in Chinese.
MESSAGES = {
    "column_unknown": (
        "There is no column “{column}” in award lists; remove it.",
        "名单没有“{column}”这一列，请删除。",
    ),
    "column_twice": ("The column “{column}” is there twice.", "“{column}”一列出现了两次。"),
    "column_missing": ("The column “{column}” is missing.", "缺少“{column}”一列。"),
    "too_many_cells": (
        "This row has more cells than there are headings.", "这一行的列数多于表头。",
    ),
    "formula": ("Write the value instead of a formula.", "请填写数值，不要使用公式。"),
    "cell_unreadable": ("This cell cannot be read.", "无法识别这个单元格的内容。"),
    "missing": ("“{column}” is empty.", "“{column}”未填写。"),
    "too_long": ("“{column}” may have {most} characters.", "“{column}”最多 {most} 个字。"),
    "too_short": ("“{column}” needs {least} characters.", "“{column}”至少 {least} 个字。"),
    "number_rounded": (
        "A spreadsheet has rounded this number; format the column as text and enter it again.",
        "该编号已被表格软件四舍五入，请将此列设为“文本”格式后重新填写。",
    ),
    "units_unreadable": (
        "The number of units is a whole number from 1 on.", "数量应为不小于 1 的整数。",
    ),
    "effort_unknown": ("The effort is 低, 中 or 高.", "强度应为低、中或高。"),
    "date_unreadable": (
        "Write the date as 2026-11-18, or 2026-11-18 14:30.",
        "日期应写作 2026-11-18 或 2026-11-18 14:30。",
    ),
    "in_the_future": ("This has not happened yet.", "日期不能晚于现在。"),
    "who_missing": (
        "Say who: 居民编号, 卡号, 手机号, or 楼栋 with 房号 and 姓名.",
        "请填写居民编号、卡号、手机号，或楼栋、房号和姓名。",
    ),
    "resident_unknown": ("No resident is found by this.", "没有找到这位居民。"),
    "several_residents": (
        "Several residents are found; add 居民编号 or 卡号.",
        "找到多位居民，请补充居民编号或卡号。",
    ),
    "who_contradicts": (
        "The columns of this row name different residents.", "本行各列指向不同的居民。",
    ),
    "name_differs": ("The resident found has another name.", "找到的居民姓名不符。"),
    "resident_left": ("This resident has left the community.", "该居民已退出本社区。"),
    "own_row": ("You cannot propose points for yourself.", "不能给自己申报积分。"),
    "rule_unknown": ("There is no rule “{value}” here.", "本社区没有“{value}”这条规则。"),
    "several_rules": (
        "Several rules are called “{value}”; write the rule's code.",
        "有多条规则叫“{value}”，请填写规则代码。",
    ),
    "rule_not_in_force": (
        "The rule “{value}” was not in force then.", "规则“{value}”当时未生效。",
    ),
    "rule_costs": ("The rule “{value}” takes points.", "规则“{value}”是扣分规则。"),
    "too_many_units": ("At most {most} at once under this rule.", "该规则单次最多 {most}。"),
    "effort_missing": (
        "This rule needs the effort: 低, 中 or 高.", "该规则需要注明强度：低、中或高。",
    ),
    "not_for_them": (
        "This rule is for another group of residents.", "该规则不适用于这位居民所属的人群。",
    ),
    "on_another_list": (
        "Another list has the same resident, rule and time; add the time of day to another act.",
        "另一份名单中已有相同的居民、规则和时间；如确为另一次，请注明时间。",
    ),
    "duplicate": (
        "The same resident, rule and time as in row {first}; add the time of day or the units.",
        "与第 {first} 行的居民、规则和时间相同；请注明时间，或合并数量。",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where, and what; `column` is empty for the whole row."""

    row: int
    column: str
    code: str
    details: dict[str, Any]


@dataclass(slots=True)
class Faults:
    """Gathers what is wrong with a list: all of some rows, then the first 500 of the file.

    `rows` are those of the rows at hand in which something is wrong.
    """

    count: int = 0
    rows: set[int] = field(default_factory=set)
    _at_hand: list[Fault] = field(default_factory=list)
    _told: list[Fault] = field(default_factory=list)

    def add(self, row: int, column: str, code: str, **details: Any) -> None:
        self._at_hand.append(Fault(row, column, code, details))
        self.rows.add(row)
        self.count += 1

    def go_on(self) -> None:
        """Leave the rows at hand for those below them."""
        self._at_hand.sort(key=lambda fault: fault.row)
        self._told += self._at_hand[: MOST_TOLD - len(self._told)]
        self._at_hand.clear()
        self.rows.clear()

    def told_in(self, language: str) -> list[RowError]:
        """Return the first 500 in the order of rows, in "zh" or "en"."""
        return [_tell(fault, language) for fault in self._told]


def quoted(text: str) -> str:
    """Return what somebody wrote, short enough to say back."""
    return text if len(text) <= LONGEST_QUOTED else f"{text[:LONGEST_QUOTED]}…"


def _tell(fault: Fault, language: str) -> RowError:
    english, chinese = MESSAGES[fault.code]
    message = chinese if language == "zh" else english
    return RowError(
        row=fault.row,
        column=fault.column,
        code=fault.code,
        message=message.format(column=fault.column, **fault.details),
    )
