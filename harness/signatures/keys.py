"""From a secret as its owner types it to the bytes a platform signs with."""

from __future__ import annotations

import hmac

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from harness.signatures.encodings import decode
from harness.signatures.profile import Algorithm, Profile

SYMMETRIC_PREFIX, PUBLIC_PREFIX, PRIVATE_PREFIX = "whsec_", "whpk_", "whsk_"


def key_bytes(profile: Profile, secret: bytes) -> bytes:
    """The key. Raises ValueError in words when the secret cannot be one under this profile."""
    if profile.key == "text":
        return secret
    try:
        text = secret.decode("ascii")
    except UnicodeDecodeError:
        raise ValueError(f"It must be {_wanted(profile)}; it holds other characters.") from None
    if profile.key == "public":
        return _public(profile, text)
    if profile.key == "prefixed-base64":
        text = text.removeprefix(SYMMETRIC_PREFIX)
    encoding = "base64" if profile.key == "prefixed-base64" else profile.key
    try:
        return decode(text, encoding)
    except ValueError:
        raise ValueError(f"It must be {_wanted(profile)}.") from None


def _wanted(profile: Profile) -> str:
    return {
        "hex": "hexadecimal",
        "base64": "Base64",
        "base64url": "Base64 with - and _",
        "prefixed-base64": "Base64, usually after whsec_",
        "public": f"the public key: {PUBLIC_PREFIX} and Base64, or Base64 of its DER form (the lines of a PEM file without its frame)",
        "text": "text",
    }[profile.key]


def _public(profile: Profile, text: str) -> bytes:
    if text.startswith(PRIVATE_PREFIX):
        raise ValueError("This is the private key. The receiver needs the public one, which begins with whpk_.")
    try:
        raw = decode(text.removeprefix(PUBLIC_PREFIX), "base64")
        _load(profile.algorithm, raw)
    except (ValueError, TypeError):
        raise ValueError(f"It must be {_wanted(profile)}.") from None
    return raw


def _load(algorithm: Algorithm, raw: bytes) -> ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey:
    if algorithm == "ed25519":
        if len(raw) == 32:
            return ed25519.Ed25519PublicKey.from_public_bytes(raw)
        loaded = serialization.load_der_public_key(raw)
        if isinstance(loaded, ed25519.Ed25519PublicKey):
            return loaded
        raise ValueError("not an Ed25519 key")
    loaded = serialization.load_der_public_key(raw)
    if isinstance(loaded, ec.EllipticCurvePublicKey) and isinstance(loaded.curve, ec.SECP256R1):
        return loaded
    raise ValueError("not a P-256 key")


def mac(algorithm: Algorithm, key: bytes, text: bytes) -> bytes:
    """HMAC with one of the HMAC algorithms."""
    return hmac.digest(key, text, algorithm)


def fits(algorithm: Algorithm, key: bytes, text: bytes, signature: bytes, *, fixed_width: bool = False) -> bool:
    """Whether a public key made ``signature``. ECDSA is DER unless ``fixed_width`` (RFC 9421: r and s, 32 bytes each)."""
    public = _load(algorithm, key)
    try:
        if isinstance(public, ed25519.Ed25519PublicKey):
            public.verify(signature, text)
        else:
            if fixed_width:
                signature = _der(signature)
            public.verify(signature, text, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def _der(signature: bytes) -> bytes:
    if len(signature) != 64:
        raise ValueError("not 64 bytes")
    return encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))


def masked(profile: Profile, key: bytes) -> str:
    """What may be said of a key: how many bytes it has and how they came about. None of them."""
    how = {
        "text": "the secret's text in UTF-8",
        "hex": "decoded from hexadecimal",
        "base64": "decoded from Base64",
        "base64url": "decoded from Base64 with - and _",
        "prefixed-base64": "decoded from Base64, without whsec_",
        "public": "a public key",
    }[profile.key]
    return f"{'•' * 8} {len(key)} bytes, {how}"
