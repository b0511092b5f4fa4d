"""The keywords a checked schema may have, and whether a value of one is sound. What is not sound is dropped and noted."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import jsonschema_rs
import orjson

TYPES = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})
SUBSCHEMA = ("not", "if", "then", "else", "additionalProperties", "contains", "propertyNames", "unevaluatedItems", "unevaluatedProperties")
SUBSCHEMA_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
SUBSCHEMA_MAPS = ("properties", "patternProperties", "dependentSchemas")
IN_PLACE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "$ref")
# Formats the validator knows. `byte` is ours (base64); `regex` is left out, because dialects differ.
FORMATS = frozenset(
    [
        "date-time",
        "date",
        "time",
        "duration",
        "email",
        "idn-email",
        "hostname",
        "idn-hostname",
        "ipv4",
        "ipv6",
        "uri",
        "uri-reference",
        "iri",
        "iri-reference",
        "uuid",
        "uri-template",
        "json-pointer",
        "relative-json-pointer",
        "byte",
    ]
)
INTEGER_BOUNDS = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
LINEAR = jsonschema_rs.RegexOptions(size_limit=1 << 20)
BACKTRACKING = jsonschema_rs.FancyRegexOptions(backtrack_limit=50_000, size_limit=1 << 20)


@functools.lru_cache(maxsize=4096)
def usable_pattern(pattern: str) -> bool:
    """Does the regular expression compile, in linear time or else with a backtracking limit?"""
    for options in (LINEAR, BACKTRACKING):
        try:
            jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=options, offline=True)
        except ValueError:
            continue
        return True
    return False


def is_number(value: Any) -> bool:
    """A finite JSON number; ``True`` is none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: Any) -> bool:
    return is_number(value) and value >= 0 and float(value).is_integer()


def _is_type(value: Any) -> bool:
    names = value if isinstance(value, list) else [value]
    return bool(names) and all(isinstance(name, str) and name in TYPES for name in names)


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _is_dependency_map(value: Any) -> bool:
    return isinstance(value, dict) and all(_are_names(names) for names in value.values())


SOUND: dict[str, Callable[[Any], bool]] = {
    "type": _is_type,
    "enum": lambda value: isinstance(value, list),
    "const": lambda value: True,
    "multipleOf": lambda value: is_number(value) and value > 0,
    **dict.fromkeys(("maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum"), is_number),
    **dict.fromkeys(
        ("maxLength", "minLength", "maxItems", "minItems", "maxContains", "minContains", "maxProperties", "minProperties"), _is_count
    ),
    "pattern": lambda value: isinstance(value, str) and usable_pattern(value),
    "uniqueItems": lambda value: isinstance(value, bool),
    "required": _are_names,
    "dependentRequired": _is_dependency_map,
    "format": lambda value: isinstance(value, str),
}


def dump_keyword(name: str, value: Any) -> bytes:
    """A schema of one keyword, as JSON."""
    return orjson.dumps({name: value})


def branches(schema: Mapping[str, Any], keyword: str) -> list[Any]:
    """The list a keyword should have, or an empty one."""
    found = schema.get(keyword)
    return found if isinstance(found, list) else []
