"""Merkle tree hashes with the prefixes of RFC 6962 §2.1, and an entry as the bytes that are hashed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

HASH_BYTES = 32


def leaf_hash(data: bytes) -> bytes:
    """A leaf: SHA-256 of 0x00 and the data, so that no leaf can be passed off as an inner node."""
    return hashlib.sha256(b"\x00" + data).digest()


def tree_hash(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes; of no leaves the hash of nothing. Built level by level, which splits where RFC 6962 does."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    level = list(leaves)
    while len(level) > 1:
        pairs = [hashlib.sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        level = pairs + ([level[-1]] if len(level) % 2 else [])
    return level[0]


def canonical(values: Mapping[str, Any]) -> bytes:
    """One way only to write ``values`` down: sorted keys, no spaces, UTF-8, times as UTC with microseconds."""
    return orjson.dumps(values, option=orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME, default=_moment)


def _moment(value: Any) -> str:
    return str(value.isoformat(timespec="microseconds"))
