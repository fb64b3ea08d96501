"""The ZIP of a copy: data.json for machines, a README and a statement for people, the photos."""

import csv
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import IO, Any

from app.core.calendar import local_time
from app.privacy.exports.contents import PARTS

Rows = Sequence[Mapping[str, Any]]

KINDS = {
    "award": "获得积分",
    "deduction": "扣除积分",
    "spend": "兑换使用",
    "reversal": "撤销",
    "expiry": "过期清零",
    "decay": "衰减",
    "saving": "存入",
    "withdrawal": "取出",
    "donation": "捐赠",
    "gift": "赠送",
    "settlement": "结算",
    "correction": "更正",
}

ACCOUNTS = {"wallet": "积分钱包", "savings": "积分银行"}

README = """您的个人信息副本
================

社区：{community}
生成时间：{made_at}

这里是我们保存的与您有关的全部信息：

  data.json      全部内容，供其他程序读取；各部分说明见下
  statement.csv  积分流水，可以用 Excel 或 WPS 打开
  photos/        您发送的照片，文件名是照片编号，与 data.json 里的 photos 对应

data.json 的各部分：

{parts}

每一笔积分流水都会在一分钟内存证。需要可以离线核对的凭证，请在注销前按流水号在小程序里
领取；已经领取的凭证在注销后仍然有效。

时间均带时区；编号写成文字，以免被程序四舍五入。坐标为 WGS-84。
这份文件含有您的姓名、手机号等信息，请妥善保管，不要转发给他人。
下载链接 7 天后失效，文件随之销毁；需要时可以重新申请。
如发现内容有误，或者想更正、删除，请在小程序里操作，或者联系居委会。
"""


def plain(value: Any, name: str = "") -> Any:
    """Return a value as JSON has it; what names something is text, as everywhere in the API."""
    match value:
        case datetime() | date():
            return value.isoformat()
        case int() if name.endswith("_id"):
            return str(value)
        case _:
            return value


def write_texts(
    file: IO[bytes], parts: Mapping[str, Rows], *, timezone: str, community: str, now: datetime
) -> None:
    """Begin a ZIP with everything but the photos."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", readme(timezone=timezone, community=community, now=now))
        archive.writestr("data.json", data_json(parts))
        archive.writestr("statement.csv", statement_csv(parts["statement"], timezone))


def add_photo(file: IO[bytes], photo_id: int, jpeg: bytes) -> None:
    """Add a picture, which is compressed already."""
    with zipfile.ZipFile(file, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr(f"photos/{photo_id}.jpg", jpeg)


def readme(*, timezone: str, community: str, now: datetime) -> bytes:
    """Return the explanation, with a byte order mark for Notepad's sake."""
    lines = "\r\n".join(f"  {part.code}：{part.title}" for part in PARTS)
    text = README.replace("\n", "\r\n").format(
        community=community, made_at=local_time(timezone, now), parts=lines
    )
    return text.encode("utf-8-sig")


def data_json(parts: Mapping[str, Rows]) -> str:
    whole = {
        code: [{name: plain(value, name) for name, value in row.items()} for row in rows]
        for code, rows in parts.items()
    }
    return json.dumps(whole, ensure_ascii=False, indent=1)


def statement_csv(rows: Rows, timezone: str) -> bytes:
    """Return the statement with a byte order mark, without which Excel garbles Chinese."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["时间", "类型", "积分", "说明", "流水号", "账户"])
    for row in rows:
        # A tab keeps Excel from rounding the number; memos are ours or a reward's name.
        writer.writerow(
            [
                local_time(timezone, row["occurred_at"]),
                KINDS[row["kind"]],
                row["points"],
                _harmless(row["memo"]),
                f"{row['transfer_id']}\t",
                ACCOUNTS[row["account_kind"]],
            ]
        )
    return text.getvalue().encode("utf-8-sig")


def _harmless(text: str) -> str:
    """Return a text that Excel does not take for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
