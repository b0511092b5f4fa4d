"""``file:/path``: mounted secrets of Docker and Kubernetes. Read again when the file has changed."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

from tokens.secrets.values import Secret, SecretUnavailable

FILE_LIMIT = 65_536  # bytes

_read: dict[str, tuple[tuple[int, int, int], Secret]] = {}
_lock = threading.Lock()


def read(reference: str, place: str) -> Secret:
    """The file's text without its last line end; its version is when it was written. Raises SecretUnavailable."""
    path = Path(place)
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
    found = Secret(value, datetime.fromtimestamp(seen.st_mtime, tz=UTC).isoformat(timespec="seconds"))
    with _lock:
        _read[reference] = (mark, found)
    return found
