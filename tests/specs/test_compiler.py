"""A document made ready: keys, scopes, details, plans, router, sources."""

from __future__ import annotations

import json
from typing import Any

import pytest

from specs.compiler import CompiledDocument, compile_document
from specs.errors import DocumentRefused
from specs.plan import PlanBuilder
from specs.route import Router
from specs.validate import OperationValidator
from tests.specs.documents import compiled, openapi, operation, reader

OAUTH = {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://t.example", "scopes": {"a": "", "b": "", "c": ""}}}}


def test_a_file_that_is_not_there_is_refused() -> None:
    with pytest.raises(DocumentRefused, match="no such file"):
        compile_document(reader({}), "openapi.yaml")


@pytest.mark.parametrize(
    ("paths", "keys"),
    [
        ({"/a": {"get": operation(operationId="listA")}}, ["listA"]),
        ({"/a": {"get": operation(operationId="list A/é")}}, ["list-A--"]),
        ({"/a/{id}/b_c": {"get": operation(), "post": operation()}}, ["get-a-id-b-c", "post-a-id-b-c"]),
        ({"/a": {"get": operation(operationId="x"), "put": operation(operationId="x")}}, ["x", "x-2"]),
        ({"/a": {"get": operation(operationId="..")}}, ["get-a"]),
        ({"/": {"get": operation(operationId=7)}}, ["get"]),
    ],
)
def test_keys_are_unique_and_safe_in_a_url(paths: dict[str, Any], keys: list[str]) -> None:
    assert [one.key for one in compiled(openapi(paths=paths)).operations] == keys


@pytest.mark.parametrize(
    ("security", "scopes"),
    [
        ([{"o": ["all"]}], []),  # stands for everything, so it names nothing: Genesys Cloud's document has it on each operation
        ([{"o": ["*", "a"]}], [["a"]]),
        (None, []),
        ([], []),
        ([{"key": []}], []),
        ([{"oauth": []}], []),
        ([{"oauth": ["a", "b"]}], [["a", "b"]]),
        ([{"oauth": ["a"]}, {"oauth": ["b", "c"]}], [["a"], ["b", "c"]]),
        ([{"oauth": ["a"], "key": []}, {"key": []}, {}], [["a"]]),
    ],
)
def test_scopes_are_alternatives_of_scopes_needed_together(security: Any, scopes: list[list[str]]) -> None:
    members = {} if security is None else {"security": security}
    schemes = {"oauth": OAUTH, "key": {"type": "apiKey", "in": "header", "name": "K"}}
    document = openapi(paths={"/a": {"get": operation(**members)}}, components={"securitySchemes": schemes})
    assert compiled(document).operations[0].scopes == scopes


def test_scopes_for_the_whole_document_hold_where_an_operation_names_none() -> None:
    paths = {"/a": {"get": operation(), "put": operation(security=[])}}
    document = compiled(openapi(paths=paths, security=[{"oauth": ["a"]}], components={"securitySchemes": {"oauth": OAUTH}}))
    assert [one.scopes for one in document.operations] == [[["a"]], []]


def test_a_detail_has_its_references_followed_and_its_schemas_kept() -> None:
    components: dict[str, Any] = {
        "parameters": {"P": {"name": "id", "in": "path", "required": True, "schema": {"$ref": "#/components/schemas/S"}}},
        "requestBodies": {"B": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/S"}}}}},
        "headers": {"H": {"schema": {"type": "integer"}}},
        "responses": {"R": {"description": "r", "headers": {"X": {"$ref": "#/components/headers/H"}}}},
        "examples": {"E": {"value": 1}},
        "schemas": {"S": {"type": "string"}},
    }
    q = {"name": "q", "in": "query", "schema": {"type": "string"}}
    own = operation(
        operationId="a",
        summary="s",
        parameters=[{**q, "description": "own"}],
        requestBody={"$ref": "#/components/requestBodies/B"},
        callbacks={"done": {"{$request.body#/url}": {"post": operation(requestBody={"$ref": "#/components/requestBodies/B"})}}},
        responses={
            "200": {"$ref": "#/components/responses/R"},
            "400": {"description": "e", "content": {"text/plain": {"examples": {"e": {"$ref": "#/components/examples/E"}}}}},
        },
        **{"x-note": 1},
    )
    item = {"parameters": [{"$ref": "#/components/parameters/P"}, q], "servers": [{"url": "https://other.example"}], "put": own}
    document = compiled(openapi(paths={"/a/{id}": item}, components=components))
    assert document.findings == []
    detail = document.operations[0].detail
    assert [(one["name"], one.get("description")) for one in detail["parameters"]] == [("id", None), ("q", "own")]
    assert detail["parameters"][0]["schema"] == {"$ref": "#/components/schemas/S"}
    assert detail["requestBody"] == components["requestBodies"]["B"]
    assert detail["responses"]["200"]["headers"] == {"X": {"schema": {"type": "integer"}}}
    assert detail["callbacks"]["done"]["{$request.body#/url}"]["post"]["requestBody"] == components["requestBodies"]["B"]
    assert detail["servers"] == [{"url": "https://other.example"}]
    assert detail["x-note"] == 1
    assert "summary" not in detail
    assert set(document.schemas) == {"#/components/schemas/S", "#/components/examples/E", "#/components/headers/H"}


def test_the_source_is_the_document_in_its_order_without_servers() -> None:
    document = {"x-first": 1, **openapi(servers=[{"url": "https://a.example"}], tags=[{"name": "t"}])}
    done = compiled(document)
    assert list(json.loads(done.source)) == ["x-first", "openapi", "info", "paths", "tags"]
    assert done.servers == [{"url": "https://a.example"}]
    assert done.extensions == {"x-first": 1}
    swagger = {
        "swagger": "2.0",
        "info": {"title": "t", "version": "1"},
        "host": "a.example",
        "basePath": "/v",
        "schemes": ["https"],
        "paths": {},
    }
    done = compiled(swagger)
    assert list(json.loads(done.source)) == ["swagger", "info", "paths"]
    assert (done.openapi, done.servers) == ("2.0", [{"url": "https://a.example/v"}])


def test_the_digest_names_the_content_and_nothing_else() -> None:
    text = "openapi: 3.0.3\ninfo: {title: T, version: '1'}\npaths: {}\n"
    assert compiled(text).digest == compiled("# a comment\n" + text).digest == compiled(openapi()).digest
    assert compiled(openapi()).digest != compiled(openapi(tags=[])).digest


def test_webhooks_are_listed() -> None:
    hook = {"newPet": {"post": operation(operationId="pet", requestBody={"content": {"application/json": {"schema": {"type": "object"}}}})}}
    for document in (openapi("3.1.0", webhooks=hook), {**openapi(), "x-webhooks": hook}):
        (one,) = compiled(document).webhooks
        assert (one["name"], one["method"], one["operation_id"]) == ("newPet", "post", "pet")
        assert one["detail"]["requestBody"]["content"] == {"application/json": {"schema": {"type": "object"}}}


def test_lines_are_those_of_the_original_text() -> None:
    text = "openapi: 3.0.3\ninfo: {title: T, version: '1'}\npaths:\n  /a:\n    get:\n      responses: {200: {description: d}}\n"
    text += "    put:\n      responses: {200: {description: d}}\n"
    assert [(one.method, one.line, one.pointer) for one in compiled(text).operations] == [
        ("get", 5, "/paths/~1a/get"),
        ("put", 7, "/paths/~1a/put"),
    ]


def test_what_is_compiled_routes_and_validates() -> None:
    body = {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/N"}}}}
    item = {
        "post": operation(
            operationId="add", requestBody=body, parameters=[{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}]
        )
    }
    document = compiled(openapi(paths={"/a/{id}": item}, components={"schemas": {"N": {"type": "object", "required": ["n"]}}}))
    match = Router.from_json(document.router).match("POST", "/a/7")
    assert match.operation == "add"
    validator = OperationValidator(document.operations[0].plan, document.documents.__getitem__, document.bundle.__getitem__)
    headers = [("Content-Type", "application/json")]
    sent = {"path_parameters": match.path_parameters, "query": "", "headers": headers}
    assert validator.request(**sent, body=b'{"n": 1}').state == "valid"  # type: ignore[arg-type]
    assert validator.request(**sent, body=b"{}").state == "invalid"  # type: ignore[arg-type]


def _unchecked_both_ways(document: CompiledDocument) -> None:
    (one,) = document.operations
    assert len(one.unchecked) == 1
    validator = OperationValidator(one.plan, document.documents.__getitem__, document.bundle.__getitem__)
    headers = [("Content-Type", "application/json")]
    request = validator.request(path_parameters={"id": "7"}, query="a=1&b=%20", headers=headers, body=b'{"a": 1}')
    assert (request.state, request.violations) == ("unchecked", [])
    response = validator.response(status=418, headers=[("Content-Type", "text/plain")], body=b"tea")
    assert (response.state, response.violations) == ("unchecked", [])
    assert validator.response(status=200, headers=[], body=b"").state == "unchecked"


def test_methods_that_are_not_checked_say_so() -> None:
    _unchecked_both_ways(compiled(openapi("3.2.0", paths={"/a/{id}": {"additionalOperations": {"LINK": operation(operationId="link")}}})))


def test_an_operation_that_cannot_be_planned_is_published_as_unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = {"/a/{id}": {"get": operation()}}

    def fail(self: PlanBuilder, path: str, method: str) -> tuple[dict[str, Any], list[str]]:
        if self.document["paths"] == paths:
            raise TypeError("unhashable type: 'list'")
        return plan(self, path, method)

    plan = PlanBuilder.operation
    monkeypatch.setattr(PlanBuilder, "operation", fail)
    document = compiled(openapi(paths=paths))
    assert [(one.rule, one.line) for one in document.findings if one.rule == "operation-not-planned"] == [("operation-not-planned", 1)]
    _unchecked_both_ways(document)
