"""What changing rules refuses."""

from app.core.problems import Conflict, Forbidden, Invalid, NotFound, constraint_problems


class RuleChangeNotFound(NotFound):
    """There is no such change of rules in this community."""

    title_zh = "没有找到这项规则变更"


class RuleChangeDecided(Conflict):
    """This change of rules has been decided already."""

    title_zh = "该规则变更已作出决定"


class DeciderIsProposer(Forbidden):
    """Whoever proposed a change of rules does not decide it."""

    title_zh = "规则变更须由提出人以外的人决定"


class NotYourRuleChange(Forbidden):
    """Only who proposed a change of rules may withdraw it."""

    title_zh = "只有提出人可以撤回该规则变更"


class NoticeStillOpen(Conflict):
    """The public notice is not over yet."""

    title_zh = "公示期尚未结束"
    detail_en = "Decide it after {until}."
    detail_zh = "请在 {until} 之后再作决定。"


class ObjectionsUnanswered(Conflict):
    """Every objection must be answered first."""

    title_zh = "还有异议未答复"
    detail_en = "Waiting for an answer: {count}."
    detail_zh = "还有 {count} 条异议等待答复。"


class ObjectionUpheld(Conflict):
    """An objection was upheld, so this cannot be adopted as it stands."""

    title_zh = "已有异议成立，不能按原方案通过"
    detail_en = "Reject or withdraw it, and propose it anew as it should be."
    detail_zh = "请驳回或撤回，修改后重新提出。"


class EffectiveTooEarly(Invalid):
    """Rules take effect on a later day: never back in time, nor before they are decided."""

    title_zh = "生效日期过早，规则不能溯及既往"
    detail_en = "Choose {earliest_on} or a later day."
    detail_zh = "请选择 {earliest_on} 或之后的日期。"


class NoticeTooShort(Invalid):
    """The public notice must last longer."""

    title_zh = "公示期过短"
    detail_en = "At least {least_days} days."
    detail_zh = "本社区规定公示期至少 {least_days} 天。"


class NothingChanges(Invalid):
    """The rule says just this already."""

    title_zh = "与现行规则一致，没有需要变更的内容"
    detail_en = "Nothing would change in {rule_code}."
    detail_zh = "规则 {rule_code} 没有变化。"


class RuleNamedTwice(Invalid):
    """A change names each rule once."""

    title_zh = "同一条规则只能出现一次"


class RuleChangePending(Conflict):
    """Another change of this rule is waiting to be decided."""

    title_zh = "该规则已有一项变更正在公示"
    detail_en = "It concerns {rule_code}."
    detail_zh = "涉及规则 {rule_code}。"


class RuleChangedMeanwhile(Conflict):
    """The rule has changed since this was proposed."""

    title_zh = "规则在提出变更之后已有变动，请重新提出"
    detail_en = "It concerns {rule_code}."
    detail_zh = "涉及规则 {rule_code}。"


class RuleCategoryNotFound(NotFound):
    """There is no such category of rules in this community."""

    title_zh = "本社区没有这个规则分类"


constraint_problems |= {"ck_rule_changes_decided_by_another": DeciderIsProposer}
