"""Who may open a view, written on the view by rooms that lie below ``identity`` and so cannot ask it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])


def for_role(role: str) -> Callable[[View], View]:
    """Only callers of ``role`` or a higher one come in: the sign-in middleware reads it and names who can grant it."""

    def mark(view: View) -> View:
        view.least_role = role  # type: ignore[attr-defined]
        return view

    return mark
