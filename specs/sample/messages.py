"""An operation → a prefilled request, or an answer as a mock would give it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from specs.media import is_json
from specs.sample.values import MISSING, Resolve, Sampler
from specs.schema.keywords import branches

IGNORED_HEADERS = frozenset({"accept", "content-type", "authorization"})
STATUS = re.compile(r"[2-5][0-9]{2}")


def example_request(detail: Mapping[str, Any], resolve: Resolve, *, seed: int = 0) -> dict[str, Any]:
    """A request to start from: ``{"parameters": {in: {name: value}}, "optional": {in: {name: value}}, "body": {media type: value}}``.

    ``parameters`` has the required ones; ``optional`` suggests values for the others. Values are typed, not yet written
    in their style. Empty where the operation has none. Another ``seed`` gives other examples and values, the same one the same.
    """
    sampler = Sampler(resolve, "request", seed)
    required: dict[str, dict[str, Any]] = {}
    optional: dict[str, dict[str, Any]] = {}
    for parameter in branches(detail, "parameters"):
        parameter = _followed(parameter, resolve)
        place, name = parameter.get("in"), parameter.get("name")
        if not isinstance(name, str) or not isinstance(place, str) or (place == "header" and name.lower() in IGNORED_HEADERS):
            continue
        wanted = parameter.get("required") is True or place == "path"
        (required if wanted else optional).setdefault(place, {})[name] = _parameter_value(parameter, sampler, resolve)
    body = _followed(detail.get("requestBody"), resolve)
    content = body.get("content") if isinstance(body.get("content"), Mapping) else {}
    return {
        "parameters": required,
        "optional": optional,
        "body": {media: _media_value(holder, sampler, resolve) for media, holder in (content or {}).items()},
    }


def example_response(detail: Mapping[str, Any], resolve: Resolve, *, status: int | None = None, seed: int = 0) -> tuple[int, str, Any]:
    """Status, media type and value of an answer: of ``status`` if the document has it, else of its first success.

    The media type is empty and the value ``None`` where the document describes no body. A status range answers with its
    first number, ``default`` with 200. ``seed`` as for ``example_request``.
    """
    responses = detail.get("responses") if isinstance(detail.get("responses"), Mapping) else {}
    key, number = _chosen(responses or {}, status)
    response = _followed((responses or {}).get(key), resolve) if key else {}
    content = response.get("content")
    if not isinstance(content, Mapping) or not content:
        return number, "", None
    media = next((one for one in content if is_json(one.partition(";")[0].strip().lower())), None) or next(iter(content))
    return number, media, _media_value(content[media], Sampler(resolve, "response", seed), resolve)


def _chosen(responses: Mapping[str, Any], status: int | None) -> tuple[str, int]:
    if status is not None:
        for key in (str(status), f"{status // 100}XX", "default"):
            if key in responses:
                return key, status
        return "", status
    exact = sorted(key for key in responses if STATUS.fullmatch(key) and key < "3")
    if exact:
        return exact[0], int(exact[0])
    for key, number in (("2XX", 200), ("2xx", 200), ("default", 200)):
        if key in responses:
            return key, number
    numbers = sorted(key for key in responses if STATUS.fullmatch(key))
    return (numbers[0], int(numbers[0])) if numbers else ("", 200)


def _followed(node: Any, resolve: Resolve) -> Mapping[str, Any]:
    for _ in range(20):
        if not isinstance(node, Mapping) or not isinstance(node.get("$ref"), str):
            break
        node = resolve(node["$ref"])
    return node if isinstance(node, Mapping) else {}


def _parameter_value(parameter: Mapping[str, Any], sampler: Sampler, resolve: Resolve) -> Any:
    given = _examples(parameter, resolve, sampler.seed)
    if given is not MISSING:
        return given
    content = parameter.get("content")
    if isinstance(content, Mapping) and content:
        return _media_value(next(iter(content.values())), sampler, resolve)
    return sampler.value(parameter.get("schema", {}))


def _media_value(holder: Any, sampler: Sampler, resolve: Resolve) -> Any:
    if not isinstance(holder, Mapping):
        return None
    given = _examples(holder, resolve, sampler.seed)
    return given if given is not MISSING else sampler.value(holder.get("schema", {}))


def _examples(holder: Mapping[str, Any], resolve: Resolve, seed: int) -> Any:
    if "example" in holder:
        return holder["example"]
    examples = holder.get("examples")
    followed = [_followed(example, resolve) for example in (examples.values() if isinstance(examples, Mapping) else ())]
    values = [example["value"] for example in followed if "value" in example]
    return values[seed % len(values)] if values else MISSING
