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
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action} {self.outcome}"
