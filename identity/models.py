"""People, their sign-ins, the keys that hang on a sign-in, and what their groups allow."""

from __future__ import annotations

import hashlib
import uuid
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import UserManager
from django.db import models
from django.utils import timezone


class Account(AbstractBaseUser):
    """A person as one identity provider knows them: issuer and subject together, never the e-mail address."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    username = models.CharField(max_length=64, unique=True)  # sha256 of issuer and subject, hex
    name = models.CharField(max_length=255, blank=True)
    email = models.EmailField(blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = UserManager["Account"]()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["issuer", "subject"], name="account_issuer_subject")]

    def __str__(self) -> str:
        return self.name or self.email or self.subject

    @staticmethod
    def username_for(issuer: str, subject: str) -> str:
        """One name for issuer and subject together; the separator is in neither."""
        return hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest()


class SsoSession(models.Model):
    """One sign-in: the parent of every token lease and access key. Ended is final."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="sso_sessions")
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    sid = models.CharField(max_length=255, blank=True)  # the provider's session id, for back-channel logout
    session_key = models.CharField(max_length=40)  # identity.browser_sessions.row_of of the browser's
    groups = models.JSONField(default=list)
    groups_in = models.CharField(max_length=10, blank=True)  # where the provider names them: id_token, userinfo, "" for nowhere
    id_token_encrypted = models.BinaryField(default=b"")  # id_token_hint of RP-initiated logout
    refresh_token_encrypted = models.BinaryField(default=b"")  # for asking the provider whether the sign-in still stands
    user_agent = models.CharField(max_length=255, blank=True)
    remote = models.CharField(max_length=64, blank=True)  # the address it was made from
    created_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()  # absolute end
    revalidate_at = models.DateTimeField(null=True, blank=True)  # when the provider is asked again; None: it lent no refresh token
    asking_until = models.DateTimeField(null=True, blank=True)  # somebody is asking: a refresh token is good for one question
    revalidated_at = models.DateTimeField(null=True, blank=True)  # when it last said that the sign-in stands
    unanswered_since = models.DateTimeField(null=True, blank=True)  # since when it cannot be asked
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["issuer", "sid"], name="sso_issuer_sid"),
            models.Index(fields=["session_key"], name="sso_session_key"),
            models.Index(fields=["issuer", "subject"], name="sso_issuer_subject"),
            models.Index(fields=["expires_at"], condition=models.Q(ended_at=None), name="sso_live_expiry"),
            models.Index(fields=["last_seen_at"], condition=models.Q(ended_at=None), name="sso_live_idle"),
            models.Index(fields=["revalidate_at"], condition=models.Q(ended_at=None), name="sso_live_revalidate"),
        ]

    def __str__(self) -> str:
        return f"sign-in {self.id}"


class AccessKey(models.Model):
    """A bearer key for curl and scripts; dies with the sign-in it was made in. Only its hash is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(SsoSession, on_delete=models.CASCADE, related_name="access_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16)
    key_hash = models.CharField(max_length=64, unique=True)  # sha256, hex: the key has 256 random bits
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class SpentLogoutToken(models.Model):
    """A logout token that was accepted: it is not accepted again while it could still be valid."""

    id = models.CharField(primary_key=True, max_length=64)  # sha256 of issuer and jti, hex
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"logout token {self.id[:12]}"

    @staticmethod
    def id_for(issuer: str, jti: str) -> str:
        return hashlib.sha256(f"{issuer}\n{jti}".encode()).hexdigest()


class GroupGrant(models.Model):
    """What one group of the identity provider may do. Derived from access.yaml at ``commit``; never edited."""

    group = models.CharField(max_length=200, unique=True)
    role = models.CharField(max_length=20)
    environments = models.JSONField(default=list)  # names
    write = models.JSONField(default=list)  # names of environments where unsafe methods are allowed
    per_minute = models.PositiveIntegerField(null=True, blank=True)
    scopes = models.JSONField(default=dict)  # platform -> [scope]
    commit = models.CharField(max_length=64)

    def __str__(self) -> str:
        return self.group
