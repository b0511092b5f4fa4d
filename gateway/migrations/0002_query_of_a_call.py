"""What was asked for beside the path, so that two calls of one path can be told apart."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0001_calls"),
    ]

    operations = [
        migrations.AddField(
            model_name="call",
            name="query",
            field=models.TextField(blank=True, default=""),
        ),
    ]
