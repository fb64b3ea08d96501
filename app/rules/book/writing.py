"""Writing a rule book down: always the same text for the same book, and read back the same."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from typing import Any

from pydantic import BaseModel

from app.rules.book.schemas import ProcedureData, RuleBookData

WIDTH = 100
HEAD = """\
# 积分规则书。用任何文本编辑器修改后，可先检查：gridpoints rules check 文件名
# 改动须经公示后才生效，不会追溯既往。没有写出的字段按一般规则处理。
#
# [procedure]           办事期限，单位：天（规则公示、扣分申辩、积分修复、申诉、申诉答复）
# [[rule_categories]]   规则分类；parent 为上级分类的代码，须写在本分类之前
# [[rules]]             积分规则：
#   code 代码（生效后不变） · name 名称 · category 分类代码 · direction：earn 加分 / cost 扣分
#   unit：time 次 / hour 小时 / month 月 / piece 件 · points 每单位积分 · max_units 单次最多单位数
#   caps 上限：period 为 day 日 / week 周 / month 月 / year 年 / all 总计，points 积分，times 次数
#   expiry 有效期：community 按社区规定 / never 不过期 / months 若干月 / year_end 年底
#   arrives_on 到账时机：act 行为当时 / joined 加入社区 / reported 上报 / accepted 受理 /
#     resolved 办结 / confirmed 确认 · earned_by：actor 本人 / joiners 附议人
#   effort 与 points_by_effort：按强度 low 低 / medium 中 / high 高给分
#   min_interval_minutes 两次之间至少间隔的分钟数 · audience 适用人群
#   mode：any 不限 / online 线上 / offline 线下 · is_claimable 居民可自行申报
#   review_level 审核人数（0、1、2） · evidence 申报凭证：photo 照片 / note 说明 / times 起止时间
#   award_notice_days 发放前公示的天数
# [[campaigns]]         主题活动：percent 为基础积分的百分比（200 即双倍），bonus_points 另加积分；
#   hours 每日时段 · weekdays 星期（1 为周一） · newcomer_days 仅限加入不久的新居民；
#   per_person_points 每人上限 · budget_points 总预算；没有起止日期的尚未开始
"""


def write_book(book: RuleBookData) -> str:
    """Return a book as TOML, in the order in which it states things; defaults are left out."""
    parts = [HEAD]
    if book.procedure is not None:
        parts.append(_write_procedure(book.procedure))
    for table in ("rule_categories", "rules", "campaigns"):
        entries: Sequence[BaseModel] = getattr(book, table)
        parts += [f"[[{table}]]\n{_pairs(_stated(entry))}" for entry in entries]
    return "\n".join(parts)


def _write_procedure(procedure: ProcedureData) -> str:
    # In full: it is short, and people look here for how long they have.
    return f"[procedure]\n{_pairs(procedure.model_dump())}"


def _stated(entry: BaseModel) -> Mapping[str, Any]:
    return entry.model_dump(exclude_defaults=True, by_alias=True)


def _pairs(values: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {_value(value, len(key) + 3)}\n" for key, value in values.items())


def _value(value: object, begins_at: int = 0) -> str:
    if isinstance(value, dict):
        inside = ", ".join(f"{key} = {_value(part)}" for key, part in value.items())
        return f"{{ {inside} }}"
    if isinstance(value, list):
        return _list([_value(part) for part in value], begins_at)
    if isinstance(value, time):
        return f'"{value.isoformat(timespec="minutes")}"'  # TOML's own times want seconds
    if isinstance(value, date):
        return value.isoformat()
    # JSON writes texts, whole numbers and booleans as TOML does.
    return json.dumps(value, ensure_ascii=False)


def _list(parts: Iterable[str], begins_at: int) -> str:
    items = list(parts)
    line = f"[{', '.join(items)}]"
    if begins_at + len(line) <= WIDTH:
        return line
    return "[\n" + "".join(f"  {item},\n" for item in items) + "]"
