"""The benchmark does what it says; how fast anything is, no test may depend on."""

import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typing_extensions import override

from app.media.images import clean_photo
from tests.bench.errors import BenchFailed
from tests.bench.floors import as_function, read_script
from tests.bench.hot import BY_SIZE, FLOORS, FUNCTIONS, NAMES
from tests.bench.plan import HOST, Job, plan_of
from tests.bench.processes import running_driver
from tests.bench.wrk import Wrk, answers_of, arguments, parts_of
from tests.media.photos import picture, saved

REPOSITORY = Path(__file__).parents[2]
SHORTLY = (
    "--residents", "20", "--compare-residents", "10", "--clients", "2", "--seconds", "0.1",
    "--rounds", "1", "--audit", "--no-wrk",
)  # fmt: skip
MEASURED = {"requests", "per_second", "p50_ms", "p95_ms", "p99_ms", "app_us", "statements"}
COMPARED = {"floor_per_second", "floor_pgbench_us", "floor_postgres_us", "rate_ratio", "cpu_ratio"}
AS_FUNCTION = {
    "function_per_second", "function_postgres_us", "function_rate_ratio", "function_cpu_ratio",
}  # fmt: skip
TOLD = (
    '\nbench: {"requests": 1200, "microseconds": 2000000, "p50": 1500, "p95": 2500, "p99": 4000,'
    ' "following": 1264, "refused": 0, "broken": 0}\n'
)
has_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")


def test_every_hot_request_is_measured_beside_its_floor(tmp_path: Path) -> None:
    figures_file, picture_file = tmp_path / "bench.json", tmp_path / "bench.svg"
    done = subprocess.run(  # noqa: S603 - our own command line
        [
            sys.executable, "-m", "tests.bench", *SHORTLY,
            "--json", str(figures_file), "--picture", str(picture_file),
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    document = json.loads(figures_file.read_text("utf-8"))
    medians = {
        row["request"]: {name: figure["median"] for name, figure in row["summary"].items()}
        for row in document["results"]
    }
    assert list(medians) == list(NAMES)
    for request, figures in medians.items():
        expected = MEASURED | (COMPARED if request in FLOORS else set())
        expected |= AS_FUNCTION if request in FUNCTIONS else set()
        assert {name for name, figure in figures.items() if figure > 0} >= expected, request
        assert ("size_ratio" in figures) == (request in BY_SIZE)
        assert f"\n{request} " in done.stdout
    assert [(sale["sold"], sale["oversold"]) for sale in document["sales"]] == [(20, 0)]
    assert "The books of all communities balance." in done.stderr
    assert ET.parse(picture_file).getroot().tag.endswith("svg")  # noqa: S314 - our own file


Answer = Callable[[str, bytes], HTTPStatus]


@contextmanager
def server(answer: Answer) -> Iterator[int]:
    """Run a server that keeps connections alive; yield its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            key = self.headers.get("Idempotency-Key", "")
            self.send_response(answer(key, body))
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        @override
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer((HOST, 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever).start()
        yield listening.server_port
        listening.shutdown()


def test_an_answer_with_another_status_fails_the_run() -> None:
    with server(lambda *_: HTTPStatus.CONFLICT) as port, running_driver() as driver:
        job = Job("GET", "/v1/me/home", ["token"], status=200, port=port, seconds=1)
        with pytest.raises(BenchFailed, match="GET /v1/me/home was answered 409"):
            driver.do(job)


def test_our_driver_sends_each_request_once_and_counts_the_other_answer() -> None:
    received: list[str] = []

    def answer(key: str, _: bytes) -> HTTPStatus:
        received.append(key)
        return HTTPStatus.CREATED if len(received) <= 3 else HTTPStatus.CONFLICT

    with server(answer) as port, running_driver() as driver:
        answers = driver.do(
            Job(
                "POST", "/", ["a", "b"], status=201, or_status=409, key="sale", first=5, limit=10,
                port=port, clients=4, seconds=30,
            )
        )  # fmt: skip

    assert sorted(received) == sorted(f"sale-{number}" for number in range(5, 15))
    assert (answers.requests, answers.others, answers.following) == (10, 7, 15)


def test_numbers_count_up_from_request_to_request_and_end() -> None:
    job = Job(
        "POST", "/", ["a", "b"], status=201,
        bodies=['{"x": {number}}', '{"y": {number}}'], numbered_from=100, numbered=3,
    )  # fmt: skip
    plan = plan_of(job)

    sent = [plan.request(number) for number in (1, 2)]

    assert [(request.split(b"Bearer ")[1][:1], request[-10:]) for request in sent] == [
        (b"b", b'{"y": 101}'), (b"a", b'{"x": 102}'),
    ]  # fmt: skip
    assert all(b"Content-Length: 10\r\n" in request for request in sent)
    assert plan.count == 3


def test_bodies_last_for_a_round_of_the_tokens_each_unless_they_go_round() -> None:
    job = Job("POST", "/", ["a", "b"], status=201, bodies=["{1}", "{2}"])

    by_laps, cycled = plan_of(job), plan_of(Job("POST", "/", ["a"], 200, bodies=["{1}", "{2}"],
        is_cycled=True))  # fmt: skip

    assert [by_laps.request(number)[-3:] for number in range(4)] == [
        b"{1}", b"{1}", b"{2}", b"{2}",
    ]  # fmt: skip
    assert by_laps.count == 4
    assert [cycled.request(number)[-3:] for number in range(3)] == [b"{1}", b"{2}", b"{1}"]
    assert cycled.count is None


def part(request: bytes) -> bytes:
    """Return the file of a form."""
    return request.split(b"\r\n\r\n", 2)[2].removesuffix(b"\r\n--photo--\r\n")


def test_a_photo_is_another_file_in_each_round_of_the_tokens(tmp_path: Path) -> None:
    file = tmp_path / "photo.jpg"
    file.write_bytes(saved(picture(), "JPEG"))
    plan = plan_of(Job("POST", "/v1/photos", ["a", "b"], status=201, photo=str(file)))

    photos = [part(plan.request(number)) for number in range(3)]

    assert photos[0] == photos[1] != photos[2]
    assert all(clean_photo(photo).width == picture().width for photo in photos)


def test_wrk_is_told_how_long_how_many_and_where_to_begin() -> None:
    job = Job("GET", "/v1/me/rank", ["a"], 200, port=81, clients=64, seconds=2.5, first=7)

    words = arguments("/usr/bin/wrk", job, Path("/parts"))

    assert words[:4] == ["/usr/bin/wrk", "--threads=2", "--connections=64", "--duration=3s"]
    assert words[-5:] == [f"http://{HOST}:81/v1/me/rank", "--", "/parts", "2", "7"]


@pytest.mark.parametrize(("clients", "threads"), [(1, 1), (3, 1), (64, 2)])
def test_wrk_opens_as_many_connections_as_asked_for(clients: int, threads: int) -> None:
    job = Job("GET", "/", ["a"], 200, clients=clients, seconds=1)

    words = arguments("wrk", job, Path("/parts"))

    # Each of its threads opens as many as any other, so that the rest of a division is missing.
    assert clients % threads == 0
    assert words[1:3] == [f"--threads={threads}", f"--connections={clients}"]
    assert words[-2] == str(threads)


def test_what_wrk_reads_are_pieces_after_their_lengths() -> None:
    job = Job("POST", "/", ["a"], 201, bodies=["{number}"], key="k", numbered_from=10, numbered=9)

    pieces = b"".join(parts_of(plan_of(job)))

    assert pieces.startswith(b"9 0\n2\n10\n21\n\r\nIdempotency-Key: k-\n1\n")
    assert b"\nPOST / HTTP/1.1\r\n" in pieces
    assert pieces.endswith(b"Content-Length: 2\r\n\r\n{number}\n")


def test_wrk_measures_in_microseconds_and_says_what_was_not_sent_yet() -> None:
    answers = answers_of(Job("GET", "/", ["a"], 200), f"Running 2s test @ x{TOLD}", 0.5)

    assert (answers.requests, answers.seconds, answers.following) == (1200, 2.0, 1264)
    assert (answers.p50_ms, answers.p95_ms, answers.p99_ms) == (1.5, 2.5, 4.0)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (200, TOLD.replace('"refused": 0', '"refused": 1')),
        (200, TOLD.replace('"broken": 0', '"broken": 1')),
        (409, TOLD),
        (200, "Running 2s test"),
    ],
)
def test_an_answer_that_wrk_did_not_expect_fails_the_run(status: int, told: str) -> None:
    with pytest.raises(BenchFailed, match="GET /"):
        answers_of(Job("GET", "/", ["a"], status), told, 0.5)


@has_wrk
def test_wrk_sends_what_is_planned_and_nothing_twice(tmp_path: Path) -> None:
    received: list[tuple[str, bytes]] = []
    job = Job(
        "POST", "/", ["a", "b", "c"], status=201, key="k", first=40, clients=4, seconds=1,
        bodies=['{"x": {number}}', '{"y": {number}}'],
        numbered_from=2**53 + 1, numbered=1_000_000,
    )  # fmt: skip
    plan = plan_of(job)

    def answer(key: str, body: bytes) -> HTTPStatus:
        received.append((key, body))
        return HTTPStatus.CREATED

    with server(answer) as port:
        answers = Wrk("wrk", tmp_path).do(replace(job, port=port))

    numbers = [int(key.removeprefix("k-")) for key, _ in received]
    assert len(set(numbers)) == len(numbers) >= answers.requests > 0
    assert 40 <= min(numbers) <= max(numbers) < answers.following
    for number, (_, body) in zip(numbers, received, strict=True):
        assert plan.request(number).endswith(b"\r\n\r\n" + body)


@pytest.mark.parametrize("name", FLOORS.values())
def test_a_floor_as_a_function_has_every_statement_of_its_script(name: str) -> None:
    script = read_script(name)

    function = as_function(name, script)

    assert function.definition.count(";\n") == len(script.statements) + function.definition.count(
        " bigint;\n"
    )
    assert re.search(r"(?<!:):[a-z]", function.definition) is None
