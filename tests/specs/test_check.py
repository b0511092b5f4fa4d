"""What is found in documents, and what is refused because it cannot be bounded."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import specs
from specs.check.rules import RULES
from specs.errors import DocumentRefused
from tests.specs.documents import compiled, openapi, operation, rules

PATH_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}


def found(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(finding.rule, finding.level, finding.pointer) for finding in compiled(document).findings]


def test_a_sound_document_has_no_findings() -> None:
    paths = {"/a/{id}": {"parameters": [PATH_ID], "get": operation(operationId="a")}}
    for version in ("3.0.3", "3.1.0", "3.2.0"):
        assert found(openapi(version, paths=paths)) == []


CASES: dict[str, tuple[dict[str, Any], tuple[str, str, str]]] = {
    "an operationId used twice": (
        {"paths": {"/a": {"get": operation(operationId="x")}, "/b": {"get": operation(operationId="x")}}},
        ("operation-id-duplicate", "error", "/paths/~1b/get/operationId"),
    ),
    "a path parameter that is not described": (
        {"paths": {"/a/{id}": {"get": operation()}}},
        ("path-parameter-missing", "error", "/paths/~1a~1{id}/get"),
    ),
    "a path parameter that is not in the path": (
        {"paths": {"/a": {"get": operation(parameters=[PATH_ID])}}},
        ("path-parameter-unused", "error", "/paths/~1a/get"),
    ),
    "a parameter described twice": (
        {"paths": {"/a/{id}": {"get": operation(parameters=[PATH_ID, {**PATH_ID, "description": "again"}])}}},
        ("parameter-duplicate", "error", "/paths/~1a~1{id}/get/parameters/1"),
    ),
    "braces that do not match": ({"paths": {"/a/{id": {}}}, ("path-template", "error", "/paths/~1a~1{id")),
    "a parameter twice in a path": ({"paths": {"/{a}/{a}": {}}}, ("path-template", "error", "/paths/~1{a}~1{a}")),
    "a query in a path": ({"paths": {"/a?x=1": {}}}, ("path-query", "warning", "/paths/~1a?x=1")),
    "paths that differ in parameter names only": (
        {"paths": {"/a/{x}": {}, "/a/{y}": {}}},
        ("path-identical", "warning", "/paths/~1a~1{y}"),
    ),
    "paths that cross": ({"paths": {"/a/{x}": {}, "/{y}/b": {}}}, ("path-ambiguous", "info", "/paths/~1{y}~1b")),
    "a security scheme that is not defined": (
        {"paths": {"/a": {"get": operation(security=[{"gone": []}])}}},
        ("security-undefined", "error", "/paths/~1a/get/security/0/gone"),
    ),
    "a security scheme that is not defined, for all": ({"security": [{"gone": []}]}, ("security-undefined", "error", "/security/0/gone")),
    "a scope that is not declared": (
        {
            "security": [{"o": ["read", "gone"]}],
            "components": {
                "securitySchemes": {"o": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://t", "scopes": {"read": ""}}}}}
            },
        },
        ("scope-undeclared", "warning", "/security/0/o"),
    ),
    "a pattern that is none": (
        {"components": {"schemas": {"A": {"type": "string", "pattern": "["}}}},
        ("pattern-invalid", "error", "/components/schemas/A/pattern"),
    ),
    "a pattern that looks ahead": (
        {"components": {"schemas": {"A": {"type": "string", "pattern": "^(?=a).b"}}}},
        ("pattern-backtracks", "info", "/components/schemas/A/pattern"),
    ),
    "a schema made of itself": (
        {"components": {"schemas": {"A": {"allOf": [{"$ref": "#/components/schemas/B"}]}, "B": {"allOf": [{"$ref": "#/components/schemas/A"}]}}}},
        ("schema-circle", "error", "/components/schemas/A"),
    ),
    "a schema no value can match": (
        {
            "components": {
                "schemas": {"A": {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#/components/schemas/A"}}}}
            }
        },
        ("schema-impossible", "warning", "/components/schemas/A"),
    ),
    "a default outside its enum": (
        {"components": {"schemas": {"A": {"type": "string", "enum": ["a"], "default": "b"}}}},
        ("default-invalid", "warning", "/components/schemas/A/default"),
    ),
    "a discriminator that names nothing": (
        {"components": {"schemas": {"A": {"discriminator": {"propertyName": "t", "mapping": {"x": "https://evil.example/"}}}}}},
        ("discriminator-dangling", "warning", "/components/schemas/A/discriminator/mapping/x"),
    ),
    "a member the standard does not know": ({"info": {"title": "t", "version": "1", "owner": "me"}}, ("standard", "error", "/info")),
    "a server variable that is not described": (
        {"servers": [{"url": "https://{org}.example/{a}", "variables": {"a": {"default": "x"}}}]},
        ("server-variable-undefined", "error", "/servers/0/url"),
    ),
    "a server variable that is not in the address": (
        {"paths": {"/a": {"get": operation(servers=[{"url": "https://x.example", "variables": {"env": {"default": "x"}}}])}}},
        ("server-variable-unused", "warning", "/paths/~1a/get/servers/0/variables/env"),
    ),
    "a header the standard ignores": (
        {"paths": {"/a": {"get": operation(parameters=[{"name": "Accept", "in": "header", "schema": {"type": "string"}}])}}},
        ("header-ignored", "info", "/paths/~1a/get"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_is_found_once_at_its_pointer_and_the_document_is_published(case: str) -> None:
    members, expected = CASES[case]
    assert found(openapi(**members)).count(expected) == 1


def test_legitimate_recursion_is_no_finding() -> None:
    tree = {"type": "object", "required": ["kids"], "properties": {"kids": {"type": "array", "items": {"$ref": "#/components/schemas/T"}}}}
    assert found(openapi(components={"schemas": {"T": tree}})) == []


def test_schemas_of_3_1_are_checked_as_json_schema() -> None:
    findings = found(openapi("3.1.0", components={"schemas": {"A": {"type": "strin"}, "B": {"required": ["a", "a"]}}}))
    assert [(rule, pointer) for rule, _level, pointer in findings] == [
        ("standard", "/components/schemas/A/type"),
        ("standard", "/components/schemas/B/required"),
    ]


def test_findings_in_swagger_2_point_into_the_original_document() -> None:
    document = {
        "swagger": "2.0", "info": {"title": "t", "version": "1"},
        "securityDefinitions": {"o": {"type": "oauth2", "flow": "application", "tokenUrl": "https://t", "scopes": {}}},
        "security": [{"o": ["gone"]}],
        "paths": {"/a/{id}": {"get": {"responses": {"200": {"description": "d"}}}}},
        "definitions": {"A": {"type": "string", "pattern": "["}},
    }  # fmt: skip
    assert {(rule, pointer) for rule, _level, pointer in found(document)} == {
        ("scope-undeclared", "/security/0/o"),
        ("path-parameter-missing", "/paths/~1a~1{id}/get"),
        ("pattern-invalid", "/definitions/A/pattern"),
    }


def _fan(keyword: str, levels: int) -> dict[str, Any]:
    schemas: dict[str, Any] = {"A0": {"type": "string"}}
    for level in range(1, levels):
        reference = {"$ref": f"#/components/schemas/A{level - 1}"}
        schemas[f"A{level}"] = {keyword: [reference, reference]}
    return openapi(components={"schemas": schemas})


@pytest.mark.parametrize("keyword", ["allOf", "anyOf", "oneOf"])
def test_a_schema_of_unbounded_cost_is_refused_a_large_one_is_not(keyword: str) -> None:
    with pytest.raises(DocumentRefused) as caught:
        compiled(_fan(keyword, 24))
    assert set(rules(caught.value.findings)) == {"schema-cost"}
    assert caught.value.findings[0].line == 1
    assert compiled(_fan(keyword, 10)).findings == []


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("[1]", "not-an-object"),
        ("just text", "not-an-object"),
        ("a: 1", "version-missing"),
        ("openapi: 4.0.0", "version-unsupported"),
        ("swagger: '1.2'", "version-unsupported"),
        ("openapi: {a: 1}", "version-unsupported"),
    ],
)
def test_what_is_no_openapi_document_is_refused(text: str, rule: str) -> None:
    with pytest.raises(DocumentRefused) as caught:
        compiled(text)
    assert rules(caught.value.findings) == [rule]


@pytest.mark.parametrize("version", ["3", "3.0", "3.0.99", "3.1.2", "3.2.0"])
def test_odd_versions_are_read_as_the_nearest(version: str) -> None:
    document = compiled(openapi(version, paths={"/a": {"get": operation()}}))
    assert document.openapi == version
    assert len(document.operations) == 1


STRANGE = [
    {"openapi": "3.1.0", "info": 5, "paths": {"/x": 7, "/y": {"get": [], "post": {"parameters": {"a": 1}, "responses": [1]}}, "x-a": 5, "n": {}}},
    {"openapi": "3.0.0", "info": [], "paths": [], "components": [], "security": {"a": 1}, "servers": 5, "tags": "x"},
    {"openapi": "3.0.0", "paths": {"/a": {"get": {"parameters": [7, {"in": 5}], "requestBody": [], "responses": {"200": 5}, "callbacks": [1], "tags": 5}}}},
    {"openapi": "3.0.0", "components": {"schemas": {"A": 5, "B": {"properties": [], "allOf": {}, "required": 5, "enum": 7, "pattern": 9}}}},
    {"swagger": "2.0", "info": {}, "paths": [], "definitions": {"A": 5, "B": {"properties": []}}, "parameters": {"b": 7, "c": {"in": "body"}}},
    {"swagger": "2.0", "paths": {"/a": {"parameters": 5, "get": {"parameters": [5, {"in": "body"}, {"in": "formData"}], "responses": {"200": [], "x": 5}}}}},
    {"swagger": "2.0", "responses": {"x": 5}, "securityDefinitions": {"a": 5, "b": {"type": "oauth2", "flow": "zzz"}}, "host": 5, "consumes": 7},
]  # fmt: skip


@pytest.mark.parametrize("document", STRANGE)
def test_documents_of_the_wrong_shape_are_found_wanting_not_fatal(document: dict[str, Any]) -> None:
    assert "standard" in rules(compiled(document).findings, "error")


def test_every_rule_is_described_and_every_description_is_used() -> None:
    sources = [path.read_text() for path in Path(specs.__file__).parent.rglob("*.py") if path.name != "rules.py"]
    named = re.compile(r"""(?:Finding|_finding|refuse|_refuse|note|\.add|\.finding)\(\s*"([a-z0-9]+(?:-[a-z0-9]+)*)"\s*,""")
    used = {rule for source in sources for rule in named.findall(source)}
    assert used <= set(RULES)
    text = "\n".join(sources)
    assert [rule for rule in RULES if f'"{rule}"' not in text] == []
