"""The keywords of two schemas, compared one by one: what changed in this schema, not below it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from specs.diff.differences import Difference, Lifecycle
from specs.diff.kinds import Kind, relation
from specs.diff.views import View
from specs.operations import as_dict, as_list, as_text

Found = Iterator[Difference]
BOUNDS = {
    "maximum": "max",
    "minimum": "min",
    "exclusiveMaximum": "exclusive-max",
    "exclusiveMinimum": "exclusive-min",
    "maxLength": "max-length",
    "minLength": "min-length",
    "maxItems": "max-items",
    "minItems": "min-items",
    "maxProperties": "max-properties",
    "minProperties": "min-properties",
    "minContains": "min-contains",
    "maxContains": "max-contains",
    "multipleOf": "multiple-of",
}
PRESENCE = {
    "if": "if",
    "then": "then",
    "else": "else",
    "contains": "contains",
    "propertyNames": "property-names",
    "unevaluatedItems": "unevaluated-items",
    "unevaluatedProperties": "unevaluated-properties",
    "contentSchema": "content-schema",
    "not": "not",
}
NAMED = {"dependentSchemas": "dependent-schema", "patternProperties": "pattern-property"}
EVERYTHING = frozenset((".*", "^.*", ".*$", "^.*$"))


def canonical(value: Any) -> str:
    """A value of a document as text that is equal exactly when the value is."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str).decode()


def own_differences(old: View, new: View) -> list[Difference]:
    """Every difference of the keywords themselves."""
    return [difference for compare in COMPARISONS for difference in compare(old, new)]


def _types(old: View, new: View) -> Found:
    before, after = Kind.of(old), Kind.of(new)
    how = relation(before, after)
    if how == "equal":
        return
    if (old.chosen or new.chosen) and how != "changed" and before.types is not None and after.types is not None:
        yield Difference("list-of-types-widened" if how == "generalized" else "list-of-types-narrowed", before, after)
    else:
        yield Difference(f"type-{how}", before, after)


def _nullable(old: View, new: View) -> Found:
    if old.nullable != new.nullable and not (old.says_nothing() or new.says_nothing()):
        yield Difference("became-nullable" if new.nullable else "became-not-nullable")


def _values(view: View, keyword: str) -> dict[str, Any]:
    return {canonical(value): value for value in as_list(view.get(keyword)) if value is not None}


def _enum(old: View, new: View) -> Found:
    before, after = _values(old, "enum"), _values(new, "enum")
    if not before or not after:
        if after and "const" not in old.keywords:
            yield Difference("became-enum", None, list(after.values()))
        elif before and "const" not in new.keywords:
            yield Difference("no-longer-enum", list(before.values()))
        return
    for text, value in before.items():
        if text not in after:
            yield Difference("enum-value-removed", value)
    for text, value in after.items():
        if text not in before:
            yield Difference("enum-value-added", None, value)


def _extensible_enum(old: View, new: View) -> Found:
    before, after = _values(old, "x-extensible-enum"), _values(new, "x-extensible-enum")
    for text in [text for text in before if text not in after]:
        yield Difference("x-extensible-enum-value-removed", before[text])


def _single_values(old: View, new: View) -> Found:
    for keyword, kind in (("default", "default-value"), ("const", "const")):
        before, after = keyword in old.keywords, keyword in new.keywords
        if before and not after:
            yield Difference(f"{kind}-removed", old.get(keyword))
        elif after and not before:
            yield Difference(f"{kind}-added", None, new.get(keyword))
        elif before and canonical(old.get(keyword)) != canonical(new.get(keyword)):
            yield Difference(f"{kind}-changed", old.get(keyword), new.get(keyword))


def _bounds(old: View, new: View) -> Found:
    for keyword, kind in BOUNDS.items():
        before, after = old.number(keyword), new.number(keyword)
        if before == after:
            continue
        if before is None:
            yield Difference(f"{kind}-set", None, after)
        elif after is None:
            yield Difference(f"{kind}-unset", before)
        elif keyword == "multipleOf":
            yield Difference("multiple-of-changed", before, after)
        else:
            yield Difference(f"{kind}-increased" if after > before else f"{kind}-decreased", before, after)


def _unique(old: View, new: View) -> Found:
    if old.flag("uniqueItems") != new.flag("uniqueItems"):
        yield Difference("unique-items-set" if new.flag("uniqueItems") else "unique-items-unset")


def _pattern(old: View, new: View) -> Found:
    before, after = as_text(old.get("pattern")), as_text(new.get("pattern"))
    if before == after:
        return
    if not after:
        yield Difference("pattern-removed", before)
    elif not before:
        yield Difference("pattern-added", None, after)
    else:
        yield Difference("pattern-generalized" if after in EVERYTHING else "pattern-changed", before, after)


def _presence(old: View, new: View) -> Found:
    for keyword, kind in PRESENCE.items():
        if (keyword in old.keywords) != (keyword in new.keywords):
            yield Difference(f"{kind}-{'added' if keyword in new.keywords else 'removed'}")
    for keyword, kind in NAMED.items():
        before, after = old.members(keyword), new.members(keyword)
        yield from (Difference(f"{kind}-removed", name=name) for name in before if name not in after)
        yield from (Difference(f"{kind}-added", name=name) for name in after if name not in before)
    positions = len(old.branches("prefixItems")), len(new.branches("prefixItems"))
    if positions[0] != positions[1]:
        yield Difference("prefix-items-added" if positions[1] > positions[0] else "prefix-items-removed", *positions)


def _dependent_required(old: View, new: View) -> Found:
    before, after = old.members("dependentRequired"), new.members("dependentRequired")
    for name in [*before, *(name for name in after if name not in before)]:
        if name not in after:
            yield Difference("dependent-required-removed", before[name], name=name)
        elif name not in before:
            yield Difference("dependent-required-added", None, after[name], name=name)
        elif sorted(map(str, as_list(before[name]))) != sorted(map(str, as_list(after[name]))):
            yield Difference("dependent-required-changed", before[name], after[name], name=name)


def _content(old: View, new: View) -> Found:
    for keyword, kind in (("contentMediaType", "content-media-type-changed"), ("contentEncoding", "content-encoding-changed")):
        if old.get(keyword) != new.get(keyword):
            yield Difference(kind, old.get(keyword), new.get(keyword))


def _additional(old: View, new: View) -> Found:
    before, after = _openness(old), _openness(new)
    if before == after:
        return
    if after == "closed":
        yield Difference("additional-properties-closed")
    elif before == "closed":
        yield Difference("additional-properties-opened")
    else:
        yield Difference("additional-properties-schema-added" if after == "described" else "additional-properties-schema-removed")


def _openness(view: View) -> str:
    value = view.get("additionalProperties")
    if value is False:
        return "closed"
    return "described" if isinstance(value, dict) and value else "open"


def _discriminator(old: View, new: View) -> Found:
    before, after = old.get("discriminator"), new.get("discriminator")
    if not isinstance(before, dict) or not isinstance(after, dict):
        if isinstance(after, dict):
            yield Difference("discriminator-added", None, after.get("propertyName"))
        elif isinstance(before, dict):
            yield Difference("discriminator-removed", before.get("propertyName"))
        return
    if before.get("propertyName") != after.get("propertyName"):
        yield Difference("discriminator-property-name-changed", before.get("propertyName"), after.get("propertyName"))
    mapped, now = as_dict(before.get("mapping")), as_dict(after.get("mapping"))
    for name in [*mapped, *(name for name in now if name not in mapped)]:
        if name not in now:
            yield Difference("discriminator-mapping-deleted", mapped[name], name=name)
        elif name not in mapped:
            yield Difference("discriminator-mapping-added", None, now[name], name=name)
        elif mapped[name] != now[name]:
            yield Difference("discriminator-mapping-changed", mapped[name], now[name], name=name)


def _lifecycle(old: View, new: View) -> Found:
    before, after = Lifecycle.of(old.keywords), Lifecycle.of(new.keywords)
    if before != after:
        yield Difference("lifecycle", before, after)


COMPARISONS: tuple[Callable[[View, View], Found], ...] = (
    *(_types, _nullable, _enum, _extensible_enum, _single_values, _bounds, _unique, _pattern, _presence),
    *(_dependent_required, _content, _additional, _discriminator, _lifecycle),
)
