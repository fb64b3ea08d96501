"""The sheet for the notice board, read back from the PDF."""

from datetime import UTC, datetime
from hashlib import sha256

import pypdfium2 as pdfium  # type: ignore[import-untyped]
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image

from app.ledger.seals.notes import Checkpoint, KeyKind, sign_checkpoint, verifier_key
from app.ledger.seals.poster import PostedCheckpoint, checkpoint_poster
from tests.ledger.seals.checker import Checker
from tests.support.caller import problem_code
from tests.support.scanner import read_qr_codes

ORIGIN = "points.example.cn/communities/181930429120512000"
ROOT = sha256(b"a root").digest()
MM = 72 / 25.4


def make_posted(
    *, keys: int = 2, size: int = 128_456, origin: str = ORIGIN, name: str = "阳光社区"
) -> PostedCheckpoint:
    private_keys = [Ed25519PrivateKey.generate() for _ in range(keys)]
    return PostedCheckpoint(
        community_name=name,
        timezone="Asia/Shanghai",
        note=sign_checkpoint(Checkpoint(origin, size, ROOT), private_keys),
        made_at=datetime(2026, 11, 18, 17, 4, 30, tzinfo=UTC),
        verifier_keys=tuple(str(verifier_key(origin, KeyKind.LOG, key)) for key in private_keys),
    )


def read(pdf: bytes) -> list[str]:
    """Return each page's text without spaces and breaks of lines."""
    document = pdfium.PdfDocument(pdf)
    pages = ["".join(page.get_textpage().get_text_range().split()) for page in document]
    document.close()
    return pages


def printed(pdf: bytes, *, dots_per_inch: int) -> Image.Image:
    document = pdfium.PdfDocument(pdf)
    image: Image.Image = document[0].render(scale=dots_per_inch / 72).to_pil().convert("L")
    document.close()
    return image


def test_a_poster_tells_what_when_and_how_to_check_it() -> None:
    posted = make_posted()

    [page] = read(checkpoint_poster(posted))

    assert page.startswith("阳光社区积分账本存证公示")
    # Five past one in the morning of the next day in Shanghai.
    assert "2026年11月19日01:04:30北京时间" in page
    assert "存证编号（即已封存的积分变动笔数）128,456" in page
    assert ROOT.hex().upper() in page
    assert "按存证编号128456下载" in page
    for title in ("这是什么", "为什么贴在这里", "怎样核对自己的积分"):
        assert title in page
    assert page.count("公钥points") == 2
    assert all(key in page for key in posted.verifier_keys)


@pytest.mark.parametrize("dots_per_inch", [80, 150])
def test_a_phone_reads_the_whole_note_from_the_poster(dots_per_inch: int) -> None:
    posted = make_posted()
    page = printed(checkpoint_poster(posted), dots_per_inch=dots_per_inch)
    [code] = read_qr_codes(page)
    assert code.bytes == posted.note.encode()
    corner = code.position
    side_mm = (corner.top_right.x - corner.top_left.x) / dots_per_inch * 25.4
    assert side_mm > 60


@pytest.mark.parametrize(
    "unusual",
    [
        {"name": "W" * 60},
        {"name": "阳光" * 30},
        {"origin": "a" * 200 + ".example.cn/communities/9223372036854775807"},
        {"size": 2**53, "keys": 1},
    ],
)
def test_a_poster_is_one_page_of_a4_whatever_stands_on_it(unusual: dict[str, object]) -> None:
    posted = make_posted(**unusual)  # type: ignore[arg-type]
    pdf = checkpoint_poster(posted)
    page = pdfium.PdfDocument(pdf)[0]
    assert (page.get_width() / MM, page.get_height() / MM) == pytest.approx((210, 297), abs=0.1)
    assert len(read(pdf)) == 1
    [code] = read_qr_codes(printed(pdf, dots_per_inch=150))
    assert code.bytes == posted.note.encode()


def test_the_same_checkpoint_is_the_same_file() -> None:
    posted = make_posted()
    assert checkpoint_poster(posted) == checkpoint_poster(posted)


@pytest.mark.parametrize("name", ["committee-1", "worker-2"])
async def test_staff_print_a_checkpoint_of_their_own_community(checker: Checker, name: str) -> None:
    await checker.here.give("resident-1", "survey")
    await checker.seal()
    caller = await checker.here.caller(name)

    answer = await caller.get("/v1/staff/checkpoints/1/poster")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    [page] = read(answer.content)
    checkpoint = await checker.checkpoint(1)
    assert checkpoint.root.hex().upper() in page
    [key] = await checker.keys()
    assert str(key) in page
    [code] = read_qr_codes(printed(answer.content, dots_per_inch=100))
    assert code.text == (await checker.read("/checkpoints/1"))["note"]


async def test_a_key_that_was_revoked_is_not_hung_up(checker: Checker) -> None:
    await checker.here.give("resident-1", "survey")
    await checker.seal()
    await checker.rotate()
    await checker.revoke(1)
    [second] = await checker.keys()
    caller = await checker.here.caller("committee-1")

    by_it_alone = await caller.get("/v1/staff/checkpoints/1/poster")
    by_two = await caller.get("/v1/staff/checkpoints/2/poster")

    code = "signing_key_revoked"
    assert (by_it_alone.status_code, problem_code(by_it_alone)) == (409, code)
    assert by_two.status_code == 200
    [page] = read(by_two.content)
    assert page.count("公钥points") == 1
    assert str(second) in page


async def test_a_checkpoint_that_was_never_made_cannot_be_printed(checker: Checker) -> None:
    caller = await checker.here.caller("committee-1")
    answer = await caller.get("/v1/staff/checkpoints/1/poster")
    assert (answer.status_code, problem_code(answer)) == (404, "checkpoint_unknown")


@pytest.mark.parametrize("name", ["resident-1", "clerk-1"])
async def test_a_resident_and_a_clerk_print_nothing(checker: Checker, name: str) -> None:
    caller = await checker.here.caller(name)
    answer = await caller.get("/v1/staff/checkpoints/1/poster")
    assert (answer.status_code, problem_code(answer)) == (403, "forbidden")
