"""A typed difference of two schemas, parameters or operations: what changed, without a judgement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Steps = tuple[str, ...]
"""The way from the schema of a message part down to a value: property names, ``[]`` for items, ``{}`` for other values."""


@dataclass(frozen=True, slots=True)
class Difference:
    """``kind`` says what changed, ``name`` which part of it, ``old`` and ``new`` the values, ``None`` where there is none.

    ``below`` leads from the schema it was found in to the schema it speaks of.
    """

    kind: str
    old: Any = None
    new: Any = None
    name: str = ""
    below: Steps = ()


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What a thing says of its own end: deprecated, the sunset as written, the level of stability as written."""

    deprecated: bool = False
    sunset: Any = None
    stability: Any = None

    @classmethod
    def of(cls, value: dict[str, Any]) -> Lifecycle:
        """Read from an operation, parameter or schema."""
        return cls(value.get("deprecated") is True, value.get("x-sunset"), value.get("x-stability-level"))


@dataclass(frozen=True, slots=True)
class Member:
    """A property that came or went: what of it decides how bad that is."""

    required: bool
    default: bool
    read_only: bool
    write_only: bool
    lifecycle: Lifecycle
