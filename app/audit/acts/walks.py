"""Walks over what residents did, what was undone of it, and what was posted by hand."""

from app.audit.acts import queries
from app.audit.queries import page_by, page_by_any
from app.audit.walks import Check, KeyWalk, TupleWalk, Walk

WALKS: tuple[Walk, ...] = (
    KeyWalk(
        "acts",
        page_by_any(*queries.PAGE_ACTS),
        (
            Check("contributions and transfers agree", queries.CONTRIBUTIONS_AND_TRANSFERS_AGREE),
            Check("contributions name rules that are there", queries.RULES_ARE_THERE),
            Check("contributions name what they were for", queries.SOURCES_ARE_THERE),
            Check("undone contributions and reversals agree", queries.REVERSALS_AND_RECORDS_AGREE),
            Check("no more is undone than was done", queries.NO_MORE_IS_UNDONE_THAN_WAS_DONE),
        ),
    ),
    KeyWalk(
        "postings by hand",
        page_by("manual_posting_id", "manual_postings"),
        (
            Check(
                "what was approved was posted by those who say so",
                queries.APPROVED_POSTINGS_WERE_POSTED,
            ),
        ),
    ),
    KeyWalk(
        "claims",
        page_by("claim_id", "claims"),
        (
            Check("claims were reviewed by people uninvolved", queries.CLAIMS_WERE_REVIEWED),
            Check("claims that were awarded have their award", queries.CLAIMS_WERE_AWARDED),
        ),
    ),
    TupleWalk(
        "award lists",
        "award_list_rows",
        queries.LIST_ROW,
        (Check("rows that were awarded have their award", queries.LIST_ROWS_WERE_AWARDED),),
    ),
)
