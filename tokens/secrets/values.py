"""A secret as it was read, and the error of one that cannot be."""

from __future__ import annotations

from dataclasses import dataclass, field

from portal.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Secret:
    """``version`` tells two values of the same reference apart, as its place counts them; "" where nobody counts."""

    value: str = field(repr=False)
    version: str


class SecretUnavailable(Unavailable):
    code = "secret_unavailable"


def unavailable(reference: str, why: str) -> SecretUnavailable:
    return SecretUnavailable(f"The secret {reference} cannot be read: {why} Tell the platform team.", headers={"Retry-After": "30"})
