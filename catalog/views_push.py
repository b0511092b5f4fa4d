"""``POST /hooks/git/{source}``: a Git host says that something was pushed. Open to everybody; the signature decides."""

from __future__ import annotations

import structlog
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from catalog import actions, selectors
from catalog.push import secret_of, sender_of
from portal.errors import NotFound, PayloadTooLarge, QuotaExceeded, SignatureRefused, Unavailable
from quotas.actions import Window, spend

logger = structlog.get_logger(__name__)

BODY_LIMIT = 1_048_576  # bytes
FROM_ONE_ADDRESS_A_MINUTE = 240  # signed or not: one Git host may speak for many repositories
FOR_ONE_SOURCE_A_MINUTE = 60


@csrf_exempt
@login_not_required
@require_POST
def pushed(request: HttpRequest, source: str) -> HttpResponse:
    """Make a source due now. Whoever does not know its secret learns no more than that."""
    remote = request.META.get("REMOTE_ADDR", "")
    _bound(f"push-from:{remote}", FROM_ONE_ADDRESS_A_MINUTE)
    named = selectors.current_rules().sources.get(source)
    if named is None or not named.push_secret:
        raise NotFound("No source of this name takes notifications.", code="unknown_source")
    if len(request.body) > BODY_LIMIT:
        raise PayloadTooLarge(f"A notification has at most {BODY_LIMIT:,} bytes.", limit=BODY_LIMIT)
    secret = secret_of(named.push_secret)
    if secret is None:
        logger.error("push_secret_unavailable", source=source, reference=named.push_secret)
        raise Unavailable("The portal cannot check notifications of this source now.", code="secret_unavailable")
    sender = sender_of(request.headers, request.body, secret)
    if not sender:
        logger.warning("push_refused", source=source, remote=remote)
        raise SignatureRefused("The notification is not accepted.")
    _bound(f"push-for:{source}", FOR_ONE_SOURCE_A_MINUTE)
    actions.request_sync_by_push(source, sender=sender, remote=remote)
    return JsonResponse({"source": source}, status=202, headers={"Cache-Control": "no-store"})


def _bound(key: str, limit: int) -> None:
    try:
        spend([Window(name="push", key=key, limit=limit, seconds=60)])
    except QuotaExceeded as error:
        wait = error.headers.get("Retry-After", "60")
        raise QuotaExceeded(
            "Too many notifications came in a minute. The source is read by itself before long.",
            code="too_many_pushes",
            headers={"Retry-After": wait},
        ) from None
