"""Records that hold a request and its response under the usual keys, whichever vendor's API they are of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from cqtui.importers import base
from cqtui.importers.apis.chat import is_azure
from cqtui.importers.base import Importer
from cqtui.importers.exchange import CONTENTS, Api, failure_of, read_exchange, request_api, response_api
from cqtui.importers.raw import NoCall, RawCall
from cqtui.importers.reasons import NO_PROMPT
from cqtui.importers.streams import response_of

PAIRS = (
    ("request", "response"),
    ("input", "output"),
    ("req", "res"),
    ("body", "response"),
    ("prompt", "response"),
    ("kwargs", "response"),
    ("input", "response"),
)
STORED = (
    "metadata",
    "tools",
    "tool_choice",
    "response_format",
    "temperature",
    "top_p",
    "seed",
    "frequency_penalty",
    "presence_penalty",
)
ADDRESSES = frozenset({"url", "request_url", "endpoint", "uri", "path"})

_DEPLOYMENT = re.compile(r"/deployments/([^/?#]+)")


class Pair(NamedTuple):
    """A request and its response; the URL that it went to, where the record names one."""

    request: dict[str, Any]
    response: dict[str, Any]
    url: str = ""

    @property
    def api(self) -> Api | None:
        """The API of the response, or else of the request."""
        return response_api(self.response) or request_api(self.request)

    @property
    def is_azure(self) -> bool:
        """Whether it went to Azure: the response has filter results, or the URL names a deployment."""
        return is_azure(self.response) or self.deployment is not None

    @property
    def deployment(self) -> str | None:
        """The name of the deployment that the URL names, as Azure's do."""
        found = _DEPLOYMENT.search(self.url) if self.url else None
        return found[1] if found else None


class PairImporter(Importer):
    """Reads the pairs of one API.

    Attributes:
        api: The API.
    """

    api: ClassVar[Api]

    def __init__(self) -> None:
        # The pair of the record that was looked at last, which is the one that is read next.
        self._last: tuple[Mapping[str, Any], Pair | None] | None = None

    def sniff(self, record: Mapping[str, Any]) -> float:
        """Sure with a response of the API, unsure of one that failed."""
        pair = pair_of(record)
        self._last = (record, pair)
        if pair is not None:
            return self.sureness(record, pair)
        return 0.8 if self.is_alone(record) else 0.0

    def sureness(self, record: Mapping[str, Any], pair: Pair) -> float:
        """How surely a pair is of the API."""
        if (api := response_api(pair.response)) is not None:
            return 0.95 if api == self.api else 0.0
        failed = "error" in pair.response or "error" in record
        return 0.5 if failed and request_api(pair.request) == self.api else 0.0

    def is_alone(self, record: Mapping[str, Any]) -> bool:
        """Whether the record is a response of the API without its request."""
        return response_api(record) == self.api and request_api(record) is None and not _has_pair(record)

    def read(self, record: Mapping[str, Any]) -> RawCall | NoCall:
        """The call in the record."""
        last = self._last
        pair = last[1] if last is not None and last[0] is record else pair_of(record)
        if pair is None:
            return NoCall(NO_PROMPT)
        if failed := failure_of(record):
            return NoCall(failed)
        call = read_exchange(pair.request, pair.response)
        return with_wrapper(call, record, pair) if isinstance(call, RawCall) else call


def with_wrapper(call: RawCall, record: Mapping[str, Any], pair: Pair) -> RawCall:
    """The call of a pair, with what the record around the pair says of it."""
    get = record.get
    call.id = call.id or get("id")
    call.time = call.time or get("timestamp") or get("created_at") or get("time")
    call.model = call.model or get("model") or get("modelId") or pair.deployment
    call.provider = get("provider") or call.provider
    call.latency_ms, call.ttft_ms = get("latency_ms"), get("ttft_ms")
    call.cost_usd = get("cost_usd")
    call.user = call.user or get("user")
    call.session, call.tags = get("session"), get("tags")
    if "feedback" in record:
        call.score = base.mapping(get("feedback")).get("score")
    if outer := base.mapping(get("metadata")):
        # The price follows from the tier: it stays, whatever the application noted beside it.
        tier = {key: value for key, value in call.metadata.items() if key in ("service_tier", "speed")}
        call.metadata = {**outer, **tier}
    return call


def pair_of(record: Mapping[str, Any]) -> Pair | None:
    """The request and the response of a record, or None where it holds no such pair."""
    for asked, answered in PAIRS:
        if asked not in record or answered not in record:
            continue
        request = base.structured(record[asked])
        response = _body(base.structured(record[answered]))
        url = _address(record)
        if isinstance(request, dict) and "body" in request and CONTENTS.isdisjoint(request):
            url = _address(request) or url
            request = base.structured(request["body"])
        found = response_of(response)
        if isinstance(request, str | list):
            # Alone, a list or a text is the input where the answer is of the API that has one.
            given = "input" if response_api(found) == "responses" else "messages"
            request = {given: request} if isinstance(request, list) or given == "input" else None
        if not isinstance(request, dict) or CONTENTS.isdisjoint(request):
            continue
        if "messages" in request and not isinstance(base.structured(request["messages"]), list):
            continue
        return Pair(request, found, url)
    completion = record.get("completion")
    if isinstance(completion, dict) and "choices" in completion and "messages" in record:
        # A stored completion, which repeats its request's parameters, with the messages that were listed for it.
        listed = base.structured(record["messages"])
        listed = listed.get("data") if isinstance(listed, dict) else listed
        settings = {name: completion[name] for name in STORED if completion.get(name) is not None}
        return Pair({**settings, "messages": listed}, completion) if isinstance(listed, list) else None
    given = record.get("input", record.get("input_items"))
    # A stored response, with the input items that were listed for it.
    return Pair({"input": given}, dict(record)) if given and response_api(record) == "responses" else None


def _address(holder: Mapping[str, Any]) -> str:
    """The URL that a record or a request names, or "" where it names none."""
    if ADDRESSES.isdisjoint(holder):
        return ""
    return next((holder[name] for name in sorted(ADDRESSES) if isinstance(holder.get(name), str)), "")


def _body(response: Any) -> Any:
    """The body of a response that was logged with its status; a bad status is an error."""
    if not isinstance(response, dict) or "body" not in response or response_api(response) is not None:
        return response
    status = base.number(response.get("status", response.get("status_code")), "status", [])
    body = base.structured(response["body"])
    if status is not None and status >= 400 and not (isinstance(body, dict) and body.get("error")):
        return {"error": f"status {status:.0f}"}
    return body


def _has_pair(record: Mapping[str, Any]) -> bool:
    return any(asked in record and answered in record for asked, answered in PAIRS)
