"""Regions, communities, and inside each: grids, buildings, households, residents, roles."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
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
    """Usually 100-300 households with one or more grid workers.

    `boundary` is a ring of [longitude, latitude] in WGS-84, as GeoJSON orders them; in
    PostgreSQL's spelling of a polygon only the brackets differ.
    """

    __tablename__ = "grids"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    grid_id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    boundary: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))


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

    `masked_name` is what everybody else may see; name and phone are sealed (core/personal.py)
    and empty once the account is closed, as is the household. The resident's wallet in the
    ledger carries the resident's own number. `audience` are the groups they belong to (elder,
    youth, volunteer…) that rules and campaigns may be for.
    """

    __tablename__ = "residents"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int | None]
    household_id: Mapped[int | None]
    building_id: Mapped[int]
    sealed_name: Mapped[bytes | None] = mapped_column(LargeBinary)
    masked_name: Mapped[str]
    sealed_phone: Mapped[bytes | None] = mapped_column(LargeBinary)
    audience: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[]'"))
    state: Mapped[str]
    registered_by: Mapped[int | None]
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


class ResidentToken(Model):
    """A keyed hash by which staff find a resident whose name and phone are sealed.

    There is one for each beginning of the name (王, 王小, 王小四) and one for the whole phone.
    """

    __tablename__ = "resident_tokens"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    resident_id: Mapped[int] = mapped_column(primary_key=True)

    __table_args__ = (Index("ix_resident_tokens_resident", "community_id", "resident_id"),)


class PersonalDataRead(Model):
    """Somebody looked at a resident's name or phone in the clear; the resident can see this."""

    __tablename__ = "personal_data_reads"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    personal_data_read_id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int]
    reader_id: Mapped[int]
    fields: Mapped[list[str]] = mapped_column(JSONB)
    purpose: Mapped[str]
    read_at: Mapped[datetime]

    __table_args__ = (
        Index(
            "ix_personal_data_reads_resident",
            "community_id",
            "resident_id",
            "personal_data_read_id",
        ),
    )


class PaperCard(Model):
    """A printed card of a resident: its number is the code's subject, so it can be withdrawn."""

    __tablename__ = "paper_cards"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    card_id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int]
    serial: Mapped[str]
    issued_by: Mapped[int]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[int | None]
    reason: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="revoked_by_somebody"),
        Index("uq_paper_cards_serial", "community_id", "serial", unique=True),
        Index(
            "uq_paper_cards_in_use",
            "community_id",
            "resident_id",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
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
    sealed_name: Mapped[bytes | None] = mapped_column(LargeBinary)
    granted_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint(
            "role IN ('grid_worker', 'clerk', 'reviewer', 'committee', 'auditor')",
            name="role_known",
        ),
        CheckConstraint("grid_id IS NULL OR shop_id IS NULL", name="one_place"),
        Index(None, "person_id"),
    )


class JoinRequest(Model):
    """Somebody asks to become a resident; a worker of the building's grid decides.

    With `claims_resident_id` they ask to be the resident whose paper card they scanned.
    """

    __tablename__ = "join_requests"

    community_id: Mapped[int] = mapped_column(primary_key=True)
    join_request_id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int]
    claims_resident_id: Mapped[int | None]
    sealed_name: Mapped[bytes | None] = mapped_column(LargeBinary)
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
