"""What claims refuse."""

from app.contributions.by_hand.errors import ActInTheFuture
from app.core.problems import Conflict, Forbidden, Invalid, NotFound, constraint_problems


class ClaimNotFound(NotFound):
    """There is no such claim here."""

    title_zh = "没有找到这条积分申报"


class NotClaimable(Conflict):
    """Points under this rule are not given on a claim."""

    title_zh = "该规则不能自行申报"


class ActTooLongAgo(Invalid):
    """This was done too long ago to be claimed."""

    title_zh = "行为时间过早，不能申报"
    detail_en = "At most {days} days ago."
    detail_zh = "只能申报 {days} 天以内的行为。"


class ActEndsTooEarly(Invalid):
    """An act cannot end before it began."""

    title_zh = "结束时间必须晚于开始时间"


class ActTooLong(Invalid):
    """One claim cannot last so long; claim the days one by one."""

    title_zh = "一次申报持续的时间过长，请分次申报"
    detail_en = "At most {days} days."
    detail_zh = "一次最多 {days} 天。"


class ProofPhotoMissing(Invalid):
    """This rule asks for a photo."""

    title_zh = "该规则需要上传照片"
    detail_en = "Add at least one photo."
    detail_zh = "请至少添加一张照片。"


class ProofNoteMissing(Invalid):
    """This rule asks for a note on what was done."""

    title_zh = "该规则需要填写说明"
    detail_en = "Write at least {min_characters} characters."
    detail_zh = "请至少写 {min_characters} 个字。"


class ProofTimesMissing(Invalid):
    """This rule asks when the act began and ended."""

    title_zh = "该规则需要填写起止时间"
    detail_en = "State acted_at and acted_until."
    detail_zh = "请填写开始时间和结束时间。"


class MoreHoursThanTimes(Invalid):
    """The stated times do not hold so many hours."""

    title_zh = "申报的小时数超过了起止时间"
    detail_en = "At most {max_units} between those times."
    detail_zh = "按起止时间最多 {max_units} 小时。"


class ClaimantUnnamed(Invalid):
    """Name the resident by number or by code, and not by both."""

    title_zh = "请用编号或居民码之一指明居民"


class OwnEntry(Forbidden):
    """Staff enter claims for others; claim your own as a resident."""

    title_zh = "不能代自己录入，请以居民身份申报"


class OwnClaim(Forbidden):
    """Nobody reviews their own claim."""

    title_zh = "不能审核自己的申报"


class EnteredByYou(Forbidden):
    """You entered this claim, so somebody else reviews it."""

    title_zh = "这条申报由您录入，须由他人审核"


class SameHousehold(Forbidden):
    """Nobody reviews a claim of their own household."""

    title_zh = "不能审核同一户居民的申报"


class HouseholdHasReviewed(Forbidden):
    """Somebody of your household has reviewed this claim already."""

    title_zh = "您的家人已审核过这条申报，须由他人审核"


class AlreadyReviewed(Conflict):
    """You have reviewed this claim already, with the other verdict."""

    title_zh = "您已审核过这条申报，意见不能更改"


class ClaimDecided(Conflict):
    """This claim has been decided or withdrawn already."""

    title_zh = "这条申报已处理"


class ClaimNotRefused(Conflict):
    """Only a refused claim is awarded on appeal."""

    title_zh = "只有未通过的申报可以经申诉补发"


constraint_problems |= {
    "ck_claim_reviews_not_own_claim": OwnClaim,
    "ck_claim_reviews_not_who_entered": EnteredByYou,
    "ck_claim_reviews_not_of_the_household": SameHousehold,
    "pk_claim_reviews": AlreadyReviewed,
    "uq_claim_reviews_household": HouseholdHasReviewed,
    "ck_claims_lasts_forwards": ActEndsTooEarly,
    "ck_claims_done_before": ActInTheFuture,
}
