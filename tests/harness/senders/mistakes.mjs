// Senders that go wrong, as people write them in Node. Prints one JSON line per mistake; knows nothing of the diagnosis.
import crypto from "node:crypto";

const { secret, hookUrl, whsec, now } = JSON.parse(process.argv[2]);
const hmac = (algorithm, key, text, encoding) => crypto.createHmac(algorithm, key).update(text).digest(encoding);
const wire = '{ "id": 12345678901234567890, "weight": 10.0, "path": "a\\/b", "name": "J\u00f6rg \u2713 <b>",\r\n  "10": 1, "2": [1e3, 0.000001, -0] }\n';
const raw = Buffer.from(wire);
const parsed = JSON.parse(wire);
const header = "x-genesys-signature";

const say = (name, expect, headers, body = raw, profile = "genesys") =>
  console.log(JSON.stringify({ name: `node: ${name}`, expect, profile, headers, body: Buffer.from(body).toString("base64") }));
const one = (name, expect, text, key = secret) => say(name, expect, { [header]: hmac("sha256", key, text, "hex") });

one("JSON.stringify of the parsed body", "body.json", JSON.stringify(parsed));
one("JSON.stringify with two spaces", "body.json", JSON.stringify(parsed, null, 2));
one("JSON.stringify with a tab and a line feed", "body.json", JSON.stringify(parsed, null, 2) + "\n");
one("JSON.stringify of the text", "body.twice", JSON.stringify(wire));
one("trimmed body", "body.", wire.trim());
one("body as latin1", "body.low-bytes", Buffer.from(wire, "latin1"));
one("body as binary string", "body.low-bytes", Buffer.from(wire, "binary"));
one("body as utf16le", "body.utf-16le", Buffer.from(wire, "utf16le"));
one("body decoded as latin1 and written as utf8", "body.mojibake", raw.toString("latin1"));
one("an object, not a text", "body.object-object", String(parsed));
one("a missing rawBody", "body.undefined", String(undefined));
one("a consumed stream", "body.empty", "");
one("NFD text", "body.nfd", wire.normalize("NFD"));
one("normalized line ends", "body.crlf-to-lf", wire.replace(/\r\n/g, "\n"));
one("the digest of the body", "body.sha256-hex", crypto.createHash("sha256").update(raw).digest("hex"));
one("base64 of the body", "body.base64", raw.toString("base64"));
one("a secret from a file, with its line feed", "key.newline-added", raw, secret + "\n");
one("an unset variable", "key.undefined", raw, String(process.env.NO_SUCH_SECRET));
one("quotes around the secret", "key.quoted-double", raw, `"${secret}"`);
one("a secret in upper case", "key.upper", raw, secret.toUpperCase());
one("a secret encoded as base64", "key.encoded-base64", raw, Buffer.from(secret).toString("base64"));
one("a hashed secret", "key.hashed", raw, crypto.createHash("sha256").update(secret).digest());
say("the time before the body", "text.", { [header]: hmac("sha256", secret, `${now}.${wire}`, "hex"), "x-timestamp": `${now}` });
say("base64 for hex", "value.encoding", { [header]: hmac("sha256", secret, raw, "base64") });
say("base64url for hex", "value.encoding", { [header]: hmac("sha256", secret, raw, "base64url") });
say("base64 of the hex text", "value.encoding", { [header]: Buffer.from(hmac("sha256", secret, raw, "hex")).toString("base64") });
say("a prefix that does not belong there", "value.prefix", { [header]: "sha256=" + hmac("sha256", secret, raw, "hex") });
say("sha1", "algorithm.sha1", { [header]: hmac("sha1", secret, raw, "hex") });
say("sha512", "algorithm.sha512", { [header]: hmac("sha512", secret, raw, "hex") });
say("a plain hash", "algorithm.plain", { [header]: crypto.createHash("sha256").update(raw).digest("hex") });
say("secret and body hashed together", "algorithm.secret-first", { [header]: crypto.createHash("sha256").update(secret).update(raw).digest("hex") });
say("key and text swapped", "algorithm.swapped", { [header]: hmac("sha256", raw, secret, "hex") });
say("another header", "header.other-header", { "x-hub-signature": hmac("sha256", secret, raw, "hex") });
say("no prefix", "value.prefix", { "x-hub-signature-256": hmac("sha256", secret, raw, "hex") }, raw, "github");
say("hex for base64", "value.encoding", { "x-hub-signature-256": "sha256=" + hmac("sha256", secret, raw, "hex") }, raw, "genesys-open-messaging");
say("stripe without the time", "text.body-only", { "stripe-signature": `t=${now},v1=${hmac("sha256", secret, raw, "hex")}` }, raw, "stripe");
say("stripe with milliseconds in the text", "text.timestamp-milliseconds",
  { "stripe-signature": `t=${now},v1=${hmac("sha256", secret, `${now}000.${wire}`, "hex")}` }, raw, "stripe");
say("slack with a point", "text.", { "x-slack-request-timestamp": `${now}`, "x-slack-signature": "v0=" + hmac("sha256", secret, `v0.${now}.${wire}`, "hex") }, raw, "slack");
say("standard webhooks with the secret's text", "key.raw", { "webhook-id": "m1", "webhook-timestamp": `${now}`,
  "webhook-signature": "v1," + hmac("sha256", whsec, `m1.${now}.${wire}`, "base64") }, raw, "standard-webhooks");
say("standard webhooks without decoding", "key.prefix-removed", { "webhook-id": "m1", "webhook-timestamp": `${now}`,
  "webhook-signature": "v1," + hmac("sha256", whsec.replace("whsec_", ""), `m1.${now}.${wire}`, "base64") }, raw, "standard-webhooks");
say("standard webhooks without the id", "text.", { "webhook-id": "m1", "webhook-timestamp": `${now}`,
  "webhook-signature": "v1," + hmac("sha256", Buffer.from(whsec.replace("whsec_", ""), "base64"), `${now}.${wire}`, "base64") }, raw, "standard-webhooks");
say("square without the address", "text.body-only", { "x-square-hmacsha256-signature": hmac("sha256", secret, raw, "base64") }, raw, "square");
say("square with http behind a proxy", "text.url-scheme",
  { "x-square-hmacsha256-signature": hmac("sha256", secret, hookUrl.replace(/^https?/, (s) => (s === "https" ? "http" : "https")) + wire, "base64") }, raw, "square");
// Two at once: what the deeper search is for.
say("JSON.stringify and base64 and a line feed in the secret", "body.json+key.newline-added", { [header]: hmac("sha256", secret + "\n", JSON.stringify(parsed), "base64") });
say("JSON.stringify with sha1 over time and body", "body.json+text.+algorithm.sha1",
  { [header]: hmac("sha1", secret, `${now}.${JSON.stringify(parsed)}`, "hex"), "x-timestamp": `${now}` });
