"""What settings need before Django is there: the version, and secrets made on first use in development."""

from __future__ import annotations

import base64
import os
import re
import secrets
from pathlib import Path

from portal.env import EnvironmentInvalid


def read_version(changelog: Path) -> str:
    """The newest released version in CHANGELOG.md, so that the two cannot differ."""
    found = re.search(r"^## (\d+\.\d+\.\d+)", changelog.read_text(encoding="utf-8"), re.MULTILINE)
    if not found:
        raise EnvironmentInvalid("CHANGELOG.md names no version; a heading like '## 0.1.0' is expected.")
    return found.group(1)


def read_or_create_secret(path: Path, *, fernet: bool = False) -> str:
    """A secret kept in a file only its owner can read; made once, whoever comes first."""
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    value = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode() if fernet else secrets.token_urlsafe(48)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # A second process that starts at the same moment must see a whole file: write aside, then link into place.
        aside = path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as handle:
            handle.write(value)
        try:
            os.link(aside, path)
        except FileExistsError:
            return path.read_text(encoding="ascii").strip()
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise EnvironmentInvalid(
            f"PORTAL_HOME cannot be written: {path.parent} ({error.strerror}). Set PORTAL_HOME to a directory you may write to."
        ) from None
    return value
