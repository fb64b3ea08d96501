"""Links and scans: a token is found however a scanner handed it over."""

from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st

from app.core import codes
from app.core.code_errors import CodeUnreadable
from app.core.codes import Code, CodeKind

TOKEN = codes.sign_code(
    Code(CodeKind.ACTIVITY_POSTER, 42, 1_234_567, datetime(2026, 11, 21, tzinfo=UTC)),
    key_id=1,
    private_key=Ed25519PrivateKey.from_private_bytes(bytes(range(32))),
)
LINK = f"https://hz.example.cn/c/{TOKEN}"
QUOTED_TOKEN = TOKEN.replace(".", "%2E")


@pytest.mark.parametrize(
    "scanned",
    [
        TOKEN,
        f"  {TOKEN}\r\n",
        f"\ufeff{TOKEN}",
        f"\u3000{TOKEN}\u200b",
        f"\u00a0{TOKEN}",
        LINK,
        f"\ufeff {LINK}\n",
        f"{LINK}/",
        f"{LINK}?from=poster&scene=1",
        f"{LINK}#top",
        f"{LINK}?a=1\n2",
        f"{LINK}?code={'A' * 111}",
        f"HTTPS://HZ.EXAMPLE.CN/c/{TOKEN}",
        f"http://127.0.0.1:8000/c/{TOKEN}",
        f"https://example.cn/gridpoints/c/{TOKEN}",
        f"https://[::1]:8000/c/{TOKEN}",
        f"https://hz.example.cn/c/{QUOTED_TOKEN}",
        f"pages/check-in/index?code={TOKEN}",
        f"/pages/check-in/index?code={TOKEN}",
        f"pages/check-in/index.html?from=1&code={TOKEN}&to=2",
        f"pages/check-in/index?code={QUOTED_TOKEN}",
        f"pages/check-in/index?scene={TOKEN}",
        f"pages/check-in/index?scene={quote(QUOTED_TOKEN, safe='')}",
        f"pages/check-in/index?q={quote(LINK, safe='')}",
        f"pages/check-in/index?q={quote(quote(LINK, safe=''), safe='')}&scancode_time=1795219200",
        f"pages/check-in/index?q={quote(f'{LINK}?a=1&b=2', safe='')}",
        f"pages/check-in/index?scene=poster&code={TOKEN}",
    ],
)
def test_the_token_is_found(scanned: str) -> None:
    assert codes.token_of(scanned) == TOKEN


@pytest.mark.parametrize(
    "scanned",
    [
        "",
        "   ",
        "\ufeff",
        TOKEN[:-1],
        f"{TOKEN}A",
        f"x{TOKEN}",
        TOKEN.replace(".", ""),
        f"{TOKEN} {TOKEN}",
        f"{codes.HEADER}.{TOKEN}",
        "https://hz.example.cn/c/",
        f"https://hz.example.cn/d/{TOKEN}",
        f"https://hz.example.cn/c/{TOKEN}/more",
        f"https:///c/{TOKEN}",
        f"weixin://hz.example.cn/c/{TOKEN}",
        f"javascript:/c/{TOKEN}",
        f"/c/{TOKEN}",
        "pages/check-in/index?code=",
        "pages/check-in/index?code",
        f"pages/check-in/index?token={TOKEN}",
        f"pages/check-in/index#code={TOKEN}",
        "https://[/c/",
        "6901234567892",
        "扫码签到",
        "\ud800",
        "%" * 2_000,
        "&" * 2_000,
        "?" + "code=1&" * 250,
        f"{LINK}?{'a' * 2_000}",
        "A" * 1_000_000,
    ],
)
def test_anything_else_is_unreadable(scanned: str) -> None:
    with pytest.raises(CodeUnreadable):
        codes.token_of(scanned)


def test_2000_characters_are_looked_at_and_not_one_more() -> None:
    padding = "a" * (2_000 - len(LINK) - 1)
    assert codes.token_of(f"{LINK}?{padding}") == TOKEN
    with pytest.raises(CodeUnreadable):
        codes.token_of(f"{LINK}?{padding}a")


@given(scanned=st.text(st.characters()))
@example(scanned="https://[v1.\ud800]/c/?q=%ff%00")
def test_no_scan_breaks_the_reader(scanned: str) -> None:
    for text in (scanned, f"https://{scanned}", f"pages/index?q={scanned}"):
        with pytest.raises(CodeUnreadable):
            codes.token_of(text)


@pytest.mark.parametrize("base_url", ["https://hz.example.cn", "https://hz.example.cn/"])
def test_a_link_leads_back_to_its_token(base_url: str) -> None:
    link = codes.link_of(TOKEN, base_url=base_url)
    assert link == LINK
    assert codes.token_of(link) == TOKEN


def test_a_base_address_may_have_38_characters() -> None:
    longest = "https://" + "h" * 27 + ".cn"
    assert len(longest) == 38
    assert len(codes.link_of(TOKEN, base_url=longest)) == codes.LONGEST_LINK == 152
    with pytest.raises(ValueError, match="too long"):
        codes.link_of(TOKEN, base_url=f"{longest}n")
