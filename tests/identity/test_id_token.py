"""Every defect of an ID token or a logout token is refused by its name."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.defects import SignInRefused
from identity.id_token import LOGOUT_EVENT, Expectations, verify_id_token, verify_logout_token

ISSUER, CLIENT, NONCE = "https://id.example", "portal", "n-0123456789"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CURVE = ec.generate_private_key(ec.SECP256R1())


def signing_key(kid: str | None, algorithm: str) -> jwt.PyJWK:
    if kid != "one":
        raise SignInRefused("unknown_key")
    private = CURVE if algorithm == "ES256" else KEY
    maker = jwt.algorithms.ECAlgorithm if algorithm == "ES256" else jwt.algorithms.RSAAlgorithm
    return jwt.PyJWK(json.loads(maker.to_jwk(private.public_key())), algorithm=algorithm)  # type: ignore[arg-type]


EXPECTED = Expectations(issuer=ISSUER, client_id=CLIENT, algorithms=["RS256", "ES256"], leeway=30, signing_key=signing_key)
GONE = object()


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    base = {"iss": ISSUER, "aud": CLIENT, "sub": "ada", "iat": now, "exp": now + 86_400, "nonce": NONCE} | changes
    return {name: value for name, value in base.items() if value is not GONE}


def logout_claims(**changes: Any) -> dict[str, Any]:
    base = claims(nonce=GONE, jti="j-1", sid="s-1", events={LOGOUT_EVENT: {}}) | changes
    return {name: value for name, value in base.items() if value is not GONE}


def signed(payload: dict[str, Any], *, key: Any = KEY, algorithm: str = "RS256", **header: Any) -> str:
    return jwt.encode(payload, key, algorithm=algorithm, headers={"kid": "one", **header})


def raw(payload: str, header: dict[str, Any]) -> str:
    """A token whose claims are any text, truly signed."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    start = f"{part(json.dumps(header).encode())}.{part(payload.encode())}"
    return f"{start}.{part(KEY.sign(start.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def defect_of(token: object, *, nonce: str = NONCE) -> str:
    with pytest.raises(SignInRefused) as refused:
        verify_id_token(token, nonce=nonce, expected=EXPECTED)
    return refused.value.defect


@pytest.mark.parametrize(
    "token",
    [
        signed(claims()),
        signed(claims(aud=[CLIENT])),
        signed(claims(aud=[CLIENT, "another"], azp=CLIENT)),
        signed(claims(azp=CLIENT)),
        signed(claims(), key=CURVE, algorithm="ES256"),
        jwt.encode(claims(), KEY, algorithm="RS256", headers={"kid": "one", "typ": None}),
    ],
    ids=["plain", "audience list", "two audiences with azp", "azp", "ES256", "no typ"],
)
def test_a_sound_token_is_accepted(token: str) -> None:
    assert verify_id_token(token, nonce=NONCE, expected=EXPECTED)["sub"] == "ada"


def test_clocks_may_differ_by_half_a_minute() -> None:
    now = int(time.time())
    assert verify_id_token(signed(claims(exp=now - 20, iat=now - 300)), nonce=NONCE, expected=EXPECTED)
    assert verify_id_token(signed(claims(iat=now + 20)), nonce=NONCE, expected=EXPECTED)
    assert defect_of(signed(claims(exp=now - 40, iat=now - 300))) == "expired"


@pytest.mark.parametrize(
    ("changes", "defect"),
    [
        ({"iss": "https://evil.example"}, "issuer"),
        ({"iss": ISSUER + "/"}, "issuer"),
        ({"iss": GONE}, "missing_claim"),
        ({"aud": "another"}, "audience"),
        ({"aud": ["another"]}, "audience"),
        ({"aud": []}, "missing_claim"),
        ({"aud": {"portal": 1}}, "audience"),
        ({"aud": GONE}, "missing_claim"),
        ({"azp": "another"}, "authorized_party"),
        ({"aud": [CLIENT, "another"]}, "authorized_party"),
        ({"sub": GONE}, "missing_claim"),
        ({"sub": ""}, "subject"),
        ({"sub": "x" * 256}, "subject"),
        ({"sub": "ada\nby"}, "subject"),
        ({"sub": 7}, "malformed"),
        ({"exp": GONE}, "missing_claim"),
        ({"exp": int(time.time()) - 3600}, "expired"),
        ({"exp": "soon"}, "malformed"),
        ({"exp": None}, "missing_claim"),
        ({"exp": [1]}, "malformed"),
        ({"iat": GONE}, "missing_claim"),
        ({"iat": int(time.time()) + 3600}, "not_yet_valid"),
        ({"iat": "now"}, "malformed"),
        ({"nbf": int(time.time()) + 3600}, "not_yet_valid"),
        ({"nonce": GONE}, "missing_claim"),
        ({"nonce": "another"}, "nonce"),
        ({"nonce": 7}, "nonce"),
        ({"nonce": "ñ"}, "nonce"),
        ({"events": {LOGOUT_EVENT: {}}}, "events"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,  # two processes must collect the same names
)
def test_a_wrong_claim_is_refused_by_name(changes: dict[str, Any], defect: str) -> None:
    assert defect_of(signed(claims(**changes))) == defect


@pytest.mark.parametrize(
    ("token", "defect"),
    [
        (None, "malformed"),
        (b"bytes", "malformed"),
        ("", "malformed"),
        ("a.b", "malformed"),
        ("a.b.c", "malformed"),
        ("a.b.c.d", "malformed"),
        ("x" * 70_000, "malformed"),
        (signed(claims())[:-6] + "AAAAAA", "signature"),
        (signed(claims(), key=OTHER), "signature"),
        (jwt.encode(claims(), "", algorithm="none", headers={"kid": "one"}), "algorithm"),
        (jwt.encode(claims(), "s" * 32, algorithm="HS256", headers={"kid": "one"}), "algorithm"),
        (signed(claims(), algorithm="RS512"), "algorithm"),
        (signed(claims(), algorithm="PS256"), "algorithm"),
        (signed(claims(), kid="two"), "unknown_key"),
        (signed(claims(), kid="../../x"), "unknown_key"),
        (jwt.encode(claims(), KEY, algorithm="RS256"), "unknown_key"),
        (signed(claims(), typ="at+jwt"), "type"),
        (signed(claims(), typ="logout+jwt"), "type"),
        (signed(claims(), crit=["exp"]), "malformed"),
        (raw('{"exp": 1e400}', {"alg": "RS256", "kid": "one"}), "missing_claim"),
        (
            raw('{"iss":"https://id.example","aud":"portal","sub":"a","iat":1,"nonce":"n","exp":1e400}', {"alg": "RS256", "kid": "one"}),
            "malformed",
        ),
        (raw("[1]", {"alg": "RS256", "kid": "one"}), "malformed"),
        (raw("[" * 20_000, {"alg": "RS256", "kid": "one"}), "malformed"),
        (raw("not json", {"alg": "RS256", "kid": "one"}), "malformed"),
    ],
)
def test_a_wrong_envelope_is_refused_by_name(token: object, defect: str) -> None:
    assert defect_of(token) == defect


def test_addresses_of_keys_in_the_header_are_not_followed() -> None:
    """``jku`` and ``x5u`` are ignored: the key is the provider's or none (sockets are closed in this suite)."""
    token = signed(claims(), key=OTHER, jku="https://evil.example/keys", x5u="https://evil.example/cert")
    assert defect_of(token) == "signature"


def test_an_empty_nonce_never_matches() -> None:
    assert defect_of(signed(claims(nonce="")), nonce="") == "nonce"


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_refused_and_nothing_else_happens(text: str) -> None:
    assert defect_of(text) in {"malformed", "algorithm", "type"}


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=2**31), st.integers(min_value=1, max_value=255))
def test_one_changed_byte_is_never_accepted(position: int, change: int) -> None:
    head, body, signature = signed(claims()).split(".")
    data = bytearray(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    data[position % len(data)] ^= change
    changed = base64.urlsafe_b64encode(bytes(data)).rstrip(b"=").decode()
    assert defect_of(f"{head}.{changed}.{signature}") in {"signature", "malformed"}


def logout_defect(token: object, *, require_type: bool = True) -> str:
    with pytest.raises(SignInRefused) as refused:
        verify_logout_token(token, expected=EXPECTED, require_type=require_type)
    return refused.value.defect


def test_a_sound_logout_token_names_session_and_subject() -> None:
    found = verify_logout_token(signed(logout_claims(), typ="logout+jwt"), expected=EXPECTED)
    assert (found.issuer, found.sid, found.subject, found.jti) == (ISSUER, "s-1", "ada", "j-1")
    assert verify_logout_token(signed(logout_claims(sub=GONE), typ="logout+jwt"), expected=EXPECTED).subject == ""
    assert verify_logout_token(signed(logout_claims(sid=GONE), typ="logout+jwt"), expected=EXPECTED).sid == ""


@pytest.mark.parametrize(
    ("changes", "defect"),
    [
        ({"iss": "https://evil.example"}, "issuer"),
        ({"aud": "another"}, "audience"),
        ({"iat": GONE}, "missing_claim"),
        ({"exp": GONE}, "missing_claim"),
        ({"exp": int(time.time()) - 600}, "expired"),
        ({"iat": int(time.time()) - 600}, "too_old"),
        ({"jti": GONE}, "missing_claim"),
        ({"jti": ""}, "logout_claims"),
        ({"jti": "x" * 300}, "logout_claims"),
        ({"events": GONE}, "missing_claim"),
        ({"events": {}}, "logout_claims"),
        ({"events": [LOGOUT_EVENT]}, "logout_claims"),
        ({"events": {LOGOUT_EVENT: "yes"}}, "logout_claims"),
        ({"nonce": "any"}, "logout_claims"),
        ({"sid": GONE, "sub": GONE}, "logout_claims"),
        ({"sid": 7}, "logout_claims"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_wrong_logout_token_is_refused_by_name(changes: dict[str, Any], defect: str) -> None:
    assert logout_defect(signed(logout_claims(**changes), typ="logout+jwt")) == defect


def test_the_type_of_a_logout_token_may_be_left_out_only_when_the_setting_says_so() -> None:
    assert logout_defect(signed(logout_claims())) == "type"
    assert verify_logout_token(signed(logout_claims()), expected=EXPECTED, require_type=False).sid == "s-1"
    assert logout_defect(signed(logout_claims(), typ="at+jwt"), require_type=False) == "type"


def test_an_id_token_is_not_a_logout_token() -> None:
    assert logout_defect(signed(claims(), typ="logout+jwt")) == "missing_claim"
