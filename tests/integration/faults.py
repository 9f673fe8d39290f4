"""What goes wrong at the upstream: which requests a fault hits, and how their answers then look.

Faults are given as one text, e.g. ``rate_limit first=2 retry_after=1; hang on=judge share=0.25 first=1``: a kind, then
the fields of ``Fault`` that differ from their defaults. The first that hits a request decides. Whether one hits depends
on the request's body and the number of the attempt alone, so that a run and its repetition see the same faults.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from email.utils import formatdate
from typing import Any

from aiohttp import web

# Kinds in which the provider worked on an answer, so that it may well charge for it.
BILLED = {
    "slow",  # the headers come after `seconds`
    "slow_body",  # the headers come at once, the body after `seconds`
    "hang",  # nothing ever comes
    "stall",  # half the body comes, then nothing more
    "reset",  # the connection is reset in the middle of the body
    "cut",  # the connection ends in the middle of the body
    "malformed",  # 200 with half a JSON object
    "wrong_model",  # another model answers
    "no_usage",  # the token counts are missing
}
FREE = {
    "status",  # the error `status`
    "rate_limit",  # 429, with `retry_after` where it is given
    "quota",  # 429 with OpenAI's code insufficient_quota
    "html",  # 200 with a login page
}
OTHER_MODEL = "somebody-else-1"
FOREVER_S = 3600.0
_DRAWS = 2**32


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, and for which requests."""

    kind: str
    on: str = "calls"  # "replay", "judge", "ping", or "calls": all but pings
    model: str = ""  # only requests for this model
    share: float = 1.0  # this part of the prompts, drawn by the hash of the body
    first: int = 0  # only the first N attempts of a prompt; 0 is all of them
    seconds: float = 1.0
    status: int = 500
    retry_after: str = ""  # seconds, or "date:SECONDS" for the date that lies so far ahead

    def __post_init__(self) -> None:
        if self.kind not in BILLED | FREE:
            raise ValueError(f"no such fault: {self.kind}")

    def hits(self, purpose: str, model: str, body_sha256: str, attempt: int) -> bool:
        """Whether this request is to go wrong."""
        if self.on != purpose and (self.on != "calls" or purpose == "ping"):
            return False
        if (self.model and self.model != model) or (self.first and attempt > self.first):
            return False
        draw = hashlib.sha256(f"{self.kind} {body_sha256}".encode()).digest()
        return int.from_bytes(draw[:4], "big") < self.share * _DRAWS

    def wait_until(self, now: float) -> float | None:
        """The moment before which the client is asked not to come back, in seconds since 1970."""
        if not self.retry_after:
            return None
        by_date = self.retry_after.startswith("date:")
        moment = now + float(self.retry_after.removeprefix("date:"))
        return float(int(moment)) if by_date else moment

    def headers(self, now: float) -> dict[str, str]:
        """The headers of the error."""
        moment = self.wait_until(now)
        if moment is None:
            return {}
        by_date = self.retry_after.startswith("date:")
        return {"Retry-After": formatdate(moment, usegmt=True) if by_date else self.retry_after}


def parse_faults(text: str) -> tuple[Fault, ...]:
    """Read the text form; raises ValueError or KeyError where it names what does not exist."""
    types: dict[str, Callable[[str], Any]] = {field.name: type(field.default) for field in fields(Fault)[1:]}
    found = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        kind, *words = part.split()
        settings: dict[str, Any] = {}
        for word in words:
            name, _, value = word.partition("=")
            settings[name] = types[name](value)
        found.append(Fault(kind, **settings))
    return tuple(found)


def error_response(
    status: int,
    message: str,
    *,
    kind: str = "",
    param: str | None = None,
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """An error as OpenAI words it."""
    kind = kind or ("server_error" if status >= 500 else "invalid_request_error")
    error = {"message": message, "type": kind, "param": param, "code": code}
    return web.json_response({"error": error}, status=status, headers=headers)


def html_response() -> web.Response:
    """A login page where JSON was asked for."""
    return web.Response(text="<html><body><h1>Login</h1></body></html>", content_type="text/html")


async def go_wrong(fault: Fault, request: web.Request, completion: dict[str, Any]) -> web.StreamResponse:
    """Answer a request the way a fault wants it; ``completion`` is what would have been right."""
    full = json.dumps(completion).encode()
    half = full[: len(full) // 2]
    match fault.kind:
        case "status":
            return error_response(fault.status, f"The upstream answers {fault.status}")
        case "rate_limit":
            message, headers = "Rate limit reached for requests", fault.headers(time.time())
            return error_response(429, message, kind="requests", code="rate_limit_exceeded", headers=headers)
        case "quota":
            message = "You exceeded your current quota, please check your plan and billing details."
            return error_response(429, message, kind="insufficient_quota", code="insufficient_quota")
        case "html":
            return html_response()
        case "malformed":
            return web.Response(body=half, content_type="application/json")
        case "wrong_model":
            return web.json_response({**completion, "model": OTHER_MODEL})
        case "no_usage":
            return web.json_response({name: value for name, value in completion.items() if name != "usage"})
        case "hang":
            await asyncio.sleep(FOREVER_S)
        case "slow":
            await asyncio.sleep(fault.seconds)
            return web.json_response(completion)
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(full))})
    await response.prepare(request)
    if fault.kind == "slow_body":
        await asyncio.sleep(fault.seconds)
        await response.write(full)
        return response
    await response.write(half)
    await asyncio.sleep(FOREVER_S if fault.kind == "stall" else 0.01)  # the half is on its way before the end
    _end_connection(request, reset=fault.kind == "reset")
    return response


def _end_connection(request: web.Request, *, reset: bool) -> None:
    transport = request.transport
    if transport is None:
        return
    if reset:  # closing a socket that does not linger sends RST
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    else:
        transport.close()
