"""The published vectors, as requests to verify."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from harness.signatures.profile import Profile
from harness.signatures.registry import PROFILES, profile_of
from harness.signatures.values import Request, Secret
from tests.plugin import SHARED

FILE = SHARED / "signature-vectors.json"
NOT_SIGNATURES = {"pkce-s256", "oidc-logout-token", "content-digest"}


@dataclass(frozen=True)
class Vector:
    id: str
    profile: Profile
    secret: Secret
    request: Request
    now: float


def load() -> list[Vector]:
    """Every vector of a webhook signature; [] when the file is not beside this checkout."""
    if not FILE.is_file():
        return []
    return [made for entry in json.loads(FILE.read_text())["vectors"] if entry["profile"] not in NOT_SIGNATURES for made in _made(entry)]


def _made(entry: dict[str, Any]) -> list[Vector]:
    if entry["profile"] == "generic":
        return _of_rfc_4231(entry)
    described = entry.get("request", {})
    headers = [*described.get("headers", {}).items(), *entry["headers"].items()]
    body = str(described.get("body", entry.get("body", "")))
    if "form" in entry:
        body = urlencode(entry["form"], doseq=True)
        headers.append(("Content-Type", "application/x-www-form-urlencoded"))
    request = Request(headers, body.encode(), described.get("method", "POST"), described.get("url", entry.get("url", "")))
    profile = PROFILES["standard-webhooks-v1a" if entry.get("kind") == "ed25519" else entry["profile"]]
    if profile.name == "rfc9421":
        profile = replace(profile, digest_required=False)  # the example of the RFC covers no digest
    secret = entry.get("public_key") or entry.get("secret") or entry["secret_base64"]
    return [Vector(entry["id"], profile, Secret(secret.encode(), "f"), request, float(entry.get("timestamp", entry.get("created", 0))))]


def _of_rfc_4231(entry: dict[str, Any]) -> list[Vector]:
    """The same vector through every construction that signs the body alone."""
    body, key = bytes.fromhex(entry["body_hex"]), bytes.fromhex(entry["secret_hex"])
    hexadecimal, text = entry["signature_hex"], entry["signature_base64"]
    assert base64.b64decode(text).hex() == hexadecimal
    made = []
    for name, settings, value in (
        ("generic", {}, hexadecimal),
        ("genesys", {}, hexadecimal),
        ("genesys", {"encoding": "base64"}, text),
        ("nice", {}, hexadecimal),
        ("genesys-open-messaging", {}, f"sha256={text}"),
        ("github", {}, f"sha256={hexadecimal}"),
        ("shopify", {}, text),
    ):
        profile = profile_of(name, settings)
        made.append(Vector(f"{entry['id']}-{name}", profile, Secret(key, "f"), Request([(profile.header, value)], body), 0.0))
    return made
