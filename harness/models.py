"""Webhooks people test with, and what was delivered to them."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone


class HookEndpoint(models.Model):
    """One address a platform may send to. Only its owner sees it and what arrived.

    The token in the address is found by its hash and kept encrypted, so that the owner can read the address again.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="hook_endpoints")
    name = models.CharField(max_length=100)
    profile = models.CharField(max_length=40)  # a key of harness.signatures.registry.PROFILES
    settings = models.JSONField(default=dict)  # what the owner changed of the profile
    debug = models.BooleanField(default=False)  # keep the steps of each verification
    token_hash = models.CharField(max_length=64, unique=True)  # sha256, hex: the token has 256 random bits
    token_encrypted = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)  # answers 404 from then on
    rotated_at = models.DateTimeField(null=True, blank=True)  # when the address was last replaced
    deleted_at = models.DateTimeField(null=True, blank=True)  # answers 410 for a day, then 404

    class Meta:
        indexes: ClassVar = [models.Index(fields=["owner", "created_at"], name="hook_owner")]

    def __str__(self) -> str:
        return self.name


class HookSecret(models.Model):
    """A secret of an endpoint, encrypted, never shown again. Two may live at once while a platform is switched over."""

    endpoint = models.ForeignKey(HookEndpoint, on_delete=models.CASCADE, related_name="secrets")
    value_encrypted = models.BinaryField()
    fingerprint = models.CharField(max_length=8)  # keyed hash, hex: tells secrets apart, says nothing about them
    length = models.PositiveIntegerField()  # bytes
    added_at = models.DateTimeField(default=timezone.now)
    retires_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"secret {self.fingerprint}"


class Delivery(models.Model):
    """One request to ``/in/…``, byte for byte, with the verdict on it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    endpoint = models.ForeignKey(HookEndpoint, on_delete=models.CASCADE, related_name="deliveries")
    received_at = models.DateTimeField(default=timezone.now)
    verdict = models.CharField(max_length=20)  # verified, duplicate, refused
    rechecked_at = models.DateTimeField(null=True, blank=True)  # when its owner last had it verified again
    reason = models.CharField(max_length=40, blank=True)  # of a refusal; of a duplicate what was the same
    status = models.PositiveSmallIntegerField()  # what the sender was answered
    sender_id = models.CharField(max_length=200, blank=True)  # X-Request-Id as sent
    remote = models.CharField(max_length=64, blank=True)
    query = models.TextField(blank=True)
    headers = models.JSONField(default=list)  # [[name, value], …] in order, credentials masked
    headers_sealed = models.BinaryField(null=True, blank=True)  # of a refused one: the same unmasked, encrypted, to verify it again
    body = models.BinaryField()
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    secret = models.CharField(max_length=8, blank=True)  # fingerprint of the one that fitted
    steps = models.JSONField(default=list)  # only of endpoints with debug
    skew = models.BigIntegerField(null=True, blank=True)  # the sender's clock less ours, seconds; where a time is signed
    repeats = models.PositiveIntegerField(default=0)  # how often the same came again
    duplicate_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="duplicates")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["endpoint", "-received_at"], name="delivery_inbox"),
        ]

    def __str__(self) -> str:
        return f"{self.received_at:%Y-%m-%d %H:%M:%S} {self.verdict}"


class Remembered(models.Model):
    """That something verified came in: kept longer than the delivery itself may be, so that a flood makes nobody forget an id."""

    endpoint = models.ForeignKey(HookEndpoint, on_delete=models.CASCADE, related_name="remembered")
    sender_id = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64)  # of the body
    at = models.DateTimeField()
    first = models.ForeignKey(Delivery, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["endpoint", "sender_id"], name="remembered_sender"),
            models.Index(fields=["endpoint", "sha256"], name="remembered_digest"),
            models.Index(fields=["at"], name="remembered_at"),
        ]

    def __str__(self) -> str:
        return f"{self.sender_id or self.sha256[:12]} at {self.at:%Y-%m-%d %H:%M:%S}"


class DeepSearch(models.Model):
    """The longer search for what is wrong with a refused delivery. The row is the queue: a worker claims it when it is due."""

    QUEUED, RUNNING, DONE, FAILED = "queued", "running", "done", "failed"

    delivery = models.OneToOneField(Delivery, on_delete=models.CASCADE, related_name="deep_search")
    state = models.CharField(max_length=10, default=QUEUED)
    requested_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(null=True, blank=True, default=timezone.now)  # None when there is nothing left to do
    lease_owner = models.CharField(max_length=32, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    progress = models.PositiveSmallIntegerField(default=0)  # percent of the level that is being searched
    tried = models.PositiveIntegerField(default=0)
    level = models.PositiveSmallIntegerField(default=0)  # how many mistakes at once were tried
    whole = models.BooleanField(default=True)  # False: the budget ended first
    findings = models.JSONField(default=list)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["due_at"], name="deep_search_due")]

    def __str__(self) -> str:
        return f"search of {self.delivery_id}: {self.state}"


class Sending(models.Model):
    """One delivery the bench sent itself: to its own endpoint, or to a receiver on the allow-list. Written before it leaves."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    endpoint = models.ForeignKey(HookEndpoint, on_delete=models.CASCADE, related_name="sendings")
    at = models.DateTimeField(default=timezone.now)
    target = models.CharField(max_length=500, blank=True)  # "" is the endpoint itself
    fault = models.CharField(max_length=20, blank=True)  # a key of harness.sending.faults.FAULTS
    headers = models.JSONField(default=list)  # [[name, value], …] as sent
    body = models.BinaryField()
    status = models.PositiveSmallIntegerField(null=True, blank=True)  # None: no answer
    answer_headers = models.JSONField(default=list)  # masked
    answer_body = models.BinaryField(default=bytes)
    truncated = models.BooleanField(default=False)
    error = models.CharField(max_length=300, blank=True)
    duration_ms = models.FloatField(null=True, blank=True)
    delivery = models.ForeignKey(Delivery, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")  # of one to itself

    class Meta:
        indexes: ClassVar = [models.Index(fields=["endpoint", "-at"], name="sending_newest")]

    def __str__(self) -> str:
        return f"{self.fault or 'signed'} to {self.target or 'itself'}"
