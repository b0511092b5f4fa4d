"""Every profile against published vectors, flipped bits, the platforms' own libraries, and the rules of its settings."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given
from hypothesis import strategies as st

from harness.signatures.encodings import decode, encode, seconds, visible
from harness.signatures.keys import key_bytes
from harness.signatures.message import digest_problem
from harness.signatures.profile import Profile
from harness.signatures.registry import PROFILES, profile_of, setting_errors
from harness.signatures.signing import CannotSign, sign
from harness.signatures.structured import dictionary
from harness.signatures.values import STATUS, Request, Secret, Verdict
from harness.signatures.verification import verify
from tests.harness.vectors import FILE, Vector, load

ROOT = Path(__file__).resolve().parent.parent.parent
VECTORS = load()
NOW = 1_700_000_000
BODY = b'{"event": "call.completed", "n": 10.0}\n'
URL = "https://portal.example/in/abc?x=1"
WHSEC = "whsec_" + base64.b64encode(bytes(range(32))).decode()
SIGNING = [profile for profile in PROFILES.values() if profile.symmetric]

needs_vectors = pytest.mark.skipif(not FILE.is_file(), reason="the outside vectors are not beside this checkout")


def secret_for(profile: Profile) -> Secret:
    text = (
        WHSEC
        if profile.key == "prefixed-base64"
        else base64.b64encode(bytes(range(40))).decode()
        if profile.key == "base64"
        else "s3cret " * 5
    )
    return Secret(text.encode(), "f")


def signed(profile: Profile, body: bytes = BODY, *, now: int = NOW, headers: tuple[tuple[str, str], ...] = (), url: str = URL) -> Request:
    bare = Request(
        [*headers, *([("content-type", "application/x-www-form-urlencoded")] if profile.name == "twilio" else [])], body, "POST", url
    )
    return replace(bare, headers=[*bare.headers, *sign(profile, secret_for(profile).value, bare, timestamp=now, identity="msg_1")])


def judge(profile: Profile, request: Request, now: float = NOW) -> Verdict:
    return verify(profile, [secret_for(profile)], request, now)


def flip(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << (bit % 8)
    return bytes(changed)


@needs_vectors
def test_there_are_vectors_for_every_documented_construction_that_has_any() -> None:
    assert len(VECTORS) >= 35
    assert {vector.profile.name for vector in VECTORS} >= {
        "genesys", "genesys-open-messaging", "nice", "github", "stripe", "slack", "standard-webhooks", "standard-webhooks-v1a", "twilio",
        "shopify", "rfc9421", "generic",
    }  # fmt: skip


@pytest.mark.parametrize("vector", VECTORS, ids=[vector.id for vector in VECTORS])
def test_a_published_vector_is_verified_and_with_any_bit_flipped_it_is_not(vector: Vector) -> None:
    def reason(request: Request, secret: Secret = vector.secret) -> str:
        return verify(vector.profile, [secret], request, vector.now).reason

    assert reason(vector.request) == ""
    for bit in range(len(vector.request.body) * 8):
        if vector.profile.construction == "form" and not unlike_form(vector.request.body, flip(vector.request.body, bit)):
            continue
        assert reason(replace(vector.request, body=flip(vector.request.body, bit))) != "", f"body, bit {bit}"
    if vector.profile.symmetric:
        assert reason(vector.request, Secret(b"another secret", "f")) == "signature_wrong"
    for position, (name, value) in enumerate(vector.request.headers):
        for start, text in encoded_values(vector.profile, name, value):
            raw = decode(text, vector.profile.encoding if vector.profile.construction != "message-signature" else "base64")
            for bit in range(len(raw) * 8):
                spoiled = encode(flip(raw, bit), "hex" if vector.profile.encoding == "hex" and ":" not in value else "base64")
                headers = list(vector.request.headers)
                headers[position] = (name, value[:start] + spoiled + value[start + len(text) :])
                assert reason(replace(vector.request, headers=headers)) == "signature_wrong", f"{name}, bit {bit}"


def unlike_form(one: bytes, other: bytes) -> bool:
    from urllib.parse import parse_qsl

    def read(body: bytes) -> Any:
        return sorted(set(parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1")))

    # Names and values are joined without anything between them: A=BC and AB=C are one text to Twilio, an ambiguity of its own.
    return bool("".join(map("".join, read(one))) != "".join(map("".join, read(other))))


def encoded_values(profile: Profile, name: str, value: str) -> list[tuple[int, str]]:
    """Where in a header the signature stands that fits."""
    if name.lower() != profile.header:
        return []
    if profile.grammar == "pairs":
        return [(found.start(1), found[1]) for found in re.finditer(r"v1=([0-9a-f]+)", value)]
    if profile.grammar == "versions":
        return [(found.start(1), found[1]) for found in re.finditer(rf"{profile.version},([^ ]+)", value)][-1:]
    if profile.construction == "message-signature":
        return [(found.start(1), found[1]) for found in re.finditer(r":([^:]+):", value)]
    return [(len(profile.prefix), value.removeprefix(profile.prefix))]


@pytest.mark.parametrize("profile", SIGNING, ids=[profile.name for profile in SIGNING])
def test_what_is_signed_verifies_and_with_any_bit_flipped_it_does_not(profile: Profile) -> None:
    request = signed(profile)
    assert judge(profile, request).reason == "", judge(profile, request).steps
    assert {judge(profile, replace(request, body=flip(BODY, bit))).verified for bit in range(0, len(BODY) * 8, 3)} == {False}
    key = secret_for(profile).value
    for bit in range(0, len(key) * 8, 5):
        assert not verify(profile, [Secret(flip(key, bit), "f")], request, NOW).verified


@pytest.mark.parametrize("profile", SIGNING, ids=[profile.name for profile in SIGNING])
def test_everything_that_is_signed_is_protected(profile: Profile) -> None:
    request = signed(profile)
    for position, (name, value) in enumerate(request.headers):
        protected = name == profile.timestamp_header or (name == profile.id_header and profile.signs_id) or name in profile.components
        if protected:
            headers = list(request.headers)
            headers[position] = (name, value[:-1] + ("7" if value[-1] != "7" else "8"))
            assert not judge(profile, replace(request, headers=headers)).verified, name
    if profile.signs_address:
        assert not judge(profile, replace(request, url=URL.replace("/in/abc", "/in/abd"))).verified


@pytest.mark.parametrize("profile", [one for one in SIGNING if one.tolerance], ids=lambda profile: profile.name)
def test_the_clock_is_looked_at_in_both_directions(profile: Profile) -> None:
    assert profile.tolerance is not None
    request = signed(profile)
    assert judge(profile, request, NOW + profile.tolerance).verified
    assert judge(profile, request, NOW - profile.tolerance).verified
    assert judge(profile, request, NOW + profile.tolerance + 1).reason == "timestamp_stale"
    assert judge(profile, request, NOW - profile.tolerance - 1).reason == "timestamp_ahead"
    stale = judge(profile, request, NOW + 3600)
    assert (stale.skew, stale.secret, stale.status) == (-3600, "f", 401)


@pytest.mark.parametrize(
    "text", ["hello", "", "1_700_000_000", " ", "١٧٠٠٠٠٠٠٠٠", "1e9", "+1700000000", "-1", "1700000000.0", "９", "9" * 21]
)
def test_a_time_that_is_not_digits_is_refused(text: str) -> None:
    request = signed(PROFILES["slack"])
    headers = [(name, text if name == "x-slack-request-timestamp" else value) for name, value in request.headers]
    assert judge(PROFILES["slack"], replace(request, headers=headers)).reason in {"timestamp_malformed", "timestamp_missing"}
    with pytest.raises(ValueError):
        seconds(text)


def test_two_live_secrets_both_count_and_the_fitting_one_is_named() -> None:
    profile = PROFILES["github"]
    request = signed(profile)
    verdict = verify(profile, [Secret(b"the new one", "new"), secret_for(profile), Secret(b"another", "x")], request, NOW)
    assert (verdict.verified, verdict.secret) == (True, "f")
    assert [step.state for step in verdict.steps if step.title.startswith("Computed")] == ["bad", "good", "bad"]


def test_no_step_holds_a_secret() -> None:
    for profile in SIGNING:
        secret = secret_for(profile)
        key = key_bytes(profile, secret.value)
        shown = repr(judge(profile, signed(profile))) + repr(verify(profile, [secret], Request([], BODY), NOW))
        assert not any(text in shown for text in (secret.value.decode(), key.hex(), base64.b64encode(key).decode()))


def test_every_reason_has_a_status_of_the_contract() -> None:
    assert set(STATUS.values()) == {200, 400, 401}


# --- Headers of the wild ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("github", "sha1=" + "0" * 40, "signature_malformed"),
        ("github", "0" * 64, "signature_malformed"),
        ("github", "sha256=" + "0" * 64, "signature_wrong"),
        ("github", "sha256=", "signature_malformed"),
        ("genesys-open-messaging", "sha256=" + "0" * 64, "signature_malformed"),
        ("genesys-open-messaging", "sha256=" + "A" * 43, "signature_malformed"),
        ("genesys-open-messaging", "sha256=" + "A" * 42 + "B=", "signature_malformed"),
        ("genesys-open-messaging", "sha256=" + "A" * 43 + "=", "signature_wrong"),
        ("stripe", "v1=" + "0" * 64, "timestamp_missing"),
        ("stripe", f"t={NOW},t={NOW},v1=" + "0" * 64, "signature_malformed"),
        ("stripe", f"t={NOW},v0=" + "0" * 64, "signature_malformed"),
        ("stripe", f"t={NOW}," + ",".join(["v1=" + "0" * 64] * 17), "signature_malformed"),
        ("shopify", "%", "signature_malformed"),
        ("twilio", base64.b64encode(bytes(32)).decode(), "signature_malformed"),
        ("jwt", "Bearer a.b", "signature_malformed"),
        ("jwt", "Basic a.b.c", "signature_malformed"),
        ("rfc9421", "sig1=:AAAA:", "signature_malformed"),
        ("rfc9421", "sig1", "signature_malformed"),
        ("genesys", "é" * 64, "signature_malformed"),
    ],
)
def test_a_header_that_is_none_is_named(name: str, value: str, reason: str) -> None:
    assert judge(PROFILES[name], Request([(PROFILES[name].header, value)], BODY)).reason == reason


@pytest.mark.parametrize("value", ["v1,", "v1", "v2," + "A" * 44, ",", "v1,!!!"])
def test_a_list_without_a_usable_signature_is_malformed(value: str) -> None:
    headers = [("webhook-id", "m"), ("webhook-timestamp", str(NOW)), ("webhook-signature", value)]
    assert judge(PROFILES["standard-webhooks"], Request(headers, BODY)).reason == "signature_malformed"


def test_an_id_that_is_signed_must_be_there() -> None:
    profile = PROFILES["svix"]
    headers = [(name, value) for name, value in signed(profile).headers if name != "svix-id"]
    assert judge(profile, Request(headers, BODY)).reason == "id_missing"


@given(st.text(max_size=120), st.sampled_from(sorted(PROFILES)))
def test_any_text_in_the_headers_is_refused_and_breaks_nothing(text: str, name: str) -> None:
    profile = PROFILES[name]
    headers = [(header, text) for header in {*profile.headers, "signature-input", "content-digest"}]
    verdict = judge(profile, Request(headers, BODY, url=URL))
    assert not verdict.verified
    assert verdict.steps[-1].state == "bad"


# --- Public keys -----------------------------------------------------------------------------------------------------


def test_sendgrid_is_verified_with_its_public_key_and_any_change_is_seen() -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    profile, body = PROFILES["sendgrid"], b'[{"email":"x@example.com"}]\r\n'
    value = base64.b64encode(private.sign(str(NOW).encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
    request = Request([(profile.header, value), (profile.timestamp_header, str(NOW))], body)
    secret = Secret(base64.b64encode(public), "f")
    assert verify(profile, [secret], request, NOW).verified
    for bit in range(0, len(body) * 8, 7):
        assert not verify(profile, [secret], replace(request, body=flip(body, bit)), NOW).verified
    assert not verify(profile, [secret], replace(request, body=body.rstrip()), NOW).verified
    with pytest.raises(CannotSign):
        sign(profile, secret.value, request, timestamp=NOW, identity="x")


@pytest.mark.parametrize("algorithm", ["ed25519", "ecdsa-p256-sha256"])
def test_message_signatures_are_verified_with_public_keys(algorithm: Any) -> None:
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    profile = profile_of("rfc9421", {"algorithm": algorithm, "key": "public"})
    private: Any = ed25519.Ed25519PrivateKey.generate() if algorithm == "ed25519" else ec.generate_private_key(ec.SECP256R1())
    public = private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(BODY).digest()).decode()}:"
    parameters = f'("@method" "@authority" "content-digest");created={NOW};alg="{algorithm}"'
    base = f'"@method": POST\n"@authority": portal.example\n"content-digest": {digest}\n"@signature-params": {parameters}'
    if algorithm == "ed25519":
        signature = private.sign(base.encode())
    else:
        r, s = decode_dss_signature(private.sign(base.encode(), ec.ECDSA(hashes.SHA256())))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    headers = [
        ("Content-Digest", digest),
        ("Signature-Input", f"a={parameters}"),
        ("Signature", f"a=:{base64.b64encode(signature).decode()}:"),
    ]
    secret = Secret(base64.b64encode(public), "f")
    request = Request(headers, BODY, "POST", URL)
    assert verify(profile, [secret], request, NOW).verified
    assert verify(profile, [secret], replace(request, body=b"other"), NOW).reason == "digest_wrong"
    assert verify(profile, [secret], replace(request, method="PUT"), NOW).reason == "signature_wrong"


def test_a_private_key_is_not_taken_for_the_public_one() -> None:
    with pytest.raises(ValueError, match="whpk_"):
        key_bytes(PROFILES["standard-webhooks-v1a"], b"whsk_" + base64.b64encode(bytes(32)))


# --- Message signatures and tokens -----------------------------------------------------------------------------------


def test_a_message_signature_that_leaves_the_body_out_is_refused() -> None:
    profile = PROFILES["rfc9421"]
    request = signed(replace(profile, digest_required=False))
    assert judge(profile, request).reason == "body_not_covered"
    assert judge(profile, signed(profile)).verified


def test_content_digest_is_compared_where_it_is_known() -> None:
    def said(value: str) -> str:
        return digest_problem(Request([("Content-Digest", value)], b'{"hello": "world"}'))

    right = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
    assert said(right) == ""
    assert said(f"md5=:AAAA:, {right}") == ""
    assert "is not the one of the body" in said("sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:")
    assert "neither" in said("md5=:AAAA:")
    assert "cannot be read" in said("sha-256=")


@pytest.mark.parametrize("text", ["a", "a=", "a=(", 'a=("x"', "a=1,", "a=1 b=2", "a=1,a=2", "A=1", 'a="\x7f"', "a=:===:", 'a=("x""y")'])
def test_structured_fields_are_read_strictly(text: str) -> None:
    with pytest.raises(ValueError):
        dictionary(text)


@pytest.mark.parametrize(
    ("head", "claims", "reason"),
    [
        ({"alg": "none"}, {}, "signature_malformed"),
        ({"alg": "HS512"}, {}, "signature_malformed"),
        ({"alg": "RS256"}, {}, "signature_malformed"),
        ({}, {"iat": None}, "timestamp_malformed"),
        ({}, {"iat": "1700000000"}, "timestamp_malformed"),
        ({}, {"exp": 1e400}, "signature_malformed"),
        ({}, {"exp": NOW - 1}, "timestamp_stale"),
        ({}, {"nbf": NOW + 1}, "timestamp_ahead"),
        ({}, {"payload_hash": "0" * 64}, "digest_wrong"),
        ({}, {"payload_hash": None}, "body_not_covered"),
        ({}, {"iat": NOW - 301}, "timestamp_stale"),
    ],
)
def test_a_token_is_taken_by_its_algorithm_and_claims(head: dict[str, Any], claims: dict[str, Any], reason: str) -> None:
    import hmac
    import json

    whole = [{"alg": "HS256"} | head, {"iat": NOW, "payload_hash": hashlib.sha256(BODY).hexdigest()} | claims]
    text = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in whole)
    signature = hmac.digest(secret_for(PROFILES["jwt"]).value, text.encode(), "sha256")
    token = f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"
    assert judge(PROFILES["jwt"], Request([("Authorization", f"Bearer {token}")], BODY)).reason == reason


def test_audiohook_wants_its_own_key_id_and_a_long_nonce() -> None:
    profile = PROFILES["genesys-audiohook"]
    request = signed(profile)
    assert judge(profile, request).verified
    for before, after in ((r'nonce="[^"]+"', 'nonce="short"'), (r'keyid="[^"]+"', 'keyid="other"')):
        headers = [(name, re.sub(before, after, value)) for name, value in request.headers]
        assert not judge(profile, replace(request, headers=headers)).verified


# --- The platforms' own libraries ------------------------------------------------------------------------------------


def test_stripes_library_and_ours_agree() -> None:
    import stripe

    secret = secret_for(PROFILES["stripe"]).value.decode()
    now = int(time.time())
    theirs = stripe.WebhookSignature._compute_signature(f"{now}.{BODY.decode()}", secret)
    assert judge(PROFILES["stripe"], Request([("Stripe-Signature", f"t={now},v1={theirs}")], BODY), now).verified
    ours = signed(PROFILES["stripe"], now=now).value("stripe-signature")
    assert stripe.WebhookSignature.verify_header(BODY.decode(), ours, secret, tolerance=300)


def test_slacks_library_and_ours_agree() -> None:
    from slack_sdk.signature import SignatureVerifier

    now = int(time.time())
    secret = secret_for(PROFILES["slack"]).value.decode()
    request = signed(PROFILES["slack"], now=now)
    assert SignatureVerifier(secret).is_valid_request(BODY, dict(request.headers))
    theirs = SignatureVerifier(secret).generate_signature(timestamp=str(now), body=BODY)
    assert theirs == request.value("x-slack-signature")


def test_twilios_library_and_ours_agree() -> None:
    from twilio.request_validator import RequestValidator

    secret = secret_for(PROFILES["twilio"]).value.decode()
    body = b"To=%2B1800&From=%2B1415&Digits=1234&Empty="
    request = signed(PROFILES["twilio"], body)
    fields = {"To": "+1800", "From": "+1415", "Digits": "1234", "Empty": ""}
    assert RequestValidator(secret).validate(URL, fields, request.value("x-twilio-signature"))
    assert judge(PROFILES["twilio"], request).verified
    for url in ("https://portal.example:443/in/abc?x=1", URL):
        theirs = RequestValidator(secret).compute_signature(url, fields)
        headers = [("x-twilio-signature", theirs), ("content-type", "application/x-www-form-urlencoded")]
        assert judge(PROFILES["twilio"], Request(headers, body, "POST", URL)).verified


def test_twilios_json_is_covered_by_the_digest_in_the_address() -> None:
    profile = PROFILES["twilio"]
    url = f"https://portal.example/in/abc?bodySHA256={hashlib.sha256(BODY).hexdigest()}"
    bare = Request([("content-type", "application/json")], BODY, "POST", url)
    request = replace(bare, headers=[*bare.headers, *sign(profile, secret_for(profile).value, bare, timestamp=NOW, identity="1")])
    assert judge(profile, request).verified
    assert judge(profile, replace(request, body=b"{}")).reason == "digest_wrong"


@pytest.mark.parametrize("name", ["standard-webhooks", "svix"])
def test_the_library_of_standard_webhooks_and_ours_agree(name: str) -> None:
    from datetime import UTC, datetime

    from standardwebhooks import Webhook

    now = int(time.time())
    prefix = "webhook" if name == "standard-webhooks" else "svix"
    body = b'{"test": 2432232314}'
    theirs = Webhook(WHSEC).sign("msg_1", datetime.fromtimestamp(now, UTC), body.decode())
    headers = [(f"{prefix}-id", "msg_1"), (f"{prefix}-timestamp", str(now)), (f"{prefix}-signature", theirs)]
    assert judge(PROFILES[name], Request(headers, body), now).verified
    ours = {f"webhook-{key.removeprefix(prefix + '-')}": value for key, value in signed(PROFILES[name], body, now=now).headers}
    assert Webhook(WHSEC).verify(body, ours) == {"test": 2432232314}


def test_pyjwt_and_ours_agree() -> None:
    secret = secret_for(PROFILES["jwt"]).value
    token = jwt.encode({"iat": NOW, "payload_hash": hashlib.sha256(BODY).hexdigest()}, secret, algorithm="HS256")
    assert judge(PROFILES["jwt"], Request([("Authorization", f"Bearer {token}")], BODY)).verified
    ours = signed(PROFILES["jwt"]).value("authorization").removeprefix("Bearer ")
    options: Any = {"verify_iat": False}
    assert jwt.decode(ours, secret, algorithms=["HS256"], options=options)["iat"] == NOW


def test_another_implementation_of_rfc_9421_and_ours_agree() -> None:
    from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms

    key = bytes(range(40))

    class Keys(HTTPSignatureKeyResolver):
        def resolve_public_key(self, key_id: str) -> bytes:
            return key

        def resolve_private_key(self, key_id: str) -> bytes:
            return key

    from datetime import UTC, datetime

    now = int(time.time())
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(BODY).digest()).decode()}:"
    theirs = requests.Request("POST", URL, data=BODY, headers={"Content-Digest": digest}).prepare()
    HTTPMessageSigner(signature_algorithm=algorithms.HMAC_SHA256, key_resolver=Keys()).sign(
        theirs,
        key_id="k",
        covered_component_ids=("@method", "@authority", "@target-uri", "content-digest"),
        created=datetime.fromtimestamp(now, UTC),
        use_existing_digest=True,
    )
    profile = PROFILES["rfc9421"]
    assert judge(profile, Request([(name, str(value)) for name, value in theirs.headers.items()], BODY, "POST", URL), now).verified
    ours = requests.Request("POST", URL, data=BODY, headers=dict(signed(profile, now=now).headers)).prepare()
    assert HTTPMessageVerifier(signature_algorithm=algorithms.HMAC_SHA256, key_resolver=Keys()).verify(ours)


# --- Settings, texts and the documentation ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "settings", "wrong"),
    [
        ("genesys", {"encoding": "base64"}, set()),
        ("genesys", {"encoding": "rot13"}, {"encoding"}),
        ("genesys", {"header": "x"}, {"header"}),
        ("github", {"encoding": "hex"}, {"encoding"}),
        ("generic", {"header": "x-sig", "algorithm": "sha512", "encoding": "base64url", "prefix": "v1=", "key": "hex"}, set()),
        ("generic", {"template": "{timestamp}.{body}", "timestamp_header": "x-time", "tolerance": 60}, set()),
        ("generic", {"template": "{timestamp}.{body}"}, {"timestamp_header"}),
        ("generic", {"template": "{timestamp}"}, {"template", "timestamp_header"}),
        ("generic", {"template": "{secret}{body}"}, {"template"}),
        ("generic", {"template": "{id}{body}", "id_header": ""}, {"id_header"}),
        ("generic", {"header": "X-Sig"}, {"header"}),
        ("generic", {"header": "x\r\ny"}, {"header"}),
        ("generic", {"tolerance": True}, {"tolerance"}),
        ("generic", {"algorithm": "md5"}, {"algorithm"}),
        ("generic", {"prefix": 3}, {"prefix"}),
        ("rfc9421", {"algorithm": "ed25519"}, {"key"}),
        ("rfc9421", {"key": "public"}, {"key"}),
        ("rfc9421", {"algorithm": "ed25519", "key": "public"}, set()),
    ],
)
def test_settings_are_checked_where_they_are_made(name: str, settings: dict[str, Any], wrong: set[str]) -> None:
    assert set(setting_errors(name, settings)) == wrong


def test_a_profile_of_ones_own_signs_what_its_template_says() -> None:
    settings = {
        "header": "x-sig", "algorithm": "sha512", "encoding": "base64url", "prefix": "v9 ", "key": "text",
        "template": "{method} {path}\n{id}\n{timestamp}\n{body}", "timestamp_header": "x-time", "id_header": "x-id",
    }  # fmt: skip
    profile = profile_of("generic", settings)
    assert setting_errors("generic", settings) == {}
    request = signed(profile)
    import hmac

    text = b"POST /in/abc?x=1\nmsg_1\n%d\n" % NOW + BODY
    expected = base64.urlsafe_b64encode(hmac.digest(secret_for(profile).value, text, "sha512")).decode().rstrip("=")
    assert request.value("x-sig") == f"v9 {expected}"


def test_white_space_is_visible() -> None:
    assert visible(b"a b\tc\r\n\x00\xff\xc3\xa9") == "a·b→c␍↵\n‹00›‹ff›é"
    assert visible(b"x" * 10, 4) == "xxxx … 6 more bytes"


def test_the_documentation_lists_every_profile_as_it_is() -> None:
    rows = {}
    for line in (ROOT / "docs" / "webhook-profiles.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 6 and cells[1].startswith("`"):
            rows[cells[1].strip("`")] = cells
    assert list(rows) == list(PROFILES)
    for name, profile in PROFILES.items():
        _, _, title, standing, header, construction, source, _ = rows[name]
        assert title == profile.title
        assert standing == ("documented" if profile.documented else "preset")
        assert header == f"`{profile.header}`"
        assert profile.construction != "template" or f"`{profile.template}`" in construction
        assert profile.algorithm in construction
        assert profile.source == source


def test_vectors_are_real() -> None:
    assert all(vector.request.headers for vector in VECTORS)
