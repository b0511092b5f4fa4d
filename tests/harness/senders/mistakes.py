"""Senders that go wrong, as people write them in Python. Prints one JSON line per mistake; knows nothing of the diagnosis."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
import sys
import urllib.parse
from typing import Any

given = json.loads(sys.argv[1])
SECRET, WHSEC, NOW = given["secret"], given["whsec"], given["now"]
WIRE = '{"id":12345678901234567890,"weight":10.0,"path":"a\\/b","name":"J\u00f6rg \u2713 <b> & \'c\'","z":1,"a":[1e3,true,null]}'
RAW = WIRE.encode()
PARSED = json.loads(WIRE)
HEADER = "x-nice-signature"


def sign(text: str | bytes, key: str | bytes = SECRET, algorithm: str = "sha256") -> bytes:
    return hmac.new(key.encode() if isinstance(key, str) else key, text.encode() if isinstance(text, str) else text, algorithm).digest()


def say(name: str, expect: str, headers: dict[str, Any], body: bytes = RAW, profile: str = "nice", **more: Any) -> None:
    line = {"name": f"python: {name}", "expect": expect, "profile": profile, "headers": headers, "body": base64.b64encode(body).decode()}
    sys.stdout.write(json.dumps(line | more) + "\n")


def one(name: str, expect: str, text: str | bytes, key: str | bytes = SECRET, body: bytes = RAW) -> None:
    say(name, expect, {HEADER: sign(text, key).hex()}, body)


one("json.dumps", "body.json", json.dumps(PARSED))
one("json.dumps with compact separators", "body.json", json.dumps(PARSED, separators=(",", ":")))
one("json.dumps with sorted keys", "body.json", json.dumps(PARSED, sort_keys=True))
one("json.dumps without ensure_ascii", "body.json", json.dumps(PARSED, ensure_ascii=False))
one("json.dumps with indent=4", "body.json", json.dumps(PARSED, indent=4))
one("canonical JSON", "body.json", json.dumps(PARSED, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
one("str of the dictionary", "body.python-repr", str(PARSED))
one("str of the bytes", "body.python-bytes", str(RAW))
one("a line feed at the end", "body.newline-added", WIRE + "\n")
one("CR LF at the end", "body.crlf-added", WIRE + "\r\n")
one("a byte order mark", "body.bom-added", WIRE.encode("utf-8-sig"))
one("latin-1 with ? for the rest", "body.latin-1", WIRE.encode("latin-1", "replace"))
one("ascii with errors ignored", "body.non-ascii-dropped", WIRE.encode("ascii", "ignore"))
one("ascii with ?", "body.ascii", WIRE.encode("ascii", "replace"))
one("UTF-16 with a mark", "body.utf-16", WIRE.encode("utf-16"))
one("an empty body", "body.empty", b"")
one("None in place of the body", "body.null", "null")
one("a digest", "body.sha256", hashlib.sha256(RAW).digest())
one("hexadecimal of the body", "body.hex", RAW.hex())
one("the secret with a space", "key.space-added", RAW, SECRET + " ")
one("the secret as None", "key.none", RAW, "None")
one("an empty secret", "key.empty", RAW, b"")
one("the secret percent-encoded", "key.percent-encoded", RAW, urllib.parse.quote(SECRET, safe=""))
one("hexadecimal of the secret", "key.encoded-hex", RAW, SECRET.encode().hex())
one("the SHA-256 of the secret in hexadecimal", "key.hashed-hex", RAW, hashlib.sha256(SECRET.encode()).hexdigest())
one("half a secret", "key.cut", RAW, SECRET[:16])
one("the secret of another webhook", "key.other-endpoint", RAW, given["other"])
one("a form that was encoded again", "body.form", b"a=1+2&b=x%20y".replace(b"%20", b"+"), body=b"a=1%202&b=x%20y")
one("before compressing", "body.unpacked", RAW, body=gzip.compress(RAW))
one("before Base64", "body.base64-decoded", RAW, body=base64.b64encode(RAW))
one("as many bytes as characters", "body.cut", RAW[: len(WIRE)])
say("Base64", "value.encoding", {HEADER: base64.b64encode(sign(RAW)).decode()})
say("quotes around the value", "value.quotes", {HEADER: f'"{sign(RAW).hex()}"'})
say("BitConverter", "value.separators", {HEADER: "-".join(f"{byte:02X}" for byte in sign(RAW))})
say("SHA-384", "algorithm.sha384", {HEADER: sign(RAW, algorithm="sha384").hex()})
say("MD5", "algorithm.md5", {HEADER: sign(RAW, algorithm="md5").hex()})
say("body and secret hashed", "algorithm.secret-last", {HEADER: hashlib.sha256(RAW + SECRET.encode()).hexdigest()})
say(
    "Base64 percent-encoded",
    "value.percent",
    {"x-shopify-hmac-sha256": urllib.parse.quote(base64.b64encode(sign(RAW)).decode(), safe="")},
    profile="shopify",
)
say(
    "Base64 without padding",
    "value.padding",
    {"x-shopify-hmac-sha256": base64.b64encode(sign(RAW)).decode().rstrip("=")},
    profile="shopify",
)
say("an underscore in the name", "header.", {"x_nice_signature": sign(RAW).hex()})
say("a name with a letter missing", "header.", {"x-nice-signatur": sign(RAW).hex()})
say("no header at all", "header.missing", {"content-type": "application/json"})
say("an empty header", "header.empty", {HEADER: ""})
say("a template that was not filled", "value.placeholder", {HEADER: "{{signature}}"})
say("time last", "text.timestamp-last", {HEADER: sign(f"{WIRE}.{NOW}").hex(), "x-request-timestamp": str(NOW)})
for name, expect, shift in (("an hour behind", "clock.zone", -3600), ("two hours ahead", "clock.zone", 7200), ("ten minutes old", "clock.stale", -700),
                            ("a clock that is fast", "clock.ahead", 400)):  # fmt: skip
    at = NOW + shift
    say(name, expect, {"stripe-signature": f"t={at},v1={sign(f'{at}.{WIRE}').hex()}"}, profile="stripe")
say("milliseconds", "clock.milliseconds", {"stripe-signature": f"t={NOW}000,v1={sign(f'{NOW}000.{WIRE}').hex()}"}, profile="stripe")
say(
    "a date in words",
    "clock.format",
    {"x-slack-request-timestamp": "Tue, 20 Apr 2021 02:07:55 GMT", "x-slack-signature": "v0=" + "0" * 64},
    profile="slack",
)
say("no time", "header.time-missing", {"x-slack-signature": "v0=" + "0" * 64}, profile="slack")
say(
    "one second between the two times",
    "text.timestamp-second-off",
    {"stripe-signature": f"t={NOW},v1={sign(f'{NOW - 1}.{WIRE}').hex()}"},
    profile="stripe",
)
say(
    "only the signature in Stripe's header",
    "value.grammar",
    {"stripe-signature": sign(f"{NOW}.{WIRE}").hex(), "x-timestamp": str(NOW)},
    profile="stripe",
)
say("json.dumps, a line feed in the secret", "body.json+key.newline-added", {HEADER: sign(json.dumps(PARSED), SECRET + "\n").hex()})
say(
    "a wrong clock text and SHA-512",
    "text.+algorithm.sha512",
    {HEADER: sign(f"{NOW}:{WIRE}", algorithm="sha512").hex(), "x-timestamp": str(NOW)},
)
