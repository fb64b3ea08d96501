"""The index finds the route that the framework would find, for every address of the service."""

import re

import pytest
from fastapi.routing import APIRoute, APIRouter

from app import api
from app.core.route_index import RouteIndex

router = APIRouter()


@router.get("/things/{thing_id}")
@router.get("/things/mine")
@router.get("/things/{thing_id}/code.{suffix}")
@router.post("/things/{thing_id}")
async def answer() -> None:
    """Answer nothing."""


@pytest.fixture(scope="module")
def index() -> RouteIndex:
    return RouteIndex([route for route in router.routes if isinstance(route, APIRoute)])


def found(index: RouteIndex, method: str, path: str) -> tuple[str, dict[str, str]] | None:
    """Return the path of the route and its parameters."""
    there = index.find(method, path)
    return None if there is None else (there[0].path, there[1])


def test_a_word_goes_before_a_parameter(index: RouteIndex) -> None:
    assert found(index, "GET", "/things/mine") == ("/things/mine", {})
    assert found(index, "GET", "/things/7") == ("/things/{thing_id}", {"thing_id": "7"})


def test_where_the_word_has_another_method_the_parameter_is_meant(index: RouteIndex) -> None:
    assert found(index, "POST", "/things/mine") == ("/things/{thing_id}", {"thing_id": "mine"})


def test_a_parameter_may_be_part_of_a_segment(index: RouteIndex) -> None:
    assert found(index, "GET", "/things/7/code.png") == (
        "/things/{thing_id}/code.{suffix}",
        {"thing_id": "7", "suffix": "png"},
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/things/7"), ("GET", "/things"), ("GET", "/things/"), ("GET", "/things/7/"),
        ("GET", "/things/7/code"), ("GET", "things/7"), ("GET", ""), ("GET", "//things/7"),
    ],
)  # fmt: skip
def test_what_is_no_route_is_not_found(index: RouteIndex, method: str, path: str) -> None:
    assert index.find(method, path) is None


def test_every_route_of_the_service_is_found_under_its_own_address() -> None:
    index = RouteIndex(api.all_routes())
    for route in api.all_routes():
        address = re.sub(r"\{\w+\}", "1", route.path)
        for method in route.methods or ():
            there = index.find(method, address)
            assert there is not None
            assert (there[0].path, there[0].endpoint) == (route.path, route.endpoint)
