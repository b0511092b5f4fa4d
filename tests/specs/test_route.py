"""Raw paths lead to operations."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.route import METHODS, Router, build_router


def router(*templates: str, methods: tuple[str, ...] = ("get",)) -> Router:
    document: dict[str, Any] = {"paths": {template: dict.fromkeys(methods, {}) for template in templates}}
    keys = {(method, template): f"{method} {template}" for template in templates for method in methods}
    return Router.from_json(build_router(document, keys))


@pytest.mark.parametrize(
    ("templates", "path", "found", "parameters"),
    [
        (["/pets/{id}", "/pets/mine"], "/pets/mine", "/pets/mine", {}),
        (["/pets/{id}", "/pets/mine"], "/pets/5", "/pets/{id}", {"id": "5"}),
        (["/{a}/x", "/b/{c}"], "/b/x", "/b/{c}", {"c": "x"}),
        (["/b/{c}/d", "/{a}/x/y"], "/b/x/y", "/{a}/x/y", {"a": "b"}),
        (["/pet/a:{b}"], "/pet/a:run", "/pet/a:{b}", {"b": "run"}),
        (["/test:{rpc}:", "/test/yes", "/test"], "/test/yes", "/test/yes", {}),
        (["/{name}.{kind}"], "/a.b.json", "/{name}.{kind}", {"name": "a", "kind": "b.json"}),
        (["/range/{from}..{to}"], "/range/1..5", "/range/{from}..{to}", {"from": "1", "to": "5"}),
        (["/a b > c"], "/a%20b%20%3E%20c", "/a b > c", {}),
        (["/files/{id}"], "/files/a%2Fb", "/files/{id}", {"id": "a%2Fb"}),
        (["/contents/{path}"], "/contents/a/b.txt", "/contents/{path}", {"path": "a/b.txt"}),
        (["/{bucket}/{key+}"], "/b/a/b.txt", "/{bucket}/{key+}", {"bucket": "b", "key": "a/b.txt"}),
        (["/contents/{path}", "/contents/{path}/raw"], "/contents/a/raw", "/contents/{path}/raw", {"path": "a"}),
        (["/x#one", "/x#two"], "/x", "/x#one", {}),
        (["/"], "/", "/", {}),
        (["/"], "", "/", {}),
    ],
)
def test_paths_lead_to_operations(templates: list[str], path: str, found: str, parameters: dict[str, str]) -> None:
    match = router(*templates).match("get", path)
    assert match.operation == f"get {found}"
    assert match.path_parameters == parameters


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/pets/{id}", "/pets/"),
        ("/pets/{id}", "/pets"),
        ("/pets/{id}", "/pets/1/"),
        ("/pets/{id}", "/pets/1/2"),
        ("/pets/{id}", "//pets/1"),
        ("/pets/{id}", "/pets/.."),
        ("/pets/{id}", "/pets/%2e%2e"),
        ("/pets/{id}", "/pets/..%2f..%2fadmin"),
        ("/pets/{id}", "/pets/..%5cadmin"),
        ("/pets/{id}", "/pets/%ff"),
        ("/contents/{path}", "/contents/a/../../b"),
        ("/contents/{path}", "/contents/a//b"),
        ("/pets", "/PETS"),
        ("/pets", "/pets/"),
    ],
)
def test_these_paths_lead_nowhere(template: str, path: str) -> None:
    match = router(template).match("GET", path)
    assert match.operation is None
    assert match.allowed == []


def test_another_method_says_which_are_allowed() -> None:
    match = router("/pets/{id}", methods=("get", "put")).match("POST", "/pets/1")
    assert (match.operation, match.allowed) == (None, ["GET", "PUT"])


def test_a_method_is_looked_for_in_every_template_that_matches() -> None:
    document: dict[str, Any] = {"paths": {"/a/b": {"get": {}}, "/a/{x}": {"post": {}}}}
    keys = {("get", "/a/b"): "one", ("post", "/a/{x}"): "two"}
    found = Router.from_json(build_router(document, keys))
    assert found.match("POST", "/a/b").operation == "two"
    assert found.match("PUT", "/a/b").allowed == ["GET", "POST"]


def test_operations_without_a_key_are_left_out() -> None:
    found = Router.from_json(build_router({"paths": {"/a": {"get": {}}, "x-note": {}, "/b": None}}, {}))
    assert found.match("GET", "/a").allowed == []


SEGMENT = st.text("abc{}.:%2Ff/~", max_size=8)


@given(st.lists(SEGMENT, max_size=4), st.text(max_size=30))
def test_no_template_and_no_path_makes_the_router_fall_over(segments: list[str], path: str) -> None:
    router("/" + "/".join(segments)).match("get", path)


@given(st.lists(st.text("abcxyz019-", min_size=1, max_size=6), min_size=1, max_size=5), st.data())
def test_a_filled_template_is_found_again(words: list[str], data: st.DataObject) -> None:
    marks = data.draw(st.lists(st.booleans(), min_size=len(words), max_size=len(words)))
    template = "/" + "/".join(f"{{p{index}}}" if mark else word for index, (word, mark) in enumerate(zip(words, marks, strict=True)))
    match = router(template).match(METHODS[0], "/" + "/".join(words))
    assert match.operation == f"get {template}"
    assert match.path_parameters == {f"p{index}": word for index, (word, mark) in enumerate(zip(words, marks, strict=True)) if mark}
