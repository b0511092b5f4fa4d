"""What a sender of the presets puts into its header, written down apart from the code under test."""

from __future__ import annotations

import hashlib
import hmac


def signature(secret: bytes, body: bytes) -> str:
    """HMAC-SHA256 of the body, hexadecimal."""
    return hmac.new(secret, body, hashlib.sha256).hexdigest()
