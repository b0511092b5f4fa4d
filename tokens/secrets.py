"""What a reference in the rules stands for: ``env:NAME`` and ``file:/path``. The value is never stored and never logged."""

from __future__ import annotations

import threading
from pathlib import Path

from portal.env import EnvironmentInvalid, env_str
from portal.errors import Unavailable

FILE_LIMIT = 65_536  # bytes

_read: dict[str, tuple[tuple[int, int, int], str]] = {}
_lock = threading.Lock()


class SecretUnavailable(Unavailable):
    code = "secret_unavailable"


def secret(reference: str) -> str:
    """The value now. A file is read again when it has changed, so a rotated secret needs no restart.

    Raises SecretUnavailable naming the reference; the reference is no secret, the value never appears.
    """
    scheme, _, place = reference.partition(":")
    if scheme == "env" and place:
        try:
            value = env_str(place)
        except EnvironmentInvalid as error:
            raise SecretUnavailable(f"The secret {reference} cannot be read: {error}") from None
    elif scheme == "file" and place:
        value = _from_file(reference, Path(place))
    else:
        # Not repeated: it may be the secret itself.
        raise SecretUnavailable("A secret is named env:NAME or file:/path; this reference is neither.")
    if not value:
        raise SecretUnavailable(f"The secret {reference} is empty or not set. Tell the platform team.")
    return value


def _from_file(reference: str, path: Path) -> str:
    try:
        seen = path.stat()
        mark = (seen.st_mtime_ns, seen.st_size, seen.st_ino)
        with _lock:
            kept = _read.get(reference)
        if kept is not None and kept[0] == mark:
            return kept[1]
        if seen.st_size > FILE_LIMIT:
            raise SecretUnavailable(f"The secret {reference} is larger than any secret.")
        value = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SecretUnavailable(f"The secret {reference} cannot be read: {reason}. Tell the platform team.") from None
    with _lock:
        _read[reference] = (mark, value)
    return value
