"""Examples and defaults that break the schema they stand beside, judged by the validators calls are judged by."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import jsonschema_rs

from specs.lint.view import Found, View
from specs.media import is_json
from specs.operations import as_dict, as_list
from specs.schema import SchemaDocuments, SchemaUnusable, compile_schema
from specs.schema.convert import Mode
from specs.shape import Node, Tokens, pointer_of

MAX_EXAMPLES = 10_000
MAX_SECONDS = 10.0
"""Of processor time, after which the rest of the examples is not judged."""


class _Example(NamedTuple):
    schema: Any
    schema_tokens: Tokens
    value: Any
    tokens: Tokens
    mode: Mode


def example_invalid(view: View, _document: Node) -> Iterator[Found]:
    yield from Judge(view.document).judge(examples_of(view), "The example")


def default_mismatch(view: View, _document: Node) -> Iterator[Found]:
    """Defaults the check beside type and bounds (``default-invalid``) does not see."""
    deep = ("$ref", "allOf", "anyOf", "oneOf", "not", "properties", "items", "format", "pattern", "required", "minItems", "maxItems")
    found = (
        _Example(node.value, node.tokens, node.value["default"], (*node.tokens, "default"), "request")
        for node in view.nodes["schema"]
        if isinstance(node.value, dict) and node.value.get("default") is not None
        if any(name in node.value for name in deep)
    )
    yield from Judge(view.document).judge(found, "The default")


def examples_of(view: View) -> Iterator[_Example]:
    for kind in ("media_type", "parameter", "header"):
        for node in view.nodes[kind]:
            if isinstance(node.value, dict) and "schema" in node.value:
                json = kind != "media_type" or is_json(node.tokens[-1].partition(";")[0].strip().lower())
                for value, tokens in _given(view, node):
                    # Text in another format than JSON is that format's business.
                    if json or not isinstance(value, str):
                        yield _Example(node.value["schema"], (*node.tokens, "schema"), value, tokens, _mode(node))
    for node in view.nodes["schema"]:
        if isinstance(node.value, dict) and "$ref" not in node.value:
            if "example" in node.value:
                yield _Example(node.value, node.tokens, node.value["example"], (*node.tokens, "example"), _mode(node))
            for index, value in enumerate(as_list(node.value.get("examples"))):
                yield _Example(node.value, node.tokens, value, (*node.tokens, "examples", str(index)), _mode(node))


def _mode(node: Node) -> Mode:
    return "request" if {"requestBody", "requestBodies", "parameters"} & set(node.tokens) else "response"


def _given(view: View, node: Node) -> Iterator[tuple[Any, Tokens]]:
    if "example" in node.value:
        yield node.value["example"], (*node.tokens, "example")
    for name, raw in as_dict(node.value.get("examples")).items():
        example = view.followed(raw)
        for member in ("value", "dataValue"):
            if member in example:
                yield example[member], (*node.tokens, "examples", name)


class Judge:
    """An example is right when it fits as a request or as an answer: which of the two it shows is rarely said."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.started = time.process_time()
        self.documents: dict[str, bytes] = {}
        self.sides: dict[Mode, SchemaDocuments] = {
            mode: SchemaDocuments(document, mode, self.documents) for mode in ("request", "response")
        }
        self.bundles: dict[str, bytes] = {}
        self.validators: dict[str, jsonschema_rs.Draft202012Validator] = {}

    def judge(self, examples: Iterable[_Example], what: str) -> Iterator[Found]:
        self.started = time.process_time()
        ready: list[tuple[_Example, dict[str, Any]]] = []
        for example in examples:
            if len(ready) >= MAX_EXAMPLES or self.late():
                yield Found((), f"{what}s beyond the first {len(ready):,} were not judged: there are too many.")
                break
            if (check := self.added(example, example.mode)) is not None:
                ready.append((example, check))
        self.bundle()  # what large closures share is complete only now
        wrong = [(example, told) for example, check in ready if not self.late() and (told := self.told(example, check)) is not None]
        others = [self.added(example, "response" if example.mode == "request" else "request") for example, _told in wrong]
        self.bundle()
        for (example, told), check in zip(wrong, others, strict=True):
            if check is not None and self.told(example, check) is not None:
                yield Found(example.tokens, f"{what} breaks its schema{told}.")
        if self.late():
            yield Found((), f"{what}s were not all judged: it took more than {MAX_SECONDS:g} seconds.")

    def late(self) -> bool:
        return time.process_time() - self.started > MAX_SECONDS

    def added(self, example: _Example, mode: Mode) -> dict[str, Any] | None:
        """What a plan would keep of the schema in a mode; ``None`` when it lets everything through."""
        return self.sides[mode].add(example.schema, "#" + pointer_of(example.schema_tokens))[0]

    def bundle(self) -> None:
        self.bundles = {mode: text for mode, side in self.sides.items() if (text := side.bundle()) is not None}

    def told(self, example: _Example, check: dict[str, Any]) -> str | None:
        """What the first failed keyword says, or ``None`` when the value fits."""
        try:
            validator = self.validator(check)
            if validator.is_valid(example.value):
                return None
            error = next(iter(validator.iter_errors(example.value)))
        except (SchemaUnusable, ValueError, TypeError, StopIteration):
            return None
        at = pointer_of(tuple(str(part) for part in error.instance_path))
        return f"{f' at {at[:120]!r}' if at else ''}: {str(error.message).replace('[value]', 'the value')[:160].rstrip('.')}"

    def validator(self, check: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
        known = self.validators.get(check["schema"])
        if known is None:
            mode = check.get("bundle", "")
            known = compile_schema(self.documents[check["schema"]], mode=mode, bundle=self.bundles.get(mode) if mode else None)
            self.validators[check["schema"]] = known
        return known
