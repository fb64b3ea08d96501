"""Lines of a public list of awards."""

from datetime import date

from pydantic import BaseModel

from app.core.ids import Id


class AwardLine(BaseModel):
    """Who is to get how much for what; `line_id` is what an objection names.

    The deed is there only if the resident agreed that it is shown and its text was checked.
    """

    line_id: Id
    masked_name: str
    rule_name: str
    units: int
    acted_on: date
    asked_points: int
    deed: str | None
