"""What runs in the background: sealing, checkpoints, and comparing the log with its seals."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.conf import settings
from django.utils import timezone

from audit.models import Seal, Verification
from audit.sealing import checkpoint_file, due, seal_next, write_checkpoints
from audit.verification import verify_and_keep

logger = structlog.get_logger(__name__)

MOST_BATCHES = 20


def sweep() -> int:
    """Seal what waits, write checkpoints, verify once an hour; how many entries were sealed."""
    sealed = 0
    for _ in range(MOST_BATCHES):
        if not due(timezone.now()) or (seal := seal_next()) is None:
            break
        sealed += seal.count
    write_checkpoints()
    _verify_when_due()
    return sealed


def _verify_when_due() -> None:
    if not Seal.objects.exists() and not checkpoint_file().stat().st_size:
        return  # nothing was promised yet
    newest = Verification.objects.order_by("-at").values_list("at", flat=True).first()
    if newest is not None and newest > timezone.now() - timedelta(seconds=settings.AUDIT_VERIFY_SECONDS):
        return
    result = verify_and_keep()
    if not result.ok:
        logger.critical("audit_log_altered", problems=[problem.text for problem in result.problems[:10]])
