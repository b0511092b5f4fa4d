"""How a principal proves itself at a token endpoint: RFC 6749 §2.3.1 (post, basic), RFC 7523 §2.2 (private_key_jwt)."""

from __future__ import annotations

import base64
import secrets
import time
from urllib.parse import quote_plus

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from catalog.rules import Principal
from tokens.secrets import Secret, SecretUnavailable

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 60  # how long an assertion can be used, once
CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
SMALLEST_RSA = 2_048  # bits


def authenticated(principal: Principal, form: dict[str, str], used: Secret) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """``form`` and the headers with which it is sent as ``principal``. Raises SecretUnavailable for a key that cannot sign."""
    if principal.client_authentication == "post":
        return {**form, "client_id": principal.client_id, "client_secret": used.value}, []
    if principal.client_authentication == "private_key_jwt":
        assertion = _assertion(principal, used)
        return {**form, "client_id": principal.client_id, "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}, []
    # Both halves are form-encoded before they are joined.
    pair = f"{quote_plus(principal.client_id)}:{quote_plus(used.value)}"
    return form, [("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())]


def _assertion(principal: Principal, used: Secret) -> str:
    key, algorithm = _signing_key(principal, used)
    now = int(time.time())
    claims = {
        "iss": principal.client_id,
        "sub": principal.client_id,
        "aud": principal.url,
        "iat": now,
        "exp": now + ASSERTION_SECONDS,
        "jti": secrets.token_urlsafe(16),
    }
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": principal.key_id} if principal.key_id else None)


def _signing_key(
    principal: Principal, used: Secret
) -> tuple[rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, str]:
    try:
        key = load_pem_private_key(used.value.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SecretUnavailable(
            f"The secret {principal.secret} is no private key in PEM without a passphrase. Tell the platform team."
        ) from None
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= SMALLEST_RSA:
        return key, "RS256"
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in CURVES:
        return key, CURVES[key.curve.name]
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key, "EdDSA"
    raise SecretUnavailable(
        f"The key {principal.secret} cannot sign: use RSA from {SMALLEST_RSA} bits, P-256, P-384, P-521 or Ed25519. Tell the platform team."
    )
