"""Production wake-ups. Celery carries no state: each task runs one sweep, and the sweep claims due rows."""

from __future__ import annotations

import os

from celery import Celery
from django.utils.module_loading import import_string

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_serializer="json",
    accept_content=["json"],
    # A wake-up that nobody took in time is worthless: the next one does the same.
    task_default_expires=60,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": 3600},
)


@app.task(name="portal.sweep")
def sweep(name: str) -> None:
    """Run the sweep called ``name`` (a dotted path out of ``settings.SWEEPS``)."""
    from django.conf import settings  # noqa: PLC0415  (the worker configures Django after importing this module)

    if name in settings.SWEEPS:
        import_string(name)()
