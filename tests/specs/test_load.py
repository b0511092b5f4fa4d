"""Reading text: what is refused, where, and what values are."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
import yaml
import yaml_rs
from hypothesis import given, settings
from hypothesis import strategies as st

from specs.errors import DocumentRefused
from specs.load import load, looks_like_openapi
from specs.places import locate_json, locate_yaml
from specs.yaml_text import read_yaml

ALIAS_BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + i, 98 + i, b",".join([b"*%c" % (97 + i)] * 9)) for i in range(9)
)
MERGE_BOMB = b"b0: &b0 {x: 1}\n" + b"".join(
    b"b%d: &b%d {<<: [*b%d, *b%d], k%d: [*b%d, *b%d]}\n" % ((i, i) + (i - 1,) * 2 + (i,) + (i - 1,) * 2) for i in range(1, 26)
)
SCALAR_BOMB = b'x: &x "%s"\ny: [%s]' % (b"a" * 50_000, b",".join([b"*x"] * 20_000))

REFUSED = {
    "alias bomb": ("a.yaml", ALIAS_BOMB, "too-large", 7),
    "merge bomb": ("a.yaml", MERGE_BOMB, "too-large", None),
    "scalar repeated by alias": ("a.yaml", SCALAR_BOMB, "too-large", 2),
    "alias inside its own anchor": ("a.yaml", b"a: &a {b: *a}", "yaml-alias", 1),
    "alias without anchor": ("a.yaml", b"x: 1\na: *b", "yaml-alias", 2),
    "python tag": ("a.yaml", b'a: 1\nb: !!python/object/apply:os.system ["id"]', "yaml-tag", 2),
    "binary tag": ("a.yaml", b"a: !!binary aGk=", "yaml-tag", 1),
    "set tag": ("a.yaml", b"a: !!set {x}", "yaml-tag", 1),
    "own tag": ("a.yaml", b"a: !thing 1", "yaml-tag", 1),
    "value beside its tag": ("a.yaml", b"a: !!int x", "yaml-tag", 1),
    "key twice in YAML": ("a.yaml", b"paths: {}\ninfo: {}\npaths: {}", "duplicate-key", 3),
    "key twice on one line": ("a.yaml", b"{a: 1, a: 2}", "duplicate-key", 1),
    "key twice in JSON": ("a.json", b'{"a": 1,\n "b": {"c": 1,\n "c": 2}}', "duplicate-key", 3),
    "key that is a mapping": ("a.yaml", b"? {a: 1}\n: 2", "key-not-text", 1),
    "20,000 question marks": ("a.yaml", b"? " * 20_000, "key-not-text", 1),
    "merge of text": ("a.yaml", b"a:\n  <<: text", "yaml-merge", 2),
    "infinity": ("a.yaml", b"a: .inf", "not-finite", 1),
    "not a number": ("a.yaml", b"a: .nan", "not-finite", 1),
    "a number too large": ("a.yaml", b"a: 1e999", "not-finite", 1),
    "NaN in JSON": ("a.json", b'{"a": NaN}', "not-json", 1),
    "two documents": ("a.yaml", b"a: 1\n---\nb: 2", "several-documents", 2),
    "nothing": ("a.yaml", b"", "empty", 1),
    "only a comment": ("a.yaml", b"# later\n", "empty", 1),
    "a sign-in page": ("a.yaml", b"<!DOCTYPE html><html>", "not-a-document", 1),
    "JSON with comments": ("a.json", b'{\n// here\n"a": 1}', "not-json", 2),
    "broken YAML": ("a.yaml", b"a: [1\nb: 2", "not-yaml", 2),
    "a control character": ("a.yaml", b"a: 1\nb: \x01", "not-yaml", 2),
    "UTF-16": ("a.yaml", "a: 1".encode("utf-16"), "not-utf8", 1),
    "Latin 2": ("a.yaml", "a: 1\nb: żółw".encode("iso-8859-2"), "not-utf8", 2),
    "a NUL byte": ("a.yaml", b"a: 1\nb: x\x00", "nul", 2),
    "an escaped NUL": ("a.json", b'{"a": 1,\n"pattern": "\\u0000"}', "nul", 2),
    "an escaped NUL in YAML": ("a.yaml", b'a: 1\nb: "\\0"', "nul", 2),
    "a lone surrogate": ("a.json", b'{"a": "\\ud800"}', "not-json", 1),
    "30,000 brackets": ("a.yaml", b"[" * 30_000, "too-deep", 1),
    "30,000 closed brackets": ("a.json", b"[" * 900 + b"]" * 900, "too-deep", 1),
    "deep block mappings": ("a.yaml", b"".join(b" " * i + b"a:\n" for i in range(300)), "too-deep", 201),
}


@pytest.mark.parametrize("case", REFUSED)
def test_is_refused_with_file_line_and_column(case: str) -> None:
    file, data, rule, line = REFUSED[case]
    with pytest.raises(DocumentRefused) as caught:
        load(data, file)
    (finding,) = caught.value.findings
    assert finding.rule == rule
    assert finding.file == file
    assert finding.level == "error"
    assert finding.column is not None
    if line is not None:
        assert finding.line == line


def test_a_second_key_names_the_line_of_the_first() -> None:
    with pytest.raises(DocumentRefused, match="the first is on line 2") as caught:
        load(b'{\n"a": 1,\n"b": 2,\n"a": 3}', "a.json")
    assert (caught.value.findings[0].line, caught.value.findings[0].column) == (4, 1)


YAML_VALUES: dict[str, Any] = {
    "on": "on", "no": "no", "yes": "yes", "y": "y", "true": True, "False": False, "null": None, "~": None, "": None,
    "012": 12, "0o17": 15, "0x1F": 31, "+3": 3, "-0": 0, "1_000": "1_000", "0b1": "0b1",
    "12:30:45": "12:30:45", "2024-01-01": "2024-01-01", "2024-13-45": "2024-13-45", "=": "=",
    "1e3": 1000.0, ".5": 0.5, "1.": 1.0, "3.10": 3.1, "1.2.3": "1.2.3", "'200'": "200", '"x"': "x",
    "!!str 5": "5", '!!int "5"': 5, "! 5": "5", "18446744073709551616": 18446744073709551616.0,
    ":".join(["59"] * 3000): ":".join(["59"] * 3000),
}  # fmt: skip


@pytest.mark.parametrize("text", YAML_VALUES)
def test_yaml_values_follow_the_core_schema_of_1_2(text: str) -> None:
    value = load(f"a: {text}\n".encode(), "a.yaml").value["a"]
    assert value == YAML_VALUES[text]
    assert type(value) is type(YAML_VALUES[text])


def test_keys_are_the_text_as_written() -> None:
    value = load(b"200: a\non: b\ntrue: c\nnull: d\n1.50: e\n'x': f\n", "a.yaml").value
    assert list(value) == ["200", "on", "true", "null", "1.50", "x"]


def test_merge_keys_are_resolved_own_members_and_earlier_sources_win() -> None:
    text = b"a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  <<: [*a, *b]\n  x: 3\nd: {'<<': 1}\n"
    value = load(text, "a.yaml").value
    assert value["c"] == {"x": 3, "y": 1, "z": 2}
    assert value["d"] == {"<<": 1}


def test_versions_written_as_numbers_keep_their_digits_and_are_said() -> None:
    loaded = load(b"openapi: 3.0\ninfo: {version: 3.10}\nx: {version: 3.10}\n", "a.yaml")
    assert loaded.value == {"openapi": "3.0", "info": {"version": "3.10"}, "x": {"version": 3.1}}
    assert [(finding.rule, finding.line) for finding in loaded.findings] == [("version-number", 1), ("version-number", 2)]


def test_a_byte_order_mark_is_left_out_and_said() -> None:
    for file, data in (("a.json", b'\xef\xbb\xbf{"a": 1}'), ("a.yaml", b"\xef\xbb\xbfa: 1")):
        loaded = load(data, file)
        assert loaded.value == {"a": 1}
        assert [finding.rule for finding in loaded.findings] == ["byte-order-mark"]


def test_a_nul_in_an_example_is_shown_and_said() -> None:
    loaded = load(b'{"example": {"details": "\\u0000 here"}}', "a.json")
    assert loaded.value == {"example": {"details": "\u2400 here"}}
    assert [(finding.rule, finding.level) for finding in loaded.findings] == [("nul", "warning")]


def test_a_backslash_before_u0000_is_no_nul() -> None:
    assert load(b'{"pattern": "[^\\\\u0000]"}', "a.json").value == {"pattern": "[^\\u0000]"}


def test_yaml_that_starts_like_json_is_yaml() -> None:
    assert load(b"{a: 1, b: [x, y]}", "a.yaml").value == {"a": 1, "b": ["x", "y"]}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc/~.$é \"\\", max_size=4), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip
json_objects = st.dictionaries(st.text("abc/~ ", max_size=3), json_values, min_size=1, max_size=4)


@settings(deadline=None)
@given(json_objects)
def test_what_is_written_as_json_is_read_back(value: dict[str, Any]) -> None:
    assert load(orjson.dumps(value), "a.json").value == value


@settings(deadline=None)
@given(json_objects)
def test_what_is_written_as_yaml_is_read_back(value: dict[str, Any]) -> None:
    text = yaml.safe_dump(value, default_style='"', allow_unicode=True, width=1 << 30)
    assert read_yaml(text, "a.yaml")[0] == value


@settings(deadline=None)
@given(json_objects)
def test_yaml_is_read_as_another_1_2_parser_reads_it(value: dict[str, Any]) -> None:
    text = yaml.safe_dump(value, default_flow_style=False, allow_unicode=True, width=1 << 30)
    assert read_yaml(text, "a.yaml")[0] == yaml_rs.loads(text, parse_datetime=False)


def _every_member(value: Any, tokens: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        found += [(*tokens, str(name)), *_every_member(item, (*tokens, str(name)))]
    return found


def _at(value: Any, tokens: tuple[str, ...]) -> Any:
    for token in tokens:
        value = value[int(token)] if isinstance(value, list) else value[token]
    return value


@settings(deadline=None)
@given(json_objects, st.sampled_from([None, 1, 3]))
def test_places_in_json_are_where_the_member_stands(value: dict[str, Any], indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    wanted = _every_member(value)
    lines = text.split("\n")
    for tokens, place in locate_json(text, wanted).items():
        rest = lines[place.line - 1][place.column - 1 :]
        parent = _at(value, tokens[:-1])
        expected = (
            json.dumps(tokens[-1], ensure_ascii=False)
            if isinstance(parent, dict)
            else json.dumps(_at(value, tokens), ensure_ascii=False)[:1]
        )
        assert rest.startswith(expected)


@settings(deadline=None)
@given(json_objects)
def test_places_in_yaml_are_where_the_member_stands(value: dict[str, Any]) -> None:
    text = yaml.safe_dump(value, default_style='"', default_flow_style=False, allow_unicode=True, width=1 << 30)
    lines = text.split("\n")
    for tokens, place in locate_yaml(text, _every_member(value)).items():
        if isinstance(_at(value, tokens[:-1]), dict):
            rest = lines[place.line - 1][place.column - 1 :]
            assert rest.lstrip("? ").startswith(yaml.safe_dump(tokens[-1], default_style='"', allow_unicode=True, width=1 << 30).strip())


def test_a_pointer_that_is_not_there_has_the_place_of_its_nearest_parent() -> None:
    text = '{\n "a": {"b": 1}}'
    assert locate_json(text, [("a", "x", "y"), ("z",)]) == {("a", "x", "y"): (2, 2), ("z",): (1, 1)}
    assert locate_yaml("x: 1\na:\n  b: 1\n", [("a", "c"), ("a", "b")]) == {("a", "c"): (2, 1), ("a", "b"): (3, 3)}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"swagger":"2.0"}', True),
        (b"# c\nopenapi: 3.1.0\n", True),
        (b'{"info":{},"openapi": "3.0.0"}', True),
        (b"description: our openapi: documents", False),
        (b"paths: {}", False),
        (b"\xff\xfe\x00", False),
    ],
)
def test_documents_are_told_from_other_files(data: bytes, expected: bool) -> None:
    assert looks_like_openapi(data) is expected
