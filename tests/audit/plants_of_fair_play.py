"""Changes by a superuser to claims, lists and what campaigns gave, for each of their checks."""

from tests.audit.plants import plant

_SOME_CLAIM = """
    claim_id = (SELECT min(claim_id) FROM claims WHERE community_id = :id
        AND state = 'awarded')
"""
_UNTIED_REVIEW = "ALTER TABLE claim_reviews DROP CONSTRAINT ck_claim_reviews_{}"

CLAIMS = [
    plant(
        "claims were reviewed by people uninvolved",
        f"DELETE FROM claim_reviews WHERE community_id = :id AND {_SOME_CLAIM}",  # noqa: S608
        tells=r"claim \d+.*awarded after 1 approvals.*at least 1",
    ),
    plant(
        "claims were reviewed by people uninvolved",
        "ALTER TABLE claims DROP CONSTRAINT ck_claims_reviewed_enough",
        "UPDATE claims SET approvals = 2 WHERE community_id = :id AND review_level = 1",
    ),
    plant(
        "claims were reviewed by people uninvolved",
        _UNTIED_REVIEW.format("not_own_claim"),
        _UNTIED_REVIEW.format("not_who_entered"),
        "UPDATE claim_reviews SET reviewer_id = claimant_id WHERE community_id = :id"
        " AND claim_id = (SELECT min(claim_id) FROM claims WHERE community_id = :id)",
    ),
    plant(
        "claims were reviewed by people uninvolved",
        _UNTIED_REVIEW.format("not_of_the_household"),
        "DROP INDEX uq_claim_reviews_household",
        "UPDATE claim_reviews SET reviewer_household_id = claimant_household_id"
        " WHERE community_id = :id",
    ),
    plant(
        "claims that were awarded have their award",
        "UPDATE claims SET contribution_id = 77 WHERE community_id = :id"
        " AND contribution_id IS NOT NULL",
        tells=r"claim \d+.*no contribution",
    ),
    plant(
        "claims that were awarded have their award",
        f"UPDATE claims SET resident_id = resident_id + 1 WHERE community_id = :id"  # noqa: S608
        f" AND {_SOME_CLAIM}",
        tells=r"contribution \d+ recorded by",
    ),
]
LISTS = [
    plant(
        "rows that were awarded have their award",
        "UPDATE award_list_rows SET granted_points = granted_points + 1 WHERE community_id = :id",
        tells=r"row \d+ of award list \d+.*5 points.*6 points",
    ),
    plant(
        "rows that were awarded have their award",
        "UPDATE award_list_rows SET contribution_id = 77 WHERE community_id = :id",
        tells="no contribution",
    ),
]
BONUSES = [
    plant(
        "what campaigns gave follows from awards",
        "UPDATE campaign_usage SET used_points = used_points + 1 WHERE community_id = :id",
        tells=r"given by campaign \d+ to resident \d+",
    ),
    plant(
        "what campaigns gave follows from awards",
        "DELETE FROM campaign_usage WHERE community_id = :id",
        tells=r"stored='0'",
    ),
]
CAMPAIGNS = [
    plant(
        "all that a campaign gave is in awards",
        "INSERT INTO campaign_usage SELECT community_id, campaign_id, 77, 1 FROM campaign_usage"
        " WHERE community_id = :id AND resident_id = 0",
        tells="to resident 77",
    ),
    plant(
        "a campaign gave what its residents got",
        "UPDATE campaign_usage SET used_points = used_points - 1 WHERE community_id = :id"
        " AND resident_id = 0",
        tells=r"stored='11'.*expected='12'",
    ),
    plant(
        "no campaign gave more than its limit",
        "UPDATE campaigns SET budget_points = 11 WHERE community_id = :id"
        " AND budget_points IS NOT NULL",
        tells="at most 11",
    ),
    plant(
        "no campaign gave more than its limit",
        "UPDATE campaigns SET budget_points = NULL WHERE community_id = :id",
        tells="a campaign with a limit",
    ),
]
# By the walk that finds them.
PLANTS = {"claims": CLAIMS, "award lists": LISTS, "bonuses": BONUSES, "campaigns": CAMPAIGNS}
