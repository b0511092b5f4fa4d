"""Was this delivery signed with one of these secrets? A pure function: no clock, no database, no Django."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

import orjson

from harness.signatures.encodings import encode, visible
from harness.signatures.keys import fits, key_bytes, mac, masked
from harness.signatures.profile import Profile
from harness.signatures.reading import Claim, read
from harness.signatures.values import Refused, Request, Secret, Step, Verdict

MOST_SKEW = 10**15  # seconds; what a sender claims may be anything
MASK = "•••".encode()
PEEK = 16  # bytes of a body shown in hexadecimal at either end


def verify(profile: Profile, secrets: Sequence[Secret], request: Request, now: float) -> Verdict:
    """Judge one delivery over its exact bytes: grammar, signature, clock, body. ``now`` is in seconds since 1970."""
    steps = [_bytes_step(request.body)]
    claim, fitting = None, ""
    try:
        claim = read(profile, request)
        steps.append(_header_step(profile, request, claim))
        fitting = _compare(profile, secrets, claim, steps, hidden(profile, request))
        if claim.problem is not None:
            reason, text = claim.problem
            raise Refused(reason, Step("What is covered", "bad", text))
        skew = _clock(profile, claim, now, steps)
        _body_readable(request, steps)
    except Refused as refused:
        steps.append(refused.step)
        skew = _skew(claim.timestamp, now) if claim is not None else None
        return Verdict(refused.reason, tuple(steps), fitting, skew)
    return Verdict("", tuple(steps), fitting, skew)


def _bytes_step(body: bytes) -> Step:
    return Step(
        "Bytes received",
        "info",
        f"{len(body)} bytes, exactly as they arrived.",
        (
            ("SHA-256", hashlib.sha256(body).hexdigest()),
            ("first bytes", body[:PEEK].hex(" ") or "none"),
            ("last bytes", body[-PEEK:].hex(" ") or "none"),
        ),
    )


def _header_step(profile: Profile, request: Request, claim: Claim) -> Step:
    value = request.value(profile.header)
    shown = f"{len(value)} characters" if profile.construction == "token" else visible(value.encode("latin-1", "replace"), 400)
    kind = {"hex": "hexadecimal", "base64": "Base64", "base64url": "Base64 with - and _"}[profile.encoding]
    count = len({signature for signature, _text in claim.pairs})
    text = (
        f"Found and decoded: {kind}, {len(claim.pairs[0][0])} bytes." if count == 1 else f"Found and decoded: {count} signatures, {kind}."
    )
    if profile.construction in {"message-signature", "token"}:
        text = f"Found and decoded: {len(claim.pairs[0][0])} bytes."
    return Step("Signature header", "good", text, ((profile.header, shown), *claim.notes))


def hidden(profile: Profile, request: Request) -> str:
    """A credential that is part of what is signed and must not be shown: the key AudioHook sends along. ""."""
    return request.value("x-api-key") if "x-api-key" in profile.components else ""


def _compare(profile: Profile, secrets: Sequence[Secret], claim: Claim, steps: list[Step], api_key: str) -> str:
    """The fingerprint of the fitting secret. Every secret is tried with every signature, in constant time, whichever fits."""
    fitting = ""
    for secret in secrets:
        try:
            key = key_bytes(profile, secret.value)
        except ValueError as error:
            steps.append(Step(f"Computed with secret {secret.fingerprint}", "bad", f"The secret cannot be used: {error}"))
            continue
        same = _any_fits(profile, key, claim)
        fitting = secret.fingerprint if same else fitting
        steps.append(_computed_step(profile, secret, key, claim, same, api_key))
    if fitting:
        return fitting
    if not secrets:
        raise Refused("signature_wrong", Step("Secret", "bad", "This webhook has no live secret."))
    raise Refused("signature_wrong", Step("Result", "bad", "No live secret fits: another secret was used, or another text was signed."))


def _any_fits(profile: Profile, key: bytes, claim: Claim) -> bool:
    fixed_width = profile.construction == "message-signature"
    found = False
    computed: dict[bytes, bytes] = {}
    for signature, text in claim.pairs:
        if profile.symmetric:
            if text not in computed:
                computed[text] = mac(profile.algorithm, key, text)
            found |= hmac.compare_digest(computed[text], signature)
        else:
            found |= fits(profile.algorithm, key, text, signature, fixed_width=fixed_width)
    return found


def _computed_step(profile: Profile, secret: Secret, key: bytes, claim: Claim, same: bool, api_key: str) -> Step:
    signature, text = claim.pairs[0]
    name = f"HMAC-{profile.algorithm.upper().replace('SHA', 'SHA-')}" if profile.symmetric else profile.algorithm
    values = [
        ("key", masked(profile, key)),
        ("signed text", visible(text.replace(api_key.encode("latin-1"), MASK) if api_key else text)),
        ("signed text, bytes", str(len(text))),
    ]
    if profile.symmetric:
        computed = mac(profile.algorithm, key, text)
        values += [("computed, hex", computed.hex()), ("computed, Base64", encode(computed, "base64"))]
    values.append(("received, hex", signature.hex()))
    outcome = "equals the header" if same else "is another value than the header"
    if not profile.symmetric:
        outcome = "fits the header" if same else "does not fit the header"
    return Step(
        f"Computed with secret {secret.fingerprint}", "good" if same else "bad", f"{name} of the signed text {outcome}.", tuple(values)
    )


def _clock(profile: Profile, claim: Claim, now: float, steps: list[Step]) -> int | None:
    """The sender's clock less ours, in seconds; None when the profile signs no time."""
    if profile.tolerance is None:
        return None
    if claim.timestamp is None:
        raise Refused("timestamp_missing", Step("Clock", "bad", "Nothing that is signed says when it was sent."))
    skew = claim.timestamp - now
    values = (("sent at", str(claim.timestamp)), ("our clock", str(int(now))), ("allowed", f"{profile.tolerance} s either way"))
    if skew < -profile.tolerance:
        raise Refused("timestamp_stale", Step("Clock", "bad", f"It was signed {round(-skew)} s ago.", values))
    if skew > profile.tolerance:
        raise Refused("timestamp_ahead", Step("Clock", "bad", f"It was signed {round(skew)} s in the future.", values))
    if claim.expires is not None and now > claim.expires:
        raise Refused(
            "timestamp_stale", Step("Clock", "bad", f"It expired {round(now - claim.expires)} s ago, as the sender set it.", values)
        )
    if claim.not_before is not None and now < claim.not_before:
        raise Refused("timestamp_ahead", Step("Clock", "bad", f"It counts from {round(claim.not_before - now)} s from now only.", values))
    steps.append(Step("Clock", "good", f"The sender's clock and ours are {abs(round(skew))} s apart.", values))
    return _skew(claim.timestamp, now)


def _skew(timestamp: int | None, now: float) -> int | None:
    return None if timestamp is None else max(-MOST_SKEW, min(MOST_SKEW, round(timestamp - now)))


def _body_readable(request: Request, steps: list[Step]) -> None:
    """Looked at after the signature only: what a stranger sends is not parsed."""
    kind = request.value("content-type").partition(";")[0].strip().lower()
    if request.values("content-encoding") or not (kind == "application/json" or kind.endswith("+json")):
        return
    try:
        orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        text = f"The content type says JSON, but the body is not: {error.msg} at byte {error.pos}."
        raise Refused("body_malformed", Step("Body", "bad", text)) from None
    steps.append(Step("Body", "good", "Well-formed JSON."))
