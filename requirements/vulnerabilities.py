"""Looks every pinned package up among the known vulnerabilities: ``python requirements/audit.py``.

Exit 1 when one is found, or when pip-audit itself fails. When the advisory service cannot be reached the audit says so
in a sentence and passes: being offline is not a vulnerability, but it must not look like a clean result either.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PINNED = ("base.txt", "demo.txt", "extras.txt", "dev.txt")
# What pip-audit and requests call a service that is not there, whatever the reason.
UNREACHABLE = ("ConnectionError", "Connection refused", "Failed to establish", "NameResolution", "Max retries exceeded", "timed out",
               "ConnectTimeout", "ReadTimeout", "ProxyError", "SSLError", "ServiceError", "HTTPError", "503 ", "502 ", "403 ")  # fmt: skip
SECONDS = 180


def audit(names: tuple[str, ...] = PINNED, *, command: tuple[str, ...] = (sys.executable, "-m", "pip_audit")) -> tuple[int, str]:
    """The exit status and the sentences to print for the pinned files ``names``."""
    arguments = [part for name in names for part in ("--requirement", str(HERE / name))]
    try:
        done = subprocess.run(
            [*command, "--format", "json", "--progress-spinner", "off", "--disable-pip", "--require-hashes", "--timeout", "15", *arguments],
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return 0, f"The advisory service did not answer within {SECONDS} s, so known vulnerabilities were not checked this time."
    try:
        report = json.loads(done.stdout)
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        if any(sign in done.stderr for sign in UNREACHABLE):
            return 0, f"The advisory service could not be reached, so known vulnerabilities were not checked this time ({last[:160]})."
        return 1, f"pip-audit failed: {last}"
    found = [
        f"{package['name']} {package['version']}: {vulnerability['id']}"
        + (f", mended in {', '.join(vulnerability['fix_versions'])}" if vulnerability["fix_versions"] else ", no mended version yet")
        for package in report["dependencies"]
        for vulnerability in package.get("vulns", [])
    ]
    if found:
        return 1, "\n".join(["Known vulnerabilities:", *sorted(set(found))])
    return 0, f"No known vulnerability in {len(report['dependencies'])} pinned packages."


if __name__ == "__main__":
    status, text = audit()
    print(text, file=sys.stderr if status else sys.stdout)
    sys.exit(status)
