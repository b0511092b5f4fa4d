"""The ``make`` that started us. It passes SIGTERM on but not SIGINT, which a terminal sends to everybody and a script to it alone."""

from __future__ import annotations

import os
import signal
from pathlib import Path

INTERRUPT_BIT = 1 << (signal.SIGINT - 1)


class Starter:
    """Our parent process as it was at the start, followed only when it is ``make``: a shell may well end before us."""

    def __init__(self) -> None:
        self._pid = os.getppid()
        self._is_make = self._name() in {"make", "gmake"}

    def has_ended(self) -> bool:
        """True once ``make`` is gone, or waits for us to end because it was interrupted."""
        if not self._is_make:
            return False
        return os.getppid() != self._pid or self._interrupted()

    def _name(self) -> str:
        try:
            return Path(f"/proc/{self._pid}/comm").read_text(encoding="utf-8").strip()
        except OSError:
            return ""  # no /proc here: Ctrl-C in a terminal works all the same

    def _interrupted(self) -> bool:
        # While make waits for its recipes after an interrupt it is inside its signal handler, with that signal blocked.
        try:
            status = Path(f"/proc/{self._pid}/status").read_text(encoding="utf-8")
        except OSError:
            return False
        blocked = next((line.split()[1] for line in status.splitlines() if line.startswith("SigBlk:")), "0")
        return bool(int(blocked, 16) & INTERRUPT_BIT)
