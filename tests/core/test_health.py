"""Whether the service is well, and what it counts."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from app.core.database import make_engine, make_sessionmaker
from app.core.metrics import HttpMetrics
from app.core.middleware import RequestObserver
from tests.support.caller import problem_code
from tests.support.neighbourhood import Neighbourhood

# Nobody listens on port 1.
NOWHERE = "postgresql+asyncpg://nobody@127.0.0.1:1/nothing"


@pytest.fixture
async def _without_a_database(app: FastAPI) -> AsyncIterator[None]:
    engine = make_engine(NOWHERE, pool_size=1)
    app.state.sessionmaker = make_sessionmaker(engine)
    yield
    await engine.dispose()


async def test_the_service_is_alive_and_ready(http: httpx.AsyncClient) -> None:
    for path in ("/livez", "/readyz"):
        answer = await http.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.usefixtures("_without_a_database")
async def test_without_its_database_the_service_is_alive_and_not_ready(
    http: httpx.AsyncClient,
) -> None:
    assert (await http.get("/livez")).status_code == 200
    answer = await http.get("/readyz")
    assert answer.status_code == 503
    assert problem_code(answer) == "service_busy"
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.usefixtures("_without_a_database")
async def test_without_its_database_the_service_asks_for_patience(
    http: httpx.AsyncClient,
) -> None:
    for answer in (
        await http.get("/v1/public/communities"),
        await http.post("/v1/auth/local", json={"ticket": "resident-1"}),
    ):
        assert answer.status_code == 503
        assert problem_code(answer) == "service_busy"
        assert answer.headers["Retry-After"] == "1"
        assert "127.0.0.1" not in answer.text


def counted(metrics: str) -> dict[tuple[str, str, str], float]:
    """Return how often each (method, route, status) was counted."""
    return {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
        if sample.name == "gridpoints_http_requests_total"
    }


@pytest.fixture
async def metrics_http(app: FastAPI) -> AsyncIterator[tuple[httpx.AsyncClient, HttpMetrics]]:
    """The application, counted from nothing."""
    metrics = HttpMetrics()
    observed = RequestObserver(app, metrics=metrics)
    transport = httpx.ASGITransport(observed, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        yield http, metrics


async def test_requests_are_counted_by_template_and_never_by_id(
    metrics_http: tuple[httpx.AsyncClient, HttpMetrics],
) -> None:
    http, metrics = metrics_http
    for community_id in range(20):
        await http.get(f"/v1/public/communities/{community_id}")
    await http.get("/c/some-token")
    await http.get("/docs/assets/favicon.png")
    for number in range(20):
        await http.get(f"/nowhere/{number}")
    assert counted(metrics.render().decode()) == {
        ("GET", "/v1/public/communities/{community_id}", "404"): 20,
        ("GET", "/c/{token}", "404"): 1,
        ("GET", "unmatched", "200"): 1,
        ("GET", "unmatched", "404"): 20,
    }


async def test_a_method_nobody_knows_makes_no_series_of_its_own(
    metrics_http: tuple[httpx.AsyncClient, HttpMetrics],
) -> None:
    http, metrics = metrics_http
    for number in range(5):
        await http.request(f"METHOD{number}", "/livez")
    assert counted(metrics.render().decode()) == {("OTHER", "/livez", "405"): 5}


async def test_faults_are_counted(
    metrics_http: tuple[httpx.AsyncClient, HttpMetrics], broken_route: str
) -> None:
    http, metrics = metrics_http
    await http.get(broken_route)
    assert counted(metrics.render().decode()) == {("GET", broken_route, "500"): 1}


async def test_the_metrics_are_served_as_prometheus_reads_them(here: Neighbourhood) -> None:
    resident = await here.caller("resident-1")
    await resident.get("/v1/me")
    answer = await here.http.get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert counted(answer.text)["GET", "/v1/me", "200"] >= 1
    assert here.resident_id("resident-1") not in answer.text
