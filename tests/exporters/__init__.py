"""Writes logged calls as each of the tools whose logs are read would export them."""

from __future__ import annotations

from collections.abc import Mapping

from tests.exporters import conversations, llm_database, proxies, spans, tracing, vendors
from tests.exporters.files import Export

# By the importer's name; where a format comes in several shapes, what tells them apart follows it.
EXPORTERS: Mapping[str, Export] = {
    "native": vendors.native,
    "openai_chat": vendors.chat_pairs,
    "openai_chat stored completions": vendors.stored_completions,
    "openai_batch": vendors.batch,
    "openai_responses": vendors.responses,
    "openai_finetune": vendors.fine_tune,
    "openai_finetune preferences": vendors.preferences,
    "anthropic_messages": vendors.anthropic,
    "anthropic_batch": vendors.anthropic_batch,
    "gemini": vendors.gemini,
    "azure_openai": vendors.azure_pairs,
    "azure_openai gateway log": vendors.azure_gateway,
    "portkey": proxies.portkey,
    "portkey bodies": proxies.portkey_bodies,
    "portkey log store": proxies.portkey_store,
    "helicone": proxies.helicone,
    "helicone table": proxies.helicone_table,
    "litellm": proxies.litellm,
    "litellm spend logs": proxies.spend_logs,
    "litellm spend table": proxies.spend_table,
    "langfuse blob": tracing.langfuse_blob,
    "langfuse blob table": tracing.langfuse_blob_table,
    "langfuse page": tracing.langfuse_page,
    "langfuse page table": tracing.langfuse_page_table,
    "langfuse API": tracing.langfuse_api,
    "langsmith LangChain": tracing.langsmith_langchain,
    "langsmith wrapped client": tracing.langsmith_wrapped,
    "langsmith bulk": tracing.langsmith_bulk,
    "braintrust": tracing.braintrust,
    "otel_genai": spans.otel,
    "otel_genai structured": spans.otel_structured,
    "otel_genai span events": spans.otel_span_events,
    "otel_genai log events": spans.otel_log_events,
    "otel_genai OpenLLMetry": spans.openllmetry,
    "otel_genai OpenInference": spans.openinference,
    "vercel_ai version 4": spans.vercel_4,
    "vercel_ai version 5": spans.vercel_5,
    "vercel_ai stored chats": conversations.stored_chats,
    "vercel_ai_ui": conversations.stored_messages,
    "promptfoo": conversations.promptfoo,
    "promptfoo lines": conversations.promptfoo_lines,
    "sharegpt": conversations.sharegpt,
    "wildchat": conversations.wildchat,
    "csv": conversations.csv_table,
    "csv in UTF-16 with tabs": conversations.tsv_table,
    "csv of prompts and answers": conversations.plain_table,
    "llm_sqlite": llm_database.turns,
    "llm_sqlite responses": llm_database.responses,
}
