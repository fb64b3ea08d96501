"""The hot requests: what is sent for each, and which floor it stands beside."""

import json
from collections.abc import Sequence

from app.core.pagination import write_cursor
from tests.bench.crowd import MIDDLE
from tests.bench.hazards import report_bodies
from tests.bench.plan import Job
from tests.bench.stage import Cast

(
    CHECK_IN, REDEEM, SALE, SOLD_OUT, REPORT, PREPARE, CONSUME, MY_RANK, BOARD, HOME, ACTIVITY,
) = NAMES = (
    "check-in", "redeem", "flash sale", "sold out", "report", "prepare", "consume", "my rank",
    "board page", "home", "activity",
)  # fmt: skip
UPLOAD = "upload"
FLOORS = {
    CHECK_IN: "check_in", REDEEM: "redeem", SALE: "stock_first", REPORT: "report",
    MY_RANK: "my_rank", BOARD: "board", HOME: "home", ACTIVITY: "activity",
}  # fmt: skip
# Measured as one function as well.
FUNCTIONS = (CHECK_IN, REDEEM)
# Measured among fewer residents as well, if that is asked for.
BY_SIZE = (CHECK_IN, MY_RANK, BOARD, HOME)
MICROSECONDS = 1_000_000

Figures = dict[str, float]
Vouchers = Sequence[tuple[int, str]]


def jobs_of_residents(cast: Cast) -> dict[str, Job]:
    """Return what residents do, each as themselves."""
    return writing_jobs(cast) | reading_jobs(cast)


def writing_jobs(cast: Cast) -> dict[str, Job]:
    town, tokens, hazards = cast.town, cast.tokens, cast.town.hazards
    scans = [json.dumps({"code": poster}) for poster in cast.posters]

    def redeeming(reward_id: int, status: int, key: str) -> Job:
        return Job("POST", f"/v1/rewards/{reward_id}/redeem", tokens, status=status, key=key)

    return {
        CHECK_IN: Job("POST", "/v1/me/check-ins", tokens, status=201, bodies=scans),
        REDEEM: redeeming(town.reward_id, 201, "redeem"),
        SALE: redeeming(town.sale_id, 201, "sale"),
        SOLD_OUT: redeeming(town.sold_out_id, 409, "sold-out"),
        REPORT: Job(
            "POST", "/v1/cases", tokens,
            status=201, contains='"points_gained":3', bodies=report_bodies(), key="report",
            numbered_from=hazards.first_photo, numbered=hazards.photos,
        ),
    }  # fmt: skip


def reading_jobs(cast: Cast) -> dict[str, Job]:
    town, tokens = cast.town, cast.tokens
    activity = f"/v1/activities/{town.activities[0].activity_id}"
    return {
        MY_RANK: Job("GET", "/v1/me/rank", tokens, status=200),
        BOARD: Job("GET", f"/v1/boards/residents?cursor={middle_of_board(cast)}", tokens, 200),
        HOME: Job("GET", "/v1/me/home", tokens, status=200),
        ACTIVITY: Job("GET", activity, tokens, status=200),
    }


def middle_of_board(cast: Cast) -> str:
    """Return the cursor of the page that begins in the middle of the month's board."""
    return write_cursor(MIDDLE, cast.town.crowd.first_resident)


def prepare_job(cast: Cast, vouchers: Vouchers) -> Job:
    """Look at vouchers, over and over."""
    shop_id = str(cast.town.shop_id)
    looks = [json.dumps({"shop_id": shop_id, "code": code}) for _, code in vouchers]
    return Job(
        "POST", "/v1/merchant/vouchers/prepare", [cast.clerk_token],
        status=200, contains='"can_consume":true', bodies=looks, is_cycled=True,
    )  # fmt: skip


def consume_job(cast: Cast, vouchers: Vouchers) -> Job:
    """Confirm vouchers, each once."""
    shop_id = str(cast.town.shop_id)
    confirmations = [
        json.dumps({"shop_id": shop_id, "code": code, "out_request_no": f"till-{number}"})
        for number, code in vouchers
    ]
    clerk, path = [cast.clerk_token], "/v1/merchant/vouchers/consume"
    return Job("POST", path, clerk, status=200, bodies=confirmations)


def upload_job(cast: Cast, photo: str) -> Job:
    return Job("POST", "/v1/photos", cast.tokens, status=201, photo=photo)
