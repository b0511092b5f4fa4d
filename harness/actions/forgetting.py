"""What is kept no longer."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from harness import selectors
from harness.actions.receiving import REMEMBERED_FOR
from harness.models import Delivery, HookEndpoint, HookSecret, Remembered, Sending

KEPT_FOR = timedelta(days=7)


@transaction.atomic
def forget_old(now: datetime) -> int:
    """Remove deliveries and sendings after KEPT_FOR, what was remembered of them after a day, secrets that retired, and endpoints a day after
    their deletion; how many rows."""
    old, _ = Delivery.objects.filter(received_at__lt=now - KEPT_FOR).delete()
    sent, _ = Sending.objects.filter(at__lt=now - KEPT_FOR).delete()
    remembered, _ = Remembered.objects.filter(at__lt=now - REMEMBERED_FOR).delete()
    retired, _ = HookSecret.objects.filter(retires_at__lt=now).delete()
    gone, _ = HookEndpoint.objects.filter(deleted_at__lt=now - selectors.GONE_FOR).delete()
    return old + sent + remembered + retired + gone
