"""Requests of fair play, each ready to be sent once: claims, reviews, explanations, appeals."""

from tests.statements.requests import Request
from tests.support.consenting import consent
from tests.support.neighbourhood import Neighbourhood

FAIR_PLAY_STATEMENTS = {
    "claim": 11,
    "review that awards": 14,
    "reviewer's queue": 3,
    "a claim with its signals": 11,
    "my contributions": 3,
    "why this award": 6,
    "appeal": 8,
    "rule book": 4,
    "campaigns": 7,
}
MEDIATION = {"rule_code": "mediation", "note": "调解了三楼两户的噪音纠纷"}


async def fair_play_requests(there: Neighbourhood) -> dict[str, Request]:
    """Return the requests; one claim waits for its last review, and one award can be appealed."""
    resident = await consent(there, "resident-1")
    reviewer = await there.caller("reviewer-1")
    committee = await there.caller("committee-1")
    claim = (await resident.post_once("/v1/me/claims", MEDIATION)).json()["claim_id"]
    review = f"/v1/staff/claims/{claim}/reviews"
    approved = await reviewer.post(review, {"verdict": "approve"})
    assert approved.status_code == 200, approved.text
    given = (await there.give("resident-1", "survey"))["contribution_id"]
    appeal = {"kind": "award", "subject_id": given, "text": "当天参加了两次问卷，只记了一次。"}
    other = {**MEDIATION, "note": "调解了一楼晾衣纠纷，双方和好"}
    return {
        "claim": lambda: resident.post_once("/v1/me/claims", other),
        "review that awards": lambda: committee.post(review, {"verdict": "approve"}),
        "reviewer's queue": lambda: reviewer.get("/v1/staff/claims"),
        "a claim with its signals": lambda: committee.get(f"/v1/staff/claims/{claim}"),
        "my contributions": lambda: resident.get("/v1/me/contributions"),
        "why this award": lambda: resident.get(f"/v1/me/contributions/{given}"),
        "appeal": lambda: resident.post_once("/v1/me/appeals", appeal),
        "rule book": lambda: resident.get("/v1/rules"),
        "campaigns": lambda: resident.get("/v1/campaigns"),
    }
