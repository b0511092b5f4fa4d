"""Vault and AWS are asked through the portal's one door out, whatever their client libraries would send with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from django.conf import settings

from upstream import blocking
from upstream.messages import Answer, Limits, Outgoing, Target

LIMITS = Limits(connect=3.0, first_byte=5.0, total=8.0, body=1_048_576, concurrency=16)
# A vault is inside: whoever sets its address has named it. Link-local addresses (cloud metadata) stay out of reach.
NETWORKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
NOT_PASSED_ON = {"accept-encoding", "connection", "content-length", "transfer-encoding", "host", "expect"}


def send(name: str, method: str, url: str, headers: Mapping[str, str] | Iterable[tuple[str, str]], body: bytes) -> Answer:
    """Send one request of a client library. Errors as ``upstream.client.send``."""
    parts = urlsplit(url)
    target = Target(name=name, base_url=f"{parts.scheme}://{parts.netloc}", networks=NETWORKS, allow_loopback=settings.DEVELOPMENT)
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    passed = [(key, _text(value)) for key, value in pairs if key.lower() not in NOT_PASSED_ON]
    return blocking.send(target, Outgoing(method, url, passed, body), limits=LIMITS)


def is_safe_address(address: str) -> bool:
    """https, or http to loopback while developing: secrets travel there."""
    parts = urlsplit(address)
    loopback = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and loopback and settings.DEVELOPMENT))


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
