"""The job worker's part in a test: what waits is done at once, by the worker's own functions."""

from collections.abc import Sequence

from fastapi import FastAPI
from sqlalchemy import text

from app.core.database import Record
from app.jobs import JOBS, SCHEDULES, WorkerContext
from app.wiring import outside_of
from app.worker import ask_for


def worker_of(app: FastAPI) -> WorkerContext:
    """Return what a worker beside this application works with."""
    return WorkerContext(app.state.sessionmaker, app.state.clock, outside_of(app.state))


async def work_off(app: FastAPI) -> list[str]:
    """Run the jobs that wait, in their order, until there are none; return their names."""
    worker = worker_of(app)
    done: list[str] = []
    while jobs := await _take_jobs(worker):
        for job in jobs:
            await JOBS[job.entrypoint](worker, job.payload or b"")
            done.append(job.entrypoint)
    return done


async def come_round(app: FastAPI, schedule: str) -> list[str]:
    """Let a schedule ask for its jobs (`every_minute`, `every_night`) and work them off."""
    worker = worker_of(app)
    _, wanted = SCHEDULES[schedule]
    for name in wanted:
        await ask_for(worker, name)
    return await work_off(app)


async def _take_jobs(worker: WorkerContext) -> Sequence[Record]:
    async with worker.sessionmaker.begin() as session:
        jobs = (await session.execute(text("SELECT * FROM pgqueuer ORDER BY id"))).all()
        await session.execute(text("DELETE FROM pgqueuer"))
    return jobs
