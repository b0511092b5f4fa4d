"""Does the document follow its own standard? The published meta-schemas, run by jsonschema-rs: milliseconds, every error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import jsonschema_rs

from specs.findings import Finding
from specs.shape import Tokens, pointer_of, walk

MAX_ERRORS = 500
_DIALECTS = (
    "https://spec.openapis.org/oas/3.1/dialect/",
    "https://spec.openapis.org/oas/3.2/dialect/",
    "https://json-schema.org/draft/2020-12/",
)


def _schema_text(version: str) -> str:
    """The meta-schema as openapi-spec-validator ships it. The package itself is not imported: that would cost 50 MB."""
    spec = find_spec("openapi_spec_validator")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("openapi-spec-validator is not installed; its meta-schemas are read.")
    path = Path(spec.submodule_search_locations[0], "resources", "schemas", f"v{version}", "schema.json")
    return path.read_text(encoding="utf-8")


@cache
def _validator(version: str) -> Any:
    kind = jsonschema_rs.Draft4Validator if version in ("2.0", "3.0") else jsonschema_rs.Draft202012Validator
    return kind(_schema_text(version), offline=True, validate_formats=True)


@cache
def _schema_validator() -> Any:
    return jsonschema_rs.Draft202012Validator({"$ref": "https://json-schema.org/draft/2020-12/schema"}, offline=True)


def version_of(document: dict[str, Any]) -> str:
    """``2.0``, ``3.0``, ``3.1`` or ``3.2``; a bare ``3`` counts as 3.0."""
    if "openapi" not in document:
        return "2.0"
    version = str(document["openapi"])
    return version[:3] if version[:3] in ("3.0", "3.1", "3.2") else "3.0"


def check_standard(document: dict[str, Any]) -> list[Finding]:
    """Every place the document breaks the meta-schema of its version; for 3.1 and later its schemas too."""
    version = version_of(document)
    findings = [
        Finding("standard", "error", text, pointer_of(tokens)) for tokens, text in _errors(_validator(version).iter_errors(document), ())
    ]
    if version in ("3.1", "3.2"):
        findings.extend(_check_schemas(document))
    return findings[:MAX_ERRORS]


def _check_schemas(document: dict[str, Any]) -> Iterator[Finding]:
    """The meta-schema of 3.1 leaves schema objects alone; they are JSON Schema 2020-12."""
    dialect = document.get("jsonSchemaDialect")
    if isinstance(dialect, str) and not dialect.startswith(_DIALECTS):
        yield Finding("dialect", "warning", "Schemas are read as JSON Schema 2020-12, not in the dialect named here.", "/jsonSchemaDialect")
        return
    validator = _schema_validator()
    root: Tokens | None = None
    for node in walk(document):
        if node.kind != "schema" or (root is not None and node.tokens[: len(root)] == root):
            continue
        root = node.tokens
        if not validator.is_valid(node.value):
            for tokens, text in _errors(validator.iter_errors(node.value), node.tokens):
                yield Finding("standard", "error", text, pointer_of(tokens))


def _errors(errors: Iterable[Any], base: Tokens) -> Iterator[tuple[Tokens, str]]:
    for error in islice(errors, MAX_ERRORS):
        for one in _most_telling(error):
            tokens = (*base, *(str(part) for part in one.instance_path))
            if not (one.kind.name == "format" and _judged_elsewhere(tokens, one.instance)):
                yield tokens, _text(one)


def _judged_elsewhere(tokens: Tokens, value: Any) -> bool:
    """Patterns have a check of their own; server URLs with variables are no URI references, whatever the meta-schema of 3.1 says."""
    if tokens[-1] == "pattern":
        return True
    return len(tokens) >= 3 and tokens[-1] == "url" and tokens[-3] == "servers" and isinstance(value, str) and "{" in value


def _most_telling(error: Any) -> list[Any]:
    """Of a choice none of whose branches fits, the errors of the branch that came furthest."""
    context = getattr(error.kind, "context", None)
    branches = [branch for branch in context or [] if branch]
    if not branches:
        return [error]

    def came_far(branch: list[Any]) -> tuple[int, int, int]:
        wrong_kind = sum(
            one.kind.name in ("enum", "const", "required") and len(one.instance_path) <= len(error.instance_path) + 1 for one in branch
        )
        return -wrong_kind, max(len(one.instance_path) for one in branch), -len(branch)

    best = max(branches, key=came_far)
    return [deeper for one in best[:3] for deeper in _most_telling(one)]


def _text(error: Any) -> str:
    message = str(error.message)
    kind, value = error.kind.name, getattr(error.kind, "value", None)
    if kind == "additionalProperties":
        names = ", ".join(repr(name) for name in getattr(error.kind, "unexpected", [])[:5])
        return f"The standard knows no member {names} here." if names else message[:300]
    if kind == "required":
        return f"The member {getattr(error.kind, 'property', value)!r} is missing."
    if kind == "format":
        return f"{message.rpartition(' is not a ')[0][:80]} is not a {getattr(error.kind, 'format', 'proper')}."
    return message if len(message) <= 300 else f"{message[:120]} … {message[-120:]}"
