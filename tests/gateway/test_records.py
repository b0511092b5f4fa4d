"""What is kept of a call can be kept, and holds no secret."""

from __future__ import annotations

import json
import uuid

from hypothesis import given
from hypothesis import strategies as st

from gateway.records import KEPT_BYTES, kept_body, storable

texts = st.text(alphabet=st.sampled_from("aé\x00\ud800\udfff😀"), max_size=6)
json_values = st.recursive(
    st.none() | st.integers() | texts, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)


@given(json_values)
def test_everything_kept_can_be_stored_in_postgresql(value: object) -> None:
    text = json.dumps(storable(value), ensure_ascii=False)
    assert "\\u0000" not in text
    text.encode("utf-8")


def test_what_is_already_storable_is_untouched() -> None:
    account = uuid.uuid4()
    assert storable({"a": ["é", 1, None, account]}) == {"a": ["é", 1, None, account]}


def test_a_secret_on_the_edge_of_what_is_kept_is_seen_whole() -> None:
    secret = "password=" + "s" * 60
    body = b"x" * (KEPT_BYTES - 20) + b" " + secret.encode() + b" " + b"y" * 100_000
    kept = kept_body(body)
    assert "ssss" not in kept
    assert len(kept) < KEPT_BYTES + 100
    assert kept.endswith("bytes in all)")


def test_bytes_that_are_no_text_are_only_counted() -> None:
    assert kept_body(b"\x89PNG\x00\x00" + b"\xff" * 100) == "(106 bytes that are no text)"
    assert kept_body(b"") == ""
