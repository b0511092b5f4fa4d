"""Verification to paste into a receiver, in each language: raw bytes, every part of the profile, constant time."""

from __future__ import annotations

from harness.code.languages import LANGUAGES, Language, quoted, text_of
from harness.signatures.profile import DIGEST_SIZES, Profile


def receiver(profile: Profile, language: Language) -> str:
    """A function that verifies, or "" for a construction that is better left to the platform's own library."""
    if profile.construction != "template" or not profile.symmetric:
        return ""
    return {"node": _node, "python": _python, "go": _go, "java": _java, "csharp": _csharp, "php": _php}[language.id](profile, language)


def receivers(profile: Profile) -> list[tuple[Language, str]]:
    """The function in each language; [] where there is none."""
    return [(language, code) for language in LANGUAGES if (code := receiver(profile, language))]


def _cut(profile: Profile) -> tuple[str, str]:
    """What separates several signatures in the header ("" for one), and what stands before each."""
    if profile.grammar == "pairs":
        return ",", f"{profile.version}="
    return (" ", f"{profile.version},") if profile.grammar == "versions" else ("", profile.prefix)


def _names(profile: Profile) -> dict[str, str]:
    """Variables the text needs, and the headers they come from."""
    wanted = {"timestamp": profile.timestamp_header, "id": profile.id_header}
    return {name: header for name, header in wanted.items() if "{" + name + "}" in profile.template and header}


def _node(profile: Profile, language: Language) -> str:
    separator, marker = _cut(profile)
    lines = [f'  const {name} = headers["{header}"] ?? "";' for name, header in _names(profile).items()]
    if profile.timestamp_pair:
        lines.append(
            f'  const timestamp = (header.split(",").find((part) => part.startsWith("{profile.timestamp_pair}=")) ?? "").slice({len(profile.timestamp_pair) + 1});'
        )
    if profile.tolerance:
        lines.append(
            f"  if (!/^[0-9]{{1,12}}$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > {profile.tolerance}) return false;"
        )
    parts = f"header.split({quoted(separator)})" if separator else "[header]"
    size = DIGEST_SIZES[profile.algorithm]
    extra = _extra_arguments(profile)
    return "\n".join(
        (
            'import crypto from "node:crypto";',
            "",
            '// rawBody: the bytes as they arrived, before any parser (Express: express.raw({ type: "*/*" })).',
            f"export function verify(headers, rawBody, secret{''.join(f', {name}' for name in extra)}) {{",
            f'  const header = headers["{profile.header}"] ?? "";',
            *lines,
            f"  const key = {language.keys[profile.key]};",
            f"  const text = {text_of(language, profile)};",
            f"  const digest = {language.mac(profile.algorithm)};",
            f"  return {parts}",
            f"    .filter((part) => part.startsWith({quoted(marker)}))",
            f'    .map((part) => Buffer.from(part.slice({len(marker)}), "{profile.encoding}"))',
            f"    .some((given) => given.length === {size} && crypto.timingSafeEqual(given, digest));",
            "}",
        )
    )


def _extra_arguments(profile: Profile) -> list[str]:
    return [name for name in ("method", "path", "url") if "{" + name + "}" in profile.template]


def _python(profile: Profile, language: Language) -> str:
    separator, marker = _cut(profile)
    lines = [f'    {name} = headers.get("{header}", "")' for name, header in _names(profile).items()]
    if profile.timestamp_pair:
        lines.append(f'    timestamp = dict(part.partition("=")[::2] for part in header.split(",")).get("{profile.timestamp_pair}", "")')
    if profile.tolerance:
        lines += [
            f'    if not re.fullmatch(r"[0-9]{{1,12}}", timestamp) or abs(time.time() - int(timestamp)) > {profile.tolerance}:',
            "        return False",
        ]
    parts = f"header.split({quoted(separator)})" if separator else "[header]"
    arguments = "".join(f", {name}: str" for name in _extra_arguments(profile))
    return "\n".join(
        (
            "import base64, hmac, re, time",
            "",
            "",
            "# raw_body: the bytes as they arrived (Django: request.body, Flask: request.get_data()). Header names in lower case.",
            f"def verify(headers: dict[str, str], raw_body: bytes, secret: str{arguments}) -> bool:",
            f'    header = headers.get("{profile.header}", "")',
            *lines,
            f"    key = {language.keys[profile.key]}",
            f"    text = {text_of(language, profile)}",
            f"    digest = {language.mac(profile.algorithm)}",
            f"    expected = {language.encodings[profile.encoding]}",
            f"    given = [part[{len(marker)}:] for part in {parts} if part.startswith({quoted(marker)})]",
            f"    return any(hmac.compare_digest({'value.lower()' if profile.encoding == 'hex' else 'value'}.encode(), expected.encode()) for value in given)",
        )
    )


def _go(profile: Profile, language: Language) -> str:
    separator, marker = _cut(profile)
    lines = [f'\t{name} := header.Get("{name_of}")' for name, name_of in _names(profile).items()]
    if profile.timestamp_pair:
        lines += [
            '\ttimestamp := ""',
            '\tfor _, part := range strings.Split(given, ",") {',
            f'\t\tif value, ok := strings.CutPrefix(part, "{profile.timestamp_pair}="); ok {{',
            "\t\t\ttimestamp = value",
            "\t\t}",
            "\t}",
        ]
    if profile.tolerance:
        lines += [
            "\tsent, err := strconv.ParseInt(timestamp, 10, 64)",
            f"\tif age := time.Now().Unix() - sent; err != nil || age > {profile.tolerance} || age < -{profile.tolerance} {{",
            "\t\treturn false",
            "\t}",
        ]
    parts = f"strings.Split(given, {quoted(separator)})" if separator else "[]string{given}"
    decoder = {"hex": "hex.DecodeString", "base64": "base64.StdEncoding.DecodeString", "base64url": "base64.RawURLEncoding.DecodeString"}
    new = {"sha384": "sha512.New384"}.get(profile.algorithm, f"{profile.algorithm}.New")
    arguments = "".join(f", {name} string" for name in _extra_arguments(profile))
    key = language.keys[profile.key]
    if key.startswith("must("):
        keys = [f"\tkey, err := {key[5:-1]}", "\tif err != nil {", "\t\treturn false", "\t}"]
    else:
        keys = [f"\tkey := {key}"]
    return "\n".join(
        (
            "// rawBody: io.ReadAll(request.Body), before any decoder.",
            f"func Verify(header http.Header, rawBody []byte, secret string{arguments}) bool {{",
            f'\tgiven := header.Get("{profile.header}")',
            *lines,
            *keys,
            f"\tmac := hmac.New({new}, key)",
            f"\tmac.Write({text_of(language, profile)})",
            "\tdigest := mac.Sum(nil)",
            f"\tfor _, part := range {parts} {{",
            f"\t\tvalue, ok := strings.CutPrefix(part, {quoted(marker)})",
            f"\t\tbytes, err := {decoder[profile.encoding]}(value)",
            "\t\tif ok && err == nil && hmac.Equal(bytes, digest) {",
            "\t\t\treturn true",
            "\t\t}",
            "\t}",
            "\treturn false",
            "}",
        )
    )


def _java(profile: Profile, language: Language) -> str:
    separator, marker = _cut(profile)
    lines = [f'  var {name} = headers.getOrDefault("{header}", "");' for name, header in _names(profile).items()]
    if profile.timestamp_pair:
        lines.append(
            f'  var timestamp = Arrays.stream(header.split(",")).filter(part -> part.startsWith("{profile.timestamp_pair}="))'
            f'.map(part -> part.substring({len(profile.timestamp_pair) + 1})).findFirst().orElse("");'
        )
    if profile.tolerance:
        lines.append(
            f'  if (!timestamp.matches("[0-9]{{1,12}}") || Math.abs(Instant.now().getEpochSecond() - Long.parseLong(timestamp)) > {profile.tolerance})'
            " return false;"
        )
    algorithm = f"Hmac{profile.algorithm.upper()}"
    text = text_of(language, profile)
    feeds = [text] if text == "rawBody" else text.removeprefix("concat(").removesuffix(")").split(", ")
    updates = [f"  mac.update({feed});" for feed in feeds]
    parts = f"header.split({quoted(separator)})" if separator else "new String[] {header}"
    arguments = "".join(f", String {name}" for name in _extra_arguments(profile))
    return "\n".join(
        (
            "// rawBody: request.getInputStream().readAllBytes(), before any mapper. Header names in lower case.",
            f"static boolean verify(Map<String, String> headers, byte[] rawBody, String secret{arguments}) throws GeneralSecurityException {{",
            f'  var header = headers.getOrDefault("{profile.header}", "");',
            *lines,
            f"  byte[] key = {language.keys[profile.key]};",
            f'  var mac = Mac.getInstance("{algorithm}");',
            f'  mac.init(new SecretKeySpec(key, "{algorithm}"));',
            *updates,
            "  byte[] digest = mac.doFinal();",
            f"  byte[] expected = {language.encodings[profile.encoding]}.getBytes(StandardCharsets.US_ASCII);",
            f"  return Arrays.stream({parts})",
            f"      .filter(part -> part.startsWith({quoted(marker)}))",
            f"      .map(part -> part.substring({len(marker)}).getBytes(StandardCharsets.US_ASCII))",
            "      .anyMatch(given -> MessageDigest.isEqual(given, expected));",
            "}",
        )
    )


def _csharp(profile: Profile, language: Language) -> str:
    separator, marker = _cut(profile)
    lines = [f'    var {name} = headers["{header}"].ToString();' for name, header in _names(profile).items()]
    if profile.timestamp_pair:
        lines.append(
            f'    var timestamp = header.Split(\',\').FirstOrDefault(part => part.StartsWith("{profile.timestamp_pair}="))?[{len(profile.timestamp_pair) + 1}..] ?? "";'
        )
    if profile.tolerance:
        lines.append(
            "    if (!long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out var sent)"
            f" || Math.Abs(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - sent) > {profile.tolerance}) return false;"
        )
    parts = f"header.Split({quoted(separator)})" if separator else "new[] { header }"
    arguments = "".join(f", string {name}" for name in _extra_arguments(profile))
    return "\n".join(
        (
            "// rawBody: copy Request.Body to a MemoryStream before model binding reads it.",
            f"static bool Verify(IHeaderDictionary headers, byte[] rawBody, string secret{arguments})",
            "{",
            f'    var header = headers["{profile.header}"].ToString();',
            *lines,
            f"    byte[] key = {language.keys[profile.key]};",
            f"    byte[] text = {text_of(language, profile)};",
            f"    byte[] digest = {language.mac(profile.algorithm)};",
            f"    byte[] expected = Encoding.ASCII.GetBytes({language.encodings[profile.encoding]});",
            f"    return {parts}",
            f"        .Where(part => part.StartsWith({quoted(marker)}, StringComparison.Ordinal))",
            f"        .Any(part => CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(part[{len(marker)}..]), expected));",
            "}",
        )
    )


def _php(profile: Profile, language: Language) -> str:
    separator, marker = _cut(profile)
    lines = [f"    ${name} = $headers['{header}'] ?? '';" for name, header in _names(profile).items()]
    if profile.timestamp_pair:
        lines.append(f"    $timestamp = preg_match('/(?:^|,){profile.timestamp_pair}=([0-9]+)/', $header, $found) ? $found[1] : '';")
    if profile.tolerance:
        lines.append(
            f"    if (!preg_match('/^[0-9]{{1,12}}$/D', $timestamp) || abs(time() - (int) $timestamp) > {profile.tolerance}) return false;"
        )
    parts = f"explode({quoted(separator)}, $header)" if separator else "[$header]"
    arguments = "".join(f", string ${name}" for name in _extra_arguments(profile))
    return "\n".join(
        (
            "// $rawBody: file_get_contents('php://input'), before anything decodes it. Header names in lower case.",
            f"function verify(array $headers, string $rawBody, string $secret{arguments}): bool {{",
            f"    $header = $headers['{profile.header}'] ?? '';",
            *lines,
            f"    $key = {language.keys[profile.key]};",
            f"    $text = {text_of(language, profile)};",
            f"    $digest = {language.mac(profile.algorithm)};",
            f"    $expected = {language.encodings[profile.encoding]};",
            f"    foreach ({parts} as $part) {{",
            f"        if (str_starts_with($part, {quoted(marker)}) && hash_equals($expected, substr($part, {len(marker)}))) return true;",
            "    }",
            "    return false;",
            "}",
        )
    )
