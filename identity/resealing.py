"""Encrypting what is kept with the first of PORTAL_ENCRYPTION_KEYS again, so that the others can be dropped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.db import models, transaction

from audit.actions import PORTAL, record
from identity.encryption import SealBroken, resealed

BATCH = 200


@dataclass(frozen=True, slots=True)
class Resealed:
    """What was found in one place. ``broken`` fits none of the keys and stays as it is."""

    place: str
    current: int = 0
    changed: int = 0
    broken: int = 0


def encrypted_fields() -> list[tuple[type[models.Model], str]]:
    """Every field that holds something sealed, by the names such fields have: ``sealed``, ``…_sealed``, ``…_encrypted``."""
    return [
        (model, field.name)
        for model in apps.get_models()
        for field in model._meta.local_concrete_fields
        if isinstance(field, models.BinaryField) and (field.name == "sealed" or field.name.endswith(("_sealed", "_encrypted")))
    ]


def reseal_rows() -> Iterator[Resealed]:
    """Go through every encrypted field. A row that changes meanwhile is left alone: whoever writes uses the first key."""
    for model, field in encrypted_fields():
        current = changed = broken = 0
        rows = model._base_manager.exclude(**{field: b""}).exclude(**{field: None}).order_by("pk").values_list("pk", field)
        for pk, sealed in list(rows.iterator(chunk_size=BATCH)):
            try:
                fresh = resealed(sealed)
            except SealBroken:
                broken += 1
                continue
            if fresh is None:
                current += 1
            else:
                changed += model._base_manager.filter(pk=pk, **{field: sealed}).update(**{field: fresh})
        yield Resealed(f"{model._meta.label} {field}", current, changed, broken)


@transaction.atomic
def note_resealing(places: list[Resealed]) -> None:
    """Write down that what is kept was encrypted anew."""
    record(
        "encryption:rotated",
        by=PORTAL,
        outcome="failed" if any(one.broken for one in places) else "ok",
        changed=sum(one.changed for one in places),
        current=sum(one.current for one in places),
        broken=sum(one.broken for one in places),
    )
