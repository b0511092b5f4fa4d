"""What is sent and answered, as serializers."""

from __future__ import annotations

import base64
from typing import Any

from rest_framework import serializers

from harness.models import Delivery, Sending
from harness.sending.faults import FAULTS
from harness.signatures.registry import PROFILES


class HookRequest(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    profile = serializers.ChoiceField(choices=sorted(PROFILES))
    secret = serializers.CharField(
        trim_whitespace=False, max_length=512, write_only=True, help_text="Kept encrypted and never shown again."
    )
    debug = serializers.BooleanField(default=False, help_text="Keep the steps of each verification.")
    settings = serializers.DictField(
        required=False, help_text="What is changed of the profile; GET /api/v1/hook-profiles names what may be."
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True, help_text="The address answers 404 from then on.")


class HookChange(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100, required=False)
    profile = serializers.ChoiceField(choices=sorted(PROFILES), required=False)
    secret = serializers.CharField(
        trim_whitespace=False,
        max_length=512,
        write_only=True,
        required=False,
        help_text="Counts at once; the one before it counts for another day.",
    )
    debug = serializers.BooleanField(required=False)
    settings = serializers.DictField(required=False)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class ProfileShown(serializers.Serializer[Any]):
    name = serializers.CharField()
    title = serializers.CharField()
    documented = serializers.BooleanField(help_text="Whether the vendor describes exactly this; false for a preset of ours.")
    documentation = serializers.CharField(source="source")
    header = serializers.CharField()
    algorithm = serializers.CharField()
    key = serializers.CharField()
    encoding = serializers.CharField()
    prefix = serializers.CharField()
    template = serializers.CharField()
    tolerance = serializers.IntegerField(allow_null=True, help_text="Seconds either way; null where no time is signed.")
    id_header = serializers.CharField()
    settings = serializers.ListField(child=serializers.CharField(), help_text="What an owner may change.")


class ProfileList(serializers.Serializer[Any]):
    results = ProfileShown(many=True)
    next = serializers.URLField(allow_null=True)


class SecretShown(serializers.Serializer[Any]):
    fingerprint = serializers.CharField()
    length = serializers.IntegerField()
    added_at = serializers.DateTimeField()
    retires_at = serializers.DateTimeField(allow_null=True)


class HookShown(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    profile = serializers.CharField()
    header = serializers.CharField(help_text="Where the signature is expected.")
    settings = serializers.DictField()
    debug = serializers.BooleanField()
    expires_at = serializers.DateTimeField(allow_null=True)
    url = serializers.URLField(help_text="Where the platform must send to.")
    secrets = SecretShown(many=True)
    created_at = serializers.DateTimeField()
    received = serializers.IntegerField()
    refused = serializers.IntegerField()
    last_at = serializers.DateTimeField(allow_null=True)


class HookList(serializers.Serializer[Any]):
    results = HookShown(many=True)
    next = serializers.URLField(allow_null=True)


class DeliverySummary(serializers.ModelSerializer[Delivery]):
    request_id = serializers.CharField(source="sender_id")
    duplicate_of = serializers.UUIDField(source="duplicate_of_id", allow_null=True)

    class Meta:
        model = Delivery
        fields = (
            "id", "received_at", "verdict", "reason", "status", "request_id", "remote", "size", "sha256", "duplicate_of", "repeats",
            "rechecked_at",
        )  # fmt: skip


class StepShown(serializers.Serializer[Any]):
    title = serializers.CharField()
    state = serializers.ChoiceField(choices=["good", "bad", "info"])
    text = serializers.CharField()
    values = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))


class DeliveryShown(DeliverySummary):
    """``body`` is Base64 of the exact bytes; ``body_text`` the same as UTF-8, null when they are not. ``steps`` with debug only."""

    hook = serializers.UUIDField(source="endpoint_id")
    body = serializers.SerializerMethodField()
    body_text = serializers.SerializerMethodField()
    steps = StepShown(many=True)
    headers = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))

    def get_body(self, delivery: Delivery) -> str:
        return base64.b64encode(bytes(delivery.body)).decode()

    def get_body_text(self, delivery: Delivery) -> str | None:
        try:
            return bytes(delivery.body).decode()
        except UnicodeDecodeError:
            return None

    class Meta(DeliverySummary.Meta):
        fields = (*DeliverySummary.Meta.fields, "hook", "secret", "skew", "query", "headers", "body", "body_text", "steps")  # type: ignore[assignment]


class DeliveryList(serializers.Serializer[Any]):
    results = DeliverySummary(many=True)
    next = serializers.URLField(allow_null=True)


class LineShown(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="node, python, go, java, csharp or php.")
    language = serializers.CharField()
    highlight = serializers.CharField(help_text="The language's name for syntax colouring.")
    code = serializers.CharField()
    why = serializers.CharField()


class FindingShown(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="Stable; several joined with + are mistakes made at once.")
    area = serializers.CharField()
    title = serializers.CharField()
    text = serializers.CharField()
    proved = serializers.BooleanField(help_text="The value that arrived came out of exactly this mistake.")
    changes = serializers.ListField(child=serializers.CharField())
    secret = serializers.CharField(help_text="Fingerprint of the secret it came out with.")
    signed = serializers.CharField(help_text="What was signed, white space made visible.")
    difference = serializers.CharField()
    lines = LineShown(many=True, help_text="The line of the sender to change.")


class SearchShown(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=["queued", "running", "done", "failed"])
    progress = serializers.IntegerField(help_text="Percent of the level that is being searched.")
    level = serializers.IntegerField(help_text="How many mistakes at once were tried.")
    tried = serializers.IntegerField()
    whole = serializers.BooleanField(help_text="False when the budget ended before the level did.")
    requested_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class DiagnosisShown(serializers.Serializer[Any]):
    delivery = serializers.UUIDField()
    state = serializers.ChoiceField(choices=["explained", "searching", "not_explained"])
    findings = FindingShown(many=True)
    search = SearchShown(allow_null=True)


class SendRequest(serializers.Serializer[Any]):
    payload = serializers.CharField(
        required=False, allow_blank=True, trim_whitespace=False, help_text="Sent as UTF-8, byte for byte; a small sample when left out."
    )
    content_type = serializers.CharField(default="application/json", max_length=100)
    fault = serializers.ChoiceField(
        choices=sorted(FAULTS), default="", allow_blank=True, help_text="What to do wrong on purpose; empty: nothing."
    )
    target = serializers.URLField(
        default="", allow_blank=True, max_length=500, help_text="A receiver on the allow-list; empty: this webhook itself."
    )
    repeat = serializers.IntegerField(default=1, min_value=1, max_value=5, help_text="The very same delivery this many times.")


class SendingShown(serializers.ModelSerializer[Sending]):
    body = serializers.SerializerMethodField(help_text="Base64 of the bytes that were sent.")
    answer_body = serializers.SerializerMethodField(help_text="Base64 of the answer, at most 64 KB.")
    delivery = serializers.UUIDField(source="delivery_id", allow_null=True)

    def get_body(self, sending: Sending) -> str:
        return base64.b64encode(bytes(sending.body)).decode()

    def get_answer_body(self, sending: Sending) -> str:
        return base64.b64encode(bytes(sending.answer_body)).decode()

    class Meta:
        model = Sending
        fields = (
            "id", "at", "target", "fault", "headers", "body", "status", "answer_headers", "answer_body", "truncated", "error", "duration_ms",
            "delivery",
        )  # fmt: skip


class SendingList(serializers.Serializer[Any]):
    results = SendingShown(many=True)
    next = serializers.URLField(allow_null=True)
