"""Limits raised for a while: who asked for how much and why, who decided, and until when."""

from __future__ import annotations

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("gateway", "0003_replay_of_a_call"),
    ]

    operations = [
        migrations.CreateModel(
            name="Elevation",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("per_minute", models.PositiveIntegerField()),
                ("minutes", models.PositiveIntegerField()),
                ("reason", models.CharField(max_length=500)),
                ("state", models.CharField(default="pending", max_length=10)),
                ("requested_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("until", models.DateTimeField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="elevations", to=settings.AUTH_USER_MODEL),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("state", "approved")), fields=["until"], name="elevation_in_force"),
                    models.Index(fields=["-requested_at"], name="elevation_newest"),
                ],
                "constraints": [
                    models.UniqueConstraint(condition=models.Q(("state", "pending")), fields=("account",), name="elevation_one_pending"),
                    models.CheckConstraint(
                        condition=models.Q(("state", "approved"), ("until__isnull", False))
                        | models.Q(models.Q(("state", "approved"), _negated=True), ("until", None)),
                        name="elevation_approved_ends",
                    ),
                ],
            },
        ),
    ]
