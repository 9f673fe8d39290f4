"""Which prefixes the calls of a log share, and what a provider's prompt cache would have read and written. Pure.

A prompt is a chain of content blocks in wire order: tools and response format, then each message's parts. Every block
ends a prefix, which is known by the hash of all that it holds. So a prefix is shared exactly or not at all; text that
two blocks begin with in common is not counted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, NamedTuple

from cqtui.models import LoggedCall, Message, Usage
from cqtui.registry.caching import CacheRule

_DIGEST_BYTES = 16
_FIRST_SWEEP = 4096  # prefixes; below that forgetting the expired ones is not worth a look
Marks = Literal["everywhere", "head", "head_and_last", "head_and_before_last"]
MARKED: tuple[Marks, ...] = ("head", "head_and_last", "head_and_before_last")


@dataclass(frozen=True, slots=True)
class Prompt:
    """One call's prompt as a chain of prefixes.

    ``sizes`` are bytes up to the end of each prefix; ``head`` is the place of the last one that ends within the tools
    and the leading system messages, -1 for none. ``time`` in seconds. ``tokens`` is the whole input; the logged counts
    are those of it that the log says were read from the cache (None: it does not say), or written to it.
    """

    time: float
    digests: tuple[bytes, ...]
    sizes: tuple[int, ...]
    head: int
    tokens: int
    logged_read: int | None = None
    logged_written: int = 0

    def tokens_at(self, place: int) -> int:
        """About how many tokens a prefix has: its share of the prompt's bytes."""
        return self.tokens * self.sizes[place] // self.sizes[-1]


def _blocks_of(message: Message) -> Iterator[bytes]:
    head = "\0".join((message.role, message.name or "", message.tool_call_id or "", ""))
    for part in message.parts:
        yield (head + (part.text or "")).encode("utf-8", "surrogatepass")
    if message.tool_calls:
        calls = [[call.id, call.name, call.arguments] for call in message.tool_calls]
        yield (head + json.dumps(calls)).encode()
    elif not message.parts:
        yield head.encode()


def prompt_of(call: LoggedCall, usage: Usage) -> Prompt | None:
    """The chain of a call's prefixes, or None where there is no telling.

    That is: without a time, without input tokens, with token counts that contradict each other, and with images or
    audio, whose bytes say nothing of their tokens.
    """
    tokens, read, written = usage.input_tokens, usage.cached_tokens or 0, usage.cache_write_tokens or 0
    if call.time is None or tokens is None or read + written > tokens:
        return None
    if any(part.kind != "text" for message in call.messages for part in message.parts):
        return None
    chain = hashlib.sha256()
    digests: list[bytes] = []
    sizes: list[int] = []
    size = 0

    def add(block: bytes) -> None:
        nonlocal size
        chain.update(b"%d:" % len(block))
        chain.update(block)
        size += len(block)
        digests.append(chain.digest()[:_DIGEST_BYTES])
        sizes.append(size)

    tools, form = call.params.get("tools"), call.params.get("response_format")
    if tools or form:
        add(json.dumps([tools, form]).encode())
    head, is_leading = len(digests) - 1, True
    for message in call.messages:
        for block in _blocks_of(message):
            add(block)
        is_leading = is_leading and message.role in ("system", "developer")
        if is_leading:
            head = len(digests) - 1
    if not size:
        return None
    return Prompt(call.time.timestamp(), tuple(digests), tuple(sizes), head, tokens, usage.cached_tokens, written)


class Use(NamedTuple):
    """Input tokens of one call that are read from the cache, and that are written to it at the price of writes."""

    read: int
    written: int


class _Cache:
    """The prefixes that one way of marking keeps alive, with the time of their last use in seconds."""

    def __init__(self, rule: CacheRule, marks: Marks) -> None:
        self._lifetime = rule.lifetime_s or 0.0
        self._minimum = rule.minimum_tokens or 1
        self._step = rule.step_tokens
        self._writes_cost = rule.writes == "priced"
        self._marks = marks
        self._seen: dict[bytes, float] = {}
        self._sweep_at = _FIRST_SWEEP

    def _is_alive(self, digest: bytes, now: float) -> bool:
        seen = self._seen.get(digest)
        return seen is not None and now - seen <= self._lifetime

    def places(self, prompt: Prompt) -> Sequence[int]:
        """The places that a prompt marks, in order, the prefixes that are too short left out."""
        last = len(prompt.digests) - 1
        if self._marks == "everywhere":
            places: Iterable[int] = range(last + 1)
        elif self._marks == "head":
            places = (prompt.head,)
        else:
            second = last if self._marks == "head_and_last" else last - 1
            places = (prompt.head, second) if prompt.head < second else (second, prompt.head)
        return [place for place in places if place >= 0 and self._cacheable(prompt, place)]

    def _cacheable(self, prompt: Prompt, place: int) -> int:
        """Tokens of a prefix that can be cached; 0 below the minimum."""
        tokens = prompt.tokens_at(place) // self._step * self._step
        return tokens if tokens >= self._minimum else 0

    def use(self, prompt: Prompt, places: Sequence[int]) -> Use:
        """What a prompt reads and writes with marks at ``places``; changes nothing.

        What the log says was read, was read, whoever had sent it before: a log may be a sample of the calls.
        """
        found = reach = 0
        if places:
            reach = self._cacheable(prompt, places[-1])
            for place in range(places[-1], -1, -1):
                if self._is_alive(prompt.digests[place], prompt.time):
                    found = self._cacheable(prompt, place)
                    break
        read = max(found, prompt.logged_read or 0)
        return Use(read, max(0, reach - read) if self._writes_cost else 0)

    def keep(self, prompt: Prompt, places: Sequence[int]) -> None:
        """Note what a prompt wrote at ``places``, and refresh what is alive along it."""
        marked = set(places)
        for place in range(places[-1] + 1) if places else ():
            digest = prompt.digests[place]
            if place in marked or self._is_alive(digest, prompt.time):
                self._seen[digest] = prompt.time

    def sweep(self, now: float) -> None:
        """Forget what has expired, each time that as much again has come: memory follows the lifetime, not the log."""
        if len(self._seen) >= self._sweep_at:
            self._seen = {digest: seen for digest, seen in self._seen.items() if now - seen <= self._lifetime}
            self._sweep_at = max(_FIRST_SWEEP, 2 * len(self._seen))


def cache_uses(prompts: Iterable[Prompt], rule: CacheRule) -> Iterator[tuple[Prompt, dict[Marks, Use]]]:
    """What each prompt reads and writes, for each way of marking that a rule leaves open.

    Calls of one and the same moment do not see each other: none has been answered yet.

    Args:
        prompts: In the order of their times.
        rule: With a lifetime and a minimum.

    Yields:
        Each prompt with its uses: one, named "everywhere", where caching is automatic; else those of ``MARKED``.
    """
    ways: tuple[Marks, ...] = ("everywhere",) if rule.mode == "automatic" else MARKED
    caches = [_Cache(rule, marks) for marks in ways]
    for now, group in groupby(prompts, key=lambda prompt: prompt.time):
        together = [(prompt, [cache.places(prompt) for cache in caches]) for prompt in group]
        for prompt, places in together:
            uses = (cache.use(prompt, each) for cache, each in zip(caches, places, strict=True))
            yield prompt, dict(zip(ways, uses, strict=True))
        for number, cache in enumerate(caches):
            for prompt, places in together:
                cache.keep(prompt, places[number])
            cache.sweep(now)
