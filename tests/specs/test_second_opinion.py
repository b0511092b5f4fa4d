"""The same small messages judged by openapi-core: the verdicts agree, or the class of the difference is explained here."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from specs.validate import OperationValidator
from tests.specs.planning import answer_of, body_of, planned

CORE = Config(spec_validator_cls=None)  # type: ignore[arg-type]  # the library's own way to say: do not check the document again
LEAVES: dict[str, tuple[dict[str, Any], st.SearchStrategy[Any]]] = {
    "integer": ({"type": "integer", "minimum": -5, "maximum": 5}, st.integers(-7, 7)),
    "number": ({"type": "number", "exclusiveMaximum": True, "maximum": 3}, st.sampled_from([-1.5, 0, 2.5, 3, 4])),
    "boolean": ({"type": "boolean"}, st.booleans()),
    "text": ({"type": "string", "minLength": 1, "maxLength": 3}, st.text("ab", max_size=4)),
    "pattern": ({"type": "string", "pattern": "^[a-c]+$"}, st.text("abcd", min_size=1, max_size=4)),
    "enum": ({"type": "string", "enum": ["x", "y"]}, st.sampled_from(["x", "y", "z"])),
    "date": ({"type": "string", "format": "date"}, st.sampled_from(["2026-01-31", "2026-13-31", "today"])),
    "nullable": ({"type": "string", "nullable": True}, st.none() | st.just("a")),
}
WRONG = st.sampled_from([None, True, 1, 2.5, "text", [], {}, [1], {"a": 1}])


@st.composite
def leaf(draw: st.DrawFn) -> tuple[dict[str, Any], Any]:
    schema, values = LEAVES[draw(st.sampled_from(sorted(LEAVES)))]
    return schema, draw(st.one_of(values, values, values, WRONG))


@st.composite
def thing(draw: st.DrawFn) -> tuple[dict[str, Any], Any]:
    """A schema of an object and something that may or may not be one of it."""
    parts = {name: draw(leaf()) for name in draw(st.lists(st.sampled_from("abcd"), unique=True, max_size=4))}
    schema: dict[str, Any] = {"type": "object", "properties": {name: part[0] for name, part in parts.items()}}
    required = [name for name in sorted(parts) if draw(st.booleans())]
    if required:
        schema["required"] = required
    if draw(st.booleans()):
        schema["additionalProperties"] = draw(st.sampled_from([False, {"type": "integer"}]))
    value: Any = {name: part[1] for name, part in parts.items() if draw(st.integers(0, 5))}
    if not draw(st.integers(0, 5)):
        value["extra"] = draw(st.sampled_from([1, "x"]))
    if draw(st.booleans()):
        inner, item = draw(leaf())
        schema["properties"]["list"] = {"type": "array", "items": inner, "maxItems": 2, "uniqueItems": True}
        value["list"] = [item] * draw(st.integers(0, 3))
    if draw(st.booleans()):
        schema = {"allOf": [schema, {"type": "object", "minProperties": 1}]}
    return schema, draw(st.sampled_from([value, value, value, value, [value], "text", None]))


def document_of(operation: dict[str, Any], method: str) -> dict[str, Any]:
    return {
        "openapi": "3.0.3",
        "info": {"title": "t", "version": "1"},
        "servers": [{"url": "https://api.example"}],
        "paths": {"/things": {method: operation}},
    }


def core_accepts(document: dict[str, Any], request: MockRequest, response: MockResponse | None = None) -> bool:
    core = OpenAPI.from_dict(document, config=CORE)
    errors = core.iter_request_errors(request) if response is None else core.iter_response_errors(request, response)
    return not list(errors)


def ours(document: dict[str, Any], method: str) -> OperationValidator:
    return planned(document, "/things", method)[0]


FEWER = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def whole_float(value: Any) -> bool:
    """Class 1: ``1.0`` is an integer in JSON Schema 2020-12; openapi-core says no in 3.0."""
    if isinstance(value, dict | list):
        return any(whole_float(child) for child in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, float) and value.is_integer()


@FEWER
@given(thing())
def test_json_requests_agree(case: tuple[dict[str, Any], Any]) -> None:
    schema, value = case
    document = document_of({**body_of(schema)}, "post")
    document["paths"]["/things"]["post"]["requestBody"]["required"] = True
    body = orjson.dumps(value)
    request = MockRequest("https://api.example", "post", "/things", data=body, content_type="application/json")
    verdict = ours(document, "post").request(path_parameters={}, query="", headers=[("Content-Type", "application/json")], body=body)
    if not whole_float(value):
        assert (verdict.state == "valid") == core_accepts(document, request), verdict


@FEWER
@given(thing())
def test_json_responses_agree(case: tuple[dict[str, Any], Any]) -> None:
    schema, value = case
    document = document_of(answer_of(schema), "get")
    body = orjson.dumps(value)
    request = MockRequest("https://api.example", "get", "/things")
    response = MockResponse(body, status_code=200, content_type="application/json")
    verdict = ours(document, "get").response(status=200, headers=[("Content-Type", "application/json")], body=body)
    # Class 2: a bad format in a response is a warning here.
    ours_accepts = verdict.state == "valid" and not verdict.violations
    if not whole_float(value) and not any(one.level == "warning" for one in verdict.violations):
        assert ours_accepts == core_accepts(document, request, response), verdict


QUERIES = st.sampled_from(["5", "-3", "9", "x", "true", "false", "a", "ab", "abcd", "z", "2.5", "2026-01-31"])


@FEWER
@given(st.sampled_from(sorted(set(LEAVES) - {"nullable"})), QUERIES, st.booleans(), st.booleans())
def test_query_parameters_agree(kind: str, text: str, given_at_all: bool, required: bool) -> None:
    parameter = {"name": "q", "in": "query", "required": required, "schema": LEAVES[kind][0]}
    document = document_of({"parameters": [parameter], "responses": {"200": {"description": "ok"}}}, "get")
    args = {"q": text} if given_at_all else {}
    request = MockRequest("https://api.example", "get", "/things", args=args)
    verdict = ours(document, "get").request(path_parameters={}, query=urlencode(args), headers=[], body=b"")
    assert (verdict.state == "valid") == core_accepts(document, request), verdict


@FEWER
@given(st.lists(st.sampled_from(["1", "2", "x"]), min_size=1, max_size=3))
def test_lists_in_the_query_agree(items: list[str]) -> None:
    parameter = {"name": "q", "in": "query", "schema": {"type": "array", "items": {"type": "integer"}, "maxItems": 2}}
    document = document_of({"parameters": [parameter], "responses": {"200": {"description": "ok"}}}, "get")
    request = MockRequest("https://api.example", "get", "/things", args={"q": items})
    query = "&".join(f"q={item}" for item in items)
    verdict = ours(document, "get").request(path_parameters={}, query=query, headers=[], body=b"")
    assert (verdict.state == "valid") == core_accepts(document, request), verdict


# Classes that differ on purpose: (name, document, request arguments, ours accepts)
INTEGER_QUERY = {"parameters": [{"name": "q", "in": "query", "schema": {"type": "integer"}}], "responses": {"200": {"description": "ok"}}}
NULLABLE_ENUM = body_of({"type": "string", "nullable": True, "enum": ["a"]})


@pytest.mark.parametrize(
    ("operation", "method", "query", "body", "accepted"),
    [
        pytest.param(INTEGER_QUERY, "get", "q=1_000", b"", False, id="an integer is written as in JSON"),
        pytest.param(INTEGER_QUERY, "get", "other=1", b"", False, id="unknown query parameters are violations"),
        pytest.param(NULLABLE_ENUM, "post", "", b"null", True, id="nullable beside enum means nullable"),
        pytest.param(body_of({"type": "integer"}), "post", "", b"1.0", True, id="1.0 is an integer"),
        pytest.param(body_of({"type": "object"}), "post", "", b'{"a":1,"a":2}', False, id="a name twice is no JSON"),
    ],
)
def test_where_we_differ_it_is_on_purpose(operation: dict[str, Any], method: str, query: str, body: bytes, accepted: bool) -> None:
    document = document_of(operation, method)
    headers = [("Content-Type", "application/json")] if body else []
    verdict = ours(document, method).request(path_parameters={}, query=query, headers=headers, body=body)
    args = dict([query.split("=")]) if query else {}
    request = MockRequest("https://api.example", method, "/things", args=args, data=body or None, content_type="application/json")
    assert (verdict.state == "valid") is accepted
    assert core_accepts(document, request) is not accepted
