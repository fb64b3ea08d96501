"""README's five-minute tour, every command of it, on a fresh first run."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.test_commands import PATIENCE, RUN, free_port, serving

README = Path(__file__).parents[2] / "README.md"


# What the commands print, and how often.
SHOWN = {
    '"posted_points":30,"held_points":0,"available_points":30': 1,
    '"is_new":true,"points_gained":20': 2,
    '"rank":{"period":"all","rank":13,"places_gained":21}': 1,
    '"is_new":false,"points_gained":20': 1,
    '"kind":"award","state":"proposed"': 1,
    '"result":{"asked_points":50,"moved_points":50,': 1,
    '"can_consume":true': 1,
    '"operation":"consume"': 1,
    '"kind":"spend","points":-50,"balance_points":50': 1,
    '"memo":"社区食堂午餐一份"': 1,
    '"points":100,"rank":1': 1,
    "2 号楼北侧路灯已经三天不亮": 1,
    '"state":"reported","status_name":"待受理","grid_name":"第一网格"': 1,
    '"points_given":5,"points_taken":0': 1,
    "您上报的“路灯不亮”已受理，网格员正在处理。": 1,
    "Proved: this line is sealed in the book, unchanged.": 1,
    "  memo 摘要: 垃圾分类宣传": 1,
}


def tour() -> str:
    """Return the commands of the tour's blocks as one script."""
    text = README.read_text(encoding="utf-8")
    chapter = text.split("## A five-minute tour")[1].split("\n## ")[0]
    return "\n".join(re.findall(r"```bash\n(.*?)```", chapter, re.DOTALL))


def test_every_command_of_the_tour_does_what_readme_shows(folder: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("the tour is written for curl, which is not installed here")
    port = free_port()
    lamp = folder / "lamp.jpg"
    Image.effect_noise((1200, 900), 60).convert("RGB").save(lamp)
    command = folder / "gridpoints"
    command.write_text(f'#!/bin/sh\nexec {shlex.join(RUN)} "$@"\n')
    command.chmod(0o755)
    with serving(port, GRIDPOINTS_DATA_DIR=str(folder / "tour")):
        done = subprocess.run(  # noqa: S603 - our own README
            ["/bin/bash", "-euo", "pipefail", "-c", tour()],
            env=os.environ
            | {
                "BASE": f"http://127.0.0.1:{port}",
                "LAMP": str(lamp),
                "GRIDPOINTS": str(command),
                "PYTHONPATH": str(README.parent),
            },
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    assert done.returncode == 0, done.stderr
    shown = done.stdout
    for part, times in SHOWN.items():
        assert shown.count(part) == times, part
    [root] = re.findall(r"root 根哈希: ([0-9A-F ]+)\n", shown)
    assert shown.count(root) == 2
    assert '"code":' not in shown.replace('"code":"legal_advice"', "")
