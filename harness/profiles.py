"""How a platform signs what it sends, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """HMAC-SHA256 over the raw body, keyed with the secret's UTF-8 bytes, written in hexadecimal into ``header`` (P90, P91).

    ``id_header`` carries the sender's id of the delivery. It is outside the signature, so it tells retries apart and
    proves nothing.
    """

    name: str
    title: str
    header: str
    id_header: str = "x-request-id"


PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("genesys", "Genesys Cloud (x-genesys-signature)", "x-genesys-signature"),
        Profile("nice", "NICE CXone (x-nice-signature)", "x-nice-signature"),
    )
}
