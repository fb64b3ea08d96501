"""What award lists refuse."""

from app.core.problems import Conflict, Forbidden, Invalid, NotFound, constraint_problems
from app.ledger.errors import CheckerIsMaker


class ListFileMissing(Invalid):
    """Send the list as a form, with the fields `file` and `title`."""

    title_zh = "请选择名单文件并填写标题"
    detail_en = "The title has 2 to 100 characters."
    detail_zh = "标题为 2 至 100 个字。"


class ListTooLarge(Invalid):
    """This list is too large."""

    title_zh = "名单文件过大"
    detail_en = "A file may have {max_megabytes} MB and {max_rows} rows; split it."
    detail_zh = "文件不能超过 {max_megabytes} MB、{max_rows} 行，请拆分后分别上传。"


class ListUnreadable(Invalid):
    """This file is neither a CSV nor an XLSX table that we can read."""

    title_zh = "无法读取这个文件"
    detail_en = "Save it as XLSX, or as CSV in UTF-8 or GB18030, and send it again."
    detail_zh = "请另存为 XLSX，或 UTF-8、GB18030 编码的 CSV 后重新上传。"


class ListEmpty(Invalid):
    """This list has no rows."""

    title_zh = "名单里没有内容"
    detail_en = "The first row holds the headings, the rows below it one award each."
    detail_zh = "第一行为表头，其后每行一笔积分。"


class ListHasErrors(Invalid):
    """Some rows of this list cannot be awarded; nothing was stored."""

    title_zh = "名单中有错误，未保存"


class AwardListKnown(Conflict):
    """This file has been handed in already."""

    title_zh = "该名单文件已提交过"


class AwardListNotFound(NotFound):
    """There is no such award list in this community."""

    title_zh = "没有找到这份名单"


class AwardListDecided(Conflict):
    """This award list has been decided already."""

    title_zh = "这份名单已处理"


class NotTheListsProposer(Forbidden):
    """Only who proposed a list may withdraw it."""

    title_zh = "只有提交人可以撤回名单"


class OwnAwardRow(Forbidden):
    """Nobody may approve a list that awards them or somebody of their household."""

    title_zh = "名单中有您本人或家人，请由其他人审批"


constraint_problems |= {
    "ck_award_lists_checker_is_another": CheckerIsMaker,
    "uq_award_lists_file": AwardListKnown,
}
