"""The benchmark does what it says; how fast anything is, no test may depend on."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from typing_extensions import override

from app.media.images import clean_photo
from tests.bench.driver import HOST, Job, requests_of
from tests.bench.errors import BenchFailed
from tests.bench.hot import FLOORS, NAMES, UPLOAD
from tests.bench.processes import running_driver
from tests.media.photos import picture, saved

REPOSITORY = Path(__file__).parents[2]
SHORTLY = ("--residents", "20", "--clients", "1", "--seconds", "0.3", "--rounds", "1", "--audit")
MEASURED = {"requests", "per_second", "p50_ms", "p95_ms", "p99_ms", "app_us", "postgres_us"}
# Of one upload the database's share may be less than the system's clock can tell.
TOO_LITTLE = {UPLOAD: {"postgres_us"}}
COMPARED = {"floor_per_second", "floor_pgbench_us", "floor_postgres_us", "rate_ratio", "cpu_ratio"}


def test_every_hot_request_is_measured_beside_its_floor(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    done = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-m", "tests.bench", *SHORTLY, "--json", str(file)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    medians = {
        row["request"]: {name: figure["median"] for name, figure in row["summary"].items()}
        for row in json.loads(file.read_text("utf-8"))["results"]
    }
    assert list(medians) == list(NAMES)
    for request, figures in medians.items():
        expected = MEASURED | COMPARED if request in FLOORS else MEASURED
        expected = expected - TOO_LITTLE.get(request, set())
        assert {name for name, figure in figures.items() if figure > 0} >= expected, request
        assert f"\n{request} " in done.stdout
    assert "The books of both communities balance." in done.stderr


class Refusing(BaseHTTPRequestHandler):
    """Answers everything with 409."""

    def do_GET(self) -> None:
        self.send_error(409)

    @override
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def refusing_server() -> Iterator[int]:
    with HTTPServer((HOST, 0), Refusing) as server:
        threading.Thread(target=server.serve_forever).start()
        yield server.server_port
        server.shutdown()


def test_an_answer_with_another_status_fails_the_run() -> None:
    with refusing_server() as port, running_driver() as driver:
        job = Job("GET", "/v1/me/home", ["token"], status=200, port=port, seconds=1)
        with pytest.raises(BenchFailed, match="GET /v1/me/home was answered 409"):
            driver.do(job)


def test_numbers_count_up_from_request_to_request_and_end() -> None:
    job = Job(
        "POST", "/", ["a", "b"], status=201,
        bodies=['{"x": {number}}', '{"y": {number}}'], numbered_from=100, numbered=3, first=1,
    )  # fmt: skip

    sent = [(request.split(b"Bearer ")[1][:1], request[-8:]) for request in requests_of(job)]

    assert sent == [(b"b", b'y": 101}'), (b"a", b'x": 102}')]


def part(request: bytes) -> bytes:
    """Return the file of a form."""
    return request.split(b"\r\n\r\n", 2)[2].removesuffix(b"\r\n--photo--\r\n")


def test_a_photo_is_another_file_in_each_round_of_the_tokens(tmp_path: Path) -> None:
    file = tmp_path / "photo.jpg"
    file.write_bytes(saved(picture(), "JPEG"))
    job = Job("POST", "/v1/photos", ["a", "b"], status=201, photo=str(file), limit=3)

    photos = [part(request) for request in requests_of(job)]

    assert photos[0] == photos[1] != photos[2]
    assert all(clean_photo(photo).width == picture().width for photo in photos)
