"""What vendors' requests and responses say, however they were logged: which API it is, and its messages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.vendor_bodies import SAID, USER, answer, call_of, claude, completion, reason_of, wire

PNG = {"type": "base64", "media_type": "image/png", "data": "aGk="}


class TestRecognition:
    @pytest.mark.parametrize(
        ("request_", "response", "provider"),
        [
            ({"messages": USER}, completion(), "openai"),
            ({"prompt": "hi"}, {"object": "text_completion", "choices": [{"text": "yo"}]}, "openai"),
            ({"prompt": ["hi"]}, {"choices": [{"text": "yo"}]}, "openai"),
            ({"input": "hi"}, answer(SAID), "openai"),
            ({"messages": USER}, answer(SAID), "openai"),
            ({"messages": USER, "max_tokens": 5}, claude([{"type": "text", "text": "yo"}]), "anthropic"),
            ({"messages": USER}, completion(prompt_filter_results=[]), "azure"),
            (
                {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
                {"candidates": [{"content": {"parts": [{"text": "yo"}]}}]},
                "google",
            ),
        ],
    )
    @pytest.mark.parametrize("encoded", [False, True])
    def test_each_api(self, request_: Any, response: Any, provider: str, encoded: bool) -> None:
        pair = (json.dumps(request_), json.dumps(response)) if encoded else (request_, response)
        call = call_of(*pair)
        assert [(message.role, message.text) for message in call.messages] == [("user", "hi")]
        assert call.completion is not None
        assert call.completion.text == "yo"
        assert call.provider == provider

    def test_without_a_response_it_is_a_prompt(self) -> None:
        for request in ({"messages": USER, "system": "s"}, {"input": "hi", "instructions": "s"}):
            call = call_of(request, None)
            assert [message.role for message in call.messages] == ["system", "user"]
            assert not call.is_baseline

    @pytest.mark.parametrize(
        ("request_", "response", "said"),
        [
            ({"input": "hi"}, {"object": "list", "data": [{"embedding": [0.1]}]}, "not a call of a language model"),
            ({"input": "hi"}, {"results": [{"flagged": False}]}, "not a call of a language model"),
            ({"messages": USER}, {"error": {"code": "content_filter", "message": "m"}}, "content_filter"),
            ({"messages": USER, "system": "s"}, {"type": "error", "error": {"message": "Overloaded"}}, "Overloaded"),
            ({"input": "hi"}, answer([], status="failed", error={"code": "server_error"}), "server_error"),
            ({"input": "hi"}, answer([], status="in_progress"), "not finished"),
            ({"prompt": ["a", "b"]}, {"choices": [{"text": "yo"}]}, "several prompts"),
            ({"contents": []}, {"promptFeedback": {"blockReason": "SAFETY"}}, "SAFETY"),
        ],
    )
    def test_no_call(self, request_: Any, response: Any, said: str) -> None:
        assert said in reason_of(request_, response)

    @pytest.mark.parametrize(
        ("request_", "response", "said"),
        [
            ({"input": "hi", "previous_response_id": "resp_0"}, answer(SAID), "earlier response"),
            ({"input": "hi"}, answer(SAID, previous_response_id="resp_0"), "earlier response"),
            ({"messages": USER}, answer(SAID, previous_response_id="resp_0"), "earlier response"),
            ({"input": "hi", "conversation": {"id": "conv_1"}}, answer(SAID), "conversation"),
            ({"input": "hi", "prompt": {"id": "pmpt_1"}}, answer(SAID), "stored prompt"),
            ({"input": [{"type": "item_reference", "id": "x"}]}, answer(SAID), "refers to an item"),
            ({"input": "hi", "tools": [{"type": "file_search"}]}, answer(SAID), "file_search"),
            ({"input": "hi"}, answer([{"type": "web_search_call", "id": "x"}, *SAID]), "web_search_call"),
            ({"input": "hi"}, answer([{"type": "code_interpreter_call"}, *SAID]), "code_interpreter_call"),
            (
                {"messages": USER, "tools": [{"type": "web_search_20250305", "name": "w"}]},
                claude([]),
                "web_search_2025",
            ),
            ({"messages": USER}, claude([{"type": "server_tool_use", "name": "w"}]), "server_tool_use"),
            ({"messages": USER, "mcp_servers": [{"url": "u"}]}, claude([]), "mcp_servers"),
            ({"messages": USER, "web_search_options": {}}, completion(), "web_search"),
            ({"contents": ["hi"], "tools": [{"googleSearch": {}}]}, {"candidates": [{}]}, "googleSearch"),
            ({"contents": ["hi"], "cachedContent": "c/1"}, {"candidates": [{}]}, "cached content"),
        ],
    )
    def test_not_replayable(self, request_: Any, response: Any, said: str) -> None:
        reason = reason_of(request_, response)
        assert reason.startswith("not replayable as is: ")
        assert said in reason


class TestMessages:
    def test_anthropic_blocks(self) -> None:
        result = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "4"}]}
        pdf = {"type": "base64", "media_type": "application/pdf", "data": "aGk="}
        messages = [
            {"role": "user", "content": [{"type": "image", "source": PNG}, {"type": "text", "text": "a"}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "s"},
                    {"type": "text", "text": "b"},
                    {"type": "tool_use", "id": "t1", "name": "f", "input": {"x": "é"}},
                ],
            },
            {"role": "user", "content": [{"type": "text", "text": "c"}, result]},
            {"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "https://x"}}]},
            {"role": "user", "content": [{"type": "document", "title": "r.pdf", "source": pdf}]},
            {"role": "user", "content": [{"type": "document", "source": {"type": "text", "data": "plain"}}]},
        ]
        system = [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}]
        call = call_of({"system": system, "messages": messages}, claude([{"type": "text", "text": "yo"}]))
        arguments = '{"x": "é"}'
        assert wire(call) == [
            {"role": "system", "content": "s"},
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
                    {"type": "text", "text": "a"},
                ],
            },
            {
                "role": "assistant",
                "content": "b",
                "tool_calls": [{"id": "t1", "type": "function", "function": {"name": "f", "arguments": arguments}}],
            },
            {"role": "tool", "content": "4", "tool_call_id": "t1"},
            {"role": "user", "content": "c"},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x"}}]},
            {
                "role": "user",
                "content": [
                    {"type": "file", "file": {"filename": "r.pdf", "file_data": "data:application/pdf;base64,aGk="}}
                ],
            },
            {"role": "user", "content": "plain"},
        ]
        assert not call.origin.warnings

    @pytest.mark.parametrize("content", ["4", [{"type": "text", "text": "4"}], None])
    def test_the_content_of_a_tool_result(self, content: Any) -> None:
        result = {"type": "tool_result", "tool_use_id": "t1", "content": content}
        (first, second) = wire(call_of({"messages": [*USER, {"role": "user", "content": [result]}]}, None))
        assert first["role"] == "user"
        assert second == {"role": "tool", "content": "4" if content else "", "tool_call_id": "t1"}

    def test_an_image_from_a_tool_follows_as_the_users(self) -> None:
        result = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "image", "source": PNG}]}
        (tool, user) = wire(call_of({"messages": [{"role": "user", "content": [result]}]}, None))
        assert (tool["role"], tool["content"]) == ("tool", "")
        assert (user["role"], user["content"][0]["type"]) == ("user", "image_url")

    def test_calls_stated_twice_are_kept_once(self) -> None:
        stated = {"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        content = [{"type": "tool_use", "id": "t1", "name": "f", "input": {}}]
        messages = [*USER, {"role": "assistant", "content": content, "tool_calls": [stated]}]
        assert len(call_of({"messages": messages}, None).messages[1].tool_calls) == 1

    def test_responses_items(self) -> None:
        items = [
            {"role": "developer", "content": "d"},
            {
                "type": "message",
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "a"},
                    {"type": "input_image", "image_url": "https://x", "detail": "low"},
                    {"type": "input_file", "file_id": "file_1"},
                ],
            },
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "function_call", "id": "fc_2", "call_id": "c2", "name": "g", "arguments": '{"x": '},
            {"type": "function_call_output", "call_id": "c1", "output": "1"},
            {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "2"}]},
        ]
        call = call_of({"instructions": "s", "input": items}, answer(SAID))
        function = {"type": "function", "function": {"name": "f", "arguments": "{}"}}
        assert wire(call) == [
            {"role": "system", "content": "s"},
            {"role": "developer", "content": "d"},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "a"},
                    {"type": "image_url", "image_url": {"url": "https://x", "detail": "low"}},
                    {"type": "file", "file": {"file_id": "file_1"}},
                ],
            },
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "c1", **function},
                    {"id": "c2", "type": "function", "function": {"name": "g", "arguments": '{"x": '}},
                ],
            },
            {"role": "tool", "content": "1", "tool_call_id": "c1"},
            {"role": "tool", "content": "2", "tool_call_id": "c2"},
        ]
        assert call.origin.warnings == ("reasoning left out of the prompt",)

    def test_a_json_text_is_a_text(self) -> None:
        assert call_of({"input": '{"a": 1}'}, answer(SAID)).messages[0].text == '{"a": 1}'
        assert call_of({"input": '[{"a": 1}]'}, answer(SAID)).messages[0].text == '[{"a": 1}]'
        assert call_of({"input": json.dumps(USER)}, answer(SAID)).messages[0].text == "hi"

    def test_gemini_sounds_have_openais_names(self) -> None:
        parts = [{"text": "a"}, {"inlineData": {"mimeType": "audio/mpeg", "data": "aGk="}}]
        (user,) = wire(call_of({"contents": [{"role": "user", "parts": parts}]}, None))
        assert user["content"][1]["input_audio"] == {"data": "aGk=", "format": "mp3"}

    def test_gemini_parts(self) -> None:
        contents = [
            {"role": "user", "parts": [{"text": "a"}, {"inlineData": {"mimeType": "image/png", "data": "aGk="}}]},
            {"role": "model", "parts": [{"text": "hm", "thought": True}, {"functionCall": {"name": "f", "args": {}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"r": 1}}}]},
        ]
        request = {"system_instruction": {"parts": [{"text": "s"}]}, "contents": contents}
        system, user, model, tool = wire(call_of(request, {"candidates": [{"content": {"parts": [{"text": "yo"}]}}]}))
        assert system == {"role": "system", "content": "s"}
        assert user["content"][1]["image_url"]["url"] == "data:image/png;base64,aGk="
        assert model["content"] is None
        assert tool == {"role": "tool", "content": '{"r": 1}', "tool_call_id": model["tool_calls"][0]["id"]}
