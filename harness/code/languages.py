"""The six languages: their names, and the few expressions in which they differ."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.signatures.profile import Profile
from harness.signatures.reading import PLACE

Part = tuple[str, str]  # "literal" or "place", and which


@dataclass(frozen=True, slots=True)
class Language:
    """``keys`` make the key out of ``secret``; ``encodings`` make a text out of the digest; ``joined`` makes a text of literals and
    variables; ``text`` puts one before and one behind the body; ``mac`` takes an algorithm; ``clock`` is the time in whole seconds."""

    id: str
    title: str
    highlight: str
    comment: str
    end: str
    raw_body: str
    keys: Mapping[str, str]
    encodings: Mapping[str, str]
    mac: Callable[[str], str]
    joined: Callable[[Sequence[Part]], str]
    text: Callable[[str, str], str]
    clock: str


def parts_of(template: str) -> tuple[list[Part], list[Part]]:
    """The template's parts before and behind the body."""
    pieces = [("place" if number % 2 else "literal", piece) for number, piece in enumerate(PLACE.split(template)) if piece]
    at = pieces.index(("place", "body"))
    return pieces[:at], pieces[at + 1 :]


def quoted(text: str) -> str:
    return json.dumps(text)


def _plus(parts: Sequence[Part]) -> str:
    return " + ".join(quoted(text) if kind == "literal" else text for kind, text in parts)


def _backticks(parts: Sequence[Part]) -> str:
    return (
        "`"
        + "".join(
            text.replace("\\", "\\\\").replace("`", "\\`").replace("\n", "\\n") if kind == "literal" else "${" + text + "}"
            for kind, text in parts
        )
        + "`"
    )


def _formatted(parts: Sequence[Part]) -> str:
    inner = "".join(text.replace("{", "{{").replace("}", "}}") if kind == "literal" else "{" + text + "}" for kind, text in parts)
    return "f" + json.dumps(inner, ensure_ascii=False)


def _interpolated(parts: Sequence[Part]) -> str:
    return _formatted(parts).replace("f", "$", 1)


def _dots(parts: Sequence[Part]) -> str:
    return " . ".join(quoted(text).replace("$", "\\$") if kind == "literal" else f"${text}" for kind, text in parts)


def _node_text(before: str, behind: str) -> str:
    around = [f"Buffer.from({before})" if before else "", "rawBody", f"Buffer.from({behind})" if behind else ""]
    return f"Buffer.concat([{', '.join(part for part in around if part)}])" if before or behind else "rawBody"


def _python_text(before: str, behind: str) -> str:
    return " + ".join(part for part in (f"{before}.encode()" if before else "", "raw_body", f"{behind}.encode()" if behind else "") if part)


def _go_text(before: str, behind: str) -> str:
    text = f"append([]byte({before}), rawBody...)" if before else "rawBody"
    return f"append({text}, []byte({behind})...)" if behind else text


def _java_text(before: str, behind: str) -> str:
    around = [
        f"({before}).getBytes(StandardCharsets.UTF_8)" if before else "",
        "rawBody",
        f"({behind}).getBytes(StandardCharsets.UTF_8)" if behind else "",
    ]
    return f"concat({', '.join(part for part in around if part)})" if before or behind else "rawBody"


def _csharp_text(before: str, behind: str) -> str:
    around = [
        f".. Encoding.UTF8.GetBytes({before})" if before else "",
        ".. rawBody",
        f".. Encoding.UTF8.GetBytes({behind})" if behind else "",
    ]
    return f"[{', '.join(part for part in around if part)}]" if before or behind else "rawBody"


def _php_text(before: str, behind: str) -> str:
    return " . ".join(part for part in (before, "$rawBody", behind) if part)


LANGUAGES = (
    Language(
        "node", "Node", "javascript", "//", ";", "rawBody",
        {
            "text": "secret", "hex": 'Buffer.from(secret, "hex")', "base64": 'Buffer.from(secret, "base64")',
            "base64url": 'Buffer.from(secret, "base64url")', "prefixed-base64": 'Buffer.from(secret.replace(/^whsec_/, ""), "base64")',
        },
        {"hex": 'digest.toString("hex")', "base64": 'digest.toString("base64")', "base64url": 'digest.toString("base64url")'},
        lambda algorithm: f'crypto.createHmac("{algorithm}", key).update(text).digest()',
        _backticks, _node_text, "Math.floor(Date.now() / 1000)",
    ),
    Language(
        "python", "Python", "python", "#", "", "raw_body",
        {
            "text": "secret.encode()", "hex": "bytes.fromhex(secret)", "base64": "base64.b64decode(secret)",
            "base64url": 'base64.urlsafe_b64decode(secret + "==")', "prefixed-base64": 'base64.b64decode(secret.removeprefix("whsec_"))',
        },
        {
            "hex": "digest.hex()", "base64": "base64.b64encode(digest).decode()",
            "base64url": 'base64.urlsafe_b64encode(digest).rstrip(b"=").decode()',
        },
        lambda algorithm: f'hmac.digest(key, text, "{algorithm}")',
        _formatted, _python_text, "int(time.time())",
    ),
    Language(
        "go", "Go", "go", "//", "", "rawBody",
        {
            "text": "[]byte(secret)", "hex": "must(hex.DecodeString(secret))", "base64": "must(base64.StdEncoding.DecodeString(secret))",
            "base64url": "must(base64.RawURLEncoding.DecodeString(secret))",
            "prefixed-base64": 'must(base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_")))',
        },
        {
            "hex": "hex.EncodeToString(digest)", "base64": "base64.StdEncoding.EncodeToString(digest)",
            "base64url": "base64.RawURLEncoding.EncodeToString(digest)",
        },
        lambda algorithm: f"sum({ {'sha384': 'sha512.New384'}.get(algorithm, algorithm + '.New') }, key, text)",
        _plus, _go_text, "time.Now().Unix()",
    ),
    Language(
        "java", "Java", "java", "//", ";", "rawBody",
        {
            "text": "secret.getBytes(StandardCharsets.UTF_8)", "hex": "HexFormat.of().parseHex(secret)",
            "base64": "Base64.getDecoder().decode(secret)", "base64url": "Base64.getUrlDecoder().decode(secret)",
            "prefixed-base64": 'Base64.getDecoder().decode(secret.replaceFirst("^whsec_", ""))',
        },
        {
            "hex": "HexFormat.of().formatHex(digest)", "base64": "Base64.getEncoder().encodeToString(digest)",
            "base64url": "Base64.getUrlEncoder().withoutPadding().encodeToString(digest)",
        },
        lambda algorithm: f'hmac("Hmac{algorithm.upper()}", key, text)',
        _plus, _java_text, "Instant.now().getEpochSecond()",
    ),
    Language(
        "csharp", "C#", "csharp", "//", ";", "rawBody",
        {
            "text": "Encoding.UTF8.GetBytes(secret)", "hex": "Convert.FromHexString(secret)", "base64": "Convert.FromBase64String(secret)",
            "base64url": "Base64Url.DecodeFromChars(secret)",
            "prefixed-base64": 'Convert.FromBase64String(secret.StartsWith("whsec_") ? secret[6..] : secret)',
        },
        {
            "hex": "Convert.ToHexString(digest).ToLowerInvariant()", "base64": "Convert.ToBase64String(digest)",
            "base64url": "Base64Url.EncodeToString(digest)",
        },
        lambda algorithm: f"HMAC{algorithm.upper()}.HashData(key, text)",
        _interpolated, _csharp_text, "DateTimeOffset.UtcNow.ToUnixTimeSeconds()",
    ),
    Language(
        "php", "PHP", "php", "//", ";", "$rawBody",
        {
            "text": "$secret", "hex": "hex2bin($secret)", "base64": "base64_decode($secret, true)",
            "base64url": "base64_decode(strtr($secret, '-_', '+/'), true)",
            "prefixed-base64": "base64_decode(preg_replace('/^whsec_/', '', $secret), true)",
        },
        {
            "hex": "bin2hex($digest)", "base64": "base64_encode($digest)", "base64url": "rtrim(strtr(base64_encode($digest), '+/', '-_'), '=')",
        },
        lambda algorithm: f"hash_hmac('{algorithm}', $text, $key, true)",
        _dots, _php_text, "time()",
    ),
)  # fmt: skip


def text_of(language: Language, profile: Profile) -> str:
    """The expression for the text that is signed."""
    before, behind = parts_of(profile.template)
    return language.text(language.joined(before) if before else "", language.joined(behind) if behind else "")


def value_of(language: Language, profile: Profile) -> str:
    """The expression for the whole value of the signature header."""
    encoded = language.encodings[profile.encoding]
    front = profile.prefix
    join = " . " if language.id == "php" else " + "
    variable = "$timestamp" if language.id == "php" else "timestamp"
    if profile.grammar == "pairs":
        stamp = f"str({variable})" if language.id == "python" else f"strconv.FormatInt({variable}, 10)" if language.id == "go" else variable
        return join.join((quoted(f"{profile.timestamp_pair}="), stamp, quoted(f",{profile.version}="), encoded))
    if profile.grammar == "versions":
        front = f"{profile.version},"
    return f"{quoted(front)}{join}{encoded}" if front else encoded
