"""Schemas as trees: two levels, deeper ones by address, cycles as links, a budget."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from catalog.models import Publication
from catalog.operation_reading import located
from catalog.reading import Address, Node, SchemaTexts, TreeBuilder, escape, unescape
from tests.catalog.world import World

PATH = "genesys/things/v1/openapi.json"
SCHEMAS: dict[str, Any] = {
    "Thing": {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 256, "description": "Shown **first**."},
            "level": {"type": "integer", "minimum": 0, "maximum": 10, "default": 3},
            "kind": {"type": "string", "enum": [f"kind-{number}" for number in range(12)]},
            "parent": {"$ref": "#/components/schemas/Thing"},
            "owner": {"$ref": "#/components/schemas/Owner"},
            "a/b~c": {"type": "array", "items": {"$ref": "#/components/schemas/Owner"}},
        },
    },
    "Owner": {
        "type": "object",
        "properties": {
            "id": {"type": "string", "format": "uuid", "readOnly": True},
            "team": {"type": "object", "properties": {"lead": {"type": "object", "properties": {"mail": {"type": "string"}}}}},
        },
    },
    "Both": {
        "allOf": [
            {"$ref": "#/components/schemas/Owner"},
            {"type": "object", "required": ["extra"], "properties": {"extra": {"type": "boolean"}}},
        ]
    },
    "Either": {"oneOf": [{"$ref": "#/components/schemas/Owner"}, {"type": "string", "title": "A name"}]},
    "Alone": {"$ref": "#/components/schemas/Thing"},
    "Map": {"type": "object", "additionalProperties": {"type": "integer"}},
    "Loop": {"allOf": [{"$ref": "#/components/schemas/Loop"}]},
    "Wide": {
        "type": "object",
        "properties": {
            f"p{number}": {"type": "object", "properties": {f"q{inner}": {"type": "string"} for inner in range(30)}} for number in range(30)
        },
    },
}


@pytest.fixture
def publication(world: World) -> Publication:
    used = {"type": "object", "properties": {name: {"$ref": f"#/components/schemas/{name}"} for name in SCHEMAS}}
    document = {
        "openapi": "3.0.3",
        "info": {"title": "Things", "version": "1"},
        "paths": {
            "/things": {
                "post": {
                    "operationId": "makeThing",
                    "requestBody": {"content": {"application/json": {"schema": used}}},
                    "responses": {"204": {"description": "Made."}},
                }
            }
        },
        "components": {"schemas": SCHEMAS},
    }
    world.everywhere({PATH: json.dumps(document)})
    world.sync()
    return Publication.objects.get(current=True, environment="staging")


def tree(publication: Publication, name: str, **options: Any) -> Node:
    texts = SchemaTexts(publication.document_id)
    pointer = f"#/components/schemas/{name}"
    return TreeBuilder(texts, **options).tree(texts.get(pointer), Address(pointer))


def everything(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from everything(child)


def depth(node: Node) -> int:
    return max((1 + depth(child) for child in node.children), default=0)


def child(node: Node, name: str) -> Node:
    return next(one for one in node.children if one.name == name)


def test_a_tree_shows_two_levels_and_says_where_the_third_is(publication: Publication) -> None:
    thing = tree(publication, "Thing")
    assert depth(thing) == 2
    team = child(child(thing, "owner"), "team")
    assert (team.more, team.children, team.size) == ("deeper", [], 1)


def test_a_schema_that_contains_itself_is_a_link_to_itself(publication: Publication) -> None:
    parent = child(child(tree(publication, "Thing"), "parent"), "parent")
    assert (parent.more, parent.address.pointer, parent.children) == ("cycle", "#/components/schemas/Thing", [])


def test_a_schema_made_of_nothing_but_itself_ends(publication: Publication) -> None:
    assert tree(publication, "Loop").children == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_level_that_is_not_shown_can_be_asked_for_by_its_address(publication: Publication, name: str) -> None:
    for node in everything(tree(publication, name)):
        if node.more:
            texts, schema, address = located(publication.document_id, None, node.address)
            assert address == node.address
            below = TreeBuilder(texts).tree(schema, address)
            assert len(below.children) == node.size or node.more == "cycle"
            assert below.children


def test_limits_are_said_in_words(publication: Publication) -> None:
    thing = tree(publication, "Thing")
    assert child(thing, "name").facts == ["1–256 characters"]
    assert child(thing, "name").required
    assert "<strong>first</strong>" in child(thing, "name").description
    assert child(thing, "level").facts == ["0–10", "default 3"]
    assert child(thing, "kind").values == [f"kind-{number}" for number in range(8)]
    assert len(child(thing, "kind").more_values) == 4
    assert child(child(thing, "owner"), "id").read_only


def test_an_array_shows_the_properties_of_its_items(publication: Publication) -> None:
    array = child(tree(publication, "Thing"), "a/b~c")
    assert (array.kind, array.title) == ("array of object", "Owner")
    assert [one.name for one in array.children] == ["id", "team"]


def test_parts_that_must_all_hold_read_as_one_object(publication: Publication) -> None:
    both = tree(publication, "Both")
    assert [one.name for one in both.children] == ["id", "team", "extra"]
    assert child(both, "extra").required


def test_alternatives_are_named(publication: Publication) -> None:
    either = tree(publication, "Either")
    assert (either.children_are, [one.name for one in either.children]) == ("variants", ["Owner", "A name"])


def test_a_map_has_a_row_for_any_name(publication: Publication) -> None:
    assert [(one.name, one.kind) for one in tree(publication, "Map").children] == [("any name", "integer")]


def test_a_page_has_a_bounded_number_of_rows(publication: Publication) -> None:
    nodes = list(everything(tree(publication, "Wide", budget=100)))
    assert len(nodes) <= 131  # the budget, and the one level that was begun
    assert {node.more for node in nodes if node.name.startswith("p") and not node.children} == {"deeper"}


def test_a_tree_costs_a_query_a_level_however_wide_it_is(publication: Publication, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(5):
        tree(publication, "Wide")
        tree(publication, "Thing")


def test_the_place_a_finding_names_leads_to_the_schema_around_it(publication: Publication) -> None:
    _, schema, address = located(publication.document_id, None, Address("#/components/schemas/Thing/properties/level/maximum"))
    assert address.pointer == "#/components/schemas/Thing/properties/level"
    assert schema["maximum"] == 10


@pytest.mark.parametrize(
    "pointer", ["#/components/schemas/Nothing", "#/components/schemas/Thing/properties/nothing", "", "#", "#/a//b", "x"]
)
def test_a_pointer_that_leads_nowhere_finds_nothing(publication: Publication, pointer: str) -> None:
    assert located(publication.document_id, None, Address(pointer))[1] is None


@pytest.mark.parametrize("step", ["a/b", "a~b", "~1", "~01", "", "ü"])
def test_a_step_of_a_pointer_survives_escaping(step: str) -> None:
    assert unescape(escape(step)) == step
