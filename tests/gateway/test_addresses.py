"""The destination is the rules' alone, whatever path comes in."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.addresses import Address, destination, split_address
from portal.errors import Malformed, NotFound

BASES = ("https://api.example.com/api/v2", "https://api.example.com", "http://127.0.0.1:9/x")
nasty = st.text(alphabet=st.sampled_from(list("/\\.%2eEfF5cC;@:#? \r\n\t\x00ab0üé€%")), max_size=40)
honest = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="/\\%;.\x7f", min_codepoint=32), min_size=1)


@given(base=st.sampled_from(BASES), path=st.one_of(nasty, st.text(max_size=60)), query=st.one_of(nasty, st.text(max_size=60)))
@example(base=BASES[0], path="/../../admin", query="")
@example(base=BASES[0], path="/%2e%2e/%2E./admin", query="")
@example(base=BASES[0], path="/..%5c..%5cadmin", query="")
@example(base=BASES[0], path="/..;/admin", query="")
@example(base=BASES[0], path="/%252e%252e/admin", query="")
@example(base=BASES[1], path="//evil.example/x", query="")
@example(base=BASES[1], path="/@evil.example", query="a b\r\nX: y#z")
def test_no_path_leaves_the_scheme_host_port_and_path_prefix_of_the_environment(base: str, path: str, query: str) -> None:
    try:
        url = destination(base, path, query)
    except Malformed as refusal:
        assert refusal.code == "malformed_path"
        return
    made, rules = urlsplit(url), urlsplit(base)
    assert (made.scheme, made.netloc) == (rules.scheme, rules.netloc)
    assert made.fragment == ""
    assert made.path.startswith(rules.path + "/")
    assert re.fullmatch(r"[A-Za-z0-9._~!$&'()*+,;=:@%/?\[\]{}|^`\\-]*", url.removeprefix(f"{made.scheme}://{made.netloc}"))
    for reading in (made.path, unquote(made.path), unquote(unquote(made.path))):
        pieces = reading.replace("\\", "/").split("/")
        assert not {piece.split(";")[0].strip() for piece in pieces} & {".", ".."}


@given(segments=st.lists(honest, min_size=1))
def test_an_honest_path_arrives_as_it_was_meant(segments: list[str]) -> None:
    raw = "/" + "/".join(quote(segment, safe="") for segment in segments)
    assert unquote(urlsplit(destination(BASES[0], raw, "")).path) == "/api/v2/" + "/".join(segments)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/repos/o/r/contents/a%2Fb.txt", "/api/v2/repos/o/r/contents/a%2Fb.txt"),
        ("/", "/api/v2/"),
        ("/users/a b", "/api/v2/users/a%20b"),
        ("/users/100%", "/api/v2/users/100%25"),
        ("/a/b/", "/api/v2/a/b/"),
        ("/v1/things:batch", "/api/v2/v1/things:batch"),
        ("/a...b", "/api/v2/a...b"),
    ],
)
def test_encoding_is_kept_or_mended(path: str, expected: str) -> None:
    assert urlsplit(destination(BASES[0], path, "")).path == expected


def test_the_query_goes_as_it_was_sent() -> None:
    query = "filter[name]=a&expand[]=b&q=%20x+y&empty="
    assert destination(BASES[0], "/x", query).partition("?")[2] == query


def test_a_control_character_in_the_path_is_refused() -> None:
    with pytest.raises(Malformed, match="control character"):
        destination(BASES[0], "/a%0d%0ab", "")


def test_an_address_has_an_environment_an_api_and_a_path() -> None:
    assert split_address("/gateway/staging/genesys-cx-v2/users/1") == Address("staging", "genesys-cx-v2", "/users/1")
    assert split_address("/gateway/staging/genesys-cx-v2").path == "/"


@pytest.mark.parametrize("raw", ["/gateway/", "/gateway/staging", "/gateway//api/x", "/gateway/%2e%2e/api/x", "/gateway/a b/c/d"])
def test_an_address_without_its_parts_is_not_found(raw: str) -> None:
    with pytest.raises(NotFound):
        split_address(raw)
