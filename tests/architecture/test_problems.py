"""Problems: codes one can branch on, texts that people read in their own language."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from string import Formatter

import httpx
import pytest

import app.api
from app.core.problem_handlers import problem_body
from app.core.problems import CATEGORIES, Problem, all_problems

# Importing the API imports every room, and with it every problem.
APP = Path(app.api.__file__).parent
CHINESE = re.compile(r"[\u4e00-\u9fff]")
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,;:!?.()]|[,;:!?()][\u4e00-\u9fff]")
# Names that stay as they are in Chinese.
LATIN_NAMES = re.compile(
    r"\{\w+\}|Idempotency-Key|out_request_no|request_id|HEIC|JPEG|MB|XLSX|CSV|UTF-8|GB18030"
)
ANY_NUMBER = 7


def subclasses(kind: type[Problem]) -> Iterator[type[Problem]]:
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


PROBLEMS = [kind for kind in subclasses(Problem) if kind.__module__.startswith("app.")]


def placeholders(template: str | None) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template or "") if name}


def raised_with() -> dict[str, list[set[str]]]:
    """Return, for every class by name, the keywords of each call that makes one."""
    found: dict[str, list[set[str]]] = {}
    names = {kind.__name__ for kind in PROBLEMS}
    for path in APP.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            # `raise X` alone makes one without keywords.
            bare = node.exc if isinstance(node, ast.Raise) else None
            if isinstance(bare, ast.Name) and bare.id in names:
                found.setdefault(bare.id, []).append(set())
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else None
                name = node.func.id if isinstance(node.func, ast.Name) else name
                if name in names:
                    keywords = {keyword.arg or "**" for keyword in node.keywords}
                    found.setdefault(name, []).append(keywords)
    return found


def test_there_are_many_problems() -> None:
    assert len(PROBLEMS) > 50


def test_a_code_means_one_thing() -> None:
    codes = [kind.code for kind in PROBLEMS]
    assert sorted(codes) == sorted(set(codes))
    assert {kind.code for kind in all_problems()} >= set(codes)


def offenders(is_fine: Callable[[type[Problem]], object]) -> set[str]:
    return {kind.code for kind in PROBLEMS if not is_fine(kind)}


def is_chinese(text: str) -> bool:
    """Tell whether a text is Chinese all through, but for names that have no Chinese form."""
    has_letters = re.search(r"[A-Za-z]", LATIN_NAMES.sub("", text)) is not None
    return CHINESE.search(text) is not None and not has_letters


def test_a_code_can_be_branched_on() -> None:
    assert offenders(lambda kind: re.fullmatch(r"[a-z]+(_[a-z]+)*", kind.code)) == set()


def test_a_status_is_an_error() -> None:
    assert offenders(lambda kind: 400 <= kind.status <= 599) == set()


def test_a_title_is_written_in_both_languages() -> None:
    assert offenders(lambda kind: kind.title and not CHINESE.search(kind.title)) == set()
    assert offenders(lambda kind: "title_zh" in vars(kind)) == set()
    assert offenders(lambda kind: is_chinese(kind.title_zh)) == set()


def test_a_detail_is_written_in_both_languages_with_the_same_blanks() -> None:
    detailed = [kind for kind in PROBLEMS if kind.detail_en or kind.detail_zh]
    assert len(detailed) > 5
    for kind in detailed:
        english, chinese = kind.detail_en or "", kind.detail_zh or ""
        assert placeholders(english) == placeholders(chinese)
        assert english.endswith(".")
        assert chinese.endswith("。")
        assert is_chinese(chinese)
        assert not CHINESE.search(english)


def test_chinese_texts_have_chinese_punctuation() -> None:
    assert offenders(lambda kind: not HALF_WIDTH.search(kind.title_zh)) == set()
    assert offenders(lambda kind: not HALF_WIDTH.search(kind.detail_zh or "")) == set()


def test_a_problem_is_made_with_what_its_detail_needs() -> None:
    made = raised_with()
    needing = [kind for kind in PROBLEMS if placeholders(kind.detail_en)]
    assert len(needing) > 5
    for kind in needing:
        needed = placeholders(kind.detail_en)
        assert made.get(kind.__name__), f"nobody makes {kind.code}"
        assert all(needed <= keywords for keywords in made[kind.__name__]), kind.code


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_problem_renders(language: str) -> None:
    for kind in PROBLEMS:
        extensions = dict.fromkeys(placeholders(kind.detail_en), ANY_NUMBER)
        body = problem_body(kind(**extensions), language)
        assert body["type"] == f"/problems/{kind.code}"
        assert body["code"] == kind.code
        assert body["status"] == kind.status
        assert body["message"].startswith(body["title"])
        assert "{" not in body["message"]
        assert bool(CHINESE.search(body["message"])) == (language == "zh")


def test_an_extension_does_not_hide_a_field_of_the_body() -> None:
    fields = set(problem_body(Problem(), "en")) | {"detail", "errors"}
    used = {keyword for made in raised_with().values() for keywords in made for keyword in keywords}
    assert used
    assert fields & used == set()


def test_a_room_raises_what_it_knows_and_no_bare_category() -> None:
    bare = {kind.__name__ for kind in CATEGORIES} & set(raised_with())
    # Access is refused in core, which has no fact to name but the category.
    assert bare == {"Forbidden", "Unauthenticated"}
    for path in APP.rglob("*.py"):
        if path.parent.name != "core":
            source = path.read_text(encoding="utf-8")
            assert not re.search(r"raise (Forbidden|Unauthenticated)\b", source), path


async def test_the_service_explains_every_problem_it_may_answer(http: httpx.AsyncClient) -> None:
    listed = (await http.get("/problems")).json()["items"]
    assert {item["code"] for item in listed} >= {kind.code for kind in PROBLEMS}
    for kind in PROBLEMS:
        answer = await http.get(f"/problems/{kind.code}")
        assert answer.json() == {
            "code": kind.code,
            "status": int(kind.status),
            "title": kind.title,
            "title_zh": kind.title_zh,
        }


async def test_a_problem_nobody_knows_is_not_found(http: httpx.AsyncClient) -> None:
    assert (await http.get("/problems/made_up")).status_code == 404
