"""One web process, when quotas, leases and the cache are counted inside it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO


class AlreadyServed(Exception):
    """Another process already serves this ``PORTAL_HOME``. The text is for the person who started the second one."""


class WebProcessLock:
    """An advisory lock on ``web.lock`` in ``PORTAL_HOME``; the system releases it when the process ends, however it ends."""

    def __init__(self, home: Path) -> None:
        self.path = home / "web.lock"
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Take the lock. Raises AlreadyServed naming the process that has it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = self.path.open("a+", encoding="ascii")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise AlreadyServed(
                f"Process {holder} already serves {self.path.parent}. Without Redis quotas and leases are counted inside one web "
                "process: stop the other one, use another PORTAL_HOME, or set REDIS_URL."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def release(self) -> None:
        """Give the lock back. Does nothing when it is not held."""
        if self._file is not None:
            self._file.close()
            self._file = None
