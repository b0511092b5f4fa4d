"""What a reference in the rules stands for: ``env:NAME``, ``file:/path``, ``vault:mount/path#field``, ``aws:name#field``.

Nothing is stored and nothing is logged. What comes over the network is kept for KEPT_SECONDS in this process and not a
moment longer: when its place cannot be reached then, the answer is 503, not the old value.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from portal.env import EnvironmentInvalid, env_str
from tokens.secrets import aws, files, vault
from tokens.secrets.values import Secret, SecretUnavailable

__all__ = ["Secret", "SecretUnavailable", "forget", "secret"]

KEPT_SECONDS = 60.0

_kept: dict[str, tuple[float, Secret]] = {}
_lock = threading.Lock()


def secret(reference: str, *, again: bool = False) -> Secret:
    """The value now, and which one it is. ``again`` reads anew what is kept: after a platform refused the value.

    Raises SecretUnavailable naming the reference; the reference is no secret, the value never appears.
    """
    scheme, _, place = reference.partition(":")
    if scheme == "env" and place:
        found = _from_environment(reference, place)
    elif scheme == "file" and place:
        found = files.read(reference, place)
    elif scheme == "vault" and place:
        found = _kept_or(reference, lambda: vault.read(reference, place), again=again)
    elif scheme == "aws" and place:
        found = _kept_or(reference, lambda: aws.read(reference, place), again=again)
    else:
        # Not repeated: it may be the secret itself.
        raise SecretUnavailable(
            "A secret is named env:NAME, file:/path, vault:mount/path#field or aws:name; this reference is none of them."
        )
    if not found.value:
        raise SecretUnavailable(f"The secret {reference} is empty or not set. Tell the platform team.")
    return found


def forget() -> None:
    """Drop everything kept, logins too."""
    with _lock:
        _kept.clear()
    vault.forget()
    aws.forget()


def _from_environment(reference: str, name: str) -> Secret:
    try:
        return Secret(env_str(name), "")
    except EnvironmentInvalid as error:
        raise SecretUnavailable(f"The secret {reference} cannot be read: {error}") from None


def _kept_or(reference: str, read: Callable[[], Secret], *, again: bool) -> Secret:
    with _lock:
        until, kept = _kept.get(reference, (0.0, None))
    if kept is not None and not again and time.monotonic() < until:
        return kept
    # Timed from before the question: an answer that took long is not kept longer.
    until = time.monotonic() + KEPT_SECONDS
    try:
        fresh = read()
    except SecretUnavailable:
        with _lock:
            _kept.pop(reference, None)
        raise
    with _lock:
        _kept[reference] = (until, fresh)
    return fresh
