"""Validators of small documents, for tests."""

from __future__ import annotations

from typing import Any

import orjson

from specs.plan import PlanBuilder
from specs.validate import OperationValidator
from specs.violations import Verdict

JSON = [("Content-Type", "application/json")]
FORM = [("Content-Type", "application/x-www-form-urlencoded")]


def planned(document: dict[str, Any], path: str, method: str) -> tuple[OperationValidator, list[str]]:
    builder = PlanBuilder(document)
    plan, notes = builder.operation(path, method)
    builder.finish()
    # Stored and read back, as in the product.
    return OperationValidator(orjson.loads(orjson.dumps(plan)), builder.documents.__getitem__, builder.bundle.__getitem__), notes


def validator_for(operation: dict[str, Any], *, method: str = "post", path: str = "/things", **root: Any) -> OperationValidator:
    document = {"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "paths": {path: {method: operation}}, **root}
    return planned(document, path, method)[0]


def body_of(schema: Any, media: str = "application/json", **more: Any) -> dict[str, Any]:
    return {"requestBody": {"content": {media: {"schema": schema, **more}}}, "responses": {"200": {"description": "ok"}}}


def answer_of(schema: Any, media: str = "application/json", status: str = "200") -> dict[str, Any]:
    return {"responses": {status: {"description": "ok", "content": {media: {"schema": schema}}}}}


def parameter(name: str, schema: Any, *, place: str = "query", **more: Any) -> dict[str, Any]:
    return {"name": name, "in": place, "schema": schema, **({"required": True} if place == "path" else {}), **more}


def components(**schemas: Any) -> dict[str, Any]:
    return {"schemas": schemas}


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def send(
    validator: OperationValidator, body: Any = b"", *, query: str = "", path: dict[str, str] | None = None, headers: Any = JSON
) -> Verdict:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return validator.request(path_parameters=path or {}, query=query, headers=headers, body=raw)


def receive(validator: OperationValidator, body: Any = b"", *, status: int = 200, headers: Any = JSON, **more: Any) -> Verdict:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return validator.response(status=status, headers=headers, body=raw, **more)


def messages(verdict: Verdict) -> list[str]:
    return [violation.message for violation in verdict.violations]
