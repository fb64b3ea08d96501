"""Measures the hot requests on a stage, each in turn with its floors."""

import math
from collections import Counter
from dataclasses import replace

from app.core.transactions import system_clock
from tests.bench import hot
from tests.bench.errors import BenchFailed
from tests.bench.hot import MICROSECONDS, Figures
from tests.bench.plan import Answers, Job
from tests.bench.processes import cpu_seconds
from tests.bench.size import COUNTED, Size
from tests.bench.stage import Stage

TOKENS_SECONDS = 300.0
WARM_UP_SECONDS = 1.0
LOOKED_AT = 500  # vouchers to prepare
# To confirm a voucher is more work than to look at one.
MORE = 1.3
SPARE_VOUCHERS = 200
PIECES = 100
SHOPPERS = 5_000
SALE_SECONDS = 300.0


class Bench:
    """Remembers which requests were sent, so that none is repeated."""

    def __init__(self, stage: Stage, size: Size, *, with_upload: bool) -> None:
        self._stage = stage
        self._size = size
        self._with_upload = with_upload
        self._following: Counter[str] = Counter()
        self._statements: dict[str, float] = {}

    def warm_up(self) -> None:
        """Let the API verify every token, open its connections and prepare its statements.

        Our own driver sends, which looks at every answer.
        """
        stage, clients = self._stage, max(self._size.clients)
        stage.pgbench.add_functions([hot.FLOORS[name] for name in hot.FUNCTIONS])
        seconds = min(WARM_UP_SECONDS, self._size.seconds / 2)
        casts = [cast for cast in (stage.scene.cast, stage.scene.smaller) if cast is not None]
        for cast in casts:
            tokens = cast.tokens
            balance = Job("GET", "/v1/me/balance", tokens, status=200, limit=len(tokens))
            stage.driver.do(self._for(balance, clients, TOKENS_SECONDS))
        for name, job in hot.jobs_of_residents(stage.scene.cast).items():
            self._send(name, self._for(job, clients, seconds), checked=True)
        vouchers = stage.new_vouchers(SPARE_VOUCHERS)
        prepare, consume = self._jobs_of_clerks(vouchers)
        stage.driver.do(self._for(prepare, clients, seconds))
        stage.driver.do(self._for(consume, clients, seconds))

    def count_statements(self) -> None:
        """Count what a request sends to PostgreSQL, one client and nothing else being there."""
        stage = self._stage
        limit = max(1, min(COUNTED, round(COUNTED * self._size.seconds)))
        prepare, consume = self._jobs_of_clerks(stage.new_vouchers(limit))
        clerks = {hot.PREPARE: prepare, hot.CONSUME: consume}
        jobs = hot.jobs_of_residents(stage.scene.cast) | clerks
        with stage.logging_statements():
            for name, job in jobs.items():
                before = stage.statements_so_far()
                few = replace(self._for(job, 1, TOKENS_SECONDS), limit=limit)
                answers = (
                    stage.driver.do(few) if name in clerks else self._send(name, few, checked=True)
                )
                count = stage.statements_so_far() - before
                self._statements[name] = count / answers.requests

    def measure(self, clients: int, *, floor_first: bool) -> dict[str, Figures]:
        """Measure every hot request once."""
        measured = {}
        for name, job in hot.jobs_of_residents(self._stage.scene.cast).items():
            floors = self._floors(name, clients) if floor_first else {}
            figures = self._over_http(name, job, clients)
            floors = floors or self._floors(name, clients)
            smaller = self._among_fewer(name, clients)
            measured[name] = figures | floors | compared(figures, floors) | smaller
            measured[name] |= by_size(measured[name])
        measured |= self._measure_clerks(clients)
        if self._with_upload:
            # Last: what it leaves to be written to the disk is much.
            job = hot.upload_job(self._stage.scene.cast, str(self._stage.photo()))
            measured[hot.UPLOAD] = self._over_http(hot.UPLOAD, job, clients, checked=True)
        names = (*hot.NAMES, hot.UPLOAD)
        return {name: measured[name] for name in names if name in measured}

    def sell(self, clients: int) -> Figures:
        """Let thousands want one of a hundred pieces; raises BenchFailed if one too many is sold.

        All of them ask once, and every answer is read by our own driver.
        """
        stage = self._stage
        tokens = stage.scene.cast.tokens[:SHOPPERS]
        before, _ = stage.sold()
        stage.put_on_sale(PIECES)
        sale = replace(
            hot.writing_jobs(stage.scene.cast)[hot.SALE],
            tokens=tokens, or_status=409, key=f"rush-{before}", limit=len(tokens),
        )  # fmt: skip
        answers = stage.driver.do(self._for(sale, clients, SALE_SECONDS))
        after, left = stage.sold()
        told, sold = answers.requests - answers.others, after - before
        expected = min(PIECES, len(tokens))
        if (told, sold, left) != (expected, expected, PIECES - expected):
            raise BenchFailed(
                f"Of {expected} pieces {told} were promised and {sold} sold, {left} are left."
            )
        stage.put_on_sale(10**9)
        return {
            "clients": clients, "pieces": expected, "residents": len(tokens), "sold": sold,
            "oversold": sold - expected, "seconds": answers.seconds,
        }  # fmt: skip

    def _measure_clerks(self, clients: int) -> dict[str, Figures]:
        prepare, _ = self._jobs_of_clerks(self._stage.new_vouchers(LOOKED_AT))
        looks = self._over_http(hot.PREPARE, prepare, clients)
        expected = math.ceil(looks["per_second"] * self._size.seconds * MORE)
        _, consume = self._jobs_of_clerks(self._stage.new_vouchers(expected + SPARE_VOUCHERS))
        self._following[hot.CONSUME] = 0
        return {
            hot.PREPARE: looks,
            hot.CONSUME: self._over_http(hot.CONSUME, consume, clients),
        }

    def _jobs_of_clerks(self, vouchers: hot.Vouchers) -> tuple[Job, Job]:
        cast = self._stage.scene.cast
        return hot.prepare_job(cast, vouchers), hot.consume_job(cast, vouchers)

    def _among_fewer(self, name: str, clients: int) -> Figures:
        smaller = self._stage.scene.smaller
        if smaller is None or name not in hot.BY_SIZE:
            return {}
        job = hot.jobs_of_residents(smaller)[name]
        figures = self._over_http(f"{name}, fewer", job, clients)
        return {f"fewer_{figure}": figures[figure] for figure in ("app_us", "postgres_us")}

    def _over_http(self, name: str, job: Job, clients: int, *, checked: bool = False) -> Figures:
        self._stage.let_fold()
        api, server = self._stage.api.pid, self._stage.server_pid
        api_before, server_before = cpu_seconds(api), cpu_seconds(server)
        answers = self._send(name, self._for(job, clients, self._size.seconds), checked=checked)
        api_used = cpu_seconds(api) - api_before
        server_used = cpu_seconds(server) - server_before
        each = MICROSECONDS / answers.requests
        counted = {"statements": self._statements[name]} if name in self._statements else {}
        return counted | {
            "requests": answers.requests,
            "per_second": answers.requests / answers.seconds,
            "p50_ms": answers.p50_ms,
            "p95_ms": answers.p95_ms,
            "p99_ms": answers.p99_ms,
            "app_us": api_used * each,
            "postgres_us": server_used * each,
            "driver_us": answers.cpu_seconds * each,
        }

    def _send(self, name: str, job: Job, *, checked: bool) -> Answers:
        """Send what follows on what was sent before; `checked` by our own driver."""
        job = replace(job, first=self._following[name])
        driver = self._stage.driver if checked or self._stage.wrk is None else self._stage.wrk
        answers = driver.do(job)
        self._following[name] = answers.following
        return answers

    def _floors(self, name: str, clients: int) -> Figures:
        if name not in hot.FLOORS:
            return {}
        floors = self._floor(name, clients, "floor", is_function=False)
        if name in hot.FUNCTIONS:
            floors |= self._floor(name, clients, "function", is_function=True)
        return floors

    def _floor(self, name: str, clients: int, kind: str, *, is_function: bool) -> Figures:
        self._stage.let_fold()
        floor = self._stage.pgbench.run(
            hot.FLOORS[name],
            clients=clients,
            seconds=self._size.seconds,
            now=system_clock(),
            is_function=is_function,
        )
        return {
            f"{kind}_per_second": floor.per_second,
            f"{kind}_pgbench_us": floor.pgbench_us,
            f"{kind}_postgres_us": floor.postgres_us,
        }

    def _for(self, job: Job, clients: int, seconds: float) -> Job:
        return replace(job, port=self._stage.api.port, clients=clients, seconds=seconds)


def compared(figures: Figures, floors: Figures) -> Figures:
    """Compare a request with its floors: how often, and for how much processor time."""
    used = figures["app_us"] + figures["postgres_us"]
    ratios = {}
    for kind, prefix in (("floor", ""), ("function", "function_")):
        if f"{kind}_per_second" in floors:
            cost = floors[f"{kind}_postgres_us"]
            ratios[f"{prefix}rate_ratio"] = figures["per_second"] / floors[f"{kind}_per_second"]
            ratios[f"{prefix}cpu_ratio"] = used / cost if cost else 0.0
    return ratios


def by_size(figures: Figures) -> Figures:
    """Compare a request with the same one among fewer residents."""
    if "fewer_app_us" not in figures:
        return {}
    fewer = figures["fewer_app_us"] + figures["fewer_postgres_us"]
    return {"size_ratio": (figures["app_us"] + figures["postgres_us"]) / fewer if fewer else 0.0}
