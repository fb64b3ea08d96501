"""A checkpoint on paper, for the notice board: once it hangs there, nobody can take it back."""

import json
from dataclasses import dataclass
from datetime import datetime

from app.core import qr
from app.core.calendar import in_zone
from app.core.typesetting import compile_pdf, printable
from app.ledger.seals.notes import parse_note, print_root

# The font has one weight: a thin stroke makes it bold.
_template = """
#set document(title: sys.inputs.title, date: none)
#set page(width: 210mm, height: 297mm, margin: (x: 18mm, top: 17mm, bottom: 14mm))
#set text(font: "Noto Sans CJK SC", lang: "zh", region: "cn", size: 13pt, hyphenate: false,
  fallback: false)
#set par(leading: 0.68em, spacing: 0.8em, justify: true)

#let sheet = json(bytes(sys.inputs.sheet))
#let grey = luma(35%)
#let bold(body) = text(stroke: 0.25pt, body)
#let fixed(size, body) = text(font: "Noto Sans Mono CJK SC", size: size, body)
// A key has no place where one may break it, so it may be broken anywhere.
#let anywhere(words) = words.clusters().map(box).join()
#let block-title(body) = block(above: 6mm, below: 3mm, text(size: 15.5pt, bold(body)))

#align(center)[
  #text(size: 14pt, sheet.community)
  #v(4mm, weak: true)
  #text(size: 28pt, stroke: 0.5pt, "积分账本存证公示")
]
#v(5mm, weak: true)
#line(length: 100%, stroke: 1pt)
#v(4mm, weak: true)
#grid(
  columns: (1fr, auto), column-gutter: 6mm,
  [
    #set par(justify: false)
    #text(fill: grey, "存证时间")
    #v(3mm, weak: true)
    #text(size: 17pt, bold(sheet.day))
    #v(3mm, weak: true)
    #text(size: 17pt, bold(sheet.time))
    #text(size: 10pt, fill: grey, sheet.zone)
    #v(9mm, weak: true)
    #text(fill: grey, "存证编号（即已封存的积分变动笔数）")
    #v(3mm, weak: true)
    #text(size: 24pt, bold(sheet.size))
    #v(9mm, weak: true)
    #text(fill: grey, "账本指纹")
    #v(3.5mm, weak: true)
    #grid(columns: 4, column-gutter: 4.5mm, row-gutter: 3.6mm,
      ..sheet.root.map(group => fixed(14.5pt, bold(group))))
  ],
  align(center)[
    #image(bytes(sheet.code), format: "svg", width: 88mm)
    #v(0.5mm, weak: true)
    #text(size: 10.5pt, fill: grey, "存证原文：扫码可见，拍照留存即是一份副本")
  ],
)
#v(5mm, weak: true)
#line(length: 100%, stroke: 0.5pt + luma(60%))
#v(5mm, weak: true)

#block-title[这是什么]

#sheet.what

#block-title[为什么贴在这里]

#sheet.why

#block-title[怎样核对自己的积分]

#set enum(numbering: "1.", spacing: 0.8em)
+ 打开积分明细，选一笔 #sheet.day#[]之前的积分，按存证编号 #bold(sheet.number) 下载它的“存证凭证”。
+ #sheet.check
+ 如果对不上，请保留凭证和本页照片，告诉居委会或上级街道。

不会操作的居民，可以请家人、网格员或志愿者帮忙。

#v(1fr)
#line(length: 100%, stroke: 0.5pt + luma(60%))
#v(3mm, weak: true)
#grid(columns: (14mm, 1fr), row-gutter: 2.2mm,
  ..sheet.keys.map(key => (
    text(size: 9pt, fill: grey, "公钥"), { set par(justify: false)
      fixed(8.5pt, anywhere(key)) })).flatten())
"""

_WHAT = (
    "社区里每一笔积分的增加、使用、扣除，都按先后顺序封存在积分账本里。全部 {size} 笔合在一起，"
    "算出上面这串“账本指纹”。账本里哪怕只改动或删掉一笔，重新算出的指纹就会完全不同。"
    "指纹里没有任何人的姓名和积分，从中也推算不出来。"
)
_WHY = (
    "电脑里的记录可以修改，贴出来的纸和大家手机里的照片改不了。"
    "今后如果有人改动了 {day}之前的账，就会与这张纸对不上。欢迎拍照留存，照片越多，账本越难作假。"
)
_CHECK = (
    "用核对工具打开凭证（没有网络也可以），填入下面的公钥。工具显示的账本指纹与本页逐组相同，"
    "就说明这一笔在贴出这张纸时已经记在账上，之后没有被改动。"
)


@dataclass(frozen=True, slots=True)
class PostedCheckpoint:
    """What is posted: the note as the log signed it, and the keys it can be checked with."""

    community_name: str
    timezone: str
    note: str
    made_at: datetime
    verifier_keys: tuple[str, ...]


def checkpoint_poster(posted: PostedCheckpoint) -> bytes:
    """Return a page of A4 as PDF; takes 0.3 s of CPU, so this is not for the event loop.

    The code holds the signed note itself, at 88 mm: whoever takes a photo has an outside copy.
    """
    checkpoint, _ = parse_note(posted.note)
    made_at = in_zone(posted.timezone, posted.made_at)
    community = printable(posted.community_name)
    size = f"{checkpoint.size:,}"
    day = f"{made_at.year} 年 {made_at.month} 月 {made_at.day} 日"
    sheet = {
        "community": community,
        "day": day,
        "time": f"{made_at:%H:%M:%S}",
        "zone": "北京时间" if posted.timezone == "Asia/Shanghai" else posted.timezone,
        "size": size,
        "number": str(checkpoint.size),
        "root": print_root(checkpoint.root).split(),
        "code": qr.svg(posted.note),
        "what": _WHAT.format(size=size),
        "why": _WHY.format(day=day),
        "check": _CHECK,
        "keys": posted.verifier_keys,
    }
    title = f"{community} 积分账本存证公示 {checkpoint.size}"
    return compile_pdf(_template, {"title": title, "sheet": json.dumps(sheet)})
