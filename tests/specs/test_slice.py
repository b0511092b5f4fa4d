"""One operation as a document: self-contained, small, and honest about what was cut."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator

from specs.schema.convert import resolve_pointer
from specs.slice import COMPONENT, operation_document
from tests.specs.planning import answer_of, body_of, ref

META = {"openapi": "3.0.3", "info": {"title": "Things", "version": "1"}, "servers": [{"url": "https://api.example"}]}


def sliced(detail: dict[str, Any], schemas: dict[str, Any], *, meta: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    document = {"components": {"schemas": schemas}, "paths": {"/x": {"get": {"schema": {"type": "integer"}}}}}
    return operation_document(
        {**META, **(meta or {})},
        {"path": "/things", "method": "POST", "detail": detail},
        lambda pointer: resolve_pointer(document, pointer),
        **more,
    )


def references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [found for child in node for found in references(child)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [found for child in node.values() for found in references(child)]


def assert_self_contained(document: dict[str, Any]) -> None:
    for pointer in references(document):
        assert resolve_pointer(document, pointer) is not None, pointer


def test_a_small_closure_is_complete_with_its_cycles() -> None:
    schemas = {
        "Thing": {"type": "object", "properties": {"parent": ref("Thing"), "owner": ref("Owner")}},
        "Owner": {"type": "object", "properties": {"things": {"type": "array", "items": ref("Thing")}}},
        "Unused": {"type": "string"},
    }
    document = sliced({**body_of(ref("Thing")), **answer_of({"type": "array", "items": ref("Thing")})}, schemas)
    assert_self_contained(document)
    assert set(document["components"]["schemas"]) == {"Thing", "Owner"}
    assert list(document["paths"]["/things"]) == ["post"]
    OpenAPIV30SpecValidator(document).validate()


def test_past_the_budget_deeper_levels_are_cut_and_said() -> None:
    schemas = {
        f"L{level}": {"type": "object", "description": "x" * 2_000, "properties": {"next": ref(f"L{level + 1}")}} for level in range(50)
    }
    schemas["L50"] = {"type": "string"}
    document = sliced(answer_of(ref("L0")), schemas, byte_budget=10_000)
    assert_self_contained(document)
    assert set(document["components"]["schemas"]) == {"L0", "L1"}
    assert document["components"]["schemas"]["L1"]["properties"]["next"] == {"x-cut": "#/components/schemas/L2"}
    assert len(orjson.dumps(document)) < 10_000


def test_a_schema_larger_than_the_budget_is_cut_at_once() -> None:
    document = sliced(answer_of(ref("Huge")), {"Huge": {"description": "x" * 50_000}}, byte_budget=10_000)
    assert "components" not in document
    assert document["paths"]["/things"]["post"]["responses"]["200"]["content"]["application/json"]["schema"] == {
        "x-cut": f"{COMPONENT}Huge"
    }


def test_references_elsewhere_get_a_component_of_their_own() -> None:
    document = sliced(answer_of({"$ref": "#/paths/~1x/get/schema"}), {})
    assert_self_contained(document)
    assert list(document["components"]["schemas"].values()) == [{"type": "integer"}]


def test_a_property_called_ref_is_no_reference() -> None:
    schemas = {"Thing": {"type": "object", "properties": {"$ref": {"type": "string"}, "other": ref("Missing")}}}
    document = sliced(answer_of(ref("Thing")), schemas)
    assert document["components"]["schemas"]["Thing"]["properties"] == {
        "$ref": {"type": "string"},
        "other": {"x-cut": "#/components/schemas/Missing"},
    }


def test_a_mapping_keeps_only_what_is_in_the_slice() -> None:
    mapping = {"a": "#/components/schemas/A", "b": "#/components/schemas/B", "bare": "A"}
    schema = {"oneOf": [ref("A")], "discriminator": {"propertyName": "kind", "mapping": mapping}}
    document = sliced(answer_of(schema), {"A": {"type": "object"}, "B": {"type": "object"}})
    found = document["paths"]["/things"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]["discriminator"]["mapping"]
    assert found == {"a": "#/components/schemas/A", "bare": "A"}


def test_only_the_security_schemes_and_tags_of_the_operation_are_kept() -> None:
    meta: dict[str, Any] = {
        "security_schemes": {"one": {"type": "http", "scheme": "bearer"}, "two": {"type": "http", "scheme": "basic"}},
        "security": [{"one": []}],
        "tags": [{"name": "a"}, {"name": "b"}],
    }
    document = sliced({**answer_of({}), "tags": ["a"]}, {}, meta=meta)
    assert document["components"]["securitySchemes"] == {"one": meta["security_schemes"]["one"]}
    assert document["security"] == [{"one": []}]
    assert document["tags"] == [{"name": "a"}]
    assert "security" not in sliced({**answer_of({}), "security": []}, {}, meta=meta)


@pytest.mark.parametrize("method", ["GET", "get"])
def test_the_method_is_written_in_lower_case(method: str) -> None:
    document = operation_document(META, {"path": "/p", "method": method, "detail": {"responses": {}}}, lambda pointer: None)
    assert list(document["paths"]["/p"]) == ["get"]
