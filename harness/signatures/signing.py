"""Signing as a platform would: what the bench sends, and what its tests compare with the platforms' own libraries."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

import orjson

from harness.signatures.encodings import encode
from harness.signatures.keys import key_bytes, mac
from harness.signatures.message import content_digest, labelled
from harness.signatures.profile import Profile
from harness.signatures.reading import form_texts, signed_text
from harness.signatures.values import Request

_TOKEN_NAMES = {"sha256": "HS256", "sha384": "HS384", "sha512": "HS512"}


class CannotSign(ValueError):
    """The profile verifies with a public key: only the platform can sign."""


def sign(profile: Profile, secret: bytes, request: Request, *, timestamp: int, identity: str) -> list[tuple[str, str]]:
    """The headers that make ``request`` a signed delivery. Raises CannotSign, or ValueError when the secret is none for the profile."""
    if not profile.symmetric:
        raise CannotSign(f"{profile.title} signs with a private key, which only the platform has.")
    key = key_bytes(profile, secret)
    own = [(profile.id_header, identity)] if profile.id_header else []
    if profile.construction == "token":
        return [*own, (profile.header, profile.prefix + _token(profile, key, request, timestamp))]
    if profile.construction == "message-signature":
        return _message(profile, key, request, timestamp, identity)
    text = form_texts(request)[0] if profile.construction == "form" else signed_text(profile, request, str(timestamp), identity)
    value = encode(mac(profile.algorithm, key, text), profile.encoding)
    if profile.timestamp_header:
        own.append((profile.timestamp_header, str(timestamp)))
    return [*own, (profile.header, written(profile, value, timestamp))]


def written(profile: Profile, value: str, timestamp: int) -> str:
    """An encoded signature in the form its header has."""
    if profile.grammar == "pairs":
        return f"{profile.timestamp_pair}={timestamp},{profile.version}={value}"
    if profile.grammar == "versions":
        return f"{profile.version},{value}"
    return profile.prefix + value


def _token(profile: Profile, key: bytes, request: Request, timestamp: int) -> str:
    head = {"alg": _TOKEN_NAMES[profile.algorithm], "typ": "JWT"}
    claims = {"iat": timestamp, "payload_hash": hashlib.sha256(request.body).hexdigest()}
    text = ".".join(encode(orjson.dumps(part), "base64url") for part in (head, claims))
    return f"{text}.{encode(hmac.digest(key, text.encode(), profile.algorithm), 'base64url')}"


def _message(profile: Profile, key: bytes, request: Request, timestamp: int, identity: str) -> list[tuple[str, str]]:
    present = {name.lower() for name, _value in request.headers}
    own = [(name, identity) for name in profile.components if not name.startswith("@") and name not in present]
    digest = [("content-digest", content_digest(request.body))] if profile.digest_required and request.body else []
    covered = (*(profile.components or ("@method", "@authority", "@path")), *(name for name, _value in digest))
    own += digest
    keyid = request.value("x-api-key") or (identity if "x-api-key" in profile.components else "bench")
    names = " ".join(f'"{name}"' for name in covered)
    nonce = hashlib.sha256(f"{identity}{timestamp}".encode()).hexdigest()[:32]
    parameters = f'({names});created={timestamp};nonce="{nonce}";keyid="{keyid}";alg="hmac-sha256"'
    draft = replace(request, headers=[*request.headers, *own, ("signature-input", f"sig1={parameters}"), ("signature", "sig1=:AA==:")])
    (one,) = labelled(profile, draft)
    value = encode(hmac.digest(key, one.base, "sha256"), "base64")
    id_header = (
        [(profile.id_header, identity)] if profile.id_header and profile.id_header not in present | {name for name, _ in own} else []
    )
    return [*id_header, *own, ("signature-input", f"sig1={parameters}"), ("signature", f"sig1=:{value}:")]
