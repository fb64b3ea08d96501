"""Rule books to try: any book that a community could have."""

from datetime import date

from hypothesis import strategies as st

from app.core.calendar import Period
from app.rules.book.schemas import (
    CampaignData,
    CapData,
    EffortPoints,
    ExpiryData,
    HoursData,
    ProcedureData,
    RuleBookData,
    RuleCategoryData,
    RuleData,
)
from app.rules.models import ArrivesOn, Direction, EarnedBy, Effort, Evidence, Mode

codes = st.text("abcdefgh_0123", min_size=1, max_size=6).map("r".__add__)
names = st.text("积分规则 \"'\\#[]=,{}é😀", min_size=1, max_size=12).filter(
    lambda name: name.strip() == name
)
points = st.integers(1, 1_000_000)
maybe = st.none()
caps = st.builds(
    CapData,
    period=st.sampled_from(Period), points=st.integers(0, 500), times=maybe | st.integers(0, 9),
)  # fmt: skip
expiries = st.one_of(
    st.just(ExpiryData()),
    st.just(ExpiryData(kind="never")),
    st.builds(ExpiryData, kind=st.just("months"), months=st.integers(1, 120)),
    st.builds(ExpiryData, kind=st.just("year_end"), grace_days=st.integers(0, 366)),
)
efforts = st.lists(points, min_size=3, max_size=3).map(
    lambda three: EffortPoints(**dict(zip(("low", "medium", "high"), sorted(three), strict=True)))
)
times = st.times().map(lambda moment: moment.replace(second=0, microsecond=0))


@st.composite
def hours(draw: st.DrawFn) -> HoursData:
    begins, until = draw(st.lists(times, min_size=2, max_size=2, unique=True))
    return HoursData.model_validate({"from": begins, "until": until})


@st.composite
def rules(draw: st.DrawFn, code: str, categories: list[str]) -> RuleData:
    is_claimable = draw(st.booleans())
    steps = st.just(ArrivesOn.ACT) if is_claimable else st.sampled_from(ArrivesOn)
    ways = st.just(Direction.EARN) if is_claimable else st.sampled_from(Direction)
    unit, step = draw(st.sampled_from(("time", "hour", "month", "piece"))), draw(steps)
    is_by_machine = step is not ArrivesOn.ACT or unit == "month"
    return RuleData(
        code=code,
        name=draw(names),
        category=draw(st.sampled_from(categories)),
        direction=draw(ways),
        unit=unit,
        points=draw(points),
        max_units=draw(st.integers(1, 1000)),
        caps=draw(st.lists(caps, max_size=3)),
        expiry=draw(expiries),
        arrives_on=step,
        earned_by=draw(st.sampled_from(EarnedBy)),
        effort=draw(maybe | st.sampled_from(Effort)),
        points_by_effort=None if is_by_machine else draw(maybe | efforts),
        min_interval_minutes=draw(maybe | st.integers(1, 527_040)),
        audience=draw(st.lists(codes, max_size=12)),
        mode=draw(st.sampled_from(Mode)),
        is_claimable=is_claimable,
        review_level=draw(st.integers(0, 2)),
        evidence=draw(st.lists(st.sampled_from(Evidence), max_size=3)),
        award_notice_days=draw(st.integers(0, 60)),
    )


@st.composite
def campaigns(draw: st.DrawFn, code: str, categories: list[str], known: list[str]) -> CampaignData:
    days = draw(maybe | st.lists(st.dates(date(2026, 1, 1), date(2099, 1, 1)), min_size=2,
                                 max_size=2).map(sorted))  # fmt: skip
    return CampaignData(
        code=code,
        name=draw(names),
        rules=draw(st.lists(st.sampled_from(known), max_size=3)),
        categories=draw(st.lists(st.sampled_from(categories), max_size=2)),
        percent=draw(st.integers(101, 1000)),
        bonus_points=draw(st.integers(0, 50)),
        starts_on=days[0] if days else None,
        ends_on=days[1] if days else None,
        hours=draw(maybe | hours()),
        weekdays=draw(st.lists(st.integers(1, 7), max_size=7)),
        audience=draw(st.lists(codes, max_size=2)),
        newcomer_days=draw(maybe | st.integers(1, 366)),
        per_person_points=draw(maybe | points),
        budget_points=draw(maybe | points),
    )


@st.composite
def books(draw: st.DrawFn) -> RuleBookData:
    """Draw a book whose entries name each other."""
    categories = draw(st.lists(codes, min_size=1, max_size=3, unique=True))
    known = draw(st.lists(codes, min_size=1, max_size=3, unique=True))
    running = draw(st.lists(codes, max_size=2, unique=True))
    above: list[str | None] = [None]
    tree = []
    for code in categories:
        tree.append(
            RuleCategoryData(code=code, name=draw(names), parent=draw(st.sampled_from(above)))
        )
        above.append(code)
    return RuleBookData(
        procedure=draw(maybe | st.builds(ProcedureData, hearing_days=st.integers(0, 60))),
        rule_categories=tree,
        rules=[draw(rules(code, categories)) for code in known],
        campaigns=[draw(campaigns(code, categories, known)) for code in running],
    )
