"""From the headers of a request to what is claimed: signatures, the text they were made over, and a time."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import orjson

from harness.signatures import message
from harness.signatures.encodings import decode, seconds, visible
from harness.signatures.profile import DIGEST_SIZES, Profile
from harness.signatures.values import Refused, Request, Step

MOST_SIGNATURES = 16  # in one header
SHOWN = 200  # characters of a header value
PLACE = re.compile(r"\{(body|timestamp|id|method|path|url)\}")
_TOKEN_ALGORITHMS = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


@dataclass(frozen=True, slots=True)
class Claim:
    """``pairs`` are signatures with the text each must have been made over; one that fits is enough. ``expires`` and ``not_before``
    are times in seconds the sender set itself; ``problem`` is the reason and the words of what is wrong although the signature fits."""

    pairs: tuple[tuple[bytes, bytes], ...]
    timestamp: int | None = None
    expires: int | None = None
    not_before: int | None = None
    problem: tuple[str, str] | None = None
    notes: tuple[tuple[str, str], ...] = field(default=())


def read(profile: Profile, request: Request) -> Claim:
    """What the request claims. Raises Refused with the step that says what cannot be used."""
    values = request.values(profile.header)
    _present(profile, values, request)
    if profile.construction == "message-signature":
        return _message(profile, request)
    value = values[0].strip()
    if profile.construction == "token":
        return _token(profile, request, value)
    found, pair_time = signatures(profile, value)
    if profile.construction == "form":
        return Claim(tuple((signature, text) for signature in found for text in form_texts(request)), problem=_form_problem(request))
    timestamp = _timestamp(profile, request, pair_time)
    identity = request.value(profile.id_header)
    if profile.signs_id and not identity:
        raise _refused("id_missing", "Id", f"There is no header {profile.id_header}, and the id is part of what is signed.")
    text = signed_text(profile, request, timestamp or "", identity)
    notes = (("timestamp", timestamp),) if timestamp else ()
    return Claim(tuple((signature, text) for signature in found), seconds(timestamp) if timestamp else None, notes=notes)


def signed_text(profile: Profile, request: Request, timestamp: str, identity: str) -> bytes:
    """The profile's template filled in. Header texts go in as they were sent."""
    parts = urlsplit(request.url)
    places = {
        "body": request.body,
        "timestamp": timestamp.encode("latin-1"),
        "id": identity.encode("latin-1"),
        "method": request.method.encode("latin-1"),
        "path": (parts.path + (f"?{parts.query}" if parts.query else "")).encode("utf-8"),
        "url": request.url.encode("utf-8"),
    }
    pieces = PLACE.split(profile.template)
    return b"".join(places[piece] if number % 2 else piece.encode("utf-8") for number, piece in enumerate(pieces))


def _refused(reason: str, title: str, text: str, values: tuple[tuple[str, str], ...] = ()) -> Refused:
    return Refused(reason, Step(title, "bad", text, values))


def _present(profile: Profile, values: list[str], request: Request) -> None:
    title = "Signature header"
    if not values:
        others = sorted({name for name, _value in request.headers if "sign" in name.lower() or "hmac" in name.lower()})
        near = f" Headers that look like it: {', '.join(others)}." if others else ""
        raise _refused("signature_missing", title, f"There is no header {profile.header}.{near}")
    shown = tuple((profile.header, visible(value.encode("latin-1", "replace"), SHOWN)) for value in values[:4])
    if len(values) > 1 and profile.construction != "message-signature":
        raise _refused(
            "signature_repeated", title, f"The header {profile.header} is there {len(values)} times; it must be there once.", shown
        )
    if not values[0].strip():
        raise _refused("signature_missing", title, f"The header {profile.header} is empty.")


def signatures(profile: Profile, value: str) -> tuple[tuple[bytes, ...], str]:
    """The signatures in a header, and the time that stands among them (Stripe) or ""."""
    shown = ((profile.header, visible(value.encode("latin-1", "replace"), SHOWN)),)
    texts, timestamp = [value], ""
    if profile.grammar == "pairs":
        pairs = [part.strip().partition("=") for part in value.split(",")]
        texts = [text for key, _, text in pairs if key == profile.version]
        times = [text for key, _, text in pairs if key == profile.timestamp_pair]
        timestamp = times[0] if len(times) == 1 else ""
        if len(times) > 1:
            raise _refused("signature_malformed", "Signature header", f"{profile.timestamp_pair}= is there {len(times)} times.", shown)
    elif profile.grammar == "versions":
        listed = [part.partition(",") for part in value.split(" ") if part]
        texts = [text for version, _, text in listed if version == profile.version]
    elif profile.prefix:
        if not value.startswith(profile.prefix):
            raise _refused("signature_malformed", "Signature header", f"It does not begin with {profile.prefix.strip()}.", shown)
        texts = [value.removeprefix(profile.prefix)]
    if not texts:
        raise _refused("signature_malformed", "Signature header", f"It holds no signature of version {profile.version}.", shown)
    if len(texts) > MOST_SIGNATURES:
        raise _refused("signature_malformed", "Signature header", f"It holds {len(texts)} signatures; at most {MOST_SIGNATURES} are read.")
    return tuple(_decoded(profile, text, shown) for text in texts), timestamp


def _decoded(profile: Profile, text: str, shown: tuple[tuple[str, str], ...]) -> bytes:
    size = DIGEST_SIZES.get(profile.algorithm)
    try:
        found = decode(text, profile.encoding)
        if size is not None and len(found) != size:
            raise ValueError(f"{len(found)} bytes")
    except ValueError:
        wanted = _wanted(profile, size)
        raise _refused(
            "signature_malformed", "Signature header", f"Expected {wanted}, got {len(text)} characters: {looks_like(text)}.", shown
        ) from None
    return found


def _wanted(profile: Profile, size: int | None) -> str:
    if size is None:
        return "Base64"
    if profile.encoding == "hex":
        return f"{2 * size} hexadecimal digits"
    return f"{'Base64' if profile.encoding == 'base64' else 'Base64 with - and _'} of {size} bytes"


def looks_like(value: str) -> str:
    """In words what a value that cannot be used looks like."""
    if re.fullmatch(r"[A-Za-z0-9]{2,10}[=,:].+", value):
        return "it begins with a prefix that does not belong there"
    for digits, name in ((32, "MD5"), (40, "SHA-1"), (64, "SHA-256"), (96, "SHA-384"), (128, "SHA-512")):
        if re.fullmatch(rf"[0-9A-Fa-f]{{{digits}}}", value):
            return f"it looks like {name} in hexadecimal"
    if re.fullmatch(r"[A-Za-z0-9+/_-]{43}=?", value):
        return "it looks like Base64 of 32 bytes"
    return "this is no signature of that kind"


def _timestamp(profile: Profile, request: Request, pair_time: str) -> str:
    if not (profile.timestamp_header or profile.timestamp_pair):
        return ""
    place = profile.timestamp_header or f"{profile.timestamp_pair}= of {profile.header}"
    values = request.values(profile.timestamp_header) if profile.timestamp_header else [pair_time]
    if len(values) > 1:
        raise _refused("timestamp_malformed", "Timestamp", f"The header {place} is there {len(values)} times.")
    text = values[0].strip() if values else ""
    if not text:
        raise _refused("timestamp_missing", "Timestamp", f"There is no time in {place}, and the time is part of what is signed.")
    try:
        seconds(text)
    except ValueError:
        raise _refused(
            "timestamp_malformed",
            "Timestamp",
            f"{place} must be whole seconds since 1970 in digits.",
            ((place, visible(text.encode(), 80)),),
        ) from None
    return text


def form_texts(request: Request) -> tuple[bytes, ...]:
    """What Twilio signs: the address, then name and value of every form field, sorted; tried with and without the port."""
    fields = b""
    kind = request.value("content-type").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        pairs = set(parse_qsl(request.body.decode("utf-8", "surrogateescape"), keep_blank_values=True, errors="surrogateescape"))
        fields = "".join(name + value for name, value in sorted(pairs)).encode("utf-8", "surrogateescape")
    return tuple(url.encode() + fields for url in with_and_without_port(request.url))


def with_and_without_port(url: str) -> tuple[str, ...]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    default = 443 if parts.scheme == "https" else 80
    bare = parts._replace(netloc=host).geturl()
    return tuple(dict.fromkeys((url, bare, parts._replace(netloc=f"{host}:{parts.port or default}").geturl())))


def _form_problem(request: Request) -> tuple[str, str] | None:
    kind = request.value("content-type").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded" or not request.body:
        return None
    stated = dict(parse_qsl(urlsplit(request.url).query)).get("bodySHA256", "")
    if not stated:
        return "body_not_covered", "The body is not a form, and the address has no bodySHA256: nothing signs the body."
    if not hmac.compare_digest(stated.encode(), hashlib.sha256(request.body).hexdigest().encode()):
        return "digest_wrong", "bodySHA256 in the address is not the SHA-256 of the body that arrived."
    return None


def _message(profile: Profile, request: Request) -> Claim:
    try:
        found = message.labelled(profile, request)
    except ValueError as error:
        raise _refused("signature_malformed", "Signature header", f"It cannot be used: {error}.") from None
    if len(found) > MOST_SIGNATURES:
        raise _refused("signature_malformed", "Signature header", f"It holds {len(found)} signatures; at most {MOST_SIGNATURES} are read.")
    usable = [one for one in found if not message.missing(profile, one, request)]
    problem: tuple[str, str] | None = None
    if not usable:
        lacking = ", ".join(message.missing(profile, found[0], request))
        problem, usable = ("body_not_covered", f"The signature does not cover {lacking}, which could be changed by anybody."), found
    elif wrong := message.digest_problem(request):
        problem = ("digest_wrong", wrong)
    elif "x-api-key" in profile.components and (unlike := _audiohook_problem(usable[0], request)):
        problem = ("signature_malformed", unlike)
    one = usable[0]
    return Claim(
        tuple((each.signature, each.base) for each in usable),
        one.moment("created"),
        one.moment("expires"),
        problem=problem,
        notes=(("covers", ", ".join(one.covered)),),
    )


def _audiohook_problem(one: message.Labelled, request: Request) -> str:
    if one.parameters.get("keyid") != request.value("x-api-key"):
        return "keyid is not the value of X-API-KEY."
    nonce = one.parameters.get("nonce")
    return "" if isinstance(nonce, str) and len(nonce) >= 22 else "nonce must have at least 22 characters."


def _token(profile: Profile, request: Request, value: str) -> Claim:
    shown = ((profile.header, f"{len(value)} characters"),)
    scheme = profile.prefix
    if not value[: len(scheme)].lower() == scheme.lower():
        raise _refused("signature_malformed", "Token", f"It does not begin with {scheme.strip()}.", shown)
    parts = value[len(scheme) :].strip().split(".")
    try:
        if len(parts) != 3:
            raise ValueError("not three parts")
        head, claims = (orjson.loads(decode(part, "base64url")) for part in parts[:2])
        signature = decode(parts[2], "base64url")
        if not isinstance(head, dict) or not isinstance(claims, dict):
            raise ValueError("not objects")
    except ValueError:
        raise _refused("signature_malformed", "Token", "It is not a signed JSON Web Token: three parts in base64url.", shown) from None
    named = head.get("alg")
    if not isinstance(named, str) or _TOKEN_ALGORITHMS.get(named) != profile.algorithm or "crit" in head:
        raise _refused(
            "signature_malformed", "Token", f"Its algorithm is {str(named)[:20]!r}, which is not the one of this webhook.", shown
        )
    moments = {name: claims[name] for name in ("iat", "exp", "nbf") if name in claims}
    if any(not isinstance(moment, int) or isinstance(moment, bool) for moment in moments.values()):
        raise _refused("timestamp_malformed", "Token", "iat, exp and nbf must be whole seconds since 1970.", shown)
    if "iat" not in moments:
        raise _refused("timestamp_missing", "Token", "It has no iat, so nothing says how old it is.", shown)
    return Claim(
        ((signature, ".".join(parts[:2]).encode()),),
        moments["iat"],
        moments.get("exp"),
        moments.get("nbf"),
        _token_problem(claims, request),
    )


def _token_problem(claims: dict[str, object], request: Request) -> tuple[str, str] | None:
    stated = claims.get("payload_hash")
    if not isinstance(stated, str):
        return ("body_not_covered", "The token has no payload_hash: nothing signs the body.") if request.body else None
    if not hmac.compare_digest(stated.encode("utf-8", "replace"), hashlib.sha256(request.body).hexdigest().encode()):
        return "digest_wrong", "payload_hash in the token is not the SHA-256 of the body that arrived."
    return None
