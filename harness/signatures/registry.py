"""Every profile, one registered line or two each. ``docs/webhook-profiles.md`` is kept in step by a test."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.signatures.profile import Profile

TOLERANCE = 300  # seconds, both ways
PRESET = "a preset: the vendor documents no such header"

_ALL = (
    Profile("genesys", "Genesys Cloud (x-genesys-signature)", "x-genesys-signature", False, PRESET, settings=("encoding",)),
    Profile(
        "genesys-open-messaging", "Genesys Open Messaging", "x-hub-signature-256", True, "developer.genesys.cloud, Open Messaging, Validate",
        encoding="base64", prefix="sha256=",
    ),
    Profile(
        "genesys-audiohook", "Genesys AudioHook", "signature", True, "developer.genesys.cloud, AudioHook, Authentication",
        key="base64", construction="message-signature", tolerance=10, digest_required=True,
        components=(
            "@request-target", "@authority", "audiohook-organization-id", "audiohook-session-id", "audiohook-correlation-id", "x-api-key",
        ),
        id_header="audiohook-session-id",
    ),
    Profile("nice", "NICE CXone (x-nice-signature)", "x-nice-signature", False, PRESET, settings=("encoding",)),
    Profile(
        "nice-expert", "NICE CXone Expert", "x-nexus-signature-256", True, "expert-help.nice.com, Webhooks",
        prefix="sha256=", template="{timestamp}.{body}", timestamp_header="x-nexus-timestamp", tolerance=TOLERANCE,
        id_header="x-nexus-delivery-id",
    ),
    Profile(
        "github", "GitHub", "x-hub-signature-256", True, "docs.github.com, Validating webhook deliveries",
        prefix="sha256=", id_header="x-github-delivery",
    ),
    Profile(
        "stripe", "Stripe", "stripe-signature", True, "docs.stripe.com, Webhook signatures",
        grammar="pairs", version="v1", timestamp_pair="t", template="{timestamp}.{body}", tolerance=TOLERANCE, id_header="",
    ),
    Profile(
        "slack", "Slack", "x-slack-signature", True, "docs.slack.dev, Verifying requests from Slack",
        prefix="v0=", template="v0:{timestamp}:{body}", timestamp_header="x-slack-request-timestamp", tolerance=TOLERANCE, id_header="",
    ),
    Profile(
        "standard-webhooks", "Standard Webhooks", "webhook-signature", True, "standardwebhooks.com, v1",
        key="prefixed-base64", encoding="base64", grammar="versions", version="v1", template="{id}.{timestamp}.{body}",
        timestamp_header="webhook-timestamp", tolerance=TOLERANCE, id_header="webhook-id",
    ),
    Profile(
        "standard-webhooks-v1a", "Standard Webhooks, Ed25519", "webhook-signature", True, "standardwebhooks.com, v1a",
        algorithm="ed25519", key="public", encoding="base64", grammar="versions", version="v1a", template="{id}.{timestamp}.{body}",
        timestamp_header="webhook-timestamp", tolerance=TOLERANCE, id_header="webhook-id",
    ),
    Profile(
        "svix", "Svix", "svix-signature", True, "docs.svix.com, Verifying payloads manually",
        key="prefixed-base64", encoding="base64", grammar="versions", version="v1", template="{id}.{timestamp}.{body}",
        timestamp_header="svix-timestamp", tolerance=TOLERANCE, id_header="svix-id",
    ),
    Profile(
        "twilio", "Twilio", "x-twilio-signature", True, "twilio.com/docs, Webhooks security",
        algorithm="sha1", encoding="base64", construction="form", id_header="i-twilio-idempotency-token",
    ),
    Profile(
        "shopify", "Shopify", "x-shopify-hmac-sha256", True, "shopify.dev, Webhooks, Verify deliveries",
        encoding="base64", id_header="x-shopify-webhook-id",
    ),
    Profile(
        "square", "Square", "x-square-hmacsha256-signature", True, "developer.squareup.com, Validate webhook notifications",
        encoding="base64", template="{url}{body}", id_header="",
    ),
    Profile(
        "sendgrid", "SendGrid Event Webhook", "x-twilio-email-event-webhook-signature", True, "twilio.com/docs/sendgrid, Signed Event Webhook",
        algorithm="ecdsa-p256-sha256", key="public", encoding="base64", template="{timestamp}{body}",
        timestamp_header="x-twilio-email-event-webhook-timestamp", tolerance=TOLERANCE, id_header="",
    ),
    Profile(
        "zoom", "Zoom", "x-zm-signature", True, "developers.zoom.us, Verify webhook events",
        prefix="v0=", template="v0:{timestamp}:{body}", timestamp_header="x-zm-request-timestamp", tolerance=TOLERANCE, id_header="",
    ),
    Profile(
        "rfc9421", "HTTP Message Signatures", "signature", True, "RFC 9421 with RFC 9530",
        key="base64", construction="message-signature", tolerance=TOLERANCE, digest_required=True, settings=("algorithm", "key", "tolerance"),
    ),
    Profile(
        "jwt", "JSON Web Token", "authorization", True, "RFC 7515, with the payload_hash claim of Vonage's signed webhooks",
        prefix="Bearer ", construction="token", tolerance=TOLERANCE, id_header="", settings=("header", "prefix", "algorithm", "tolerance"),
    ),
    Profile(
        "generic", "Any other HMAC", "x-signature", False, "yours: every part is a setting",
        settings=("header", "algorithm", "key", "encoding", "prefix", "template", "timestamp_header", "tolerance", "id_header"),
    ),
)  # fmt: skip

PROFILES: Mapping[str, Profile] = {profile.name: profile for profile in _ALL}

_HEADER = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,64}")
_PLACES = re.compile(r"\{([a-z]+)\}")
_KNOWN_PLACES = {"body", "timestamp", "id", "method", "path", "url"}
_CHOICES: dict[str, dict[str, tuple[str, ...]]] = {
    "encoding": {"*": ("hex", "base64", "base64url")},
    "key": {"*": ("text", "hex", "base64", "base64url"), "rfc9421": ("text", "hex", "base64", "base64url", "public")},
    "algorithm": {
        "*": ("sha1", "sha256", "sha384", "sha512"),
        "rfc9421": ("sha256", "ed25519", "ecdsa-p256-sha256"),
        "jwt": ("sha256", "sha384", "sha512"),
    },
}


def profile_of(name: str, settings: Mapping[str, Any]) -> Profile:
    """The profile called ``name`` with an owner's settings, which were checked when they were stored."""
    profile = PROFILES[name]
    chosen = {key: value for key, value in settings.items() if key in profile.settings}
    if "{timestamp}" in chosen.get("template", "") and profile.tolerance is None:
        chosen = {"tolerance": TOLERANCE} | chosen  # a time that is signed counts
    return replace(profile, **chosen) if chosen else profile


def setting_errors(name: str, settings: Mapping[str, Any]) -> dict[str, str]:
    """What each wrong setting must be instead; {} when all are sound."""
    profile = PROFILES[name]
    found: dict[str, str] = {}
    for key, value in settings.items():
        if key not in profile.settings:
            found[key] = f"one of {', '.join(profile.settings)}" if profile.settings else "left out: this profile has no settings"
        elif wrong := _expected(profile, key, value):
            found[key] = wrong
    if found:
        return found
    whole = profile_of(name, settings)
    if whole.construction == "template":
        if "{body}" not in whole.template:
            found["template"] = "a text with {body} in it, or anybody could change the body"
        if ("{timestamp}" in whole.template) != bool(whole.timestamp_header or whole.timestamp_pair):
            found["timestamp_header"] = "given exactly when the template has {timestamp}: a time outside the signature proves nothing"
        if "{id}" in whole.template and not whole.id_header:
            found["id_header"] = "given when the template has {id}"
    if whole.key == "public" and whole.symmetric:
        found["key"] = "a kind of text: an HMAC has no public key"
    if not whole.symmetric and whole.key != "public":
        found["key"] = "public: this algorithm verifies with a public key"
    return found


def _expected(profile: Profile, key: str, value: Any) -> str:
    if key in _CHOICES:
        choices = _CHOICES[key].get(profile.name, _CHOICES[key]["*"])
        return "" if value in choices else f"one of {', '.join(choices)}"
    if key == "tolerance":
        return "" if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 86_400 else "1 to 86400 seconds"
    if not isinstance(value, str):
        return "a text"
    if key in {"header", "timestamp_header", "id_header"}:
        if value == "" and key != "header":
            return ""
        return "" if _HEADER.fullmatch(value) else "a header name in lower case"
    if key == "prefix":
        return "" if len(value) <= 32 and value.isprintable() else "at most 32 printable characters"
    unknown = sorted(set(_PLACES.findall(value)) - _KNOWN_PLACES)
    if len(value) > 200 or not value.replace("\n", "").isprintable() or unknown:
        return f"at most 200 characters with {', '.join('{' + place + '}' for place in sorted(_KNOWN_PLACES))}"
    return ""
