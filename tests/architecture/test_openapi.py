"""The committed OpenAPI documents: fresh, sound in themselves, strict with what callers send."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.openapi.models import OpenAPI

import app.api
from app.core.config import Settings
from app.core.openapi import CALLERS, render, write_documents
from app.core.schemas import Input
from app.main import create_app
from tests.architecture.test_access_matrix import written_lines

FOLDER = Path(app.api.__file__).parents[1] / "openapi"
FILES = ("openapi.json", *(f"{caller}.json" for caller in CALLERS))
# Made by FastAPI or by WeChat, or named by others than us.
FOREIGN_IDS = {"request_id", "app_id", "template_id"}
UNBOUNDED = {"const", "enum", "maxLength", "pattern", "format"}
Json = dict[str, Any]


def read(name: str) -> Json:
    document: Json = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return document


@pytest.fixture(scope="module")
def whole() -> Json:
    return read("openapi.json")


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method.upper(), operation


def objects(tree: Any) -> Iterator[Json]:
    """Yield every object of a document."""
    match tree:
        case dict():
            yield tree
            for value in tree.values():
                yield from objects(value)
        case list():
            for value in tree:
                yield from objects(value)
        case _:
            return


def references(tree: Any) -> set[str]:
    return {str(found["$ref"]) for found in objects(tree) if "$ref" in found}


def resolve(document: Json, reference: str) -> Json:
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    resolved: Json = found
    return resolved


def sent_schemas(document: Json) -> set[str]:
    """Return what request bodies consist of, as references."""
    waiting = references([operation.get("requestBody") for *_, operation in operations(document)])
    sent: set[str] = set()
    while waiting:
        reference = waiting.pop()
        sent.add(reference)
        waiting |= references(resolve(document, reference)) - sent
    return sent


def sent_fields(document: Json) -> Iterator[tuple[str, Json]]:
    """Yield every value that a caller sends, in a body or outside of one, with its schema."""
    for reference in sent_schemas(document):
        schema = resolve(document, reference)
        for name, field in schema.get("properties", {}).items():
            yield f"{reference.rsplit('/', 1)[1]}.{name}", field
    for path, method, operation in operations(document):
        for parameter in operation.get("parameters", []):
            yield f"{method} {path} {parameter['name']}", parameter["schema"]


def is_generated_anew(name: str, folder: Path) -> bool:
    return (folder / name).read_bytes() == (FOLDER / name).read_bytes()


def test_the_committed_documents_are_fresh(settings: Settings, tmp_path: Path) -> None:
    written = write_documents(create_app(settings), tmp_path)
    names = {file.name for file in written}
    stale = {name for name in names if not is_generated_anew(name, tmp_path)}
    assert stale == set(), "run `make openapi` and commit what it writes"
    assert names == set(FILES) == {file.name for file in FOLDER.glob("*.json")}


def test_the_served_document_is_the_committed_one(settings: Settings) -> None:
    served = create_app(settings).openapi()
    assert render(served) == (FOLDER / "openapi.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FILES)
def test_a_document_is_openapi_3_1_and_complete_in_itself(name: str) -> None:
    document = read(name)
    assert OpenAPI.model_validate(document).openapi.startswith("3.1.")
    assert document["paths"]
    for reference in references(document):
        assert resolve(document, reference)


@pytest.mark.parametrize("name", FILES)
def test_a_document_carries_no_schema_that_it_does_not_use(name: str) -> None:
    document = read(name)
    used = {reference.rsplit("/", 1)[1] for reference in references(document)}
    assert set(document["components"]["schemas"]) == used


def test_a_callers_document_holds_that_callers_paths_only() -> None:
    foreign = {
        "resident.json": ("/v1/staff/", "/v1/merchant/"),
        "staff.json": ("/v1/me/", "/v1/merchant/"),
        "merchant.json": ("/v1/me/", "/v1/staff/", "/v1/rewards"),
    }
    assert set(foreign) == set(FILES) - {"openapi.json"}
    for name, prefixes in foreign.items():
        assert [path for path in read(name)["paths"] if path.startswith(prefixes)] == []


def test_every_path_of_the_api_is_in_some_callers_document(whole: Json) -> None:
    told = {path for name in FILES[1:] for path in read(name)["paths"]}
    assert {path for path in whole["paths"] if path.startswith("/v1/")} - told == set()


def test_the_document_tells_of_the_routes_that_the_access_matrix_tells_of(whole: Json) -> None:
    hidden = {"/docs", "/docs/assets", "/openapi.json"}
    routes = {(line.path, line.method) for line in written_lines() if line.path not in hidden}
    assert {(path, method) for path, method, _ in operations(whole)} == routes


def test_an_operation_asks_for_a_token_exactly_where_the_matrix_does(whole: Json) -> None:
    guarded = {(line.path, line.method) for line in written_lines() if line.permission != "public"}
    asking = {(path, method) for path, method, operation in operations(whole)
              if operation.get("security")}  # fmt: skip
    assert asking == guarded


def test_operation_ids_are_unique_verbs(whole: Json) -> None:
    ids = [operation["operationId"] for *_, operation in operations(whole)]
    assert len(ids) == len(set(ids)) > 50
    assert [name for name in ids if not re.fullmatch(r"[a-z]+(_[a-z]+)+", name)] == []


def test_every_operation_says_what_it_does(whole: Json) -> None:
    silent = [
        operation["operationId"]
        for *_, operation in operations(whole)
        if not operation["summary"] or not operation["description"].strip().endswith(".")
    ]
    assert silent == []


def test_callers_need_no_method_that_phones_lack(whole: Json) -> None:
    assert {method for _, method, _ in operations(whole)} <= {"GET", "POST", "PUT", "DELETE"}
    with_body = [
        operation["operationId"]
        for _, method, operation in operations(whole)
        if "requestBody" in operation and method not in {"POST", "PUT"}
    ]
    assert with_body == []


def test_an_answer_is_200_or_201_and_never_empty(whole: Json) -> None:
    for *_, operation in operations(whole):
        fine = {status for status in operation["responses"] if status < "400"}
        assert fine <= {"200", "201"}
        assert fine
        assert all(operation["responses"][status]["content"] for status in fine), operation


def test_every_refusal_is_a_problem(whole: Json) -> None:
    for *_, operation in operations(whole):
        for status, response in operation["responses"].items():
            if status >= "400":
                assert set(response["content"]) == {"application/problem+json"}
                schema = response["content"]["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/ProblemDetails"}
                assert "`" in response["description"]


def test_every_parameter_in_a_path_is_described(whole: Json) -> None:
    for path, _, operation in operations(whole):
        described = {
            parameter["name"]
            for parameter in operation.get("parameters", [])
            if parameter["in"] == "path"
        }
        assert described == set(re.findall(r"{(\w+)}", path))


def test_names_are_in_snake_case(whole: Json) -> None:
    names = {
        name for schema in objects(whole["components"]["schemas"])
        if isinstance(schema.get("properties"), dict)
        for name in schema["properties"]
    }  # fmt: skip
    assert len(names) > 50
    assert {name for name in names if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)} == (
        set()
    )


def test_ids_are_texts_of_digits(whole: Json) -> None:
    fields = [
        (name, schema)
        for holder in objects(whole)
        if isinstance(holder.get("properties"), dict)
        for name, schema in holder["properties"].items()
        if name.endswith("_id") and name not in FOREIGN_IDS
    ]
    assert len(fields) > 30
    for name, schema in fields:
        kinds = schema.get("anyOf", [schema])
        patterns = {kind.get("pattern") for kind in kinds if kind["type"] != "null"}
        assert patterns == {"^[0-9]{1,19}$"}, name


def test_a_list_says_where_it_goes_on(whole: Json) -> None:
    lists = [
        schema for schema in whole["components"]["schemas"].values()
        if "items" in schema.get("properties", {})
    ]  # fmt: skip
    assert len(lists) > 5
    for schema in lists:
        assert {"items", "next_cursor"} <= set(schema["properties"]), schema["title"]


def test_a_body_refuses_fields_that_it_does_not_know(whole: Json) -> None:
    bodies = [
        resolve(whole, reference)
        for reference in sent_schemas(whole)
        if "properties" in resolve(whole, reference)
    ]
    assert len(bodies) > 10
    lenient = [
        schema["title"] for schema in bodies if schema.get("additionalProperties") is not False
    ]
    assert lenient == []


def test_whatever_a_caller_sends_has_a_limit(whole: Json) -> None:
    fields = list(sent_fields(whole))
    assert len(fields) > 60
    endless = set()
    for name, field in fields:
        for schema in field.get("anyOf", [field]):
            kind = schema.get("type")
            if kind == "string" and not set(schema) & UNBOUNDED:
                endless.add(name)
            bounds = {word.replace("exclusiveMin", "min") for word in schema}
            if kind in {"integer", "number"} and not {"minimum", "maximum"} <= bounds:
                endless.add(name)
            if kind == "array" and "maxItems" not in schema:
                endless.add(name)
    assert endless == {
        "GET /c/{token} token",
        "GET /problems/{code} code",
        "GET /v1/photos/file/{token} token",
    }


def all_inputs() -> Iterator[type[Input]]:
    waiting = [Input]
    while waiting:
        for child in waiting.pop().__subclasses__():
            waiting.append(child)
            if child.__module__.endswith(".schemas"):
                yield child


def test_every_example_would_be_accepted() -> None:
    tried = 0
    for schema in all_inputs():
        for name, field in schema.model_fields.items():
            for example in field.examples or []:
                # What looks at several fields finds the others' examples there.
                others = {
                    other: known.examples[0]
                    for other, known in schema.model_fields.items()
                    if known.examples
                }
                filled = schema.model_construct(**others)
                schema.__pydantic_validator__.validate_assignment(filled, name, example)
                tried += 1
    assert tried > 5


def test_a_text_made_up_by_the_caller_has_an_example(whole: Json) -> None:
    # What the server handed out before needs none: a token, a code, a cursor; nor does a reason.
    handed_out = {"code", "refresh_token", "reason", "out_request_no", "activity_id"}
    without = {
        f"{schema['title']}.{name}"
        for schema in (resolve(whole, reference) for reference in sent_schemas(whole))
        for name, field in schema.get("properties", {}).items()
        if field.get("type") == "string" and not {"format", "const"} & field.keys()
        and not field.get("examples") and name not in handed_out
    }  # fmt: skip
    assert without == set()
