"""A real S3 server on a loopback port: `rclone serve s3` over a folder."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

RCLONE = Path(sys.executable).with_name("rclone")
BUCKET = "photos"
ACCESS_KEY_ID = "GRIDPOINTSTEST"
SECRET_ACCESS_KEY = "a-secret-for-the-tests"


@dataclass(frozen=True, slots=True)
class S3Server:
    """Where it listens, and the folder that holds its buckets."""

    endpoint: str
    buckets: Path

    @property
    def options(self) -> dict[str, str]:
        return {
            "endpoint": self.endpoint,
            "bucket": BUCKET,
            "region": "us-east-1",
            "access_key_id": ACCESS_KEY_ID,
            "secret_access_key": SECRET_ACCESS_KEY,
        }


@contextmanager
def running_s3(folder: Path) -> Iterator[S3Server]:
    """Start the server with a configuration and a cache of its own; stop it at the end."""
    buckets, home = folder / "buckets", folder / "home"
    (buckets / BUCKET).mkdir(parents=True)
    home.mkdir()
    command = [
        str(RCLONE), "serve", "s3", str(buckets),
        "--config", str(home / "rclone.conf"),
        "--cache-dir", str(home / "cache"),
        "--auth-key", f"{ACCESS_KEY_ID},{SECRET_ACCESS_KEY}",
        "--addr", "127.0.0.1:0",
    ]  # fmt: skip
    with subprocess.Popen(  # noqa: S603 - the command is written above
        command, stderr=subprocess.PIPE, text=True, env={"HOME": str(home)}
    ) as process:
        try:
            yield S3Server(_announced(process), buckets)
        finally:
            process.terminate()


def _announced(process: subprocess.Popen[str]) -> str:
    """Wait until the server says where it listens."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if found := re.search(r"Starting s3 server on \[(http://[\d.:]+)/\]", line):
            return found[1]
    raise AssertionError("rclone did not start: " + "".join(said))
