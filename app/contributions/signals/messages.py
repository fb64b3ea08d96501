"""The sentences of signals. They say what was found and how, never that somebody cheated."""

from datetime import date

from app.contributions.signals.measures import METERS_PER_KM, Concentration, Leg, PairCount
from app.contributions.signals.schemas import PhotoUse
from app.core.calendar import local_time

BITS = 64
# What is told is less likely than that (measures.LEAST_CHANCE).
MOST_CHANCE = "千分之一"
SECONDS_PER_MINUTE = 60
USES = {
    PhotoUse.CLAIM: ("积分申报", "claim"),
    PhotoUse.CASE: ("事件上报", "case"),
    PhotoUse.POSTING: ("手工记账", "posting"),
    PhotoUse.REPAIR: ("积分修复任务", "repair task"),
    PhotoUse.APPEAL: ("申诉", "appeal"),
    PhotoUse.PRIVATE: ("其他事项", "private matter"),
}

Sentences = dict[str, str]


def _both(zh: str, en: str) -> Sentences:
    return {"explanation_zh": zh, "explanation_en": en}


def tell_photo(
    use: PhotoUse, use_id: int | None, *, differing_bits: int, is_same: bool, is_of_another: bool
) -> Sentences:
    use_zh, use_en = USES[use]
    whose_zh, whose_en = (
        ("其他居民", "another resident's") if is_of_another else ("本人", "their own")
    )
    which_zh, which_en = ("", "") if use_id is None else (f"（编号 {use_id}）", f" {use_id}")
    if is_same:
        return _both(
            f"同一张照片还用于{whose_zh}的{use_zh}{which_zh}。",
            f"The very same photo also stands behind {whose_en} {use_en}{which_en}.",
        )
    return _both(
        f"照片与{whose_zh}的{use_zh}{which_zh}中的一张几乎相同："
        f"{BITS} 位特征中只有 {differing_bits} 位不同。",
        f"A photo is nearly the same as one of {whose_en} {use_en}{which_en}: "
        f"{differing_bits} of {BITS} bits differ.",
    )


def tell_other_claim(claim_id: int) -> Sentences:
    return _both(
        f"与本人另一条申报（编号 {claim_id}）的时间重叠。",
        f"Overlaps in time with the resident's claim {claim_id}.",
    )


def tell_check_in(contribution_id: int, at: str) -> Sentences:
    return _both(
        f"申报的时间段内，本人于 {at} 在另一项活动签到（编号 {contribution_id}）。",
        f"Within the claimed time the resident checked in elsewhere at {at} ({contribution_id}).",
    )


def tell_distance(leg: Leg, timezone: str) -> Sentences:
    kilometres = f"{leg.meters / METERS_PER_KM:.1f}"
    minutes = f"{leg.seconds / SECONDS_PER_MINUTE:.0f}"
    earlier = local_time(timezone, leg.earlier.acted_at)
    later = local_time(timezone, leg.later.acted_at)
    return _both(
        f"{earlier} 和 {later} 两次签到的地点相距 {kilometres} 公里，其间只有 {minutes} 分钟。",
        f"The places of two check-ins, at {earlier} and {later}, are {kilometres} km apart, "
        f"with {minutes} minutes between them.",
    )


def tell_pair(pair: PairCount, days: int) -> Sentences:
    return _both(
        f"近 {days} 天该居民有 {pair.claims} 条申报经过审核，其中 {pair.seen} 条由同一审核员审核；"
        f"按该审核员占全部审核的比例，约应有 {pair.expected:.1f} 条，"
        f"纯属巧合的可能性不到{MOST_CHANCE}。",
        f"Of the resident's {pair.claims} claims reviewed in the last {days} days, one reviewer "
        f"saw {pair.seen}; their part of all reviews explains {pair.expected:.1f}. "
        f"By chance as many come up with probability {pair.chance:.2g}.",
    )


def tell_concentration(found: Concentration, since: date) -> Sentences:
    share, average = f"{found.share:.0%}", f"{found.average_share:.1%}"
    return _both(
        f"{since:%Y-%m-%d} 以来，全体居民获得的积分中 {share} 归该居民，"
        f"有积分的 {found.active_residents} 人平均每人占 {average}。",
        f"Since {since:%Y-%m-%d} {share} of all points went to this resident; the average of "
        f"{found.active_residents} residents with points is {average}.",
    )
