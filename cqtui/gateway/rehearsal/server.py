"""An OpenAI-compatible server on loopback that answers logged prompts as simulated models would."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Self

from aiohttp import web

from cqtui.checks.conversation import render_completion, render_conversation
from cqtui.gateway.rehearsal.edits import Reply, make_reply, truncate
from cqtui.gateway.rehearsal.scoring import compare, judge_answer, quoted, scores_of
from cqtui.gateway.rehearsal.simulated import MAX_LATENCY_MS, MIN_LATENCY_MS, simulated_model
from cqtui.gateway.rehearsal.texts import estimate_tokens, is_short
from cqtui.gateway.translate import logged_output_limit, wire_message
from cqtui.models import Completion, LoggedCall

JUDGE_MODEL = "rehearsal-judge"
_JUDGE_LATENCY_MS = 80.0
_MAX_BODY_BYTES = 256 * 1024 * 1024


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _content_text(content: Any) -> str:
    if not isinstance(content, list):
        return content if isinstance(content, str) else ""
    return "".join(
        str(part.get("text") or "")
        if isinstance(part, Mapping) and part.get("type") == "text"
        else json.dumps(part, sort_keys=True)
        for part in content
    )


def _message_text(message: Mapping[str, Any]) -> list[str]:
    pieces = [_content_text(message.get("content"))]
    for call in message.get("tool_calls") or ():
        function = call.get("function") or {}
        pieces.append(f"{function.get('name')}({function.get('arguments')})")
    return pieces


def prompt_key(messages: Sequence[Mapping[str, Any]]) -> str:
    """A hash (hex) of what messages in OpenAI's wire shape say, whoever says it."""
    return _hash(json.dumps([_message_text(message) for message in messages]))


def call_key(call: LoggedCall) -> str:
    """The ``prompt_key`` that a logged call's messages have on the wire."""
    return prompt_key([wire_message(message) for message in call.messages])


def request_key(rendered: str) -> str:
    """A hash (hex) of a request as the judge's prompt quotes it."""
    return _hash(rendered)


class _RequestError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class RehearsalServer:
    """Serves ``POST /v1/chat/completions`` in the running event loop while its context is open."""

    def __init__(self, calls: Sequence[LoggedCall], price_positions: Mapping[str, float], *, seed: int) -> None:
        """Index the log and draw the models.

        Args:
            calls: The log; calls without an answer are not served. Of equal prompts the first answers.
            price_positions: By wire name, each model's price relative to the current one's, 0..1.
            seed: The run's seed.
        """
        self._seed = seed
        self._models = {name: simulated_model(name, at, seed) for name, at in price_positions.items()}
        self._calls: dict[str, LoggedCall] = {}
        self._answers: dict[str, list[str]] = {}
        self._labels: dict[str, set[str]] = {}
        for call in calls:
            if call.completion is None or not call.is_baseline:
                continue
            self._calls.setdefault(call_key(call), call)
            answers = self._answers.setdefault(request_key(render_conversation(call.messages)), [])
            if (answer := render_completion(call.completion)) not in answers:
                answers.append(answer)
            if is_short(call.completion.text or ""):
                self._labels.setdefault(call.messages[0].text, set()).add(call.completion.text or "")
        self._runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        """The URL for an OpenAI client, ending in ``/v1``.

        Raises:
            RuntimeError: The server is not running.
        """
        if self._runner is None or not self._runner.addresses:
            raise RuntimeError("the rehearsal server is not running")
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"

    async def __aenter__(self) -> Self:
        """Start on a free port of 127.0.0.1."""
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        app.router.add_post("/v1/chat/completions", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        try:
            body = await request.json()
        except ValueError:
            return _error(400, "the body is not JSON")
        messages = body.get("messages") if isinstance(body, dict) else None
        if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
            return _error(400, "the body has no messages")
        model = str(body.get("model"))
        try:
            answer, latency_ms = (self._judge if model == JUDGE_MODEL else self._reply)(model, messages, body)
        except _RequestError as error:
            return _error(error.status, str(error))
        await asyncio.sleep(latency_ms / 1000)
        return web.json_response(answer)

    def _rng(self, *parts: str) -> Random:
        return Random("|".join((str(self._seed), *parts)))

    def _reply(self, model: str, messages: list[dict[str, Any]], body: dict[str, Any]) -> tuple[dict[str, Any], float]:
        simulated = self._models.get(model)
        if simulated is None:
            raise _RequestError(404, f"{model} is not among the simulated models")
        key = prompt_key(messages)
        call = self._calls.get(key)
        if call is None or call.completion is None:
            raise _RequestError(404, "this prompt is not in the log, so that no answer can be derived")
        rng = self._rng(model, key)
        labels = sorted(self._labels.get(call.messages[0].text, ()))
        reply = make_reply(call.completion, call.finish_reason, simulated, labels, rng)
        logged_tokens = call.usage.output_tokens
        output = _scaled(logged_tokens, reply.completion, call.completion)
        limit = logged_output_limit(body)
        if logged_tokens is not None and limit is not None and output > limit and reply.completion.text:
            cut = truncate(reply.completion.text, limit / output)
            reply = Reply(reply.completion.model_copy(update={"text": cut}), "length")
            output = min(limit, _scaled(logged_tokens, reply.completion, call.completion))
        known = call.usage.input_tokens
        prompt = known if known is not None else sum(estimate_tokens("\n".join(_message_text(m))) for m in messages)
        latency = simulated.latency_ms * rng.uniform(0.85, 1.15)
        latency = min(MAX_LATENCY_MS, max(MIN_LATENCY_MS, latency))
        return _body(model, key, reply, prompt, output), latency

    def _judge(self, model: str, messages: list[dict[str, Any]], _: dict[str, Any]) -> tuple[dict[str, Any], float]:
        texts = [_content_text(message.get("content")) for message in messages]
        found = next((pair for pair in map(quoted, texts) if pair is not None), None)
        if found is None:
            raise _RequestError(404, "this is not a judge's prompt")
        request, answers = found
        key = request_key(request)
        if key not in self._answers:
            raise _RequestError(404, "the request to be judged is not in the log")

        # A prompt logged with several answers: any of them is as good as what the current model gave.
        def nearness(logged: str) -> float:
            return sum(sum(scores_of(compare(logged, answer)).values()) for answer in answers)

        nearest = max(self._answers[key], key=nearness)
        text = judge_answer(nearest, answers, self._rng(model, key, *answers))
        prompt = sum(map(estimate_tokens, texts))
        reply = Reply(Completion(text=text), "stop")
        return _body(model, _hash(key + "".join(answers)), reply, prompt, estimate_tokens(text)), _JUDGE_LATENCY_MS


def _scaled(logged_tokens: int | None, reply: Completion, logged: Completion) -> int:
    """Output tokens: the logged count in proportion to the texts' estimates, or the estimate itself."""
    estimate = estimate_tokens(render_completion(reply))
    if logged_tokens is None or reply == logged:
        return estimate if logged_tokens is None else logged_tokens
    return max(1, round(logged_tokens * estimate / estimate_tokens(render_completion(logged))))


def _body(model: str, key: str, reply: Reply, prompt: int, output: int) -> dict[str, Any]:
    answer = reply.completion
    message: dict[str, Any] = {"role": "assistant", "content": answer.text, "refusal": answer.refusal}
    if answer.tool_calls:
        message["tool_calls"] = [
            {
                "id": call.id or f"call_{key[:12]}_{index}",
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for index, call in enumerate(answer.tool_calls)
        ]
    return {
        "id": f"chatcmpl-rehearsal-{key[:24]}",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish_reason}],
        "usage": {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output},
    }


def _error(status: int, message: str) -> web.Response:
    kind = "not_found_error" if status == 404 else "invalid_request_error"
    return web.json_response({"error": {"message": message, "type": kind, "code": None}}, status=status)
