"""How much memory cleaning takes at the most, for photos at the limits and for hostile files.

The ceilings are generous; the point is that a file of kilobytes cannot take gigabytes.
"""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.media.hostile import FILES
from tests.media.measure import STATUS
from tests.media.photos import picture, png_of_size, saved

pytestmark = pytest.mark.skipif(not STATUS.exists(), reason="only Linux tells a program's peak")

PROJECT = Path(__file__).parents[2]
# MiB. A baseline JPEG is shrunk on the way; the others are held whole, a WebP several times.
STREAMED_CEILING = 160
HELD_CEILING = 640
REFUSED_CEILING = 64


def large(mode: str = "RGB", **options: object) -> bytes:
    """24 megapixels at the limit of what is held whole."""
    return saved(picture(6000, 4000, mode=mode), "JPEG", quality=60, **options)


def transparent(file_format: str, **options: object) -> bytes:
    clear = picture(6000, 4000, mode="RGBA")
    clear.paste((0, 0, 0, 0), (3000, 1000, 5000, 3000))
    return saved(clear, file_format, **options)


LEGAL: dict[str, tuple[Callable[[], bytes], int]] = {
    "jpeg of 64 megapixels": (
        lambda: saved(picture(9248, 6920), "JPEG", quality=60), STREAMED_CEILING
    ),
    "jpeg of 12 megapixels": (
        lambda: saved(picture(4032, 3024), "JPEG", quality=90), STREAMED_CEILING
    ),
    "progressive jpeg": (lambda: large(progressive=True, subsampling=0), HELD_CEILING),
    "progressive cmyk jpeg": (lambda: large("CMYK", progressive=True), HELD_CEILING),
    "png": (lambda: saved(picture(6000, 4000), "PNG", compress_level=1), HELD_CEILING),
    "png with transparency": (lambda: transparent("PNG", compress_level=1), HELD_CEILING),
    "png of 16 bits a channel": (lambda: png_of_size(6000, 4000, bits=16, colour=6), HELD_CEILING),
    "webp with transparency": (lambda: transparent("WEBP", quality=50, method=0), HELD_CEILING),
    "lossless webp": (
        lambda: saved(picture(6000, 4000), "WEBP", lossless=True, method=0, quality=0),
        HELD_CEILING,
    ),
}  # fmt: skip


CLAIMS = ("a JPEG that claims 63 megapixels", "a WebP that claims 23 megapixels")
HOSTILE = {name: file for name, file in FILES.items() if name not in CLAIMS}


def expected(name: str) -> str:
    _, problem = FILES[name]
    return "cleaned" if problem is None else problem.code


async def measured(folder: Path, contents: list[bytes]) -> list[tuple[str, int]]:
    """Return what came of each file, and by how many MiB it raised the peak."""
    paths = [folder / str(number) for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.media.measure", *map(str, paths),
        cwd=PROJECT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 0
    lines = [line.split() for line in said.decode().splitlines()]
    return [(outcome, int(mebibytes)) for outcome, mebibytes, _ in lines]


@pytest.mark.parametrize("name", LEGAL)
async def test_a_photo_at_the_limits_is_cleaned_in_bounded_memory(
    name: str, tmp_path: Path
) -> None:
    make, ceiling = LEGAL[name]
    [(outcome, mebibytes)] = await measured(tmp_path, [make()])
    assert outcome == "cleaned"
    assert mebibytes < ceiling


async def test_all_hostile_files_one_after_another_take_little_memory(tmp_path: Path) -> None:
    found = await measured(tmp_path, [make() for make, _ in HOSTILE.values()])
    assert [outcome for outcome, _ in found] == [expected(name) for name in HOSTILE]
    assert sum(mebibytes for _, mebibytes in found) < REFUSED_CEILING


@pytest.mark.parametrize("name", CLAIMS)
async def test_a_small_file_that_claims_to_be_large_takes_no_more_than_a_large_one(
    name: str, tmp_path: Path
) -> None:
    make, _ = FILES[name]
    [(outcome, mebibytes)] = await measured(tmp_path, [make()])
    assert outcome == expected(name)
    assert mebibytes < HELD_CEILING
