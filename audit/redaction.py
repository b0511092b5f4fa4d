from __future__ import annotations

import logging


class RedactingFilter(logging.Filter):
    """Placed on every log handler."""

    def filter(self, record: logging.LogRecord) -> bool:
        return True
