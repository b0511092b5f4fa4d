from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from audit import sealing
from audit.actions import PORTAL, record
from audit.merkle import leaf_hash, tree_hash
from audit.models import Entry, Seal, Verification
from audit.sealing import seal_next, write_checkpoints
from audit.tasks import sweep
from audit.verification import verify

triggers = import_module("audit.migrations.0003_append_only")
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, settings: Any) -> None:
    settings.PORTAL_HOME = tmp_path


def write(count: int) -> list[int]:
    return [record("session:ended", by=PORTAL, subject=str(number), reason="idle") for number in range(count)]


def sealed(count: int) -> list[int]:
    numbers = write(count)
    assert seal_next() is not None
    write_checkpoints()
    return numbers


class Tampered:
    """What somebody with the rights of the table's owner can do."""

    def __enter__(self) -> None:
        triggers.unprotect(connection)

    def __exit__(self, *_: object) -> None:
        triggers.protect(connection)


def kinds() -> list[tuple[str, int | None, int | None]]:
    return [(problem.kind, problem.entry, problem.seal) for problem in verify().problems]


def rfc6962(leaves: list[bytes]) -> bytes:
    """The definition, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + rfc6962(leaves[:split]) + rfc6962(leaves[split:])).digest()


@given(st.lists(st.binary(max_size=4), max_size=70))
def test_the_tree_is_the_one_of_rfc_6962(data: list[bytes]) -> None:
    leaves = [leaf_hash(item) for item in data]
    assert tree_hash(leaves) == rfc6962(leaves)


@pytest.mark.parametrize("model", [Entry, Seal])
def test_the_database_refuses_to_change_or_remove(model: Any) -> None:
    sealed(1)
    changes: list[Callable[[], Any]] = [lambda: model.objects.update(at=timezone.now()), lambda: model.objects.all().delete()]
    for change in changes:
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()
    assert model.objects.count() == 1


def test_a_whole_log_is_sound() -> None:
    sealed(5)
    numbers = sealed(3)
    write(2)
    result = verify()
    assert (result.ok, result.entries, result.sealed_to, result.waiting) == (True, 8, numbers[-1], 2)


def test_an_altered_entry_is_named() -> None:
    numbers = sealed(4)
    with Tampered():
        Entry.objects.filter(pk=numbers[2]).update(actor_name="nobody")
    assert kinds() == [("entry_altered", numbers[2], 1)]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL refuses bytes that are no text")
@pytest.mark.parametrize("table", ["audit_entry", "audit_seal"])
def test_what_cannot_even_be_read_is_named(table: str) -> None:
    numbers = sealed(3)
    column, key = ("actor_name", "id") if table == "audit_entry" else ("root", "number")
    number = numbers[1] if table == "audit_entry" else 1
    with Tampered(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {column} = CAST(x'ff' AS text) WHERE {key} = %s", [number])
    found = kinds()
    assert found[0] == (("entry_altered", number, 1) if table == "audit_entry" else ("seal_forged", None, 1))


def test_an_entry_before_the_first_number_is_named() -> None:
    sealed(1)
    with Tampered():
        Entry.objects.create(id=-7, at=timezone.now(), action="session:ended", outcome="ok", actor_name="Forged Person")
    assert kinds() == [("entry_unsealed", -7, None)]


@pytest.mark.parametrize("written", [b"\x00\xff rubbish\n", b'{"number": 99999, "last_entry": "x"}\n', b'{"number": "1"}\n'])
def test_checkpoints_somebody_wrote_over_are_named(written: bytes) -> None:
    sealed(1)
    sealing.checkpoint_file().write_bytes(written)
    assert kinds() == [("checkpoints_damaged", None, None)]


def test_altered_data_is_named() -> None:
    numbers = sealed(2)
    with Tampered():
        Entry.objects.filter(pk=numbers[0]).update(data={"reason": "other"})
    assert kinds() == [("entry_altered", numbers[0], 1)]


def test_a_removed_entry_is_named() -> None:
    numbers = sealed(4)
    with Tampered():
        Entry.objects.filter(pk=numbers[1]).delete()
    assert kinds() == [("entry_removed", numbers[1], 1)]


def test_a_tail_cut_off_with_its_seals_is_seen_from_outside() -> None:
    sealed(2)
    numbers = sealed(3)
    with Tampered():
        Entry.objects.filter(pk__in=numbers).delete()
        Seal.objects.filter(number=2).delete()
    assert kinds() == [("tail_cut", numbers[-1], 2)]


def test_a_removed_seal_is_named() -> None:
    for _ in range(3):
        sealed(1)
    with Tampered():
        Seal.objects.filter(number=2).delete()
    assert ("seal_missing", None, 2) in kinds()


def test_a_seal_made_anew_over_altered_entries_is_not_authentic() -> None:
    numbers = sealed(3)
    with Tampered():
        Entry.objects.filter(pk=numbers[0]).update(actor_name="nobody")
        seal = Seal.objects.get()
        leaves = [sealing.entry_leaf(row) for row in Entry.objects.order_by("id").values(*sealing.ENTRY_FIELDS)]
        seal.leaves, seal.root = b"".join(leaves), tree_hash(leaves).hex()
        seal.hash = sealing.seal_hash(seal)
        seal.mac = hmac.new(b"a guess", seal.hash.encode(), "sha256").hexdigest()
        seal.save()
    assert set(kinds()) == {("seal_forged", None, 1)}


def test_a_seal_changed_in_place_is_named() -> None:
    sealed(3)
    with Tampered():
        Seal.objects.update(missing=[[1, 1]])
    assert ("seal_forged", None, 1) in kinds()


@pytest.mark.parametrize(
    "column", ["mac = 'é'", "mac = ''", "last_entry = 9223372036854775807", "missing = '[[1, 9000000000000000000]]'", "count = 0"]
)
def test_whatever_a_tampering_hand_writes_into_a_seal_is_named(column: str) -> None:
    sealed(3)
    with Tampered(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE audit_seal SET {column}")
    assert ("seal_forged", None, 1) in kinds()


def test_leaves_of_another_type_are_named() -> None:
    sealed(3)
    with Tampered(), connection.cursor() as cursor:
        cursor.execute("UPDATE audit_seal SET leaves = %s", [b"abc"])
    assert ("seal_forged", None, 1) in kinds()


def test_a_seal_that_differs_from_its_checkpoint_is_named() -> None:
    sealed(1)
    path = sealing.checkpoint_file()
    line = orjson.loads(path.read_bytes())
    path.write_bytes(orjson.dumps(line | {"hash": "0" * 64}) + b"\n")
    assert kinds() == [("seal_forged", None, 1)]


def test_an_entry_committed_late_is_sealed_with_the_next_batch() -> None:
    """PostgreSQL hands out ids before the commit: a slow transaction's entry appears below the last seal."""
    first = write(3)
    with Tampered():
        row = Entry.objects.filter(pk=first[1]).values().get()
        Entry.objects.filter(pk=first[1]).delete()
    seal = seal_next()
    assert seal is not None
    assert seal.missing[-1] == [first[1], first[1]]
    Entry.objects.create(**row)
    assert kinds() == [("entry_unsealed", first[1], None)]
    later = write(1)
    second = seal_next()
    assert second is not None
    assert (second.late, second.count) == ([first[1]], 2)
    assert verify().ok
    assert seal_next() is None
    with Tampered():
        Entry.objects.filter(pk=first[1]).update(code="x")
    assert kinds() == [("entry_altered", first[1], 2)]
    assert later


def test_keys_may_be_rotated_and_a_later_seal_vouches_for_those_of_a_lost_key(settings: Any) -> None:
    from cryptography.fernet import Fernet

    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.PORTAL_ENCRYPTION_KEYS = [old]
    sealed(1)
    settings.PORTAL_ENCRYPTION_KEYS = [new]
    assert kinds() == [("key_unknown", None, 1)]
    sealed(1)
    assert verify().ok
    settings.PORTAL_ENCRYPTION_KEYS = [new, old]
    assert verify().ok


def test_checkpoints_missing_after_a_crash_are_written_by_the_next_sweep() -> None:
    for _ in range(3):
        sealed(1)
    path = sealing.checkpoint_file()
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) == 3
    path.write_bytes(lines[0] + lines[1][:20])
    assert write_checkpoints() == 2
    assert [checkpoint["number"] for checkpoint in sealing.read_checkpoints()] == [1, 2, 3]
    assert write_checkpoints() == 0


def test_the_sweep_seals_what_has_waited_and_verifies() -> None:
    write(3)
    assert sweep() == 0
    assert not Verification.objects.exists()  # "verified to entry 0" would say nothing
    with Tampered():
        Entry.objects.update(at=timezone.now() - timedelta(seconds=10))
    assert sweep() == 3
    verification = Verification.objects.get()
    assert (verification.ok, verification.entries) == (True, 3)
    assert sealing.checkpoint_file().exists()


def test_many_entries_are_sealed_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 10)
    write(25)
    assert sweep() >= 20
    assert seal_next() is None or Seal.objects.count() == 3
    assert verify().ok


def test_a_jump_of_the_ids_costs_nothing() -> None:
    numbers = sealed(1)
    Entry.objects.create(id=numbers[0] + 10**12, at=timezone.now(), action="session:ended", outcome="ok")
    seal_next()
    assert verify().ok


@pytest.mark.django_db(transaction=True)
def test_two_processes_sealing_at_once_make_one_seal() -> None:
    import threading
    from contextlib import suppress

    from django.db import OperationalError, connections

    with transaction.atomic():
        write(20)
    made: list[Any] = []

    def work() -> None:
        # In memory SQLite refuses at once where a file would make one wait for the other.
        try:
            with suppress(OperationalError):
                made.append(seal_next())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Seal.objects.count() == 1
    assert sum(seal is not None for seal in made) == 1
    assert verify().ok
