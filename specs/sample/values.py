"""One schema → one example value. The document's own examples come first, then defaults, then what the schema allows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

from specs.sample.patterns import matching_text
from specs.schema.discriminator import branch_names
from specs.schema.keywords import INTEGER_BOUNDS, branches, is_number

Resolve = Callable[[str], Any]
Mode = Literal["request", "response"]
DEPTH = 5
NODES = 2_000
MISSING: Any = object()
FORMATS = {
    "date-time": "2026-01-31T12:00:00Z",
    "date": "2026-01-31",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "email": "person@example.com",
    "idn-email": "person@example.com",
    "hostname": "host.example.com",
    "idn-hostname": "host.example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uri-reference": "/path",
    "iri": "https://example.com/",
    "iri-reference": "/path",
    "uuid": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    "uri-template": "/path/{id}",
    "json-pointer": "/name",
    "relative-json-pointer": "0/name",
    "byte": "ZXhhbXBsZQ==",
    "binary": "example",
    "password": "example",
}
OF_TYPE: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: is_number(value) and float(value).is_integer(),
    "number": is_number,
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}


class Sampler:
    """Makes example values of the schemas of one document.

    ``resolve`` gives the schema at a ``#/…`` pointer, or ``None``. Recursive schemas end at the first repetition that may
    be left out; a value has at most ``NODES`` parts. In requests what is ``readOnly`` is left out, in responses what is
    ``writeOnly``. Another ``seed`` gives other examples, choices and values.
    """

    def __init__(self, resolve: Resolve, mode: Mode = "response", seed: int = 0) -> None:
        self.seed = max(seed, 0)
        self._resolve = resolve
        self._hidden = "readOnly" if mode == "request" else "writeOnly"
        self._everything = mode == "response"
        self._nodes = 0

    def value(self, schema: Any) -> Any:
        """An example value of the schema."""
        self._nodes = 0
        return self._value(schema, 0, ())

    def _value(self, schema: Any, depth: int, active: tuple[str, ...], index: int = 0) -> Any:
        self._nodes += 1
        if not isinstance(schema, Mapping):
            return None if schema is False else "example"
        if active and schema.get("nullable") is True and self._leads_back(schema, active):
            return None
        schema, active = self.merged(schema, active)
        given = _given(schema, index, self.seed)
        if given is not MISSING:
            return given
        for keyword in ("oneOf", "anyOf"):
            if branches(schema, keyword):
                return self._branch(schema, keyword, depth, active, index)
        kind = _type(schema)
        if kind == "object":
            return self._object(schema, depth, active)
        if kind == "array":
            return self._array(schema, depth, active)
        if kind in {"integer", "number"}:
            return _number(schema, kind, index + self.seed)
        if kind == "boolean":
            return (index + self.seed) % 2 == 0
        return None if kind == "null" else _text(schema, index + self.seed)

    def merged(self, schema: Mapping[str, Any], active: tuple[str, ...] = ()) -> tuple[dict[str, Any], tuple[str, ...]]:
        """The schema with references and ``allOf`` put together; and the references followed."""
        out: dict[str, Any] = {}
        own = {name: value for name, value in schema.items() if name not in {"$ref", "allOf"}}
        reference = schema.get("$ref")
        parts: list[Any] = []
        if isinstance(reference, str) and active.count(reference) < 2:
            active = (*active, reference)
            parts.append(self._resolve(reference))
        parts += branches(schema, "allOf")
        for part in parts:
            if isinstance(part, Mapping) and len(active) < 60:
                inner, active = self.merged(part, active)
                _combine(out, inner)
        _combine(out, own)
        return out, active

    def _branch(self, schema: Mapping[str, Any], keyword: str, depth: int, active: tuple[str, ...], index: int) -> Any:
        base = {name: value for name, value in schema.items() if name not in {"oneOf", "anyOf", "discriminator"}}
        choices = [branch for branch in schema[keyword] if not self._is_null(branch)] or schema[keyword]
        fresh = [branch for branch in choices if not (isinstance(branch, Mapping) and branch.get("$ref") in active)]
        branch = (fresh or choices)[0]
        value = self._value({"allOf": [base, branch]} if base else branch, depth, active, index)
        discriminator = schema.get("discriminator")
        reference = branch.get("$ref") if isinstance(branch, Mapping) else None
        if isinstance(value, dict) and isinstance(discriminator, Mapping) and isinstance(reference, str):
            name = discriminator.get("propertyName")
            if isinstance(name, str):
                names = branch_names(discriminator, [reference], self._resolve)
                value[name] = next((one for one in names if one == value.get(name)), next(iter(names)))
        return value

    def _is_null(self, branch: Any) -> bool:
        return isinstance(branch, Mapping) and branch.get("type") == "null"

    def _object(self, schema: Mapping[str, Any], depth: int, active: tuple[str, ...]) -> dict[str, Any]:
        properties = schema["properties"] if isinstance(schema.get("properties"), Mapping) else {}
        required = [name for name in branches(schema, "required") if isinstance(name, str)]
        out: dict[str, Any] = {}
        for name, child in properties.items():
            if name in required and not self._is_hidden(child, active):
                out[name] = self._value(child, depth + 1, active)
        for name in required:
            if name not in properties:
                out[name] = self._value(schema.get("additionalProperties", True), depth + 1, active)
        room = schema["maxProperties"] if is_number(schema.get("maxProperties")) else math.inf
        wanted = schema["minProperties"] if is_number(schema.get("minProperties")) else 0
        for name, child in properties.items():
            if name in out or len(out) >= room or self._is_hidden(child, active):
                continue
            if len(out) < wanted or self._is_worth(child, depth, active, bare=not required):
                out[name] = self._value(child, depth + 1, active)
        additional = schema.get("additionalProperties")
        if not properties and isinstance(additional, Mapping) and additional and depth < DEPTH and room > 0:
            wanted = max(wanted, 1)
        number = 0
        while len(out) < min(wanted, 100) and additional is not False:
            number += 1
            out[f"name{number}"] = self._value(additional if additional is not None else True, depth + 1, active)
        return out

    def _is_worth(self, child: Any, depth: int, active: tuple[str, ...], *, bare: bool) -> bool:
        """Is an optional property part of the example?"""
        if depth >= DEPTH or self._nodes >= NODES or self._leads_back(child, active):
            return False
        if self._everything:
            return True
        if not isinstance(child, Mapping):
            return False
        return "example" in child or "default" in child or (bare and depth == 0)

    def _leads_back(self, child: Any, active: tuple[str, ...]) -> bool:
        if not isinstance(child, Mapping):
            return False
        if child.get("$ref") in active:
            return True
        nested = [child.get("items"), child.get("additionalProperties")]
        nested += [one for keyword in ("allOf", "oneOf", "anyOf") for one in branches(child, keyword)]
        return any(self._leads_back(one, active) for one in nested)

    def _is_hidden(self, child: Any, active: tuple[str, ...]) -> bool:
        return isinstance(child, Mapping) and self.merged(child, active)[0].get(self._hidden) is True

    def _array(self, schema: Mapping[str, Any], depth: int, active: tuple[str, ...]) -> list[Any]:
        first = schema["prefixItems"] if isinstance(schema.get("prefixItems"), list) else []
        items = schema.get("items", True)
        low = int(schema["minItems"]) if is_number(schema.get("minItems")) else 0
        high = int(schema["maxItems"]) if is_number(schema.get("maxItems")) else 1_000
        out = [self._value(child, depth + 1, active) for child in first[:high]]
        stop = depth >= DEPTH or self._nodes >= NODES or self._leads_back(items, active)
        wanted = max(low, 0 if stop or out or (items is True and not low) else 1)
        for index in range(len(out), min(wanted, high, 1_000)):
            if items is False:
                break
            out.append(self._value(items, depth + 1, active, index))
        return out


def _combine(out: dict[str, Any], part: Mapping[str, Any]) -> None:
    for name, value in part.items():
        if name == "properties":
            known = out.get("properties", {})
            value = value if isinstance(value, Mapping) else {}  # documents break their own standard
            out["properties"] = {**known, **{key: _both(known.get(key), child) for key, child in value.items()}}
        elif name == "required" and isinstance(value, list):
            out["required"] = list(dict.fromkeys([*branches(out, "required"), *(one for one in value if isinstance(one, str))]))
        elif name in {"minimum", "minLength", "minItems", "minProperties"} and is_number(value) and is_number(out.get(name)):
            out[name] = max(out[name], value)
        elif name in {"maximum", "maxLength", "maxItems", "maxProperties"} and is_number(value) and is_number(out.get(name)):
            out[name] = min(out[name], value)
        else:
            out[name] = value


def _both(first: Any, second: Any) -> Any:
    return {"allOf": [first, second]} if isinstance(first, Mapping) and isinstance(second, Mapping) and first != second else second


def _given(schema: Mapping[str, Any], index: int, seed: int) -> Any:
    """What the document itself gives, if it is of the declared type."""
    choices: list[Any] = [schema["example"]] if "example" in schema else []
    choices += schema["examples"] if isinstance(schema.get("examples"), list) else []
    choices += [schema["default"]] if "default" in schema else []
    if "const" in schema:
        return schema["const"]
    values = schema.get("enum")
    if isinstance(values, list) and values:
        choices = [choice for choice in choices if choice in values] if index == 0 and seed == 0 else []
        return choices[0] if choices else values[(index + seed) % len(values)]
    if choices and seed:
        turn = seed % len(choices)
        choices = choices[turn:] + choices[:turn]
    if index > 0:
        choices = choices[index:]
    return next((choice for choice in choices if _fits(choice, schema)), MISSING)


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    declared = schema.get("type")
    names = declared if isinstance(declared, list) else [declared] if isinstance(declared, str) else []
    if value is None and schema.get("nullable") is True:
        return True
    return not names or any(OF_TYPE[name](value) for name in names if name in OF_TYPE)


def _type(schema: Mapping[str, Any]) -> str:
    declared = schema.get("type")
    names = [name for name in (declared if isinstance(declared, list) else [declared]) if isinstance(name, str)]
    for name in names:
        if name != "null":
            return name
    if names:
        return "null"
    if "properties" in schema or "additionalProperties" in schema or "required" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    return "number" if any(name in schema for name in ("minimum", "maximum", "multipleOf")) else "string"


def _number(schema: Mapping[str, Any], kind: str, index: int) -> int | float:
    low: float
    high: float
    low, high = INTEGER_BOUNDS.get(str(schema.get("format")), (-math.inf, math.inf))
    step: int | float | None = schema["multipleOf"] if is_number(schema.get("multipleOf")) and schema["multipleOf"] > 0 else None
    nudge = 1 if kind == "integer" else (step or 0.5)
    low = max(low, schema["minimum"]) if is_number(schema.get("minimum")) else low
    high = min(high, schema["maximum"]) if is_number(schema.get("maximum")) else high
    low = _exclusive(schema.get("exclusiveMinimum"), low, nudge)
    high = -_exclusive(_negated(schema.get("exclusiveMaximum")), -high, nudge)
    if step and kind == "integer" and not float(step).is_integer():
        step = 1
    step = step or (1 if kind == "integer" else None)
    start = low if low > -math.inf else min(0, high) if high < math.inf else 0
    start = max(start, min(1, high)) if low == -math.inf else start
    if step and math.isfinite(start / step):
        count = math.ceil(start / step - 1e-12) + index
        value: int | float = count * step
        value = value if value <= high else math.floor(high / step + 1e-12) * step
    else:
        value = start + index if start + index <= high else high
    return int(value) if float(value).is_integer() else value


def _exclusive(bound: Any, inclusive: float, nudge: float) -> float:
    if bound is True:
        return inclusive + nudge
    return max(inclusive, bound + nudge) if is_number(bound) else inclusive


def _negated(bound: Any) -> Any:
    return -bound if is_number(bound) else bound


def _text(schema: Mapping[str, Any], index: int) -> str:
    low = int(schema["minLength"]) if is_number(schema.get("minLength")) else 0
    high = int(schema["maxLength"]) if is_number(schema.get("maxLength")) else 1_000_000
    if isinstance(schema.get("pattern"), str):
        found = matching_text(schema["pattern"], min(low, 4_096))
        if found is not None and len(found) <= high:
            return found
    plain = FORMATS.get(str(schema.get("format")))
    if plain is not None and low <= len(plain) <= high:
        return plain
    text = "text" if index == 0 else f"text{index}"
    text = text.ljust(min(low, 100_000), "x")
    if len(text) <= high:
        return text
    return str(index).rjust(low, "x")[-high:] if index and high > 0 else text[: max(high, 0)]
