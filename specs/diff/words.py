"""A document's own words, made fit for a sentence."""

from __future__ import annotations

MAX_SHOWN = 80


def cut(text: str) -> str:
    """Fit to stand between backticks: on one line, without backticks, long text without its middle."""
    line = " ".join(text.replace("`", "'").split())
    return line if len(line) <= MAX_SHOWN else f"{line[: MAX_SHOWN // 2]}…{line[-MAX_SHOWN // 4 :]}"
