"""What a reference means, seen from the file it stands in; and which ones lead out of the tree."""

from __future__ import annotations

import posixpath
import re
from typing import Any
from urllib.parse import unquote

from specs.shape import Tokens, tokens_of

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
NAMES_A_DOCUMENT = re.compile(r"\.(ya?ml|json)(#|\Z)", re.IGNORECASE)


class Outside(Exception):
    """A reference that leaves the tree; the text is the reason."""


def split_reference(reference: str, base: str) -> tuple[str, Tokens]:
    """The file of the tree and the tokens a reference means, seen from the file ``base``. Raises Outside or PointerMissing."""
    path, _, fragment = reference.partition("#")
    if path:
        if _SCHEME.match(path) or path.startswith("//"):
            raise Outside("it names another host or a URL")
        path = unquote(path)
        if "\\" in path or "\x00" in path or any(ord(character) < 32 for character in path):
            raise Outside("it holds a character no path of a repository has")
        if path.startswith("/"):
            raise Outside("it is an absolute path")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(base), path))
        if path == ".." or path.startswith("../"):
            raise Outside("it leaves the repository")
    # "file.yaml#/" means, strictly, a member with an empty name; people write it for the whole file.
    return path or base, tokens_of("#" + fragment) if fragment and not (path and fragment == "/") else ()


def has_external(value: Any) -> bool:
    """Whether any object anywhere has a ``$ref`` text that is not a fragment."""
    stack = [value]
    while stack:
        parent = stack.pop()
        if isinstance(parent, dict):
            target = parent.get("$ref")
            if isinstance(target, str) and not target.startswith("#"):
                return True
            if isinstance(mapping := parent.get("mapping"), dict) and any(
                isinstance(name, str) and NAMES_A_DOCUMENT.search(name) for name in mapping.values()
            ):
                return True
            stack.extend(child for child in parent.values() if isinstance(child, dict | list))
        else:
            stack.extend(child for child in parent if isinstance(child, dict | list))
    return False
