"""Azure OpenAI: chat pairs with the findings of its content filter, and the gateway logs of API Management."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.apis.chat import is_azure
from cqtui.importers.exchange import read_exchange
from cqtui.importers.pairs import Pair, PairImporter, with_wrapper
from cqtui.importers.raw import NoCall, RawCall
from cqtui.importers.reasons import cut_off, elsewhere, failed_with_status, not_captured
from cqtui.importers.streams import response_of

PROVIDER = "azure"
NO_BODIES = not_captured("set the number of body bytes that the diagnostic setting logs")
CUT_PROMPT = cut_off("prompt", "raise the number of body bytes that the diagnostic setting logs")
CUT_ANSWER = cut_off("answer", "raise the number of body bytes that the diagnostic setting logs")
SPLIT = elsewhere("messages are split over several rows; log the request and response bodies instead")

_REQUESTS = ("backendrequestbody", "requestbody")
_RESPONSES = ("backendresponsebody", "responsebody")
_ADDRESSES = ("backendurl", "url")


class AzureOpenAIImporter(PairImporter):
    """Reads pairs whose response has filter results, or that went to a deployment's URL, and gateway log rows."""

    name = "azure_openai"
    fields = frozenset({"properties", "prompt_filter_results", "request", "response", "category", "correlationId"})
    api = "chat"

    def sniff(self, record: Mapping[str, Any]) -> float:
        """Sure with filter results, a deployment's URL or the columns of a gateway log."""
        if _is_row(record):
            return 0.95
        return super().sniff(record)

    def is_alone(self, record: Mapping[str, Any]) -> bool:
        """Whether the record is a response with filter results without its request."""
        return super().is_alone(record) and is_azure(record)

    def sureness(self, record: Mapping[str, Any], pair: Pair) -> float:
        """How surely a pair is Azure's."""
        return super().sureness(record, pair) if pair.is_azure else 0.0

    def read(self, record: Mapping[str, Any]) -> RawCall | NoCall:
        """The call in the record."""
        call = _row(record) if _is_row(record) else super().read(record)
        if isinstance(call, RawCall) and not record.get("provider"):
            call.provider = PROVIDER
        return call


def _is_row(record: Mapping[str, Any]) -> bool:
    """Whether the record is a row of a gateway log, with its columns under ``properties`` or beside it."""
    category = record.get("category", record.get("Category"))
    if category in ("GatewayLogs", "GatewayLlmLogs"):
        return True
    names = {str(name).lower() for name in (*record, *base.mapping(record.get("properties")))}
    return not names.isdisjoint((*_REQUESTS[:1], *_RESPONSES[:1], "requestmessages", "responsemessages"))


def _row(record: Mapping[str, Any]) -> RawCall | NoCall:
    columns = {str(name).lower(): item for name, item in {**record, **base.mapping(record.get("properties"))}.items()}
    if not {"requestmessages", "responsemessages", "sequencenumber"}.isdisjoint(columns):
        return NoCall(SPLIT)
    asked = base.first_of(columns, *_REQUESTS)
    answered = base.first_of(columns, *_RESPONSES)
    if asked in (None, ""):
        return NoCall(NO_BODIES)
    request = base.structured(asked)
    if not isinstance(request, dict):
        return NoCall(CUT_PROMPT)
    response = response_of(answered)
    status = base.number(columns.get("backendresponsecode", columns.get("responsecode")), "status", [])
    if status is not None and status >= 400 and not response.get("error"):
        return NoCall(failed_with_status(status))
    if not response and answered not in (None, ""):
        return NoCall(CUT_ANSWER)
    call = read_exchange(request, response)
    if isinstance(call, NoCall):
        return call
    pair = Pair(request, response, str(base.first_of(columns, *_ADDRESSES) or ""))
    call = with_wrapper(call, {}, pair)
    call.time = call.time or base.first_of(columns, "time", "timegenerated")
    call.latency_ms = columns.get("backendtime")
    return call
