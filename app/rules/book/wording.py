"""How mistakes in a rule book are told, in English and in Chinese."""

from collections.abc import Mapping
from typing import Any

# By the kind that pydantic names or rules/book gives itself. An empty English text: pydantic's.
TEXTS = {
    "missing": ("this field is missing", "缺少必填项"),
    "extra_forbidden": ("there is no such field", "没有这个字段，请检查拼写"),
    "greater_than_equal": ("must not be less than {ge}", "不能小于 {ge}"),
    "less_than_equal": ("must not be more than {le}", "不能大于 {le}"),
    "string_too_short": ("must not be empty", "不能为空"),
    "string_too_long": ("at most {max_length} characters", "最多 {max_length} 个字"),
    "too_long": ("at most {max_length} entries", "最多 {max_length} 项"),
    "too_short": ("at least {min_length} entries", "至少 {min_length} 项"),
    "string_pattern_mismatch": (
        "not of the pattern: a code is of a-z, 0-9 and _, a name stands on one line",
        "格式不符；代码须以小写字母开头，只含小写字母、数字和下划线；名称须为一行文字"),
    "json_invalid": ("nested too deeply", "嵌套层数过多"),
    "enum": ("must be one of {expected}", "只能是：{expected}"),
    "literal_error": ("must be one of {expected}", "只能是：{expected}"),
    "int_type": ("must be a whole number", "应为整数，不加引号"),
    "bool_type": ("must be true or false", "只能是 true 或 false"),
    "string_type": ("must be text in quotes", "应为文字，请加引号"),
    "list_type": ("must be a list", "应为列表，例如 [ … ]"),
    "model_type": ("must be a table", "应为表，例如 {{ … }}"),
    "dict_type": ("must be a table", "应为表，例如 {{ … }}"),
    "date_type": ("must be a day like 2027-01-31", "应为日期，例如 2027-01-31"),
    "date_from_datetime_parsing": ("must be a day like 2027-01-31", "应为日期，例如 2027-01-31"),
    "date_from_datetime_inexact": ("must be a day like 2027-01-31", "应为日期，例如 2027-01-31"),
    "date_parsing": ("must be a day like 2027-01-31", "应为日期，例如 2027-01-31"),
    "time_type": ('must be a time like "22:00"', '应为时间，例如 "22:00"'),
    "time_parsing": ('must be a time like "22:00"', '应为时间，例如 "22:00"'),
    "cap_limits_nothing": ("", "上限须写明 points（积分）、times（次数）或两者"),
    "effort_gives_less": ("", "强度越高，积分不能越少"),
    "effort_untold": ("", "自动到账或按月发放的规则不能按强度计分"),
    "cost_claimed": ("", "扣分规则不能由居民申报"),
    "step_claimed": ("", "只有行为当时到账的规则才能申报"),
    "campaign_gives_nothing": (
        "", "主题活动须比平时多给积分：percent 大于 100，或 bonus_points 大于 0"),
    "campaign_ends_first": ("", "结束日期不能早于开始日期"),
    "hours_empty": ("", "起止时间不能相同"),
    "hours_too_exact": ("", "时间精确到分钟，按社区当地时间"),
    "code_twice": ('the code "{code}" is that of entry {first} already',
                   "代码“{code}”与第 {first} 项重复"),
    "parent_not_above": ('there is no category "{code}" above this one',
                         "上级分类“{code}”须写在本分类之前"),
    "category_unknown": ('there is no category "{code}" in this book', "本规则书没有分类“{code}”"),
    "rule_unknown": ('there is no rule "{code}" in this book', "本规则书没有规则“{code}”"),
    "one_day_only": (
        "state the first and the last day, or neither", "开始和结束日期须同时写明，或都不写"),
    "syntax": ("this is not TOML: {reason}", "不符合 TOML 格式：{reason}"),
    "line_too_long": ("at most {most} characters on a line", "每行最多 {most} 个字符"),
    "not_text": ("this is not valid text in UTF-8", "不是有效的 UTF-8 文本"),
}  # fmt: skip
OTHERWISE = "内容有误"


def word(kind: str, values: Mapping[str, Any], fallback: str) -> tuple[str, str]:
    """Return what to say in English and in Chinese; `fallback` where we have no English."""
    english, chinese = TEXTS.get(kind, ("", OTHERWISE))
    return english.format(**values) or fallback, chinese.format(**values)
