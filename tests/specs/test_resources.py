"""``$id``, ``$anchor`` and ``$dynamicRef`` of OpenAPI 3.1, judged by jsonschema-rs following them itself."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specs.compiler import CompiledDocument
from specs.validate import OperationValidator
from tests.specs.documents import compiled, openapi, operation, refused, rules
from tests.specs.planning import send


def with_body(schema: Any, *, files: dict[str, Any] | None = None, **schemas: Any) -> CompiledDocument:
    body = {"content": {"application/json": {"schema": schema}}}
    document = openapi("3.1.0", paths={"/a": {"post": operation(requestBody=body)}}, components={"schemas": schemas})
    return compiled(document, **(files or {}))


def accepts(document: CompiledDocument, value: Any) -> bool:
    plan = document.operations[0].plan
    verdict = send(OperationValidator(plan, document.documents.__getitem__, document.bundle.__getitem__), value)
    assert verdict.state != "unchecked", verdict.notes
    return verdict.state == "valid"


def agrees(document: CompiledDocument, good: Any, bad: Any) -> None:
    assert rules(document.findings) == []
    assert document.operations[0].unchecked == []
    assert (accepts(document, good), accepts(document, bad)) == (True, False)


def test_an_anchor_of_the_document_is_followed() -> None:
    agrees(with_body({"$ref": "#here"}, A={"$anchor": "here", "type": "integer"}), 1, "x")


def test_an_anchor_of_another_file_is_followed() -> None:
    files: dict[str, Any] = {"parts.yaml": {"definitions": {"A": {"$anchor": "here", "type": "integer"}}}}
    agrees(with_body({"$ref": "parts.yaml#here"}, files=files), 1, "x")


def test_an_anchor_that_is_nowhere_refuses_the_document() -> None:
    body = {"content": {"application/json": {"schema": {"$ref": "#gone"}}}}
    assert rules(refused(openapi("3.1.0", paths={"/a": {"post": operation(requestBody=body)}}))) == ["reference-dangling"]


def test_an_id_moves_the_base_of_what_is_below_it() -> None:
    inner = {"$id": "https://schemas.example/inner", "properties": {"a": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"type": "integer"}}}
    document = with_body({"$ref": "https://schemas.example/inner"}, Inner=inner)
    agrees(document, {"a": 1}, {"a": "x"})
    assert b"schemas.example" not in document.source, "its references are read from the top now, so it has no base of its own"


def test_an_id_nothing_depends_on_stays_in_the_document() -> None:
    assert b"schemas.example" in with_body({"$ref": "#/components/schemas/A"}, A={"$id": "https://schemas.example/a"}).source


def test_ids_are_relative_to_each_other_and_to_files() -> None:
    files: dict[str, Any] = {
        "schemas/order.yaml": {"$id": "https://schemas.example/shop/order", "properties": {"line": {"$ref": "line#top"}}},
        "schemas/line.yaml": {"$id": "https://schemas.example/shop/line", "$anchor": "top", "properties": {"n": {"$ref": "number.yaml"}}},
        "schemas/number.yaml": {"type": "integer"},
    }
    both = {"allOf": [{"$ref": "schemas/order.yaml"}, {"properties": {"again": {"$ref": "schemas/line.yaml"}}}]}
    document = with_body(both, files=files)
    agrees(document, {"line": {"n": 1}, "again": {"n": 1}}, {"line": {"n": "x"}})
    assert not accepts(document, {"again": {"n": "x"}})


def test_a_pointer_that_means_the_document_below_an_id_is_read_so_and_said() -> None:
    a = {"$id": "https://schemas.example/a", "properties": {"b": {"$ref": "#/components/schemas/B"}}}
    document = with_body({"$ref": "#/components/schemas/A"}, A=a, B={"type": "integer"})
    assert [(one.rule, one.level, one.pointer) for one in document.findings] == [
        ("schema-id", "warning", "/components/schemas/A/properties/b/$ref")
    ]
    assert (accepts(document, {"b": 1}), accepts(document, {"b": "x"})) == (True, False)


def test_a_name_given_twice_is_said() -> None:
    twice = {"$id": "https://schemas.example/a"}
    assert rules(with_body(True, A=twice, B={**twice}).findings) == ["schema-id"]


def test_a_name_of_another_host_that_no_file_has_is_refused_and_not_fetched() -> None:
    inner = {"$id": "https://schemas.example/a", "$ref": "https://schemas.example/gone"}
    assert rules(refused(openapi("3.1.0", components={"schemas": {"A": inner}}))) == ["reference-outside"]


def test_the_document_may_name_itself_in_3_2() -> None:
    body = {"content": {"application/json": {"schema": {"$ref": "https://api.example/openapi#/components/schemas/A"}}}}
    document = openapi(
        "3.2.0",
        **{"$self": "https://api.example/openapi"},
        paths={"/a": {"post": operation(requestBody=body)}},
        components={"schemas": {"A": {"type": "integer"}}},
    )
    agrees(compiled(document), 1, "x")


TREE = {"$dynamicAnchor": "node", "type": "object", "properties": {"kids": {"type": "array", "items": {"$dynamicRef": "#node"}}}}


def test_a_dynamic_reference_to_its_own_schema_is_a_circle() -> None:
    agrees(with_body({"$ref": "#/components/schemas/T"}, T=TREE), {"kids": [{"kids": []}]}, {"kids": [{"kids": [5]}]})


def test_a_dynamic_reference_to_an_anchor_that_is_not_dynamic_is_a_reference() -> None:
    schema = {"$dynamicRef": "#here", "$ref": "#/components/schemas/B"}
    document = with_body(schema, A={"$anchor": "here", "type": "integer"}, B={"minimum": 3})
    agrees(document, 3, "x")
    assert not accepts(document, 1)


PAGE = {
    "$id": "https://schemas.example/page",
    "type": "object",
    "properties": {"items": {"type": "array", "items": {"$dynamicRef": "#item"}}},
    "$defs": {"item": {"$dynamicAnchor": "item"}},
}


def _page_of(name: str, item: Any) -> dict[str, Any]:
    return {"$id": f"https://schemas.example/{name}", "$ref": "page", "$defs": {"item": {"$dynamicAnchor": "item", **item}}}


@pytest.mark.parametrize("in_files", [False, True])
def test_a_generic_schema_means_something_else_for_each_that_binds_it(in_files: bool) -> None:
    parts: dict[str, Any] = {
        "page": PAGE,
        "numbers": _page_of("numbers", {"type": "integer"}),
        "texts": _page_of("texts", {"type": "string"}),
    }
    both = {"properties": {name: {"$ref": f"{name}.json" if in_files else f"#/components/schemas/{name}"} for name in parts}}
    if in_files:
        parts["numbers"]["$ref"] = "page.json"
        document = with_body(both, files={f"{name}.json": part for name, part in parts.items()})
    else:
        document = with_body(both, **parts)
    agrees(document, {"numbers": {"items": [1]}, "texts": {"items": ["a"]}, "page": {"items": [1, "a"]}}, {"numbers": {"items": ["a"]}})
    assert not accepts(document, {"texts": {"items": [1]}})
    assert not any(b"$dynamicRef" in schema for schema in document.schemas.values())


def test_a_name_that_stands_twice_in_one_resource_cannot_be_decided_and_is_said() -> None:
    document = with_body({"$ref": "#/components/schemas/T"}, T=TREE, U={"$dynamicAnchor": "node"})
    assert rules(document.findings, "warning") == ["dynamic-reference"]
    assert document.operations[0].unchecked == [
        "Request: #/components/schemas/T/properties/kids/items uses $dynamicRef, which is not followed."
    ]


# Small worlds of resources that refer to each other in every way there is, and what jsonschema-rs says of them when it follows
# names itself. No plain $ref to a $dynamicAnchor: jsonschema-rs and Python's jsonschema let the outermost one override it, which
# the standard says of $dynamicRef only.


TYPES: st.SearchStrategy[Any] = st.sampled_from([{"type": "integer"}, {"type": "string"}, {"type": "object"}, {}])
COUNT = 3
VALUES = st.recursive(
    st.sampled_from([1, "x", None]), lambda inner: st.dictionaries(st.sampled_from("abt"), inner, max_size=3), max_leaves=8
)


def _references(own: int) -> st.SearchStrategy[Any]:
    other = st.integers(0, COUNT - 1)
    return st.one_of(
        st.builds(lambda index: {"$ref": f"r{index}"}, other),
        st.builds(lambda index: {"$ref": f"r{index}#n"}, other),
        st.builds(lambda index, name: {"$dynamicRef": f"r{index}#{name}"}, other, st.sampled_from(["T", "n"])),
        st.builds(lambda index: {"$ref": f"https://s.example/r{index}#/$defs/N"}, other),
        st.sampled_from([{"$dynamicRef": "#T"}, {"$dynamicRef": "#/$defs/T"}, {"$ref": "#n"}, {"$ref": "#/$defs/N"}, {"$ref": f"r{own}"}]),
    )


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    resources: dict[str, Any] = {}
    for index in range(COUNT):
        inner = _references(index) | TYPES
        kind = draw(st.sampled_from(["$anchor", "$dynamicAnchor"]))
        resources[f"R{index}"] = {
            "$id": f"https://s.example/r{index}",
            "properties": draw(st.dictionaries(st.sampled_from("ab"), inner, max_size=2)),
            "$defs": {
                "T": {kind: "T", "properties": {"t": draw(inner)}, **draw(TYPES)},
                "N": {"$anchor": "n", "properties": {"t": draw(inner)}, **draw(TYPES)},
            },
        }
        if index + 1 < COUNT and draw(st.booleans()):
            resources[f"R{index}"]["allOf"] = [{"$ref": f"r{draw(st.integers(index + 1, COUNT - 1))}"}]
    return resources


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(worlds(), st.lists(VALUES, min_size=1, max_size=6))
def test_what_references_mean_is_what_jsonschema_rs_says_they_mean(resources: dict[str, Any], values: list[Any]) -> None:
    entry = {"$ref": "https://s.example/r0"}
    document = with_body(entry, **resources)
    assert rules(document.findings, "error") == []
    other = jsonschema_rs.Draft202012Validator({"$id": "https://s.example/", **entry, "$defs": resources}, offline=True)
    for value in values:
        expected = other.is_valid(value)
        assert accepts(document, value) == expected, orjson.dumps([value, resources]).decode()


def test_too_many_meanings_are_not_copied_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specs.dynamic.MAX_COPIES", 1)
    bound: dict[str, Any] = {name: _page_of(name, {"type": "integer"}) for name in ("a", "b", "c")}
    both = {"properties": {name: {"$ref": f"#/components/schemas/{name}"} for name in bound}}
    document = with_body(both, page=PAGE, **bound)
    assert rules(document.findings, "warning") == ["dynamic-reference"]
    assert document.operations[0].unchecked
