"""Filters every template may use."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def bytesize(value: int) -> str:
    """``524288`` as ``512 KB``; powers of 1,024, one decimal below ten."""
    size = float(value)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "B" or size >= 10 or size == int(size) else f"{size:.1f} {unit}"
        size /= 1024
    return ""
