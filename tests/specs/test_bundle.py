"""References: only inside the tree, never followed outside, circles kept."""

from __future__ import annotations

from typing import Any

import pytest

from specs.compiler import compile_document
from specs.errors import DocumentRefused
from tests.specs.documents import compiled, openapi, operation, reader, refused, rules

OUTSIDE = [
    "https://evil.example/x.json", "http://169.254.169.254/latest", "file:///etc/passwd", "//evil.example/x", "/etc/passwd",
    "../../../../etc/passwd", "%2e%2e/%2e%2e/secret.yaml", "..\\secret.yaml", "a/../../secret.yaml", "FTP://evil.example/x",
]  # fmt: skip


@pytest.mark.parametrize("reference", OUTSIDE)
def test_a_reference_that_leaves_the_tree_is_named_and_never_read(reference: str) -> None:
    asked: list[str] = []
    serve = reader({"openapi.json": openapi(components={"schemas": {"A": {"$ref": reference}}})})

    def read(path: str) -> bytes | None:
        asked.append(path)
        return serve(path)

    with pytest.raises(DocumentRefused) as caught:
        compile_document(read, "openapi.json")
    (finding,) = caught.value.findings
    assert finding.rule == "reference-outside"
    assert reference[:20] in finding.text or repr(reference)[1:10] in finding.text
    assert (finding.file, finding.pointer, finding.line) == ("openapi.json", "/components/schemas/A/$ref", 1)
    assert asked == ["openapi.json"]


def test_every_reference_that_leaves_is_named_at_once_with_its_line() -> None:
    text = "openapi: 3.0.3\ninfo: {title: t, version: '1'}\npaths: {}\ncomponents:\n  schemas:\n"
    text += "    A: {$ref: 'http://a.example/'}\n    B: {$ref: ../b.yaml}\n    C: {$ref: gone.yaml}\n"
    with pytest.raises(DocumentRefused) as caught:
        compiled(text)
    assert [(finding.rule, finding.line) for finding in caught.value.findings] == [
        ("reference-outside", 6),
        ("reference-outside", 7),
        ("reference-file-missing", 8),
    ]


def test_references_in_examples_are_text() -> None:
    example = {"$ref": "https://evil.example/x.json"}
    document = openapi(components={"schemas": {"A": {"type": "object", "example": example, "properties": {"$ref": {"type": "string"}}}}})
    assert compiled(document).findings == []


def test_parts_of_other_files_become_components_and_circles_stay_references() -> None:
    files: dict[str, Any] = {
        "schemas/tree.yaml": "type: object\nproperties:\n  children:\n    type: array\n    items: {$ref: '#'}\n  pet: {$ref: ../pet.yaml#/definitions/Pet}\n",
        "pet.yaml": "definitions:\n  Pet: {type: object, properties: {owner: {$ref: '#/definitions/Owner'}}}\n  Owner: {type: string}\n",
        "paths/trees.yaml": "get:\n  operationId: trees\n  responses:\n    200:\n      description: d\n"
        "      content: {application/json: {schema: {$ref: ../schemas/tree.yaml}}}\n",
    }
    document = compiled(openapi(paths={"/trees": {"$ref": "paths/trees.yaml"}}), **files)
    assert document.findings == []
    assert set(document.files) == {"openapi.json", *files}
    assert set(document.schemas) == {f"#/components/schemas/{name}" for name in ("tree", "Pet", "Owner")}
    assert b'"#/components/schemas/tree"' in document.schemas["#/components/schemas/tree"]
    (trees,) = document.operations
    assert (trees.key, trees.file, trees.line) == ("trees", "paths/trees.yaml", 1)
    assert trees.detail["responses"]["200"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/tree"}


def test_names_that_meet_are_told_apart() -> None:
    document = openapi(
        components={"schemas": {"pet": {"type": "string"}, "A": {"$ref": "a/pet.yaml"}, "B": {"items": {"$ref": "b/pet.yaml"}}}}
    )
    schemas = compiled(document, **{"a/pet.yaml": "type: integer\n", "b/pet.yaml": "type: boolean\n"}).schemas
    assert schemas["#/components/schemas/pet"] == b'{"type":"string"}'
    assert schemas["#/components/schemas/A"] == b'{"type":"integer"}'
    assert schemas["#/components/schemas/pet-2"] == b'{"type":"boolean"}'


def test_a_finding_in_another_file_names_that_file_and_line() -> None:
    files = {
        "get.yaml": "operationId: a\nparameters:\n  - {name: id, in: path, required: true, schema: {type: strin}}\nresponses: {200: {description: d}}\n"
    }
    findings = compiled(openapi(paths={"/a/{id}": {"get": {"$ref": "get.yaml"}}}), **files).findings
    assert [(finding.rule, finding.file, finding.line) for finding in findings] == [("standard", "get.yaml", 3)]


def test_path_items_that_lead_in_a_circle_refuse_the_document() -> None:
    files = {"a.yaml": "$ref: b.yaml\n", "b.yaml": "$ref: a.yaml\n"}
    findings = refused(openapi(paths={"/a": {"$ref": "a.yaml"}}), **files)
    assert findings[0].rule == "reference-circle"
    assert (findings[0].file, findings[0].line) == ("b.yaml", 1)


def test_a_file_that_cannot_be_read_refuses_the_document_with_its_own_line() -> None:
    with pytest.raises(DocumentRefused) as caught:
        compiled(openapi(components={"schemas": {"A": {"$ref": "a.yaml"}}}), **{"a.yaml": "x: 1\nx: 2\n"})
    assert (caught.value.findings[0].file, caught.value.findings[0].line) == ("a.yaml", 2)


@pytest.mark.parametrize(
    ("reference", "rule"),
    [
        ("#/components/schemas/Gone", "reference-dangling"),
        ("#/info/title", "reference-dangling"),
        ("#/components/schemas/A", "reference-circle"),
        ("a.yaml#/gone", "reference-dangling"),
    ],
)
def test_a_reference_that_leads_nowhere_refuses_the_document_with_file_and_line(reference: str, rule: str) -> None:
    paths = {"/ok": {"get": operation(operationId="ok", security=[{"gone": []}])}}
    findings = refused(openapi(paths=paths, components={"schemas": {"A": {"$ref": reference}}}), **{"a.yaml": "type: string\n"})
    assert findings[0].rule == rule
    assert findings[0].file in {"openapi.json", "a.yaml"}
    # What else is wrong with it is said too, behind the reason.
    assert "security-undefined" in rules(findings[1:], "error")


def test_the_reason_of_a_refusal_stands_before_any_number_of_other_findings() -> None:
    paths = {f"/p{number}": {"get": operation(security=[{"gone": []}])} for number in range(1_200)}
    findings = refused(openapi(paths=paths, components={"schemas": {"A": {"$ref": "#/gone"}}}))
    assert findings[0].rule == "reference-dangling"
    assert len(findings) == 1_000


def test_a_reference_that_is_no_text_is_a_finding_and_the_rest_is_published() -> None:
    paths = {"/ok": {"get": operation(operationId="ok")}}
    document = compiled(openapi(paths=paths, components={"schemas": {"A": {"$ref": 5}}}))
    assert "reference-not-text" in rules(document.findings, "error")
    assert [one.key for one in document.operations] == ["ok"]


def test_a_reference_into_another_file_that_leads_nowhere_is_named_where_it_stands() -> None:
    text = "openapi: 3.0.3\ninfo: {title: t, version: '1'}\npaths: {}\ncomponents:\n  schemas:\n    A:\n      $ref: a.yaml#/gone\n"
    (finding,) = refused(text, **{"a.yaml": "here: 1\n"})
    assert (finding.file, finding.line, finding.pointer) == ("openapi.yaml", 7, "/components/schemas/A/$ref")


def test_an_example_that_looks_like_a_reference_is_kept_and_the_document_published() -> None:
    schema = {"type": "object", "example": {"$ref": "a.yaml#/gone"}}
    document = compiled(openapi(components={"schemas": {"A": schema}}), **{"a.yaml": "here: 1\n"})
    assert "reference-in-data" in rules(document.findings, "warning")
    assert b"a.yaml#/gone" in document.schemas["#/components/schemas/A"]


def test_before_3_1_an_anchor_is_not_followed_and_its_operation_says_so() -> None:
    schemas = {"A": {"type": "string"}, "B": {"$ref": "#here"}}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/B"}}}}
    document = compiled(openapi(paths={"/a": {"post": operation(requestBody=body)}}, components={"schemas": schemas}))
    assert "anchor-not-followed" in rules(document.findings, "error")
    assert document.operations[0].unchecked


def test_a_part_that_moves_where_the_document_has_no_object_is_found() -> None:
    for components in (None, {"schemas": None}):
        body = {"content": {"application/json": {"schema": {"$ref": "b.yaml"}}}}
        document = compiled(
            openapi("3.1.0", paths={"/a": {"post": operation(requestBody=body)}}, components=components), **{"b.yaml": "type: string\n"}
        )
        assert rules(document.findings, "error") == ["standard"]


def test_escaped_pointers_are_followed() -> None:
    schemas = {"a/b~c %": {"type": "string"}, "B": {"$ref": "#/components/schemas/a~1b~0c%20%25"}}
    document = compiled(openapi("3.1.0", components={"schemas": schemas}))
    assert "reference-dangling" not in rules(document.findings)
    assert document.schemas["#/components/schemas/a~1b~0c%20%25"] == b'{"type":"string"}'


def test_texts_may_stand_in_files_of_the_tree() -> None:
    document = openapi(tags=[{"name": "a", "description": {"$ref": "texts.yaml#/a"}}])
    assert compiled(document, **{"texts.yaml": "a: Hello\n"}).tags == [{"name": "a", "description": "Hello"}]


def test_a_map_that_leads_to_the_document_it_stands_in_refuses_it() -> None:
    callbacks = {"c": {"{$url}": {"post": operation()}}, "$ref": "openapi.json"}
    findings = refused(openapi(paths={"/a": {"post": operation(callbacks=callbacks)}}))
    assert findings[0].rule == "reference-circle"
