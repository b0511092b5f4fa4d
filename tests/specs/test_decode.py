"""Styles: what is written in a style is read back as it was."""

from __future__ import annotations

import string
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.decode import ParameterDecoder, coerce, decode_fields
from specs.decode.brackets import DEPTH_LIMIT, split_name
from specs.media import Malformed

INTEGER = {"types": ["integer"]}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
NAMES = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=6)
SCALARS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "text": (None, TEXTS),
    "integer": (INTEGER, st.integers(-(10**20), 10**20)),
    "boolean": ({"types": ["boolean"]}, st.booleans()),
}


def word(value: Any) -> str:
    return quote(
        value
        if isinstance(value, str)
        else {True: "true", False: "false"}.get(value, str(value))
        if isinstance(value, bool)
        else str(value),
        safe="",
    )


def flat(value: dict[str, Any]) -> list[str]:
    return [piece for name, one in value.items() for piece in (word(name), word(one))]


def paired(value: dict[str, Any]) -> list[str]:
    return [f"{word(name)}={word(one)}" for name, one in value.items()]


def write_path(style: str, explode: bool, name: str, value: Any) -> str:
    """RFC 6570 as OpenAPI uses it."""
    items = [word(one) for one in value] if isinstance(value, list) else None
    pairs = (paired(value) if explode else flat(value)) if isinstance(value, dict) else None
    if style == "simple":
        return ",".join(items or pairs or [word(value)])
    if style == "label":
        return "." + ("." if explode else ",").join(items or pairs or [word(value)])
    if items is not None:
        return "".join(f";{name}={one}" for one in items) if explode else f";{name}=" + ",".join(items)
    if pairs is not None:
        return "".join(f";{one}" for one in pairs) if explode else f";{name}=" + ",".join(pairs)
    return f";{name}={word(value)}"


def write_query(style: str, explode: bool, name: str, value: Any) -> str:
    separator = {"form": ",", "spaceDelimited": "%20", "pipeDelimited": "|"}[style]
    if isinstance(value, list):
        return "&".join(f"{name}={word(one)}" for one in value) if explode else f"{name}=" + separator.join(map(word, value))
    if isinstance(value, dict):
        return "&".join(paired(value)) if explode else f"{name}=" + separator.join(flat(value))
    return f"{name}={word(value)}"


@st.composite
def shaped(draw: st.DrawFn, *, plain: bool = False) -> tuple[dict[str, Any] | None, Any]:
    """A shape and a value of it. ``plain`` keeps separators out of texts: styles that cannot escape them."""
    kind = draw(st.sampled_from(["scalar", "array", "object"]))
    inner, values = SCALARS[draw(st.sampled_from(sorted(SCALARS)))]
    values = values.filter(lambda one: not (plain and isinstance(one, str) and set(one) & set(" |%,+")))
    if kind == "scalar":
        return inner, draw(values)
    if kind == "array":
        items = draw(st.lists(values, min_size=1, max_size=4))
        return {"types": ["array"], **({"items": inner} if inner else {})}, items
    value = draw(st.dictionaries(NAMES, values, min_size=1, max_size=4))
    return {"types": ["object"], "properties": dict.fromkeys(value, inner)}, value


def decoded(place: str, entry: dict[str, Any], raw: str) -> Any:
    decoder = ParameterDecoder([{"name": "p", "in": place, **entry}])
    result = decoder.decode({"p": raw}, "", {}, {}) if place == "path" else decoder.decode({}, raw, {}, {})
    assert result.problems == []
    return result.values[place]["p"]


@given(shaped(), st.sampled_from(["simple", "label", "matrix"]), st.booleans())
def test_path_styles_read_what_was_written(case: tuple[Any, Any], style: str, explode: bool) -> None:
    shape, value = case
    if style == "label" and "." in str(value):  # a dot is never percent-encoded, so labels cannot carry it
        return
    entry = {"style": style, "explode": explode, **({"shape": shape} if shape else {})}
    assert decoded("path", entry, write_path(style, explode, "p", value)) == value


@given(shaped(), st.booleans())
def test_form_style_reads_what_was_written(case: tuple[Any, Any], explode: bool) -> None:
    shape, value = case
    entry = {"style": "form", "explode": explode, **({"shape": shape} if shape else {})}
    assert decoded("query", entry, write_query("form", explode, "p", value)) == value


@given(shaped(plain=True), st.sampled_from(["spaceDelimited", "pipeDelimited"]))
def test_delimited_styles_read_what_was_written(case: tuple[Any, Any], style: str) -> None:
    shape, value = case
    entry = {"style": style, "explode": False, **({"shape": shape} if shape else {})}
    assert decoded("query", entry, write_query(style, False, "p", value)) == value


TREES = st.recursive(
    st.integers(-(10**6), 10**6),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3) | st.dictionaries(NAMES.filter(lambda n: not n.isdigit()), inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)


def outline(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        merged: dict[str, Any] = {}
        for one in value:
            merge(merged, outline(one))
        return {"types": ["array"], "items": merged}
    if isinstance(value, dict):
        return {"types": ["object"], "properties": {name: outline(one) for name, one in value.items()}}
    return dict(INTEGER)


def merge(into: dict[str, Any], other: dict[str, Any]) -> None:
    into["types"] = sorted({*into.get("types", []), *other["types"]})
    if "items" in other:
        merge(into.setdefault("items", {}), other["items"])
    for name, child in other.get("properties", {}).items():
        merge(into.setdefault("properties", {}).setdefault(name, {}), child)


def bracketed(prefix: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, list):
        return [pair for index, one in enumerate(value) for pair in bracketed(f"{prefix}[{index}]", one)]
    if isinstance(value, dict):
        return [pair for name, one in value.items() for pair in bracketed(f"{prefix}[{name}]", one)]
    return [(prefix, str(value))]


def mixed(value: Any) -> bool:
    """Lists whose items are of several kinds cannot be told apart by their outline."""
    if isinstance(value, list):
        return len({type(one) for one in value}) > 1 or any(mixed(one) for one in value) or any(isinstance(one, list) for one in value)
    return isinstance(value, dict) and any(mixed(one) for one in value.values())


@given(st.dictionaries(NAMES.filter(lambda n: not n.isdigit()), TREES, min_size=1, max_size=3).filter(lambda tree: not mixed(tree)))
def test_bracketed_forms_read_what_was_written(tree: dict[str, Any]) -> None:
    pairs = [pair for name, value in tree.items() for pair in bracketed(name, value)]
    assert decode_fields(pairs, outline(tree), {}) == tree


@given(st.dictionaries(NAMES.filter(lambda n: not n.isdigit()), st.integers(), min_size=1, max_size=3))
def test_deep_objects_read_what_was_written(value: dict[str, Any]) -> None:
    entry = {"style": "deepObject", "explode": True, "shape": outline(value)}
    assert decoded("query", entry, "&".join(f"p%5B{name}%5D={number}" for name, number in value.items())) == value


@given(st.text(max_size=40))
def test_no_query_makes_the_decoder_fall_over(query: str) -> None:
    decoder = ParameterDecoder(
        [
            {"name": "a", "in": "query", "style": "form", "explode": True, "shape": {"types": ["array"], "items": INTEGER}},
            {"name": "d", "in": "query", "style": "deepObject", "explode": True, "shape": {"types": ["object"]}},
            {
                "name": "p",
                "in": "query",
                "style": "pipeDelimited",
                "explode": False,
                "shape": {"types": ["object"], "properties": {"x": INTEGER}},
            },
        ]
    )
    decoder.decode({}, query, {}, {})
    decoder.decode({}, f"d[{query}]=1&a={query}&p={query}", {}, {})


@given(st.text(max_size=30), st.sampled_from(["simple", "label", "matrix"]), st.booleans(), st.sampled_from(["array", "object", "integer"]))
def test_no_path_makes_the_decoder_fall_over(raw: str, style: str, explode: bool, kind: str) -> None:
    decoder = ParameterDecoder([{"name": "p", "in": "path", "style": style, "explode": explode, "shape": {"types": [kind]}}])
    decoder.decode({"p": raw}, "", {}, {})


@pytest.mark.parametrize(
    ("text", "types", "value"),
    [
        ("5", ["integer"], 5),
        ("5", ["integer", "string"], 5),
        ("1.5", ["number"], 1.5),
        ("1e400", ["number"], "1e400"),
        ("9" * 500, ["integer"], "9" * 500),
        ("true", ["boolean"], True),
        ("null", ["integer", "null"], None),
        ("null", ["null", "string"], "null"),
        ("x", ["integer"], "x"),
    ],
)
def test_texts_become_values_strictly(text: str, types: list[str], value: Any) -> None:
    assert coerce(text, {"types": types}) == value


def test_a_list_with_an_undecodable_value_is_a_problem_not_a_crash() -> None:
    decoder = ParameterDecoder([{"name": "p", "in": "query", "style": "form", "explode": True}])
    for query in ("p=%ff", "p=%zz", "%ff=1"):
        assert decoder.decode({}, query, {}, {}).problems


def test_names_are_split_and_bounded() -> None:
    assert split_name("a[b][]") == ["a", "b", ""]
    assert split_name("a[b") == ["a[b"]
    assert split_name("[b]") == ["[b]"]
    with pytest.raises(Malformed):
        split_name("a" + "[x]" * DEPTH_LIMIT)


def test_a_declared_name_with_brackets_is_taken_as_written() -> None:
    decoder = ParameterDecoder(
        [{"name": "ids[]", "in": "query", "style": "form", "explode": True, "shape": {"types": ["array"], "items": INTEGER}}]
    )
    assert decoder.decode({}, "ids[]=1&ids%5B%5D=2", {}, {}).values == {"query": {"ids[]": [1, 2]}}
    assert decode_fields([("ids[]", "1")], {"properties": {"ids[]": {"types": ["array"], "items": INTEGER}}}, {}) == {"ids[]": [1]}


def test_a_field_cannot_be_a_value_and_a_group() -> None:
    for pairs in ([("a", "1"), ("a[b]", "2")], [("a[b]", "2"), ("a", "1")]):
        with pytest.raises(Malformed):
            decode_fields(pairs, None, {})
