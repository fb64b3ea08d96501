"""Which personal values this room seals, and the tokens by which a resident is found again."""

from collections.abc import Sequence

from app.community.models import JoinRequest, Resident, ResidentToken
from app.core.database import Record
from app.core.personal import Field, Vault

NAME = "name"
PHONE = "phone"


def resident_name(community_id: int, resident_id: int) -> Field:
    return Field("residents.name", community_id, resident_id)


def resident_phone(community_id: int, resident_id: int) -> Field:
    return Field("residents.phone", community_id, resident_id)


def grant_name(community_id: int, role_grant_id: int) -> Field:
    return Field("role_grants.name", community_id, role_grant_id)


def join_request_name(community_id: int, join_request_id: int) -> Field:
    return Field("join_requests.name", community_id, join_request_id)


def name_of(vault: Vault, resident: Resident | Record) -> str | None:
    """Return a resident's own name; None once the account is closed."""
    field = resident_name(resident.community_id, resident.resident_id)
    return vault.open_or_none(resident.sealed_name, field)


def phone_of(vault: Vault, resident: Resident | Record) -> str | None:
    """Return a resident's own phone in E.164, if they gave one."""
    field = resident_phone(resident.community_id, resident.resident_id)
    return vault.open_or_none(resident.sealed_phone, field)


def name_asked_with(vault: Vault, request: JoinRequest) -> str | None:
    """Return the name that a request to join was made with; None once it has been erased."""
    field = join_request_name(request.community_id, request.join_request_id)
    return vault.open_or_none(request.sealed_name, field)


def name_tokens(vault: Vault, community_id: int, name: str) -> Sequence[bytes]:
    """Return what finds a name by each of its beginnings, in capitals or not."""
    return vault.beginnings(community_id, NAME, name.casefold())


def name_token(vault: Vault, community_id: int, beginning: str) -> bytes:
    """Return the token of one beginning of a name, as somebody typed it."""
    return vault.token(community_id, NAME, beginning.strip().casefold())


def phone_token(vault: Vault, community_id: int, phone: str) -> bytes:
    """Return the token of a whole number in E.164, like +8613800000000."""
    return vault.token(community_id, PHONE, phone)


def resident_tokens(
    community_id: int, resident_id: int, tokens: Sequence[bytes]
) -> list[ResidentToken]:
    """Return the rows by which a resident is found; equal tokens make one row."""
    return [
        ResidentToken(community_id=community_id, token=token, resident_id=resident_id)
        for token in dict.fromkeys(tokens)
    ]
