"""Keys of browser sessions become hashes. Nobody is signed out; on the way back everybody is, because a hash opens nothing."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db import migrations


def hash_keys(apps: Any, schema_editor: Any) -> None:
    for model in (apps.get_model("sessions", "Session"), apps.get_model("identity", "SsoSession")):
        for key in list(model.objects.values_list("session_key", flat=True)):
            model.objects.filter(session_key=key).update(session_key=hashlib.sha256(key.encode()).hexdigest()[:40])


def forget(apps: Any, schema_editor: Any) -> None:
    apps.get_model("sessions", "Session").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [
        ("identity", "0003_revalidation"),
        ("sessions", "0001_initial"),
    ]

    operations = [
        migrations.RunPython(hash_keys, forget),
    ]
