"""A point policy published at the very moment points arrive costs nobody their points."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from app.cases import credit
from app.cases.jobs import close_unanswered
from app.contributions.posting import AwardItem
from tests.cases.filing import Watch
from tests.support.policies import SIX_MONTHS, put_policy

Sessions = async_sessionmaker[AsyncSession]
ListItems = Callable[..., Awaitable[list[AwardItem]]]


@pytest.fixture
def policy_between(monkeypatch: pytest.MonkeyPatch, watch: Watch) -> None:
    """Publish a policy when the first points have been worked out and not yet posted."""
    list_items: ListItems = credit.list_items
    published: list[dict[str, Any]] = []

    async def list_and_publish(*arguments: Any, **named: Any) -> Sequence[AwardItem]:
        items = await list_items(*arguments, **named)
        if items and not published:
            published.append(await put_policy(watch.here, expiry=SIX_MONTHS))
        return items

    monkeypatch.setattr(credit, "list_items", list_and_publish)


@pytest.mark.usefixtures("policy_between")
async def test_a_policy_published_while_a_case_is_filed_takes_no_points_from_it(
    watch: Watch,
) -> None:
    await watch.file()
    assert await watch.points("resident-1") == 3


@pytest.mark.usefixtures("policy_between")
async def test_a_policy_published_while_silence_confirms_takes_no_points_from_anybody(
    watch: Watch, sessionmaker: Sessions
) -> None:
    case_id = await watch.file(category_code="quiet")
    await watch.join(case_id, "resident-2")
    await watch.do(case_id, "accept")
    await watch.resolve(case_id)
    watch.let_pass(days=14)

    assert await close_unanswered(sessionmaker, now=watch.clock()) == 1

    assert [await watch.points(f"resident-{number}") for number in (1, 2)] == [4, 1]
