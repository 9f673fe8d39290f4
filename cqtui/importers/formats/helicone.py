"""Helicone's request exports: JSON, JSONL and the rows of its CSV."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.apis.usage import whole_output
from cqtui.importers.base import Importer
from cqtui.importers.proxies import Surroundings, failure_of, flag, is_absent, other_endpoint, read_proxied
from cqtui.importers.raw import NoCall, RawCall
from cqtui.importers.reasons import elsewhere, no_model_call, not_captured

NO_PROMPTS = not_captured("export again with --include-body")
ONLY_A_LINK = elsewhere("a link stands in its place, which is not fetched; export again with --include-body")
IN_PLACE = frozenset({"helicone_message", "helicone_error"})
NO_CACHE = frozenset("0-")
MODELS = ("response_model", "model", "request_model")
UNKNOWN: tuple[Any, ...] = (None, "", "unknown", "Unknown")
ANSWERS = ("choices", "content", "output", "candidates", "error")
SESSION = "helicone-session-id"
FEEDBACK = "helicone-score-feedback"
DIFFERENT = "the token counts beside the response differ from its own, which were kept"


class HeliconeImporter(Importer):
    """Reads one request with its response."""

    name = "helicone"
    fields = frozenset(
        {"request_id", "response_id", "request_body", "response_body", "delay_ms", "costUSD", "signed_body_url"}
    )

    def sniff(self, record: Mapping[str, Any]) -> float:
        """Sure with one of Helicone's ids beside a body, a link to one, or a delay."""
        named = "request_id" in record or "response_id" in record
        return (
            0.97 if named and any(name in record for name in ("request_body", "delay_ms", "signed_body_url")) else 0.0
        )

    def read(self, record: Mapping[str, Any]) -> RawCall | NoCall:
        """The call in the record."""
        get = record.get
        asked, answered = cell(get("request_body")), answer_in(cell(get("response_body")))
        if failure := failure_of(get("response_status"), answered) or other_endpoint(get("request_path")):
            return failure
        if is_withheld(asked):
            return NoCall(ONLY_A_LINK if base.text_or_none(get("signed_body_url")) else NO_PROMPTS)
        if isinstance(asked, dict) and (kind := base.text_or_none(asked.get("_type"))) in ("tool", "vector_db"):
            return NoCall(no_model_call(kind))
        if is_withheld(answered):
            answered = None
        noted = {**as_mapping(get("request_properties")), **as_mapping(get("properties"))}
        score, scores = scores_of(record)
        cached = base.text_or_none(get("cache_reference_id"))
        call = read_proxied(
            asked,
            answered,
            Surroundings(
                id=base.text_or_none(get("request_id")) or get("response_id"),
                time=get("request_created_at") or get("response_created_at"),
                model=next((record[name] for name in MODELS if record.get(name) not in UNKNOWN), None),
                provider=get("provider"),
                usage=usage_of(record),
                latency_ms=base.first_of(record, "delay_ms", "latency"),
                ttft_ms=get("time_to_first_token"),
                cost_usd=base.first_of(record, "costUSD", "cost"),
                user=get("request_user_id"),
                session=next((value for name, value in noted.items() if name.lower() == SESSION), None),
                score=score,
                metadata={name: value for name, value in noted.items() if name.lower() != SESSION} | scores,
                is_cache_hit=cached is not None and not NO_CACHE.issuperset(cached),
            ),
        )
        if isinstance(call, RawCall) and differs(record, call.usage):
            call.warnings.append(DIFFERENT)
        return call


def cell(value: Any) -> Any:
    """A structured value; the CSV export doubles the quotes of its JSON once more than CSV does."""
    found = base.structured(value)
    if isinstance(found, str) and '""' in found and found.lstrip().startswith(("{", "[")):
        again = base.structured(found.replace('""', '"'))
        return found if isinstance(again, str) else again
    return found


def as_mapping(value: Any) -> dict[str, Any]:
    """A cell's object, empty where it holds none."""
    found = cell(value)
    return found if isinstance(found, dict) else {}


def is_withheld(body: Any) -> bool:
    """Whether a body was not exported: absent, or a word of Helicone's in its place."""
    return is_absent(body) or (isinstance(body, dict) and not IN_PLACE.isdisjoint(body))


def answer_in(body: Any) -> Any:
    """The response in a logged body, which may hold a stream as it came, or what Helicone could not read."""
    if not isinstance(body, dict) or any(name in body for name in ANSWERS):
        return body
    streamed = base.structured(body.get("streamed_data"))
    if isinstance(streamed, list) and all(isinstance(line, str) for line in streamed):
        streamed = "\n".join(streamed)
    return streamed or base.mapping(body.get("body")) or body


def usage_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """The counts beside the bodies, with cached tokens inside the input."""
    names = ("prompt_tokens", "prompt_cache_read_tokens", "prompt_cache_write_tokens", "completion_tokens")
    asked, read, written, answered = (base.count(record.get(name), name, []) for name in names)
    reasoning = base.count(record.get("reasoning_tokens"), "reasoning_tokens", [])
    total = base.count(record.get("total_tokens"), "total_tokens", [])
    beside = (read or 0) + (written or 0)
    # Anthropic's count leaves the cached tokens out; of the others, the total tells.
    if asked and (is_anthropic(record) or total == asked + beside + (answered or 0)):
        asked = asked + beside
    return {
        "input_tokens": asked,
        "output_tokens": whole_output(asked, answered, reasoning, total),
        "cached_tokens": read,
        "cache_write_tokens": written,
        "reasoning_tokens": reasoning,
    }


def is_anthropic(record: Mapping[str, Any]) -> bool:
    """Whether the call went to Anthropic's own API."""
    return str(record.get("provider")).lower() == "anthropic"


def differs(record: Mapping[str, Any], usage: Mapping[str, Any]) -> bool:
    """Whether the prompt's count in the record is neither the response's own, nor that without cached tokens."""
    names = ("prompt_tokens", "prompt_cache_read_tokens", "prompt_cache_write_tokens")
    asked, read, written = (base.count(record.get(name), name, []) for name in names)
    own = base.count(usage.get("input_tokens"), "input_tokens", [])
    if not asked or not own:
        return False
    return own not in (asked, asked + (read or 0), asked + (read or 0) + (written or 0))


def scores_of(record: Mapping[str, Any]) -> tuple[float | None, dict[str, Any]]:
    """The user's feedback as 1 or 0, and all other scores as they are: their scales are not known."""
    scores = {
        name: value.get("value") if isinstance(value, dict) else value
        for name, value in as_mapping(record.get("scores")).items()
    }
    rating = flag(record.get("feedback_rating"))
    given = flag(scores.pop(FEEDBACK, None))
    liked = given if rating is None else rating
    return None if liked is None else float(liked), {"raw_score": scores} if scores else {}
