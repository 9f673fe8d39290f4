"""Calls models through the portkey-ai SDK: hosted Portkey, the open-source gateway, or any OpenAI-compatible server.

The only module that imports portkey_ai, and only when a client is made: the import takes over a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import httpx

from cqtui.environment import hosted_slug
from cqtui.errors import AccessRefusedError
from cqtui.gateway.protocol import ChatRequest, EvidenceKind
from cqtui.gateway.responses import read_error, read_success
from cqtui.models import Failure, Replay
from cqtui.settings import HOSTED_BASE_URL

# The SDK's own ``create`` walks the types of the body for a third of its time; the body is in wire shape already.
CHAT_PATH = "/chat/completions"
_METADATA_LIMIT = 128
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@contextlib.contextmanager
def _long_lived() -> Iterator[None]:
    """Imports whose objects no collection of garbage need look at again.

    The SDK brings some hundred thousand objects. Walking them took a tenth of the time of a run and a fifth of that of
    the import (docs/dependencies.md). ``gc.unfreeze`` in ``aclose`` gives them back.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


class _NoCookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        """Keep none."""


class _CookielessClient(httpx.AsyncClient):
    """Calls are independent of one another: no cookie of one goes along with the next."""

    @property
    def cookies(self) -> httpx.Cookies:
        """None, ever."""
        return _NO_COOKIES

    @cookies.setter
    def cookies(self, cookies: object) -> None:
        pass


_NO_COOKIES = _NoCookies()


def _transport(base_url: str) -> httpx.AsyncBaseTransport:
    """An aiohttp transport with as many connections as calls, custom CAs and proxies by the usual variables.

    httpx ignores proxy variables where a transport is given. Loopback is never reached through a proxy.
    """
    import aiohttp
    from httpx_aiohttp import AiohttpTransport

    here = (httpx.URL(base_url).host or "") in _LOOPBACK
    through_proxy = not here and bool(urllib.request.getproxies())
    context = httpx.create_ssl_context(trust_env=True)

    def session() -> aiohttp.ClientSession:
        # limit=0: a queue in the pool would count as the model's latency.
        connector = aiohttp.TCPConnector(limit=0, ssl=context)
        return aiohttp.ClientSession(connector=connector, trust_env=through_proxy, cookie_jar=aiohttp.DummyCookieJar())

    return AiohttpTransport(client=session)


def endpoint_of(base_url: str, custom_host: str | None) -> str:
    """What answers: a gateway, and the upstream behind it where one is named, since it decides the answers."""
    return f"{base_url} for {custom_host}" if custom_host else base_url


def import_sdk() -> None:
    """Import what a client needs, which takes over a second the first time."""
    with _long_lived():
        import httpx_aiohttp  # noqa: F401
        import portkey_ai  # noqa: F401


class PortkeyClient:
    """One AsyncPortkey over an aiohttp transport, for one event loop.

    The SDK as it comes has no timeout, retries some calls unseen and slows down with open connections (portkey.md,
    section 3): here every call has a timeout, retries are left to the caller, and the transport is aiohttp's.
    """

    def __init__(
        self,
        *,
        api_key: str | None,
        base_url: str | None = None,
        hosted: bool | None = None,
        custom_host: str | None = None,
        slugs: Mapping[str, str] | None = None,
        key_for: Callable[[str], str | None] = lambda _: None,
        provider: str = "portkey",
        endpoint: str | None = None,
    ) -> None:
        """Make a client.

        Args:
            api_key: The Portkey key; sent to ``base_url`` only as the caller passes it, never from the environment.
            base_url: None is hosted Portkey.
            hosted: Whether models are addressed as ``@slug/model``; None: exactly where ``base_url`` is None.
            custom_host: The open-source gateway's upstream, where it is not the provider's own.
            slugs: The team's own slugs, by ``portkey_slug`` or by model id.
            key_for: The provider's own key by ``portkey_slug`` (not for hosted Portkey).
            provider: The name that reports show.
            endpoint: What the cache key calls this endpoint; None is the base URL, and the custom host behind it.

        Raises:
            AccessRefusedError: Hosted Portkey without a key.
        """
        self.hosted = hosted if hosted is not None else base_url is None
        if self.hosted and not api_key:
            raise AccessRefusedError(
                "No Portkey key.",
                "Set PORTKEY_API_KEY, or try without one: --provider rehearsal (simulated) or --provider local (real, "
                "small model).",
            )
        self.provider = provider
        self.evidence: EvidenceKind = "simulated" if provider == "rehearsal" else "measured"
        self._base_url = (base_url or HOSTED_BASE_URL).rstrip("/")
        self.endpoint = endpoint or endpoint_of(self._base_url, custom_host)
        self._custom_host = custom_host
        self._slugs = dict(slugs or {})
        self._key_for = key_for
        self._secrets = {api_key} if api_key else set()

        import_sdk()
        from portkey_ai import AsyncPortkey
        from portkey_ai._vendor import openai

        # A library that turns logging on must not fill the screen with a line for every call.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self._openai: Any = openai
        self._http = _CookielessClient(transport=_transport(self._base_url))
        client = AsyncPortkey(
            api_key=api_key or "none",
            base_url=self._base_url,
            http_client=self._http,
            strict_open_ai_compliance=True,
            Authorization="none",
        )
        client.openai_client.max_retries = 0
        self.openai_client: Any = client.openai_client

    def slug(self, request: ChatRequest) -> str:
        """The team's name for the model's provider, as hosted Portkey wants it: ``@slug``."""
        return hosted_slug(self._slugs, request.model_id, request.provider)

    def wire_model(self, request: ChatRequest) -> str:
        """The model name as it is sent: ``@slug/model`` for hosted Portkey, else bare."""
        return f"{self.slug(request)}/{request.model}" if self.hosted else request.model

    def headers(self, request: ChatRequest) -> dict[str, str]:
        """Who is asked, with which key and config, and the trace of the call."""
        trace = {"run": request.run_id, "candidate": request.candidate_id, "record": request.record_id}
        headers = {
            "x-portkey-trace-id": request.trace_id(),
            "x-portkey-metadata": json.dumps({name: value[:_METADATA_LIMIT] for name, value in trace.items()}),
            "x-portkey-cache-force-refresh": "true",
        }
        if not self.hosted:
            headers["x-portkey-provider"] = request.provider
            key = self._key_for(request.provider)
            if key:
                self._secrets.add(key)
            headers["Authorization"] = f"Bearer {key or 'none'}"
            if self._custom_host:
                headers["x-portkey-custom-host"] = self._custom_host
        if request.config is not None:
            config = request.config
            headers["x-portkey-config"] = config if isinstance(config, str) else json.dumps(config)
        return headers

    async def complete(self, request: ChatRequest) -> Replay:
        """Send one request once; see ``ChatClient.complete``."""
        started = time.perf_counter()
        raw = await self.attempt(
            request,
            request.timeout_s,
            lambda: self.openai_client.post(
                CHAT_PATH,
                cast_to=httpx.Response,
                body={**request.body(), "model": self.wire_model(request)},
                options={"headers": self.headers(request), "timeout": request.timeout_s},
            ),
        )
        if isinstance(raw, Replay):
            return raw
        latency = (time.perf_counter() - started) * 1000
        headers = {name.lower(): value for name, value in raw.headers.items()}
        try:
            body = json.loads(raw.content)
        except ValueError:
            body = None
        return read_success(request.model, body, headers, latency, raw.status_code)

    async def attempt(self, request: ChatRequest, timeout_s: float, action: Callable[[], Awaitable[Any]]) -> Any:
        """What an action of the SDK gives, or a Replay with the failure that its exception stands for.

        Args:
            request: The call that it is about.
            timeout_s: Of the whole action: the SDK's own is for each read, which a server that trickles never passes.
            action: Makes the SDK's call.
        """
        import aiohttp

        started = time.perf_counter()

        def elapsed() -> float:
            return (time.perf_counter() - started) * 1000

        try:
            async with asyncio.timeout(timeout_s):
                return await action()
        except TimeoutError:
            return self._lost(request, "timeout", f"no answer within {timeout_s:g} s")
        except self._openai.APITimeoutError as error:
            # Over this transport a refused connection is reported as a time-out; only the clock tells them apart.
            if elapsed() < timeout_s * 900:
                refused = isinstance(getattr(error.__cause__, "__cause__", None), aiohttp.ClientConnectorError)
                return self._lost(request, "connection", f"cannot reach {self._base_url}", never_sent=refused)
            return self._lost(request, "timeout", f"no answer within {timeout_s:g} s")
        except self._openai.APIConnectionError as error:
            return self._lost(request, "connection", f"{self._base_url}: {error.__cause__ or error}")
        except self._openai.APIStatusError as error:
            headers = {name.lower(): value for name, value in error.response.headers.items()}
            text = self._without_secrets(error.response.text)
            return read_error(request.model, error.status_code, text, headers, elapsed())
        except httpx.HTTPError as error:
            return self._lost(request, "connection", f"{self._base_url}: {type(error).__name__} {error}")

    def _without_secrets(self, text: str) -> str:
        """An answer may echo the key that was sent: it must not reach the store, a report or the screen."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def _lost(self, request: ChatRequest, kind: Any, message: str, *, never_sent: bool = False) -> Replay:
        line = self._without_secrets(" ".join(message.split()))[:300]
        return Replay(model=request.model, failure=Failure(kind=kind, message=line, never_sent=never_sent))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()
        gc.unfreeze()
