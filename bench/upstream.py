"""The API behind everything that is measured: answers with the document's own examples, as fast as aiohttp can."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from aiohttp import web

MOST_ENTRIES = 100  # GitHub's own limit of a page


def example(document: dict[str, Any], path: str, method: str, status: str) -> Any:
    """The first example of an answer."""
    content = document["paths"][path][method]["responses"][status]["content"]["application/json"]
    found = next(iter(content["examples"].values()))
    while "$ref" in found:
        target: Any = document
        for part in found["$ref"].split("/")[1:]:
            target = target[part]
        found = target
    return found["value"]


def main() -> None:
    document = json.loads(Path(sys.argv[2]).read_bytes())
    issue = json.dumps(example(document, "/repos/{owner}/{repo}/issues", "post", "201")).encode()
    listed = example(document, "/repos/{owner}/{repo}/issues", "get", "200")
    pages = {count: json.dumps((listed * count)[:count]).encode() for count in range(1, MOST_ENTRIES + 1)}

    async def create(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=201, body=issue, content_type="application/json", headers={"Location": "https://api.github.com/1"})

    async def several(request: web.Request) -> web.Response:
        return web.Response(body=pages[int(request.query.get("per_page", MOST_ENTRIES))], content_type="application/json")

    app = web.Application()
    app.router.add_post("/repos/{owner}/{repo}/issues", create)
    app.router.add_get("/repos/{owner}/{repo}/issues", several)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=lambda *_: None, access_log=None)


if __name__ == "__main__":
    main()
