"""``./manage.py encryption rotate``: encrypt everything kept with the first of PORTAL_ENCRYPTION_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from redis.exceptions import RedisError

from identity.resealing import Resealed, note_resealing, reseal_rows
from tokens import store


class Command(BaseCommand):
    help = (
        "Encrypt everything kept with the first of PORTAL_ENCRYPTION_KEYS. Put a new key in front, restart everything, run this, "
        "and the old key can go. Says what fits none of the keys and then ends with status 1; nothing is ever deleted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=["rotate"])

    def handle(self, *args: Any, **options: Any) -> None:
        places = list(reseal_rows())
        try:
            places.append(Resealed("tokens in Redis", *store.reseal()))
        except RedisError as error:
            raise CommandError(f"Redis cannot be asked ({type(error).__name__}); keep the old key and run this again.") from None
        note_resealing(places)
        for one in places:
            broken = f", {one.broken} fit none of the keys" if one.broken else ""
            self.stdout.write(f"{one.place}: {one.changed} encrypted anew, {one.current} were already{broken}")
        if any(one.broken for one in places):
            raise CommandError("Something fits none of the keys: list the key it was sealed with, and run this again.")
        self.stdout.write("Everything is encrypted with the first key; the others can go.")
