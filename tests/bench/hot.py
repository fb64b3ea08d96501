"""The hot requests, each measured over HTTP and, where there is one, beside its floor."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from app.core.transactions import system_clock
from tests.bench.driver import Job
from tests.bench.hazards import report_bodies
from tests.bench.processes import cpu_seconds
from tests.bench.size import Size
from tests.bench.stage import Stage

CHECK_IN, REDEEM, REPORT, PREPARE, CONSUME, MY_RANK, HOME, UPLOAD = NAMES = (
    "check-in", "redeem", "report", "prepare", "consume", "my rank", "home", "upload",
)  # fmt: skip
FLOORS = {
    CHECK_IN: "check_in", REDEEM: "redeem", REPORT: "report", MY_RANK: "my_rank", HOME: "home",
}  # fmt: skip
WARM_UP_SECONDS = 1.0
TOKENS_SECONDS = 300.0
# A voucher is looked at once, as in a shop; prepare is not so much faster than redeem.
VOUCHERS_PER_REDEMPTION = 4
SPARE_VOUCHERS = 100
MICROSECONDS = 1_000_000

Figures = dict[str, float]
Vouchers = Sequence[tuple[int, str]]


class Bench:
    """Measures on a stage; remembers which requests were sent, so that none is repeated."""

    def __init__(self, stage: Stage, size: Size) -> None:
        self._stage = stage
        self._size = size
        self._sent: Counter[str] = Counter()

    def warm_up(self) -> None:
        """Let the API verify every token, open its connections and prepare its statements."""
        stage, clients = self._stage, max(self._size.clients)
        tokens = stage.scene.tokens
        balance = Job("GET", "/v1/me/balance", tokens, status=200, limit=len(tokens))
        stage.driver.do(self._for(balance, clients, TOKENS_SECONDS))
        seconds = min(WARM_UP_SECONDS, self._size.seconds / 2)
        by_residents = self._jobs_of_residents() | {UPLOAD: self._upload()}
        for name, job in by_residents.items():
            self._over_http(name, job, clients, seconds)
        vouchers = stage.new_vouchers(SPARE_VOUCHERS)
        for job in self._jobs_of_clerks(vouchers).values():
            stage.driver.do(self._for(job, clients, seconds))

    def measure(self, clients: int, *, floor_first: bool) -> dict[str, Figures]:
        """Measure every hot request once."""
        measured = {}
        for name, job in self._jobs_of_residents().items():
            floor = self._floor(name, clients) if floor_first else {}
            figures = self._over_http(name, job, clients, self._size.seconds)
            floor = floor or self._floor(name, clients)
            measured[name] = figures | floor | ratios(figures, floor)
        expected = measured[REDEEM]["per_second"] * self._size.seconds
        vouchers = self._stage.new_vouchers(
            int(expected * VOUCHERS_PER_REDEMPTION) + SPARE_VOUCHERS
        )
        for name, job in self._jobs_of_clerks(vouchers).items():
            self._sent[name] = 0
            measured[name] = self._over_http(name, job, clients, self._size.seconds)
        # Last: what it leaves to be written to the disk is much.
        measured[UPLOAD] = self._over_http(UPLOAD, self._upload(), clients, self._size.seconds)
        return {name: measured[name] for name in NAMES}

    def _over_http(self, name: str, job: Job, clients: int, seconds: float) -> Figures:
        api, server = self._stage.api.pid, self._stage.server_pid
        job = replace(self._for(job, clients, seconds), first=self._sent[name])
        api_before, server_before = cpu_seconds(api), cpu_seconds(server)
        answers = self._stage.driver.do(job)
        api_used = cpu_seconds(api) - api_before
        server_used = cpu_seconds(server) - server_before
        self._sent[name] += answers.requests
        each = MICROSECONDS / answers.requests
        return {
            "requests": answers.requests,
            "per_second": answers.requests / answers.seconds,
            "p50_ms": answers.p50_ms,
            "p95_ms": answers.p95_ms,
            "p99_ms": answers.p99_ms,
            "app_us": api_used * each,
            "postgres_us": server_used * each,
            "driver_us": answers.cpu_seconds * each,
        }

    def _floor(self, name: str, clients: int) -> Figures:
        floor = self._stage.pgbench.run(
            FLOORS[name], clients=clients, seconds=self._size.seconds, now=system_clock()
        )
        return {
            "floor_per_second": floor.per_second,
            "floor_pgbench_us": floor.pgbench_us,
            "floor_postgres_us": floor.postgres_us,
        }

    def _for(self, job: Job, clients: int, seconds: float) -> Job:
        return replace(job, port=self._stage.api.port, clients=clients, seconds=seconds)

    def _jobs_of_residents(self) -> dict[str, Job]:
        scene = self._stage.scene
        redeem = f"/v1/rewards/{scene.town.reward_id}/redeem"
        scans = [json.dumps({"code": poster}) for poster in scene.posters]
        tokens, hazards = scene.tokens, scene.town.hazards
        return {
            CHECK_IN: Job("POST", "/v1/me/check-ins", tokens, status=201, bodies=scans),
            REDEEM: Job("POST", redeem, tokens, status=201, has_key=True),
            REPORT: Job(
                "POST", "/v1/cases", tokens,
                status=201, contains='"points_gained":3', bodies=report_bodies(), has_key=True,
                numbered_from=hazards.first_photo, numbered=hazards.photos,
            ),
            MY_RANK: Job("GET", "/v1/me/rank", tokens, status=200),
            HOME: Job("GET", "/v1/me/home", tokens, status=200),
        }  # fmt: skip

    def _upload(self) -> Job:
        tokens, photo = self._stage.scene.tokens, str(self._stage.photo)
        return Job("POST", "/v1/photos", tokens, status=201, photo=photo)

    def _jobs_of_clerks(self, vouchers: Vouchers) -> dict[str, Job]:
        scene = self._stage.scene
        shop_id = str(scene.town.shop_id)
        looks = [json.dumps({"shop_id": shop_id, "code": code}) for _, code in vouchers]
        confirmations = [
            json.dumps({"shop_id": shop_id, "code": code, "out_request_no": f"till-{number}"})
            for number, code in vouchers
        ]
        clerk, path = [scene.clerk_token], "/v1/merchant/vouchers"
        return {
            PREPARE: Job(
                "POST", f"{path}/prepare", clerk,
                status=200, contains='"can_consume":true', bodies=looks,
            ),
            CONSUME: Job("POST", f"{path}/consume", clerk, status=200, bodies=confirmations),
        }  # fmt: skip


def ratios(figures: Figures, floor: Figures) -> Figures:
    """Compare a request with its floor: how often, and for how much processor time."""
    used = figures["app_us"] + figures["postgres_us"]
    return {
        "rate_ratio": figures["per_second"] / floor["floor_per_second"],
        "cpu_ratio": used / floor["floor_postgres_us"] if floor["floor_postgres_us"] else 0.0,
    }
