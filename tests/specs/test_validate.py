"""Messages against plans: the verdicts and their words."""

from __future__ import annotations

from typing import Any

import orjson

from specs.plan import PlanBuilder
from specs.validate import OperationValidator

JSON = [("Content-Type", "application/json")]


def validator_for(operation: dict[str, Any], *, method: str = "post", path: str = "/things", **root: Any) -> OperationValidator:
    document = {"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "paths": {path: {method: operation}}, **root}
    builder = PlanBuilder(document)
    plan, _ = builder.operation(path, method)
    builder.finish()
    return OperationValidator(orjson.loads(orjson.dumps(plan)), builder.documents.__getitem__, builder.bundle.__getitem__)


def body_of(schema: dict[str, Any], media: str = "application/json", **more: Any) -> dict[str, Any]:
    return {"requestBody": {"content": {media: {"schema": schema, **more}}}, "responses": {"200": {"description": "ok"}}}


def check(
    validator: OperationValidator, body: Any = b"", *, query: str = "", path: dict[str, str] | None = None, headers: Any = JSON
) -> Any:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return validator.request(path_parameters=path or {}, query=query, headers=headers, body=raw)


RETRY = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "retry": {"type": "object", "properties": {"maxAttempts": {"type": "integer", "maximum": 10}}},
    },
}


def test_every_violation_is_said_in_plain_words() -> None:
    verdict = check(validator_for(body_of(RETRY)), {"retry": {"maxAttempts": 12}})
    assert verdict.state == "invalid"
    assert not verdict.malformed
    assert {one.message for one in verdict.violations} == {"`/retry/maxAttempts` must be at most 10, got 12", "`/name` is required"}


def test_a_valid_body_is_valid() -> None:
    assert check(validator_for(body_of(RETRY)), {"name": "x"}).state == "valid"
