"""The OpenAPI document: problems as they are answered, one file whole and one per caller."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from app.core.problems import CATEGORIES, Problem

PROBLEM_SCHEMA = {"$ref": "#/components/schemas/ProblemDetails"}
PROBLEM_DETAILS = {
    "type": "object",
    "title": "ProblemDetails",
    "description": "A refusal (RFC 9457). Branch on `code`; show `message` to people.",
    "required": ["type", "title", "status", "code", "message", "request_id"],
    "properties": {
        "type": {"type": "string", "examples": ["/problems/insufficient_points"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "examples": ["insufficient_points"]},
        "message": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}

# Who reads which part; shared resources under /v1 belong to every signed-in caller.
CALLERS = {
    "resident": ("/v1/auth", "/v1/me", "/v1/public", "/v1/shared", "/c"),
    "staff": ("/v1/auth", "/v1/staff", "/v1/public", "/v1/shared"),
    "merchant": ("/v1/auth", "/v1/merchant"),
}
OWN_PREFIXES = ("/v1/auth", "/v1/me", "/v1/staff", "/v1/merchant", "/v1/public")


def problem_responses(*problems: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that may refuse with these problems."""
    by_status: dict[int | str, list[type[Problem]]] = {}
    for problem in problems:
        by_status.setdefault(int(problem.status), []).append(problem)
    return {
        status: {
            "description": "; ".join(f"`{kind.code}`: {kind.title}" for kind in kinds),
            "content": {"application/problem+json": {"schema": PROBLEM_SCHEMA}},
        }
        for status, kinds in by_status.items()
    }


def common_responses() -> dict[int | str, dict[str, Any]]:
    """Return the refusals that every route shares."""
    return problem_responses(*(kind for kind in CATEGORIES if kind.status in (401, 403, 422)))


def install(app: FastAPI) -> None:
    """Let the document describe problems as problems."""
    original = app.openapi

    def openapi() -> dict[str, Any]:
        document = original()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas["ProblemDetails"] = PROBLEM_DETAILS
        for operation in _operations(document):
            _require_key(operation)
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in document["paths"].values():
        yield from (operation for operation in item.values() if isinstance(operation, dict))


def _require_key(operation: dict[str, Any]) -> None:
    """Say that the header is required: to the code it is optional, to refuse in our own words."""
    for parameter in operation.get("parameters", []):
        if parameter["name"].lower() == "idempotency-key":
            parameter["required"] = True


def documents(app: FastAPI) -> dict[str, dict[str, Any]]:
    """Return every document by file name."""
    whole = app.openapi()
    parts = {f"{caller}.json": _part(whole, caller) for caller in CALLERS}
    return {"openapi.json": whole, **parts}


def _part(whole: dict[str, Any], caller: str) -> dict[str, Any]:
    paths = {path: item for path, item in whole["paths"].items() if _is_for(path, caller)}
    used = _schemas_of(paths, whole["components"]["schemas"])
    components = {**whole["components"], "schemas": dict(sorted(used.items()))}
    info = {**whole["info"], "title": f"{whole['info']['title']} · {caller}"}
    return {**whole, "info": info, "paths": paths, "components": components}


def _is_for(path: str, caller: str) -> bool:
    prefixes = CALLERS[caller]
    if _is_under(path, prefixes):
        return True
    is_shared = path.startswith("/v1/") and not _is_under(path, OWN_PREFIXES)
    return is_shared and "/v1/shared" in prefixes


def _is_under(path: str, prefixes: tuple[str, ...]) -> bool:
    # With the slash, lest /v1/merchant lie under /v1/me.
    return f"{path}/".startswith(tuple(f"{prefix}/" for prefix in prefixes))


def _schemas_of(tree: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the schemas that a tree refers to, and those that they refer to."""
    used: dict[str, Any] = {}
    waiting = list(_references(tree))
    while waiting:
        name = waiting.pop()
        if name not in used:
            used[name] = schemas[name]
            waiting.extend(_references(schemas[name]))
    return used


def _references(tree: Any) -> Iterator[str]:
    match tree:
        case {"$ref": str(reference)}:
            yield reference.rsplit("/", 1)[1]
        case dict():
            for value in tree.values():
                yield from _references(value)
        case list():
            for value in tree:
                yield from _references(value)
        case _:
            return


def render(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def write_documents(app: FastAPI, folder: Path) -> list[Path]:
    """Write every document into a folder; return the files."""
    folder.mkdir(exist_ok=True)
    files = []
    for name, document in documents(app).items():
        (folder / name).write_text(render(document), encoding="utf-8")
        files.append(folder / name)
    return files
