"""Calls: what went out through the portal, or was refused before it could."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from identity.models import Account


class Call(models.Model):
    """One request to the gateway, from intent to outcome. Headers are masked and bodies redacted before they get here.

    ``id`` is time-ordered (UUID version 7), so the newest calls of a person are the end of one index. ``account`` is
    empty for a stranger whose request was refused.
    """

    SENT, ANSWERED, REFUSED, FAILED, UNKNOWN = "sent", "answered", "refused", "failed", "unknown"

    id = models.UUIDField(primary_key=True, editable=False)
    at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, null=True, blank=True, related_name="calls", db_index=False)
    session = models.UUIDField(null=True, blank=True)
    via = models.CharField(max_length=10, blank=True)  # cookie or key
    request_id = models.CharField(max_length=64)

    environment = models.CharField(max_length=200)
    api = models.CharField(max_length=200)
    platform = models.CharField(max_length=200, blank=True)
    operation = models.CharField(max_length=400, blank=True)
    commit = models.CharField(max_length=64, blank=True)  # of the document the call was checked against
    method = models.CharField(max_length=20)
    path = models.TextField()  # below the API's address, as sent
    query = models.TextField(blank=True, default="")  # as sent, secrets masked
    target = models.TextField(blank=True)  # the URL that was called, secrets masked
    mocked = models.BooleanField(default=False)

    state = models.CharField(max_length=10)
    status = models.PositiveSmallIntegerField(null=True, blank=True)  # what the caller got
    origin = models.CharField(max_length=10, blank=True)  # portal or upstream
    code = models.CharField(max_length=60, blank=True)  # of the problem, when the portal answered
    detail = models.TextField(blank=True)

    request_verdict = models.CharField(max_length=10, blank=True)  # valid, invalid, unchecked
    response_verdict = models.CharField(max_length=10, blank=True)
    request_findings = models.JSONField(default=list)
    response_findings = models.JSONField(default=list)
    notes = models.JSONField(default=list)  # what could not be checked, in words
    scopes = models.JSONField(default=list)
    lease = models.CharField(max_length=64, blank=True)

    request_headers = models.JSONField(default=list)  # [name, value] as they left
    withheld = models.JSONField(default=list)  # names of the caller's headers that were not sent on
    request_body = models.TextField(blank=True)
    request_bytes = models.PositiveIntegerField(default=0)
    response_headers = models.JSONField(default=list)  # [name, value] as they came
    stopped = models.JSONField(default=list)  # names of answer headers kept from the browser
    response_body = models.TextField(blank=True)
    response_bytes = models.PositiveIntegerField(default=0)
    truncated = models.BooleanField(default=False)  # the answer was cut at the response cap
    timings = models.JSONField(default=dict)  # milliseconds

    intent_entry = models.BigIntegerField(null=True, blank=True)  # audit entries; no keys, the log outlives the call
    outcome_entry = models.BigIntegerField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["account", "-id"], name="call_mine"),
            models.Index(fields=["at"], condition=models.Q(state="sent"), name="call_in_flight"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.environment}/{self.api}{self.path}"
