"""Regions, communities, and inside each: grids, buildings, households, residents, roles."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Model


class ResidentState(StrEnum):
    """Whether a membership is in force."""

    ACTIVE = "active"
    LEFT = "left"


class JoinState(StrEnum):
    """Where a request to join stands."""

    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"


class Region(Model):
    """A city, district or street above communities (global)."""

    __tablename__ = "regions"

    region_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("regions.region_id"))
    kind: Mapped[str]
    name: Mapped[str]

    __table_args__ = (CheckConstraint("kind IN ('city', 'district', 'street')", name="kind_known"),)


class Community(Model):
    """The tenant. Its number is four bytes, as a QR code carries it; operators use its code."""

    __tablename__ = "communities"

    community_id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    region_id: Mapped[int | None] = mapped_column(ForeignKey("regions.region_id"))
    code: Mapped[str]
    name: Mapped[str]
    timezone: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("community_id BETWEEN 1 AND 4294967295", name="number_is_four_bytes"),
    )


class Grid(Model):
    """Usually 100-300 households with one or more grid workers."""

    __tablename__ = "grids"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    grid_id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Building(Model):
    """A building in a grid."""

    __tablename__ = "buildings"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    building_id: Mapped[int] = mapped_column(primary_key=True)
    grid_id: Mapped[int]
    name: Mapped[str]

    __table_args__ = (
        ForeignKeyConstraint(["community_id", "grid_id"], ["grids.community_id", "grids.grid_id"]),
    )


class Household(Model):
    """One flat of a building."""

    __tablename__ = "households"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    household_id: Mapped[int] = mapped_column(primary_key=True)
    building_id: Mapped[int]
    room: Mapped[str]

    __table_args__ = (
        ForeignKeyConstraint(
            ["community_id", "building_id"], ["buildings.community_id", "buildings.building_id"]
        ),
        Index("uq_households_room", "community_id", "building_id", "room", unique=True),
    )


class Resident(Model):
    """A person's membership; `person_id` is empty for residents without a phone.

    `masked_name` is what everybody else may see. The resident's wallet in the ledger carries
    the resident's own number.
    """

    __tablename__ = "residents"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int | None]
    household_id: Mapped[int]
    building_id: Mapped[int]
    display_name: Mapped[str]
    masked_name: Mapped[str]
    state: Mapped[str]
    joined_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("state IN ('active', 'left')", name="state_known"),
        ForeignKeyConstraint(
            ["community_id", "household_id"], ["households.community_id", "households.household_id"]
        ),
        Index("uq_residents_person", "community_id", "person_id", unique=True),
        Index(None, "person_id"),
        Index(None, "community_id", "building_id"),
    )


class RoleGrant(Model):
    """A staff role at a place: a grid, a shop, or (both empty) the whole community."""

    __tablename__ = "role_grants"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    role_grant_id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int]
    role: Mapped[str]
    grid_id: Mapped[int | None]
    shop_id: Mapped[int | None]
    display_name: Mapped[str]
    granted_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("role IN ('grid_worker', 'clerk', 'committee')", name="role_known"),
        CheckConstraint("grid_id IS NULL OR shop_id IS NULL", name="one_place"),
        Index(None, "person_id"),
    )


class JoinRequest(Model):
    """Somebody asks to become a resident; a worker of the building's grid decides."""

    __tablename__ = "join_requests"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    join_request_id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int]
    display_name: Mapped[str]
    building_id: Mapped[int]
    room: Mapped[str]
    state: Mapped[str]
    asked_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None]
    reason: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("state IN ('pending', 'approved', 'refused')", name="state_known"),
        CheckConstraint("decided_by IS NULL OR decided_by <> person_id", name="not_own_request"),
        ForeignKeyConstraint(
            ["community_id", "building_id"], ["buildings.community_id", "buildings.building_id"]
        ),
        Index(
            "uq_join_requests_pending",
            "community_id",
            "person_id",
            unique=True,
            postgresql_where=text("state = 'pending'"),
        ),
    )
