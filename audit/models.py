"""The log. Rows are written once: the database itself refuses to change or remove them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Entry(models.Model):
    """One immutable line: who did what to which, and how it ended. No foreign keys: it outlives what it names."""

    at = models.DateTimeField()
    action = models.CharField(max_length=60)  # "subject:verb", append-only vocabulary
    outcome = models.CharField(max_length=20)  # ok, refused, failed, intent
    actor = models.CharField(max_length=64, blank=True)  # account id, or "" for the portal itself
    actor_name = models.CharField(max_length=255, blank=True)
    session = models.CharField(max_length=64, blank=True)
    subject = models.CharField(max_length=255, blank=True)
    api = models.CharField(max_length=200, blank=True)
    environment = models.CharField(max_length=100, blank=True)
    code = models.CharField(max_length=60, blank=True)  # the PortalError code of a refusal
    request_id = models.CharField(max_length=64, blank=True)
    remote = models.CharField(max_length=64, blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["at"], name="entry_at"),
            models.Index(fields=["actor", "id"], name="entry_actor"),
            models.Index(fields=["action", "id"], name="entry_action"),
            models.Index(fields=["request_id"], name="entry_request"),
            models.Index(fields=["subject", "id"], name="entry_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action} {self.outcome}"


class Seal(models.Model):
    """A batch of entries, hashed, chained to the seal before and authenticated. Written once, like the entries.

    It covers the ids from ``first_entry`` to ``last_entry`` less ``missing`` (ranges nobody had committed yet, or that
    were rolled back) plus ``late`` (ids out of the ``missing`` of earlier seals that were committed since).
    """

    number = models.PositiveBigIntegerField(primary_key=True)  # 1, 2, 3 … without a gap
    at = models.DateTimeField()
    first_entry = models.BigIntegerField()
    last_entry = models.BigIntegerField()
    missing = models.JSONField(default=list)  # [[from, to], …] inclusive
    late = models.JSONField(default=list)  # [id, …] rising
    count = models.PositiveIntegerField()
    leaves = models.BinaryField()  # 32 bytes an entry, by rising id: names the entry when the root is wrong
    root = models.CharField(max_length=64)  # RFC 6962 Merkle tree hash of the leaves, hex
    previous = models.CharField(max_length=64)  # hash of the seal before, hex; zeros for the first
    hash = models.CharField(max_length=64)
    key_id = models.CharField(max_length=16)
    mac = models.CharField(max_length=64)  # HMAC-SHA256 of the hash, hex

    def __str__(self) -> str:
        return f"seal {self.number} to entry {self.last_entry}"


class Verification(models.Model):
    """What a check of the whole log found."""

    at = models.DateTimeField()
    ok = models.BooleanField()
    entries = models.PositiveBigIntegerField()  # that were compared with their seals
    sealed_to = models.BigIntegerField()
    problems = models.JSONField(default=list)  # [{kind, entry, seal, text}, …]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {'ok' if self.ok else 'problems'}"
