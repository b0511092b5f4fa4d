"""An API's operations grouped by tag: the tree at the left, and the list on the API's own page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from catalog.models import Document, Operation

UNTAGGED = "Other"


@dataclass(slots=True)
class TagGroup:
    """One tag with its operations, in the document's order."""

    name: str
    description: str = ""
    operations: list[Operation] = field(default_factory=list)


def by_tag(document: Document, operations: Iterable[Operation]) -> list[TagGroup]:
    """Groups in the order the document names its tags, then as they turn up. An operation stands under its first tag."""
    groups: dict[str, TagGroup] = {
        str(tag["name"]): TagGroup(str(tag["name"]), str(tag.get("description") or ""))
        for tag in document.tags
        if isinstance(tag, dict) and "name" in tag
    }
    for operation in operations:
        name = str(operation.tags[0]) if operation.tags else UNTAGGED
        groups.setdefault(name, TagGroup(name)).operations.append(operation)
    return [group for group in groups.values() if group.operations]
