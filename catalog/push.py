"""A push notification of a Git host: is it from somebody who knows the source's secret? No database, no Django.

Every kind of host signs the raw body with HMAC-SHA256, or sends the secret itself; which, its header says:
GitHub  https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
GitLab  https://docs.gitlab.com/user/project/integrations/webhooks/
Gitea   https://docs.gitea.com/usage/webhooks (Forgejo the same)
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path

from portal.env import EnvironmentInvalid, environment_value

LONGEST_SECRET = 65_536  # bytes of a file
# Who → header, and what stands in it before the hexadecimal digest; None where the secret itself is sent.
_SIGNED: tuple[tuple[str, str, str | None], ...] = (
    ("GitHub", "X-Hub-Signature-256", "sha256="),
    ("GitLab", "X-Gitlab-Token", None),
    ("Gitea", "X-Gitea-Signature", ""),
    ("Git host", "X-Portal-Signature-256", "sha256="),
)


def sender_of(headers: Mapping[str, str], body: bytes, secret: str) -> str:
    """Who vouches for ``body`` with ``secret``: GitHub, GitLab, Gitea (Forgejo too), Git host; "" when nobody does.

    ``headers`` are asked for names in any case. Gitea sends GitHub's header beside its own: one that holds is enough.
    """
    key = secret.encode()
    digest = hmac.new(key, body, hashlib.sha256).hexdigest().encode()
    sender = ""
    for name, header, prefix in reversed(_SIGNED):
        expected = key if prefix is None else prefix.encode() + digest
        given = headers.get(header, "")
        # Every header is compared, in constant time, whatever the others said.
        if hmac.compare_digest(expected, given.encode("utf-8", "replace")) and given:
            sender = name
    return sender


def secret_of(reference: str) -> str | None:
    """What ``env:NAME`` or ``file:/path`` stands for now; None when it cannot be read or is empty. A file is read at every notification."""
    scheme, _, place = reference.partition(":")
    try:
        if scheme == "env":
            return environment_value(place)
        with Path(place).open("rb") as file:
            value = file.read(LONGEST_SECRET + 1)
        return value.decode().rstrip("\r\n") or None if len(value) <= LONGEST_SECRET else None
    except (EnvironmentInvalid, OSError, UnicodeDecodeError):
        return None
