"""Rules on schemas."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from specs.lint.view import Found, View, outliers
from specs.operations import as_dict, as_list, as_text
from specs.schema.keywords import is_number
from specs.shape import Node, children, pointer_of

MAX_INLINE = 60
_MOMENT = re.compile(r".*(_at|_date|_time|Date|Time|At|_on)|(date|timestamp|created|updated|modified|expires)", re.ASCII)
_SECRET = re.compile(r"(.*[_-])?(password|passwd|secret|client_?secret|private_?key)|.*(Password|Secret|PrivateKey)")
_PAIRS = (
    ("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems"), ("minProperties", "maxProperties"),
)  # fmt: skip
_KINDS = {"string": str, "boolean": bool, "array": list, "object": dict, "null": type(None)}
_COMPOSED = ("$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "not", "enum", "const", "if")


def _own(node: Node) -> dict[str, Any]:
    """The schema itself; an empty object for a reference or a boolean."""
    return node.value if isinstance(node.value, dict) and "$ref" not in node.value else {}


def _types(schema: dict[str, Any]) -> list[str]:
    declared = schema.get("type")
    return [name for name in (declared if isinstance(declared, list) else [declared]) if isinstance(name, str)]


def _is(value: Any, name: str) -> bool:
    if name in ("integer", "number"):
        return is_number(value) and (name == "number" or float(value).is_integer())
    return isinstance(value, _KINDS[name]) if name in _KINDS else True


def schema_description(_view: View, schema: Node) -> Iterator[Found]:
    value = _own(schema)
    told = as_text(value.get("description")).strip() or as_text(value.get("title")).strip()
    if value and not told and schema.tokens[:2] == ("components", "schemas") and len(schema.tokens) == 3:
        yield Found(schema.tokens, "The schema has neither title nor description.")


def component_unused(view: View, document: Node) -> Iterator[Found]:
    # A discriminator may name a schema without a reference.
    named = {
        target if target.startswith("#") else f"#/components/schemas/{target}"
        for node in view.nodes["schema"]
        if isinstance(node.value, dict)
        for target in as_dict(as_dict(node.value.get("discriminator")).get("mapping")).values()
        if isinstance(target, str)
    }
    for section, parts in as_dict(document.value.get("components")).items():
        if section in (
            "securitySchemes",
            "schemas",
            "parameters",
            "responses",
            "requestBodies",
            "headers",
            "examples",
            "links",
            "callbacks",
        ):
            for name in as_dict(parts) if section != "securitySchemes" else ():
                tokens = ("components", section, name)
                whole, inside = "#" + pointer_of(tokens), "#" + pointer_of((*tokens, ""))
                if whole not in view.targets | named and not any(target.startswith(inside) for target in view.targets):
                    yield Found(tokens, "Nothing refers to this part of components.")


def schema_enum_type(_view: View, schema: Node) -> Iterator[Found]:
    value = _own(schema)
    types, values = _types(value), value.get("enum")
    if not types or not isinstance(values, list):
        return
    allowed = [*types, *(["null"] if value.get("nullable") is True or value.get("x-nullable") is True else [])]
    if any(not any(_is(one, name) for name in allowed) for one in values):
        yield Found((*schema.tokens, "enum"), f"A value of the enum is not of type {' or '.join(types)[:60]}.")


def schema_enum_repeated(_view: View, schema: Node) -> Iterator[Found]:
    values = _own(schema).get("enum")
    if isinstance(values, list) and len({repr(one) for one in values}) != len(values):
        yield Found((*schema.tokens, "enum"), "A value stands twice in the enum.")


def schema_enum_null(view: View, schema: Node) -> Iterator[Found]:
    value = _own(schema)
    if view.version == "3.0" and value.get("nullable") is True and isinstance(value.get("enum"), list) and None not in value["enum"]:
        yield Found((*schema.tokens, "enum"), "nullable lets null through, the enum does not: strictly read, null is refused.")


def schema_nullable(view: View, schema: Node) -> Iterator[Found]:
    if view.version in ("3.1", "3.2") and "nullable" in _own(schema):
        yield Found((*schema.tokens, "nullable"), "OpenAPI 3.1 has no nullable; strict readers refuse null here. Say type: [..., 'null'].")


def schema_nullable_untyped(view: View, schema: Node) -> Iterator[Found]:
    value = _own(schema)
    if view.version == "3.0" and value.get("nullable") is True and "type" not in value:
        yield Found((*schema.tokens, "nullable"), "nullable without type has no effect (OpenAPI 3.0.3).")


def schema_reference_siblings(view: View, schema: Node) -> Iterator[Found]:
    value = schema.value
    if view.version in ("2.0", "3.0") and isinstance(value, dict) and isinstance(value.get("$ref"), str):
        ignored = [name for name in value if name not in ("$ref", "description", "summary", "title") and not name.startswith("x-")]
        if ignored:
            yield Found(schema.tokens, f"Before OpenAPI 3.1, {ignored[0][:40]} beside $ref has no effect.")


def schema_integer_format(_view: View, schema: Node) -> Iterator[Found]:
    value = _own(schema)
    if _types(value) == ["integer"] and not {"format", "maximum", "exclusiveMaximum", "enum", "const"} & value.keys():
        yield Found(schema.tokens, "The integer has neither format nor bounds; languages disagree on how large it may be.")


def schema_array_items(_view: View, schema: Node) -> Iterator[Found]:
    value = _own(schema)
    if "array" in _types(value) and not {"items", "prefixItems", "contains", "unevaluatedItems"} & value.keys():
        yield Found(schema.tokens, "The array does not say what its items are.")


def schema_array_unbounded(view: View, schema: Node) -> Iterator[Found]:
    value = _own(schema)
    if "array" in _types(value) and "maxItems" not in value and id(value) in view.requested:
        yield Found(schema.tokens, "An array of the request has no maxItems.")


def schema_string_unbounded(view: View, schema: Node) -> Iterator[Found]:
    value = _own(schema)
    if (
        _types(value) == ["string"]
        and id(value) in view.requested
        and not {"maxLength", "enum", "const", "pattern", "format"} & value.keys()
    ):
        yield Found(schema.tokens, "A text of the request has no maxLength.")


def schema_date_format(_view: View, schema: Node) -> Iterator[Found]:
    for name, member in as_dict(_own(schema).get("properties")).items():
        one = as_dict(member)
        if _types(one) == ["string"] and not {"format", "enum", "pattern", "const"} & one.keys() and _MOMENT.fullmatch(name):
            yield Found((*schema.tokens, "properties", name), "By its name this is a moment, but it has no format such as date-time.")


def schema_secret_shown(_view: View, schema: Node) -> Iterator[Found]:
    for name, member in as_dict(_own(schema).get("properties")).items():
        one = as_dict(member)
        if _types(one) == ["string"] and one.get("format") != "password" and one.get("writeOnly") is not True and _SECRET.fullmatch(name):
            yield Found((*schema.tokens, "properties", name), "By its name this is a secret: say writeOnly: true or format: password.")


def schema_examples(_view: View, schema: Node) -> Iterator[Found]:
    if "example" in _own(schema) and "examples" in _own(schema):
        yield Found(schema.tokens, "example and examples exclude each other.")


def schema_example_old(view: View, schema: Node) -> Iterator[Found]:
    if view.version in ("3.1", "3.2") and "example" in _own(schema):
        yield Found((*schema.tokens, "example"), "In OpenAPI 3.1 example is deprecated: use examples, a list.")


def schema_required_undefined(_view: View, schema: Node) -> Iterator[Found]:
    value = _own(schema)
    properties = value.get("properties")
    if not isinstance(properties, dict) or any(name in value for name in ("allOf", "anyOf", "oneOf", "if")):
        return
    if any(part in ("allOf", "anyOf", "oneOf", "then", "else") for part in schema.tokens[-2:]):
        return  # the property may be described beside it
    for name in as_list(value.get("required")):
        if isinstance(name, str) and name not in properties and not isinstance(value.get("patternProperties"), dict):
            yield Found((*schema.tokens, "required"), f"The required property {name[:80]!r} is not described.")


def schema_read_and_write_only(_view: View, schema: Node) -> Iterator[Found]:
    if _own(schema).get("readOnly") is True and _own(schema).get("writeOnly") is True:
        yield Found(schema.tokens, "readOnly and writeOnly together let the value stand nowhere.")


def schema_bounds_crossed(_view: View, schema: Node) -> Iterator[Found]:
    value = _own(schema)
    for low, high in _PAIRS:
        if is_number(value.get(low)) and is_number(value.get(high)) and value[low] > value[high]:
            yield Found((*schema.tokens, low), f"{low} is above {high}: no value fits.")


def schema_type_missing(_view: View, schema: Node) -> Iterator[Found]:
    value = _own(schema)
    untyped = "type" not in value and ("properties" in value or "items" in value) and not any(name in value for name in _COMPOSED)
    # A branch beside others leaves the type to them.
    if untyped and not any(part in ("allOf", "anyOf", "oneOf", "then", "else", "if", "not") for part in schema.tokens[-2:]):
        yield Found(schema.tokens, "The schema has no type: values of every other type fit it.")


def schema_additional_unset(view: View, schema: Node) -> Iterator[Found]:
    value = _own(schema)
    closed = {"additionalProperties", "unevaluatedProperties", "patternProperties", "allOf", "anyOf", "oneOf"} & value.keys()
    if "object" in _types(value) and "properties" in value and not closed and id(value) in view.requested:
        yield Found(schema.tokens, "additionalProperties is not set: a misspelt member of a request passes.")


def schema_inline_large(_view: View, media: Node) -> Iterator[Found]:
    value = as_dict(as_dict(media.value).get("schema"))
    count, waiting = 0, [Node("schema", value, ())]
    while waiting and count <= MAX_INLINE:
        node = waiting.pop()
        count += 1
        waiting.extend(children(node))
    if count > MAX_INLINE:
        yield Found((*media.tokens, "schema"), f"An inline schema of more than {MAX_INLINE} parts: give it a name in components.")


def schema_discriminator_required(view: View, schema: Node) -> Iterator[Found]:
    value = _own(schema)
    name = as_dict(value.get("discriminator")).get("propertyName")
    if not isinstance(name, str):
        return
    for keyword in ("oneOf", "anyOf"):
        for index, branch in enumerate(as_list(value.get(keyword))):
            if not _requires(view, branch, name, 0) and name not in as_list(value.get("required")):
                text = f"The branch does not require the discriminator's property {name[:80]!r}: values without it are ambiguous."
                yield Found((*schema.tokens, keyword, str(index)), text)


def _requires(view: View, schema: Any, name: str, depth: int) -> bool:
    value = view.followed(schema)
    if depth > 8 or name in as_list(value.get("required")):
        return True
    if any(_requires(view, one, name, depth + 1) for one in as_list(value.get("allOf"))):
        return True
    inner = as_list(value.get("oneOf")) or as_list(value.get("anyOf"))
    return bool(inner) and all(_requires(view, one, name, depth + 1) for one in inner)


def schema_discriminator_inline(_view: View, schema: Node) -> Iterator[Found]:
    value = _own(schema)
    if isinstance(value.get("discriminator"), dict):
        for keyword in ("oneOf", "anyOf"):
            if any(isinstance(one, dict) and "$ref" not in one for one in as_list(value.get(keyword))):
                yield Found((*schema.tokens, keyword), "A branch is written inline; a discriminator can only name components.")


def schema_pattern_unanchored(_view: View, schema: Node) -> Iterator[Found]:
    pattern = as_text(_own(schema).get("pattern"))
    if pattern and not pattern.startswith(("^", "(^", "(?", ".*")) and not pattern.endswith(("$", "$)", "\\z")):
        yield Found((*schema.tokens, "pattern"), "The pattern has neither ^ nor $: any text that holds a match fits.")


def schema_property_style(view: View, _document: Node) -> Iterator[Found]:
    names = [(name, (*node.tokens, "properties", name)) for node in view.nodes["schema"] for name in as_dict(_own(node).get("properties"))]
    for _name, style, most, tokens in outliers(names):
        yield Found(tokens, f"The property is written in {style}, most of the document in {most}.")
