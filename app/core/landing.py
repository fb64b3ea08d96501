"""The page behind the link of a printed code, for phones that open it in a browser.

It says what was scanned and how to go on; it shows nothing personal and needs no script.
"""

from datetime import datetime

from app.core.code_errors import CodeExpired, CodeForged, CodeUnreadable
from app.core.codes import CodeKind, CodeVerifier

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
}

CHECK_IN = ("活动签到码", "打开微信小程序，点“扫一扫”再扫一次，积分马上到账。")
TEXTS: dict[CodeKind, tuple[str, str]] = {
    CodeKind.ACTIVITY_POSTER: CHECK_IN,
    CodeKind.ACTIVITY_ROTATING: CHECK_IN,
    CodeKind.RESIDENT: ("居民个人码", "请出示给网格员，由网格员扫码为您签到。"),
    CodeKind.PAPER_CARD: ("纸质积分卡", "请出示给网格员扫码；本人也可用小程序扫卡，申请绑定账号。"),
    CodeKind.VOUCHER: ("兑换券", "请出示给商家核销员，由商家扫码核销。"),
    CodeKind.VERIFICATION: ("核销凭证", "这是商家核销时使用的凭证，居民无需扫描。"),
}
EXPIRED = ("二维码已过期", "请回到现场扫描新的二维码，或联系您的网格员。")
FOREIGN = ("不是本平台的二维码", "它不是由网格积分发出的，请勿在此填写个人信息。")

_PAGE = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · 网格积分</title>
<style>
  body {{ margin: 0; min-height: 100vh; display: grid; place-items: center; background: #f3f6f4;
    color: #1d2b24; font: 17px/1.6 system-ui, "PingFang SC", "Noto Sans CJK SC", sans-serif; }}
  main {{ max-width: 22rem; margin: 1.5rem; padding: 2rem 1.75rem; border-radius: 16px;
    background: #fff; box-shadow: 0 6px 30px rgb(20 60 40 / 10%); }}
  small {{ color: #2f7d5b; letter-spacing: .1em; }}
  h1 {{ margin: .25rem 0 .75rem; font-size: 1.5rem; }}
  p {{ margin: 0; }}
</style>
</head>
<body>
<main>
<small>网格积分 GridPoints</small>
<h1>{title}</h1>
<p>{text}</p>
</main>
</body>
</html>
"""


def page(token: str, verifier: CodeVerifier, *, now: datetime) -> tuple[str, bool]:
    """Return the page for a scanned token, and whether we issued it."""
    try:
        title, text = TEXTS[verifier.verify(token, now=now).kind]
    except CodeExpired:
        title, text = EXPIRED
    except (CodeForged, CodeUnreadable):
        return _PAGE.format(title=FOREIGN[0], text=FOREIGN[1]), False
    return _PAGE.format(title=title, text=text), True
