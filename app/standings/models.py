"""What each resident earned in each period, and how many stand at each score.

An award writes the resident's own rows and adds a row of changes: nothing two residents share. The
counts are what folding makes of the changes, and nobody else touches them.
"""

from datetime import date, datetime

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Identity, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model


class Standing(Model):
    """A resident's score in one period; spending never lowers it, deductions do."""

    __tablename__ = "standings"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    starts_on: Mapped[date] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(primary_key=True)
    score: Mapped[int]
    updated_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("period IN ('week', 'month', 'all')", name="period_known"),
        Index("ix_standings_score", "community_id", "period", "starts_on", "score", "resident_id"),
    )


class ScoreCount(Model):
    """How many residents have a score in a slot, changes that still wait left out.

    A slot is score >> 6 * level. Scores above 0 count; who has less shares the last place. A slot
    that nobody is in any more keeps its row: somebody else will come by. That none falls below 0
    is for the audit to check: PostgreSQL would refuse the number that an upsert takes away.
    """

    __tablename__ = "score_counts"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    starts_on: Mapped[date] = mapped_column(primary_key=True)
    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True)
    residents: Mapped[int]

    __table_args__ = (
        CheckConstraint("level BETWEEN 0 AND 2", name="level_known"),
        # Room for new versions of a row on its page: the few upper slots change with every fold.
        {"postgresql_with": {"fillfactor": 70}},
    )


class ScoreChange(Model):
    """What one batch changed on one board: rows are added and, once folded, deleted.

    At `scores`, ascending, `at_least` tells how many residents more (or fewer) have as much or
    more. So what it changes above a score is found without going through it. `change_id` rises
    along what hangs together: who leaves a score had come to it under a smaller one.
    """

    __tablename__ = "score_changes"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    starts_on: Mapped[date] = mapped_column(primary_key=True)
    change_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    scores: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    at_least: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))

    __table_args__ = (
        CheckConstraint("cardinality(scores) = cardinality(at_least)", name="one_per_score"),
        {
            "postgresql_with": {
                # Small and rewritten all day: vacuumed by the thousand rows, and never cut short,
                # which would lock writers out.
                "autovacuum_vacuum_scale_factor": 0,
                "autovacuum_vacuum_threshold": 1000,
                "vacuum_truncate": "off",
                # As long as they fit on a page, arrays stay in their row.
                "toast_tuple_target": 8160,
            }
        },
    )
