"""The code people copy verifies what platforms sign, and nothing else: run, not read."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.code.advice import lines
from harness.code.languages import LANGUAGES
from harness.code.receivers import receiver, receivers
from harness.diagnosis.values import Finding
from harness.signatures.profile import Profile
from harness.signatures.registry import PROFILES, profile_of
from harness.signatures.signing import sign
from harness.signatures.values import Request

URL = "https://portal.example/in/abc"
BODY = '{"name": "J\u00f6rg", "n": 10.0}\n'.encode()
OWN = (
    {"template": "{timestamp}:{body}:end $x `y` {{z}}\n", "timestamp_header": "x-time", "algorithm": "sha512", "encoding": "base64url"},
    {"template": "v9 {id}\n{body}", "id_header": "x-id", "key": "hex", "prefix": "sig=", "algorithm": "sha384", "encoding": "base64"},
    {"key": "base64url", "algorithm": "sha1"},
)
CASES: list[Profile] = [profile for profile in PROFILES.values() if receivers(profile)]
CASES += [replace(profile_of("generic", dict(settings)), name=f"own-{number}") for number, settings in enumerate(OWN)]
LANGUAGE = {language.id: language for language in LANGUAGES}


def secret_of(profile: Profile) -> str:
    return {
        "text": "s3cret 'quoted' secret", "hex": "00ff" * 12, "base64": base64.b64encode(bytes(range(30))).decode(),
        "base64url": base64.urlsafe_b64encode(bytes(range(200, 230))).decode().rstrip("="),
        "prefixed-base64": "whsec_" + base64.b64encode(bytes(range(30))).decode(),
    }[profile.key]  # fmt: skip


def trials(profile: Profile) -> list[dict[str, Any]]:
    """Deliveries with whether they must be accepted."""
    now = int(time.time())
    secret = secret_of(profile)

    def made(
        good: bool, body: bytes = BODY, *, at: int = now, sent: bytes | None = None, key: str = secret, drop: str = ""
    ) -> dict[str, Any]:
        headers = dict(sign(profile, key.encode(), Request([], body, "POST", URL), timestamp=at, identity="m-1"))
        headers.pop(drop, None)
        return {"good": good, "headers": headers, "body": base64.b64encode(body if sent is None else sent).decode(), "secret": secret}

    wrong = secret[:-2] + ("ee" if profile.key == "hex" else "AA" if profile.key != "prefixed-base64" else "aa")
    found = [made(True), made(True, b""), made(False, sent=BODY + b" "), made(False, key=wrong), made(False, drop=profile.header)]
    return found + ([made(False, at=now - 3600), made(False, at=now + 3600)] if profile.tolerance else [])


@pytest.mark.parametrize("profile", CASES, ids=lambda profile: profile.name)
def test_pythons(profile: Profile) -> None:
    scope: dict[str, Any] = {}
    exec(receiver(profile, LANGUAGE["python"]), scope)
    extra = [URL] if "{url}" in profile.template else []
    for trial in trials(profile):
        assert scope["verify"](trial["headers"], base64.b64decode(trial["body"]), trial["secret"], *extra) is trial["good"], trial


@pytest.mark.node
def test_nodes(tmp_path: Path) -> None:
    for profile in CASES:
        (tmp_path / f"{profile.name}.mjs").write_text(receiver(profile, LANGUAGE["node"]))
    given = [{"name": profile.name, "url": "{url}" in profile.template, "trials": trials(profile)} for profile in CASES]
    script = """
    const results = [];
    for (const { name, url, trials } of JSON.parse(process.argv[2])) {
      const { verify } = await import(`./${name}.mjs`);
      for (const t of trials) {
        const got = verify(t.headers, Buffer.from(t.body, "base64"), t.secret, ...(url ? ["https://portal.example/in/abc"] : []));
        if (got !== t.good) results.push([name, t]);
      }
    }
    console.log(JSON.stringify(results));
    """
    (tmp_path / "run.mjs").write_text(script)
    printed = subprocess.run(["node", str(tmp_path / "run.mjs"), json.dumps(given)], capture_output=True, text=True, check=True).stdout
    assert json.loads(printed) == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("javac") is None, reason="no Java compiler on this machine")
def test_javas(tmp_path: Path) -> None:
    """One class with a method per profile; each trial is a call of its own in main."""
    methods, calls = [], []
    for number, profile in enumerate(CASES):
        methods.append(receiver(profile, LANGUAGE["java"]).replace("boolean verify(", f"boolean verify{number}("))
        for trial in trials(profile):
            pairs = ", ".join(f"{json.dumps(name)}, {json.dumps(value)}" for name, value in trial["headers"].items())
            body = f'Base64.getDecoder().decode("{trial["body"]}")'
            extra = f", {json.dumps(URL)}" if "{url}" in profile.template else ""
            good = "true" if trial["good"] else "false"
            call = f"verify{number}(Map.of({pairs}), {body}, {json.dumps(trial['secret'])}{extra}) != {good}"
            calls.append(f'if ({call}) System.out.println("{profile.name}: expected {good}");')
    names = "java.util.*", "java.time.*", "java.security.*", "javax.crypto.*", "javax.crypto.spec.*", "java.nio.charset.*"
    imports = "\n".join(f"import {name};" for name in names)
    source = (
        f"{imports}\nclass Receivers {{\n"
        + "\n".join(methods)
        + "\npublic static void main(String[] a) throws Exception {\n"
        + "\n".join(calls)
        + "\n}}"
    )
    (tmp_path / "Receivers.java").write_text(source)
    subprocess.run(["javac", "-encoding", "UTF-8", "Receivers.java"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert subprocess.run(["java", "Receivers"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout == ""


def test_constructions_without_code_are_those_with_libraries() -> None:
    without = {name for name, profile in PROFILES.items() if not receivers(profile)}
    assert without == {"genesys-audiohook", "standard-webhooks-v1a", "twilio", "sendgrid", "rfc9421", "jwt"}


@pytest.mark.parametrize("area", ["body", "text", "key", "algorithm", "value", "header", "clock"])
@pytest.mark.parametrize("profile", CASES, ids=lambda profile: profile.name)
def test_every_area_has_a_line_in_every_language(profile: Profile, area: Any) -> None:
    found = lines(profile, Finding("x", area, "t", "t", True))
    assert [line.language for line in found] == ["Node", "Python", "Go", "Java", "C#", "PHP"]
    assert all(line.code.strip() and "\n" not in line.code for line in found)


def test_lines_of_the_sender_make_the_signature_that_is_verified() -> None:
    """The Python lines of one profile put together and run."""
    profile = PROFILES["nice-expert"]
    areas: tuple[Any, ...] = ("clock", "key", "text", "algorithm", "value")
    program = "\n".join(lines(profile, Finding("x", area, "t", "t", True))[1].code for area in areas)
    scope: dict[str, Any] = {"secret": "s3cret secret", "raw_body": BODY}
    exec("import hmac, time, base64\n" + program, scope)
    headers = dict(sign(profile, b"s3cret secret", Request([], BODY), timestamp=scope["timestamp"], identity="x"))
    assert scope["signature"] == headers[profile.header]
