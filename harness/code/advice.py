"""The line of the sender that must be changed, in each language."""

from __future__ import annotations

from dataclasses import dataclass

from harness.code.languages import LANGUAGES, Language, quoted, text_of, value_of
from harness.diagnosis.values import Finding
from harness.signatures.profile import Profile

_WHY = {
    "body": "the very bytes that are sent: write the JSON once, sign it and send the same",
    "text": "what this platform signs, in this order",
    "key": "the key as this platform makes it of the secret",
    "algorithm": "an HMAC with this algorithm",
    "value": "written as this platform writes it",
    "header": "under this name",
    "clock": "whole seconds since 1970, UTC",
}


_ASSIGNED = {"node": "const {} = ", "python": "{} = ", "go": "{} := ", "java": "var {} = ", "csharp": "var {} = ", "php": "${} = "}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of code in one language, and what it stands for."""

    id: str
    language: str
    highlight: str
    code: str
    why: str


def lines(profile: Profile, finding: Finding) -> list[Line]:
    """How the line must read, in each language; [] where no single line would help."""
    if finding.area not in _WHY or finding.id.startswith("hint."):
        return []
    if finding.area in {"body", "text", "key", "algorithm", "value"} and not (profile.construction == "template" and profile.symmetric):
        return []
    return [
        Line(language.id, language.title, language.highlight, _line(language, profile, finding.area), _WHY[finding.area])
        for language in LANGUAGES
    ]


def _line(language: Language, profile: Profile, area: str) -> str:
    if area == "header":
        return f"{_set_header(language, profile)}{language.end}"
    if area in {"body", "text"}:
        name, expression = "text", text_of(language, profile)
    elif area == "key":
        name, expression = "key", language.keys[profile.key]
    elif area == "algorithm":
        name, expression = "digest", language.mac(profile.algorithm)
    elif area == "value":
        name, expression = "signature", value_of(language, profile)
    else:
        name, expression = "timestamp", language.clock
    start = _ASSIGNED[language.id].format(name)
    if language.id == "csharp" and name == "text":
        start = "byte[] text = "
    return f"{start}{expression}{language.end}"


def _set_header(language: Language, profile: Profile) -> str:
    name = quoted(profile.header)
    return {
        "node": f"headers[{name}] = signature",
        "python": f"headers[{name}] = signature",
        "go": f"request.Header.Set({name}, signature)",
        "java": f"builder.header({name}, signature)",
        "csharp": f"request.Headers.Add({name}, signature)",
        "php": f"$headers[] = {quoted(profile.header + ': ')} . $signature",
    }[language.id]
