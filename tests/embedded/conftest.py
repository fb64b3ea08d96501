import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from app.core.embedded import EmbeddedPostgres, ServerAddress

REPOSITORY = Path(__file__).parents[2]
A_COPY = """
import sys
from pathlib import Path
from app.core.embedded import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1]), settings={"fsync": "off"}):
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder with a short path, which the server's account may pass when root runs the tests."""
    folder = Path(tempfile.mkdtemp(prefix="gp-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def data_dir() -> Iterator[Path]:
    """A data folder for all tests: its files are made once, and each test leaves them usable."""
    with tempfile.TemporaryDirectory(prefix="gp-") as name:
        Path(name).chmod(0o711)
        with EmbeddedPostgres(Path(name, "data"), settings={"fsync": "off"}):
            pass
        yield Path(name, "data")


@pytest.fixture
def server(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    """A server that is not started; killing processes does not need the disk's own cache."""
    server = EmbeddedPostgres(data_dir, settings={"fsync": "off"})
    yield server
    server.stop()


@pytest.fixture
def ask() -> Callable[..., Any]:
    def ask(address: ServerAddress, query: str, *, role: str = "gridpoints_app") -> Any:
        async def fetch() -> Any:
            engine = create_async_engine(address.url(role, "gridpoints"))
            async with engine.begin() as connection:
                result = await connection.exec_driver_sql(query)
                answer = result.scalar_one() if result.returns_rows else None
            await engine.dispose()
            return answer

        return asyncio.run(fetch())

    return ask


@pytest.fixture
def server_pid(data_dir: Path) -> Callable[[], int]:
    return lambda: int((data_dir / "cluster" / "postmaster.pid").read_text().split()[0])


@pytest.fixture
def another_copy() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a second Python that holds a server until its input is closed."""
    started = []

    def start(data_dir: Path, *, ready: bool = True, **variables: str) -> subprocess.Popen[str]:
        copy = subprocess.Popen(  # noqa: S603 - this Python, and a script of ours
            [sys.executable, "-c", A_COPY, data_dir],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env=os.environ | variables,
            start_new_session=True,
        )
        started.append(copy)
        assert copy.stdout is not None
        assert not ready or copy.stdout.readline() == "ready\n"
        return copy

    yield start
    for copy in started:
        copy.communicate("" if copy.poll() is None else None)
