"""Documents full of junk are published; whatever is read of their operations is a page, never an error of the portal."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

from catalog.models import Operation
from tests.catalog.world import World
from tests.conftest import Person

SCHEMA = {"type": "object", "required": ["a"], "properties": {"a": {"type": "array", "items": {"enum": ["x"]}}}}
SOUND: dict[str, Any] = {
    "parameters": [
        {"name": "b", "in": "query", "content": {"application/json": {"schema": SCHEMA}}},
        {"name": "c", "in": "header", "style": "simple", "explode": True, "schema": {"type": "array", "items": {"type": "string"}}},
    ],
    "requestBody": {"content": {"application/json": {"schema": SCHEMA, "examples": {"one": {"value": 1}}}}},
    "responses": {
        "200": {
            "description": "ok",
            "headers": {"X": {"schema": {"type": "string"}}},
            "content": {"application/json": {"schema": SCHEMA, "examples": {"one": {"summary": "s", "value": {}}}}},
        }
    },
    "security": [{"oauth": ["read"]}],
    "callbacks": {"done": {"{$url}": {"post": {"responses": {"200": {"description": "ok"}}}}}},
    "externalDocs": {"url": "https://docs.example"},
    "servers": [{"url": "https://a.example"}],
}
JUNK: tuple[Any, ...] = (3, None, "text", [], {}, [5], True, {"a": 1}, [{"a": []}], 1.5, "")


def places(value: Any, tokens: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key, member in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*tokens, key)
        yield from places(member, (*tokens, key))


def junk_operations() -> dict[str, Any]:
    """One path for each place of a sound operation and each of two kinds of junk put there."""
    junk = cycle(JUNK)
    paths: dict[str, Any] = {}
    for tokens in places(SOUND):
        for _ in range(2):
            operation = copy.deepcopy(SOUND)
            holder = operation
            for token in tokens[:-1]:
                holder = holder[token]
            holder[tokens[-1]] = next(junk)
            paths[f"/p{len(paths)}"] = {"post": operation}
    return paths


def test_every_page_of_a_junk_operation_can_be_read(world: World, sign_in: Callable[..., Person]) -> None:
    paths = junk_operations()
    schemes = {"oauth": 5, "key": {"type": ["apiKey"], "in": 3}}
    document = {
        "openapi": "3.0.3",
        "info": {"title": "Junk", "version": 1, "contact": [], "x-portal": {"owner": {}, "tags": {}}},
        "tags": [3, {"name": []}],
        "paths": paths,
        "components": {"securitySchemes": schemes},
    }
    world.write("develop", {"genesys/junk/v1/openapi.json": json.dumps(document)})
    run = world.sync()
    assert "1 published" in run.sentence, run.sentence
    operations = list(Operation.objects.all())
    assert len(operations) == len(paths) > 90
    client = sign_in("ada", groups=["integration-architects"]).client
    for operation in operations:
        address = f"genesys-junk-v1/sandbox/operations/{operation.key}"
        for url in (f"/apis/{address}", f"/apis/{address}/swagger", f"/api/v1/apis/{address}"):
            response = client.get(url)
            assert response.status_code == 200, (url, paths[operation.path], response.content[:300])
    assert client.get("/apis/genesys-junk-v1/sandbox").status_code == 200
