"""What is logged, and what never is."""

import json
import logging
from collections.abc import Iterator
from typing import Literal

import httpx
import pytest
import structlog

from app.core.logging import configure_logging

SECRET = "9f2-not-to-be-seen"
UVICORN = ("uvicorn", "uvicorn.error", "uvicorn.access")


@pytest.fixture
def _restored() -> Iterator[None]:
    """Put the way of logging back afterwards."""
    root = logging.getLogger()
    before = structlog.get_config(), root.handlers, root.level
    loggers = [logging.getLogger(name) for name in UVICORN]
    settings = [(logger.handlers, logger.propagate) for logger in loggers]
    yield
    structlog.configure(**before[0])
    root.handlers, root.level = before[1], before[2]
    for logger, (handlers, propagate) in zip(loggers, settings, strict=True):
        logger.handlers, logger.propagate = handlers, propagate


def fail_with(secret: str) -> None:
    kept = {"session_key": secret}
    raise ValueError(len(kept))


def log_a_fault() -> None:
    try:
        fail_with(SECRET)
    except ValueError as error:
        structlog.get_logger("test").error("fault", path="/v1/me", exc_info=error)


@pytest.mark.usefixtures("_restored")
@pytest.mark.parametrize("style", ["json", "console"])
def test_a_fault_is_logged_with_its_place_and_without_its_variables(
    capsys: pytest.CaptureFixture[str], style: Literal["json", "console"]
) -> None:
    configure_logging(style, "info")
    log_a_fault()
    logged = capsys.readouterr().err
    assert "ValueError" in logged
    assert "fail_with" in logged
    assert SECRET not in logged


@pytest.mark.usefixtures("_restored")
def test_a_line_is_one_json_object_in_our_words_and_libraries_alike(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("json", "info")
    structlog.get_logger("test").info("request", route="/v1/me", name="王小四")
    logging.getLogger("somebody.elses").warning("started %s", "here")
    log_a_fault()

    ours, theirs, fault = map(json.loads, capsys.readouterr().err.splitlines())
    assert ours["event"] == "request"
    assert ours["level"] == "info"
    assert ours["name"] == "王小四"
    assert theirs["event"] == "started here"
    assert theirs["level"] == "warning"
    assert fault["exception"][0]["exc_type"] == "ValueError"


@pytest.mark.usefixtures("_restored")
def test_what_is_below_the_level_is_not_logged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("json", "warning")
    structlog.get_logger("test").info("request")
    logging.getLogger("httpx").info("GET https://wechat/?secret=1")
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("_restored")
@pytest.mark.parametrize("path", ["/v1/me", "/v1/me/daily-check-in"])
async def test_the_line_of_a_request_has_its_id(
    http: httpx.AsyncClient,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    path: str,
) -> None:
    configure_logging("json", "info")
    monkeypatch.setattr("app.core.middleware.logger", structlog.get_logger())

    answer = await http.post(path)

    lines = map(json.loads, capsys.readouterr().err.splitlines())
    [line] = [line for line in lines if line["event"] == "request"]
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert line["route"] == path
    assert line["status"] == answer.status_code
