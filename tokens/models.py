"""Token leases: what a sign-in holds of a platform, without the token itself."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from identity.models import SsoSession


class TokenLease(models.Model):
    """One sign-in's hold on one principal's token with exactly these scopes. Ended is final; a new ask makes a new lease.

    ``generation`` counts the tokens it has had or lost; 0 is none yet. The row is also the lock of the exchange
    (``exchanging_until``).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(SsoSession, on_delete=models.CASCADE, related_name="token_leases")
    platform = models.CharField(max_length=60)
    environment = models.CharField(max_length=60)
    principal = models.CharField(max_length=60)
    scopes = models.JSONField(default=list)
    scopes_digest = models.CharField(max_length=64)  # sha256 of the sorted scopes, hex
    bound_by = models.CharField(max_length=10, default="platform")  # who enforces the scopes: platform or portal
    injected = models.JSONField(default=dict)  # the person's groups and role as the token request carries them (P34)
    purpose = models.CharField(max_length=200, blank=True)
    automatic = models.BooleanField(default=False)  # taken by a call, not asked for
    created_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField()  # nothing of this lease lives longer
    generation = models.PositiveIntegerField(default=0)
    fingerprint = models.CharField(max_length=16, blank=True)  # keyed, of the current token
    issued_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)  # of the current token, as far as the portal hands it out
    upstream_expires_at = models.DateTimeField(null=True, blank=True)  # of the current token, at the platform
    refresh_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revealed_at = models.DateTimeField(null=True, blank=True)
    refresh_failures = models.PositiveSmallIntegerField(default=0)  # tries in a row that failed because the platform is away
    failing_since = models.DateTimeField(null=True, blank=True)
    retry_at = models.DateTimeField(null=True, blank=True)  # while it fails: when the portal tries again; no token until then
    exchanging_until = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["session", "platform", "environment", "scopes_digest"],
                condition=models.Q(ended_at=None),
                name="lease_one_live",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["session", "platform", "environment"], condition=models.Q(ended_at=None), name="lease_live"),
            models.Index(fields=["expires_at"], condition=models.Q(ended_at=None), name="lease_live_expiry"),
            models.Index(fields=["refresh_at"], condition=models.Q(ended_at=None), name="lease_live_refresh"),
        ]

    def __str__(self) -> str:
        return f"token for {self.platform} in {self.environment}"


class SealedToken(models.Model):
    """The current token of a lease, encrypted; beside the lease so that reading leases never reads tokens."""

    lease = models.OneToOneField(TokenLease, primary_key=True, on_delete=models.CASCADE, related_name="sealed_token")
    generation = models.PositiveIntegerField()
    sealed = models.BinaryField()

    def __str__(self) -> str:
        return f"sealed token {self.generation} of {self.lease_id}"


class Revocation(models.Model):
    """A token the platform is still to be told about (RFC 7009): replaced, ended or unwanted. Gone once it is told."""

    lease_id = models.UUIDField()
    platform = models.CharField(max_length=60)
    environment = models.CharField(max_length=60)
    principal = models.CharField(max_length=60)
    generation = models.PositiveIntegerField(default=0)  # of the token in the lease
    sealed = models.BinaryField(default=b"")  # b"" while it lies in a Redis that was away when it should have been fetched
    due_at = models.DateTimeField(db_index=True)
    until = models.DateTimeField()  # the token ends by itself
    attempts = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"revocation for {self.platform} in {self.environment}"
