from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.errors import Malformed, MethodNotAllowed
from upstream.masking import MASK, mask_header
from upstream.messages import Outgoing, Target
from upstream.wire import check_base_url, check_outgoing

TARGET = Target(name="genesys staging", base_url="https://api.example/api/v2")


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example/api/v2",
        "http://10.0.0.1:8443/x",
        "https://[2606:4700::1]:443/",
        "http://localhost:9000",
        "https://a_b.example/v1/",
    ],
)
def test_an_ordinary_base_url_is_taken(url: str) -> None:
    assert check_base_url(url) == ""


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "gopher://x/", "unix:/x", "javascript:alert(1)", "data:,x", "api.example", "//api.example/",
        "http://allowed.test@evil.test/", "http://evil.test#@allowed.test/", "http://allowed.test\\@evil.test",
        "http://allowed.test%00.evil.test/", "http://аllowed.test/", "http://a b/", "http://h/\r\n", "http://h/a?b=c", "http://h/a/../b",
        "http://h/%2e%2e/b", "http://h:0/", "http://h:65536/", "http://h:-1/", "http://h:080/", "http://h:/", "http:///x", "http://",
        "http://①②⑦.⓪.⓪.①/",
    ],
)  # fmt: skip
def test_a_base_url_that_two_parsers_could_read_differently_is_refused(url: str) -> None:
    assert check_base_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example/api/v2/users?id=1&x=%20", "https://api.example/api/v2", "https://api.example/api/v2?x",
        "https://api.example/api/v2/a;b=c/@me/%2F",
    ],
)  # fmt: skip
def test_an_address_below_the_base_is_sent(url: str) -> None:
    check_outgoing(TARGET, Outgoing("GET", url, []))


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example/api/v22/x", "https://api.example/api", "https://api.example.evil/api/v2/x", "http://api.example/api/v2/x",
        "https://api.example:8443/api/v2/x", "https://api.example/api/v2/../admin", "https://api.example/api/v2/%2e%2e/admin",
        "https://api.example/api/v2/./x", "https://api.example/api/v2/a b", "https://api.example/api/v2/x\r\nX: y",
        "https://api.example/api/v2/é", "https://api.example/api/v2/x#f", "https://api.example/api/v2/x?a=\n", "https://api.example/api/v2/%zz",
        "https://api.example/api/v2@evil.test/", "/api/v2/x", "",
    ],
)  # fmt: skip
def test_an_address_that_leaves_the_base_is_refused(url: str) -> None:
    with pytest.raises(Malformed) as caught:
        check_outgoing(TARGET, Outgoing("GET", url, []))
    assert caught.value.code == "url_refused"


@pytest.mark.parametrize(
    "name", ["X A", "X:A", "", "X\r\nB", "Ünï", "Host", "content-length", "Transfer-Encoding", "TE", "Proxy-Connection"]
)
def test_a_header_name_that_is_no_token_or_speaks_for_the_connection_is_refused(name: str) -> None:
    with pytest.raises(Malformed) as caught:
        check_outgoing(TARGET, Outgoing("GET", TARGET.base_url, [(name, "v")]))
    assert caught.value.code == "header_refused"


@pytest.mark.parametrize("value", ["a\r\nB: c", "a\nb", "a\0b", " a", "a ", "é", "😀", "a\x7f", "\t"])
def test_a_header_value_that_could_be_read_as_something_else_is_refused(value: str) -> None:
    with pytest.raises(Malformed):
        check_outgoing(TARGET, Outgoing("GET", TARGET.base_url, [("X-A", value)]))


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "get", "GET / HTTP/1.1\r\nX:", "", "A" * 300])
def test_only_the_methods_of_documents_go_out(method: str) -> None:
    with pytest.raises(MethodNotAllowed):
        check_outgoing(TARGET, Outgoing(method, TARGET.base_url, []))


@given(st.text(alphabet=st.characters(codec="latin-1"), max_size=20))
def test_whatever_passes_is_one_line(value: str) -> None:
    try:
        check_outgoing(TARGET, Outgoing("GET", TARGET.base_url, [("X-A", value)]))
    except Malformed:
        return
    assert value.isascii()
    assert value == value.strip()
    assert value.isprintable() or "\t" in value


@pytest.mark.parametrize(
    ("name", "value", "masked"),
    [
        ("Authorization", "Bearer abc.def", f"Bearer {MASK}"),
        ("authorization", "abcdef", MASK),
        ("Cookie", "portal=abc; other=d=e", f"portal={MASK}; other={MASK}"),
        ("Set-Cookie", "sid=abc; HttpOnly; Path=/", f"sid={MASK}; HttpOnly; Path=/"),
        ("X-Api-Key", "k", MASK),
        ("X-Session-Token", "k", MASK),
        ("x-genesys-signature", "00ff", MASK),
        ("Content-Type", "application/json", "application/json"),
        ("X-Tokenizer", "bpe", "bpe"),
    ],
)
def test_a_header_is_kept_without_what_would_let_anybody_in(name: str, value: str, masked: str) -> None:
    assert mask_header(name, value) == masked
