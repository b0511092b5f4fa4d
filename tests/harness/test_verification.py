from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.profiles import PROFILES, Profile
from harness.verification import Secret, signature, verify
from tests.plugin import SHARED

GENESYS, NICE = PROFILES["genesys"], PROFILES["nice"]
KEY = Secret(b"a secret of some length", "aaaaaaaa")

# RFC 4231 section 4, test cases 1 to 4: key, data, HMAC-SHA256.
RFC_4231 = [
    ("0b" * 20, "4869205468657265", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (
        "4a656665",
        "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    ("aa" * 20, "dd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (bytes(range(1, 26)).hex(), "cd" * 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
]


def judge(value: str | None, body: bytes, *secrets: Secret, profile: Profile = GENESYS, headers: tuple[tuple[str, str], ...] = ()) -> Any:
    mine = () if value is None else ((profile.header, value),)
    return verify(profile, secrets or (KEY,), (*headers, *mine), body)


@pytest.mark.parametrize("profile", [GENESYS, NICE], ids=["genesys", "nice"])
@pytest.mark.parametrize(("key", "data", "digest"), RFC_4231)
def test_the_vectors_of_rfc_4231_are_verified(profile: Profile, key: str, data: str, digest: str) -> None:
    secret = Secret(bytes.fromhex(key), "f")
    body = bytes.fromhex(data)
    assert signature(secret.value, body) == digest
    assert judge(digest, body, secret, profile=profile).verified
    for position in range(0, 256, 17):
        flipped = bytearray(bytes.fromhex(digest))
        flipped[position // 8] ^= 1 << (position % 8)
        assert judge(flipped.hex(), body, secret, profile=profile).reason == "signature_wrong"


@pytest.mark.skipif(not (SHARED / "signature-vectors.json").is_file(), reason="the outside vectors are not beside this checkout")
def test_the_published_vectors_agree_with_ours() -> None:
    vectors = json.loads((SHARED / "signature-vectors.json").read_text())["vectors"]
    fitting = [vector for vector in vectors if vector["id"].startswith("rfc4231-") and len(vector.get("signature_hex", "")) == 64]
    assert len(fitting) >= 4
    for vector in fitting:
        assert judge(vector["signature_hex"], bytes.fromhex(vector["body_hex"]), Secret(bytes.fromhex(vector["secret_hex"]), "f")).verified


@given(st.binary(max_size=300), st.binary(min_size=8, max_size=80), st.data())
def test_any_body_verifies_with_its_key_and_no_other_bytes_do(body: bytes, key: bytes, data: Any) -> None:
    secret = Secret(key, "f")
    value = signature(key, body)
    assert judge(value, body, secret).verified
    assert judge(value.upper(), body, secret).verified
    other = data.draw(st.binary(max_size=300).filter(lambda candidate: candidate != body))
    assert judge(value, other, secret).reason == "signature_wrong"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "signature_missing"),
        ("", "signature_missing"),
        ("   ", "signature_missing"),
        ("00" * 32, "signature_wrong"),
        ("00" * 16, "signature_malformed"),
        ("zz" * 32, "signature_malformed"),
        ("sha256=" + "00" * 32, "signature_malformed"),
        ("v1,", "signature_malformed"),
        (base64.b64encode(b"\0" * 32).decode(), "signature_malformed"),
        ("é" * 64, "signature_malformed"),
        ("٣" * 64, "signature_malformed"),
        ("0x" + "00" * 31, "signature_malformed"),
        ("00" * 20, "signature_malformed"),
        (" ".join(["00"] * 32), "signature_malformed"),
    ],
)
def test_a_signature_that_is_not_right_is_refused(value: str | None, reason: str) -> None:
    verdict = judge(value, b"{}")
    assert (verdict.reason, verdict.status, verdict.secret) == (reason, 401, "")
    assert verdict.steps[-1].state == "bad"


def test_two_signature_headers_are_ambiguous() -> None:
    right = signature(KEY.value, b"{}")
    verdict = verify(GENESYS, [KEY], [("x-genesys-signature", right), ("X-Genesys-Signature", right)], b"{}")
    assert (verdict.reason, verdict.status) == ("signature_repeated", 400)


def test_the_signature_of_another_profile_or_endpoint_does_not_count() -> None:
    right = signature(KEY.value, b"{}")
    verdict = verify(NICE, [KEY], [("x-genesys-signature", right)], b"{}")
    assert verdict.reason == "signature_missing"
    assert "x-genesys-signature" in verdict.steps[-1].text
    assert judge(right, b"{}", Secret(b"another endpoint's key", "b")).reason == "signature_wrong"


def test_json_written_again_has_other_bytes() -> None:
    body = b'{"a": 1.0, "b": "x"}'
    again = json.dumps(json.loads(body), separators=(",", ":")).encode()
    assert judge(signature(KEY.value, again), body).reason == "signature_wrong"


def test_while_secrets_are_changed_either_fits_and_the_one_that_did_is_named() -> None:
    old, new = Secret(b"the old secret", "00000001"), Secret(b"the new secret", "00000002")
    for secret in (old, new):
        verdict = judge(signature(secret.value, b"{}"), b"{}", new, old)
        assert verdict.verified
        assert verdict.secret == secret.fingerprint
        assert sum(step.title.startswith("Computed") for step in verdict.steps) == 2, "no early stop"


def test_a_malformed_body_is_found_only_behind_a_right_signature() -> None:
    json_type = (("Content-Type", "application/json; charset=utf-8"),)
    body = b'{"a": NaN}'
    assert judge("00" * 32, body, headers=json_type).reason == "signature_wrong"
    verdict = judge(signature(KEY.value, body), body, headers=json_type)
    assert (verdict.reason, verdict.status) == ("body_malformed", 400)
    assert judge(signature(KEY.value, body), body).verified, "nobody said it is JSON"
    assert judge(signature(KEY.value, b""), b"", headers=json_type).reason == "body_malformed"


def test_no_step_holds_the_secret() -> None:
    secret = Secret(b"do-not-show-this-anywhere", "f")
    for verdict in (judge(signature(secret.value, b"x"), b"x", secret), judge("00" * 32, b"x", secret), judge(None, b"x", secret)):
        assert "do-not-show" not in repr(verdict)
        assert secret.value.hex() not in repr(verdict)


def test_no_live_secret_refuses() -> None:
    verdict = verify(GENESYS, [], [(GENESYS.header, signature(b"", b"x"))], b"x")
    assert verdict.reason == "signature_wrong"
