"""A picture of what a request costs, beside its floor: bars, as SVG, for light and dark pages."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from tests.bench.hot import FLOORS
from tests.bench.report import counted, described, shown

WIDTH, LEFT, RIGHT = 860, 118, 180
TOP, BAR, GAP, BETWEEN, BOTTOM = 104, 15, 3, 17, 56
# The same hues on both; checked for contrast against white and against GitHub's dark page.
STYLE = """
  text { font: 13px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
  .title { font-size: 17px; font-weight: 600 }
  .quiet { fill: #59636e; font-size: 12px }
  .name { text-anchor: end; font-weight: 600 }
  .app { fill: #2f81f7 } .pg { fill: #2da44e } .floor { fill: #8c959f }
  .axis { stroke: #d1d9e0 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .quiet { fill: #9198a1 } .axis { stroke: #3d444d }
    .pg { fill: #3fb950 } .floor { fill: #6e7681 }
  }
"""


def draw(document: Mapping[str, Any]) -> str:
    """Return the chart for the largest number of clients."""
    clients = max(document["size"]["clients"])
    rows = [
        (row["request"], {name: figure["median"] for name, figure in row["summary"].items()})
        for row in document["results"]
        if row["clients"] == clients and row["request"] in FLOORS
    ]
    each = 2 * BAR + GAP + BETWEEN
    height = TOP + each * len(rows) + BOTTOM
    scale = (WIDTH - LEFT - RIGHT) / max(most_of(figures) for _, figures in rows)
    parts = [*header(document, clients), *legend()]
    for position, (name, figures) in enumerate(rows):
        parts += bars(name, figures, TOP + position * each, scale)
    parts += footer(document, height)
    body = "\n".join(f"  {part}" for part in parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
        f' width="{WIDTH}" height="{height}">\n<style>{STYLE}</style>\n{body}\n</svg>\n'
    )


def most_of(figures: Mapping[str, float]) -> float:
    return max(figures["app_us"] + figures["postgres_us"], figures["floor_postgres_us"])


def header(document: Mapping[str, Any], clients: int) -> Iterator[str]:
    title = "Processor time of one request, beside what the database alone takes"
    size, machine = document["size"], document["machine"]
    details = (
        f"µs, medians of {size['rounds']} × {size['seconds']:g} s; {counted(clients)}"
        f" ({machine['driver']}), {size['residents']:,} residents"
    )
    yield f"<title>{escape(title)}</title>"
    yield text(16, 28, title, "title")
    yield text(16, 50, details, "quiet")


def legend() -> Iterator[str]:
    at = 16
    for name, words in (
        ("app", "API"),
        ("pg", "PostgreSQL"),
        ("floor", "the floor: PostgreSQL, the same work as separate statements from pgbench"),
    ):
        yield rectangle(at, 68, 12, name, height=12)
        yield text(at + 18, 79, words, "quiet")
        at += 36 + 7 * len(words)


def bars(name: str, figures: Mapping[str, float], top: float, scale: float) -> Iterator[str]:
    """Yield two bars: the request, in its two parts, and its floor."""
    app, pg, floor = (figures[key] for key in ("app_us", "postgres_us", "floor_postgres_us"))
    lower = top + BAR + GAP
    yield text(LEFT - 10, top + BAR + GAP / 2 + 5, name, "name")
    yield rectangle(LEFT, top, app * scale, "app")
    yield rectangle(LEFT + app * scale, top, pg * scale, "pg")
    yield rectangle(LEFT, lower, floor * scale, "floor")
    ratio = f" · {shown(figures['cpu_ratio'])} × the floor" if figures["cpu_ratio"] else ""
    yield text(LEFT + (app + pg) * scale + 8, top + BAR - 3, f"{shown(app + pg)}{ratio}", "")
    yield text(LEFT + floor * scale + 8, lower + BAR - 3, shown(floor), "quiet")


def footer(document: Mapping[str, Any], height: float) -> Iterator[str]:
    line = height - BOTTOM + 8
    yield f'<line class="axis" x1="16" y1="{line}" x2="{WIDTH - 16}" y2="{line}"/>'
    yield text(16, line + 22, described(document["machine"]), "quiet")


def text(left: float, base: float, words: str, kind: str) -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{left:.1f}" y="{base:.1f}"{named}>{escape(words)}</text>'


def rectangle(left: float, top: float, width: float, kind: str, *, height: float = BAR) -> str:
    return (
        f'<rect class="{kind}" x="{left:.1f}" y="{top:.1f}" width="{max(width, 0.5):.1f}"'
        f' height="{height}"/>'
    )
