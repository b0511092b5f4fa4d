"""Statements of the hot path: what the ORM would run, made once and run many times.

The ORM builds its SQL anew for every query, and a model for every row written; on the way of a call that costs several
times what the database takes. Here the SQL, the converters and the column order are the ORM's own, asked for once a
database; only the values are new. Thread-safe.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, models
from django.db.backends.base.base import BaseDatabaseWrapper

Adapter = Callable[[Any], Any]


@contextmanager
def impatient(milliseconds: int = 250) -> Iterator[None]:
    """What is written inside gives up on a locked SQLite after ``milliseconds``: it is not worth waiting for. Raises OperationalError."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        patience = int(cursor.fetchone()[0])
        cursor.execute(f"PRAGMA busy_timeout = {milliseconds:d}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {patience:d}")


class FirstRow:
    """The first row of a query over one text value, as ``values_list(…).first()`` would give it.

    ``make(value)`` builds the query; it must use the value exactly once, compared as it is with a text column.
    """

    _STAND_IN = "\x01value\x01"

    def __init__(self, make: Callable[[str], models.QuerySet[Any, Any]]) -> None:
        self._make = make
        self._made: dict[str, tuple[str, tuple[Any, ...], list[tuple[int, list[Callable[..., Any]], Any]]]] = {}

    def get(self, value: str) -> tuple[Any, ...] | None:
        """The row, or None when there is none."""
        made = self._made.get(connection.vendor)
        if made is None:
            made = self._made[connection.vendor] = self._compile()
        sql, parameters, converters = made
        with connection.cursor() as cursor:
            cursor.execute(sql, [value if one == self._STAND_IN else one for one in parameters])
            row = cursor.fetchone()
        if row is None:
            return None
        values = list(row)
        for position, functions, expression in converters:
            for convert in functions:
                values[position] = convert(values[position], expression, connection)
        return tuple(values)

    def _compile(self) -> tuple[str, tuple[Any, ...], list[tuple[int, list[Callable[..., Any]], Any]]]:
        compiler = self._make(self._STAND_IN)[:1].query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        if list(parameters).count(self._STAND_IN) != 1:
            raise ValueError("the query must use its value exactly once")
        converters = compiler.get_converters([selected for selected, _, _ in compiler.select or ()])
        return sql, tuple(parameters), [(position, functions, expression) for position, (functions, expression) in converters.items()]


class Rows:
    """Writing rows of one model without making models: every column named, nothing defaulted, no signals."""

    def __init__(self, model: type[models.Model]) -> None:
        self._model = model
        self._fields: dict[str, models.Field[Any, Any]] = {}
        for one in model._meta.concrete_fields:
            self._fields[one.name] = self._fields[one.attname] = one
        self._adapters: dict[str, dict[str, Adapter]] = {}
        self._inserts: dict[tuple[str, tuple[str, ...]], str] = {}
        self._updates: dict[tuple[str, tuple[str, ...]], str] = {}

    def insert(self, values: Mapping[str, Any]) -> Any:
        """Insert one row; returns its primary key. Columns that are not named get the field's default."""
        names = tuple(values)
        sql = self._inserts.get((connection.vendor, names))
        if sql is None:
            sql = self._inserts[connection.vendor, names] = self._insert_sql(names)
        with connection.cursor() as cursor:
            cursor.execute(sql, [*self._adapted(values), *self._adapted(self._defaults(names))])
            return cursor.fetchone()[0]

    def update(self, key: Any, values: Mapping[str, Any]) -> int:
        """Set columns of the row with this primary key; how many rows that were."""
        names = tuple(values)
        sql = self._updates.get((connection.vendor, names))
        if sql is None:
            columns = ", ".join(f"{_quoted(self._fields[name])} = %s" for name in names)
            table = connection.ops.quote_name(self._model._meta.db_table)
            sql = f"UPDATE {table} SET {columns} WHERE {_quoted(self._primary)} = %s"  # noqa: S608  (names of our own models)
            self._updates[connection.vendor, names] = sql
        with connection.cursor() as cursor:
            cursor.execute(sql, [*self._adapted(values), *self._adapted({self._primary.name: key})])
            return int(cursor.rowcount)

    @property
    def _primary(self) -> models.Field[Any, Any]:
        primary = self._model._meta.pk
        if primary is None:
            raise ValueError("a model has a primary key")
        return primary

    def _left_out(self, names: Iterable[str]) -> list[models.Field[Any, Any]]:
        named = {self._fields[name].name for name in names}
        return [one for one in self._model._meta.concrete_fields if one.name not in named and not isinstance(one, models.AutoField)]

    def _defaults(self, names: Iterable[str]) -> dict[str, Any]:
        return {one.attname: one.get_default() for one in self._left_out(names)}

    def _insert_sql(self, names: Sequence[str]) -> str:
        fields = [*(self._fields[name] for name in names), *self._left_out(names)]
        columns = ", ".join(_quoted(one) for one in fields)
        places = ", ".join(["%s"] * len(fields))
        table = connection.ops.quote_name(self._model._meta.db_table)
        return f"INSERT INTO {table} ({columns}) VALUES ({places}) RETURNING {_quoted(self._primary)}"  # noqa: S608  (names of our own models)

    def _adapted(self, values: Mapping[str, Any]) -> list[Any]:
        adapters = self._adapters.get(connection.vendor)
        if adapters is None:
            adapters = {name: _adapter(one, connection) for name, one in self._fields.items()}
            self._adapters[connection.vendor] = adapters
        return [None if value is None else adapters[name](value) for name, value in values.items()]


def json_text(value: Any) -> str:
    """``value`` as JSON; what orjson does not write (very large numbers, keys that are no text) as Django writes it."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return json.dumps(value)


def _quoted(column: models.Field[Any, Any]) -> str:
    return connection.ops.quote_name(column.column or column.attname)


def _as_it_is(value: Any) -> Any:
    return value


def _adapter(column: models.Field[Any, Any], using: BaseDatabaseWrapper) -> Adapter:
    """How a value that is not None goes to the database."""
    if isinstance(column, models.ForeignKey):
        return _adapter(column.target_field, using)
    if isinstance(column, models.JSONField):
        return json_text
    if isinstance(column, models.DateTimeField):
        return using.ops.adapt_datetimefield_value
    if isinstance(column, models.UUIDField):
        native = using.features.has_native_uuid_field
        return _as_it_is if native else lambda value: value.hex if isinstance(value, UUID) else UUID(value).hex
    return _as_it_is
