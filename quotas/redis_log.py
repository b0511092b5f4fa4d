"""The sliding log all processes share: one script decides over every window, on the clock of Redis."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from typing import Any

import redis
from redis.exceptions import RedisError

from quotas.windows import Usage, Window

# KEYS: one list of call times (microseconds) for each window. ARGV: charge (0/1), then limit and width (microseconds)
# of each window. Answers used, reset and wait of each, in microseconds.
SCRIPT = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local room = true
local seen = {}
for i, key in ipairs(KEYS) do
  local limit, width = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local oldest = redis.call('LINDEX', key, 0)
  while oldest and tonumber(oldest) + width <= now do
    redis.call('LPOP', key)
    oldest = redis.call('LINDEX', key, 0)
  end
  local used = redis.call('LLEN', key)
  local wait = 0
  if used >= limit then
    room = false
    if limit <= 0 then wait = width else wait = tonumber(redis.call('LINDEX', key, used - limit)) + width - now end
  end
  seen[i] = {used, oldest, wait, width}
end
local answer = {}
for i, key in ipairs(KEYS) do
  local used, oldest, wait, width = seen[i][1], seen[i][2], seen[i][3], seen[i][4]
  if room and ARGV[1] == '1' then
    redis.call('RPUSH', key, string.format('%.0f', now))
    redis.call('PEXPIRE', key, math.ceil(width / 1000) + 1000)
    used = used + 1
    if not oldest then oldest = now end
  end
  local reset = 0
  if oldest then reset = tonumber(oldest) + width - now end
  answer[3 * i - 2], answer[3 * i - 1], answer[3 * i] = used, reset, wait
end
return answer
"""
MICROSECONDS = 1_000_000
# After a failure Redis is left alone this long, so that an outage costs one short wait a second and not one a call.
REST_SECONDS = 1.0


class RedisUnavailable(Exception):
    """Redis cannot be asked right now."""


class RedisLog:
    """Exact across processes. Keys carry one hash tag, so that they lie together in a cluster."""

    def __init__(self, url: str) -> None:
        self._client: redis.Redis = redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)
        self._script = self._client.register_script(SCRIPT)
        self._failed_at = float("-inf")

    def decide(self, windows: Sequence[Window], *, charge: bool) -> list[Usage]:
        """As MemoryLog.decide. Raises RedisUnavailable."""
        if time.monotonic() < self._failed_at + REST_SECONDS:
            raise RedisUnavailable
        arguments: list[Any] = [int(charge)]
        for window in windows:
            arguments += [window.limit, window.seconds * MICROSECONDS]
        try:
            answer: Any = self._script(keys=[_key(window) for window in windows], args=arguments)
        except (RedisError, OSError):
            self._failed_at = time.monotonic()
            raise RedisUnavailable from None
        return [
            Usage(window, int(answer[3 * i]), int(answer[3 * i + 1]) / MICROSECONDS, int(answer[3 * i + 2]) / MICROSECONDS)
            for i, window in enumerate(windows)
        ]


def _key(window: Window) -> str:
    whose = hashlib.sha256(window.key.encode()).hexdigest()[:40]
    return f"portal:{{quota}}:{whose}:{window.seconds}"
