"""Shell commands that send a signed sample. The secret is a variable: it is never in a command line or a history."""

from __future__ import annotations

import shlex

from harness.signatures.profile import Profile
from harness.signatures.reading import PLACE

SAMPLE = '{"event":"call.completed","id":"sample-1"}'
_PLACES = {"body": "$BODY", "timestamp": "$TIMESTAMP", "id": "$ID", "method": "POST", "path": "$ADDRESS_PATH", "url": "$ADDRESS"}


def sample_commands(profile: Profile, address: str) -> str:
    """What to type into a shell with openssl and curl; "" for a construction a shell is no help with."""
    if profile.construction != "template" or not profile.symmetric or "{path}" in profile.template:
        return ""
    lines = ["read -rs WEBHOOK_SECRET   # type or paste the secret; it is not shown", f"BODY={shlex.quote(SAMPLE)}"]
    if "{url}" in profile.template:
        lines.append(f"ADDRESS={shlex.quote(address)}")
    if "{timestamp}" in profile.template:
        lines.append("TIMESTAMP=$(date +%s)")
    if profile.id_header:
        lines.append("ID=sample-$(date +%s%N)")
    lines += [
        f"SIGNATURE=$(printf '%s' \"{_text(profile)}\" | openssl dgst -{profile.algorithm} {_key(profile)} -binary | {_encoding(profile)})"
    ]
    lines += [f"curl -i {shlex.quote(address)} \\", "  -H 'Content-Type: application/json' \\"]
    if profile.id_header:
        lines.append(f'  -H "{profile.id_header}: $ID" \\')
    if profile.timestamp_header:
        lines.append(f'  -H "{profile.timestamp_header}: $TIMESTAMP" \\')
    return "\n".join((*lines, f'  -H "{profile.header}: {_value(profile)}" \\', '  --data-binary "$BODY"'))


def _text(profile: Profile) -> str:
    pieces = PLACE.split(profile.template)
    return "".join(_PLACES[piece] if number % 2 else _literal(piece) for number, piece in enumerate(pieces))


def _literal(text: str) -> str:
    return "".join(f"\\{character}" if character in '"$`\\' else character for character in text)


def _key(profile: Profile) -> str:
    if profile.key == "text":
        return '-hmac "$WEBHOOK_SECRET"'
    if profile.key == "hex":
        return '-mac HMAC -macopt hexkey:"$WEBHOOK_SECRET"'
    source = "${WEBHOOK_SECRET#whsec_}" if profile.key == "prefixed-base64" else "$WEBHOOK_SECRET"
    plain = " | tr '_-' '/+'" if profile.key == "base64url" else ""
    return f"-mac HMAC -macopt hexkey:\"$(printf '%s' \"{source}\"{plain} | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \\n')\""


def _encoding(profile: Profile) -> str:
    return {
        "hex": "od -An -v -tx1 | tr -d ' \\n'",
        "base64": "openssl base64 -A",
        "base64url": "openssl base64 -A | tr '+/' '-_' | tr -d '='",
    }[profile.encoding]


def _value(profile: Profile) -> str:
    if profile.grammar == "pairs":
        return f"{profile.timestamp_pair}=$TIMESTAMP,{profile.version}=$SIGNATURE"
    return f"{profile.version},$SIGNATURE" if profile.grammar == "versions" else f"{_literal(profile.prefix)}$SIGNATURE"
