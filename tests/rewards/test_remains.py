"""Who of a batch gets a piece, in pure code."""

from hypothesis import given
from hypothesis import strategies as st

from app.core.problems import Problem
from app.ledger.errors import InsufficientPoints
from app.rewards.errors import LimitReached, OutOfStock
from app.rewards.remains import Left, Remains, Wish


def outcomes(pairs: list[tuple[Wish, Left]]) -> list[type[Problem] | None]:
    remains = Remains.of(pairs)
    refusals = [remains.take(wish) for wish, _ in pairs]
    return [None if refusal is None else type(refusal) for refusal in refusals]


def wish(resident: int = 1, reward: int = 1, price: int = 10, limit: int | None = None) -> Wish:
    return Wish(resident, reward, price, limit)


def test_who_comes_first_gets_the_last_piece() -> None:
    left = Left(available_points=100, pieces=1, redeemed=0)
    assert outcomes([(wish(1), left), (wish(2), left)]) == [None, OutOfStock]


def test_a_residents_points_are_spent_once_however_many_rewards_they_ask_for() -> None:
    left = Left(available_points=25, pieces=None, redeemed=0)
    pairs = [(wish(reward=reward), left) for reward in (1, 2, 3)]
    assert outcomes(pairs) == [None, None, InsufficientPoints]


def test_a_cheaper_reward_is_still_had_after_one_that_was_too_dear() -> None:
    left = Left(available_points=25, pieces=None, redeemed=0)
    assert outcomes([(wish(price=30), left), (wish(price=25), left)]) == [InsufficientPoints, None]


def test_a_limit_counts_what_the_same_batch_gave() -> None:
    left = Left(available_points=100, pieces=None, redeemed=1)
    assert outcomes([(wish(limit=2), left)] * 2) == [None, LimitReached]


def test_whoever_is_refused_leaves_the_piece_to_the_next() -> None:
    poor = Left(available_points=9, pieces=1, redeemed=0)
    sated = Left(available_points=100, pieces=1, redeemed=1)
    rich = Left(available_points=10, pieces=1, redeemed=0)
    pairs = [(wish(1), poor), (wish(2, limit=1), sated), (wish(3), rich)]
    assert outcomes(pairs) == [InsufficientPoints, LimitReached, None]


def test_what_was_emptied_meanwhile_is_out_of_stock() -> None:
    assert outcomes([(wish(), Left(100, 0, 0))]) == [OutOfStock]


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3)), max_size=64),
    st.lists(st.integers(0, 60), min_size=4, max_size=4),
    st.lists(st.none() | st.integers(0, 10), min_size=3, max_size=3),
    st.lists(st.none() | st.integers(1, 3), min_size=3, max_size=3),
)
def test_no_batch_passes_points_stock_or_limits(
    asked: list[tuple[int, int]],
    points: list[int],
    pieces: list[int | None],
    limits: list[int | None],
) -> None:
    pairs = [
        (
            wish(resident, reward, 7 * reward, limits[reward - 1]),
            Left(points[resident - 1], pieces[reward - 1], redeemed=0),
        )
        for resident, reward in asked
    ]

    given_out = [
        one for (one, _), outcome in zip(pairs, outcomes(pairs), strict=True) if outcome is None
    ]

    for resident, has in enumerate(points, start=1):
        assert sum(one.price_points for one in given_out if one.resident_id == resident) <= has
    for reward, (stock, limit) in enumerate(zip(pieces, limits, strict=True), start=1):
        takers = [one.resident_id for one in given_out if one.reward_id == reward]
        assert stock is None or len(takers) <= stock
        assert limit is None or all(takers.count(taker) <= limit for taker in takers)
