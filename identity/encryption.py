"""What must be readable again but never lie in clear: MultiFernet with ``PORTAL_ENCRYPTION_KEYS``."""

from __future__ import annotations

from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class SealBroken(Exception):
    """The bytes were not sealed with any of the current keys, or were changed."""


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def seal(clear: bytes) -> bytes:
    """Encrypt with the first key."""
    return _cipher(tuple(settings.PORTAL_ENCRYPTION_KEYS)).encrypt(clear)


def unseal(sealed: bytes) -> bytes:
    """Decrypt with whichever key fits. Raises SealBroken."""
    try:
        return _cipher(tuple(settings.PORTAL_ENCRYPTION_KEYS)).decrypt(bytes(sealed))
    except InvalidToken:
        raise SealBroken("sealed with a key that is no longer listed, or changed since") from None


def resealed(sealed: bytes) -> bytes | None:
    """The same, encrypted with the first key; None when it is already. Raises SealBroken."""
    sealed = bytes(sealed)
    keys = tuple(settings.PORTAL_ENCRYPTION_KEYS)
    try:
        _cipher(keys[:1]).decrypt(sealed)
    except InvalidToken:
        pass
    else:
        return None
    try:
        return _cipher(keys).rotate(sealed)
    except InvalidToken:
        raise SealBroken("sealed with a key that is no longer listed, or changed since") from None
