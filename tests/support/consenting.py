"""Agreeing to a community's privacy policy."""

from tests.support.caller import Caller
from tests.support.neighbourhood import Neighbourhood


async def agree(caller: Caller, community_id: int | str, *purposes: str, version: int = 1) -> None:
    """Let a caller agree to these purposes of a community (none named: service)."""
    body = {
        "community_id": str(community_id),
        "version": version,
        "purposes": list(purposes or ("service",)),
    }
    answer = await caller.post("/v1/consents", body)
    assert answer.status_code == 200, answer.text


async def consent(here: Neighbourhood, name: str, *purposes: str, version: int = 1) -> Caller:
    """Let somebody agree to these purposes (none named: service and location); return them."""
    caller = await here.caller(name)
    chosen = purposes or ("service", "location")
    await agree(caller, here.community_id, *chosen, version=version)
    return caller
