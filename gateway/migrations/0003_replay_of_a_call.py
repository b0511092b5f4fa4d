"""Which call a call repeats, so that the two can be compared."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0002_query_of_a_call"),
    ]

    operations = [
        migrations.AddField(
            model_name="call",
            name="replay_of",
            field=models.UUIDField(blank=True, null=True),
        ),
    ]
