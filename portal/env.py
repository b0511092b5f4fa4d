"""The only module that reads the environment.

Each value may be set as ``NAME``, as ``NAME_FILE`` (a path whose content is the value: Docker and Kubernetes
secrets), or as a ``NAME=value`` line of ``portal.env`` in ``PORTAL_HOME``; the first that is there wins.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent


class EnvironmentInvalid(Exception):
    """A variable is set to something that cannot be used. The text names the variable and what it takes."""


def home() -> Path:
    """Where all state lies: ``PORTAL_HOME``, by default ``var`` beside ``manage.py``."""
    return Path(os.environ.get("PORTAL_HOME") or BASE_DIR / "var").expanduser().resolve()


@lru_cache(maxsize=1)
def _file_values() -> dict[str, str]:
    path = home() / "portal.env"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return {}
    pairs = (line.partition("=") for line in lines if line.strip() and not line.lstrip().startswith("#"))
    return {name.strip(): value.strip() for name, separator, value in pairs if separator}


def env_str(name: str, default: str = "") -> str:
    """The value of ``name``, or ``default``. Raises EnvironmentInvalid when ``NAME_FILE`` cannot be read."""
    if (value := os.environ.get(name)) is not None and value != "":
        return value
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise EnvironmentInvalid(f"{name}_FILE names a file that cannot be read: {path} ({error.strerror})") from None
    return _file_values().get(name) or default


def env_bool(name: str, default: bool = False) -> bool:
    """``true`` or ``false``; anything else is refused rather than guessed."""
    value = env_str(name).lower()
    if value in {"", "true", "false"}:
        return value == "true" if value else default
    raise EnvironmentInvalid(f"{name} must be true or false, not {value!r}.")


def env_int(name: str, default: int, *, minimum: int = 0, maximum: int | None = None) -> int:
    """A whole number within bounds."""
    value = env_str(name)
    if not value:
        return default
    if not value.isascii() or not value.isdigit() or int(value) < minimum or (maximum is not None and int(value) > maximum):
        bound = f"{minimum} to {maximum}" if maximum is not None else f"at least {minimum}"
        raise EnvironmentInvalid(f"{name} must be a whole number, {bound}, not {value!r}.")
    return int(value)


def env_choice(name: str, choices: tuple[str, ...]) -> str:
    """One of ``choices``; the first is the default."""
    value = env_str(name, choices[0])
    if value not in choices:
        raise EnvironmentInvalid(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
    return value


def env_list(name: str, default: str = "") -> list[str]:
    """Comma separated values, blanks dropped."""
    return [part.strip() for part in env_str(name, default).split(",") if part.strip()]


def environment_value(name: str) -> str | None:
    """The value behind an ``env:NAME`` secret reference, or None when it is not set."""
    return env_str(name) or None
