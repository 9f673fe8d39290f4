"""The frozen types that the rooms hand each other. No behaviour beyond what a value says of itself."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from cqtui.redaction.redactor import without_keys

Tier = Literal["fast", "medium", "slow", "unknown"]
Reliability = Literal["high", "medium", "low", "unknown"]
PartKind = Literal["text", "image", "audio", "file", "other"]
Role = Literal["system", "developer", "user", "assistant", "tool"]


class Frozen(BaseModel):
    """An immutable value; unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Part(Frozen):
    """One content part of a message; ``raw`` keeps a non-text part in OpenAI's wire shape."""

    kind: PartKind = "text"
    text: str | None = None
    raw: dict[str, Any] | None = None


class ToolCall(Frozen):
    """A tool call; ``arguments`` is the JSON text as the model wrote it, even where it is cut off."""

    name: str
    arguments: str
    id: str | None = None


class Message(Frozen):
    """One message of a prompt."""

    role: Role
    parts: tuple[Part, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None

    @property
    def text(self) -> str:
        """The text parts, joined without a separator."""
        return "".join(part.text or "" for part in self.parts if part.kind == "text")


class Completion(Frozen):
    """What a model answered. ``text`` None differs from an empty string."""

    text: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    refusal: str | None = None


class Usage(Frozen):
    """Token counts of one call. None is unknown, never 0.

    ``input_tokens`` is the total with cached tokens inside; ``output_tokens`` has reasoning tokens inside.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None


class Origin(Frozen):
    """Where a record was read: file, format, 1-based line, and what was odd about it."""

    file: str
    format: str
    line: int | None = None
    warnings: tuple[str, ...] = ()


class LoggedCall(Frozen):
    """One call of the user's log, in one shape whatever the log's format."""

    id: str
    time: datetime | None = None
    model: str | None = None
    provider: str | None = None
    messages: tuple[Message, ...]
    params: dict[str, Any] = {}
    completion: Completion | None = None
    finish_reason: str | None = None
    usage: Usage = Usage()
    latency_ms: int | None = None
    ttft_ms: int | None = None
    cost_usd: Decimal | None = None
    user: str | None = None
    session: str | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}
    score: float | None = None
    origin: Origin

    @property
    def is_baseline(self) -> bool:
        """Whether the call has an answer to compare with: a completion text, refusal or tool call."""
        answer = self.completion
        return answer is not None and (answer.text is not None or bool(answer.tool_calls) or answer.refusal is not None)


class PriceTier(Frozen):
    """A cliff: when total input exceeds ``above_input_tokens`` the whole request is charged at this price."""

    above_input_tokens: int
    input: Decimal
    output: Decimal


class PriceChange(Frozen):
    """A price that holds from ``effective`` on."""

    effective: date
    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None


class Price(Frozen):
    """List price in USD per 1,000,000 tokens. None is unknown."""

    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    batch_input: Decimal | None = None
    batch_output: Decimal | None = None


class ModelEntry(Frozen):
    """One model of the registry. A capability of None is unknown, not false.

    ``reasoning_efforts`` are the values of ``reasoning_effort`` that it takes, least first.
    """

    id: str
    display_name: str
    provider: str
    family: str
    portkey_slug: str
    model: str
    is_active: bool
    price: Price | None = None
    price_tiers: tuple[PriceTier, ...] = ()
    price_changes: tuple[PriceChange, ...] = ()
    aliases: tuple[str, ...] = ()
    rank: int | None = None
    context_window: int | None = None
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    supports_json_mode: bool | None = None
    supports_function_calling: bool | None = None
    supports_vision: bool | None = None
    supports_reasoning: bool | None = None
    reasoning_efforts: tuple[str, ...] | None = None
    default_reasoning_effort: str | None = None
    strengths: tuple[str, ...] | None = None
    latency_tier: Tier = "unknown"
    reliability_tier: Reliability = "unknown"
    rate_limit_rpm: int | None = None
    version: str = ""
    released: date | None = None
    deprecated: date | None = None
    successor: str | None = None
    note: str | None = None

    @property
    def short_name(self) -> str:
        """What sentences call it: the maker's own name, or the whole id where another host serves it."""
        return self.model if self.family == self.provider else self.id


class Conflict(Frozen):
    """A contradiction in the registry, kept and shown rather than resolved in silence."""

    model_id: str
    kind: str
    details: str


class Percentiles(Frozen):
    """The values that 50, 90, 95 and 99 percent of the calls do not exceed."""

    p50: int
    p90: int
    p95: int
    p99: int


class TrafficProfile(Frozen):
    """What the log says of the team's traffic. Token figures are per call; costs in USD at the run's date.

    In a run it is the current model's part of the traffic: what a switch would move. ``models`` are the whole log's.
    Usage is estimated from the text's length where it is neither logged nor stated in the settings.

    Attributes:
        cost_per_call_usd: On the current model at list price, without cache discounts: what a replay compares with.
        billed_per_call_usd: Each call on the model that answered it, with price tiers and cached tokens: the bill.
        billed_calls: The calls that ``billed_per_call_usd`` is the mean of: those with known tokens and price.
        segments: Calls by kind of traffic, the largest first.
    """

    calls: int
    baseline_calls: int
    models: dict[str, int]
    period_days: float | None
    monthly_requests: int | None
    monthly_source: Literal["log", "settings", "unknown"]
    mean_input_tokens: float
    mean_output_tokens: float
    max_input_tokens: int
    calls_without_usage: int
    calls_with_estimated_usage: int = 0
    uses_tools: bool
    uses_json: bool
    uses_vision: bool
    cost_per_call_usd: Decimal | None
    input_percentiles: Percentiles | None = None
    output_percentiles: Percentiles | None = None
    tools_rate: float = 0.0
    json_rate: float = 0.0
    vision_rate: float = 0.0
    multi_turn_rate: float = 0.0
    first_call: datetime | None = None
    last_call: datetime | None = None
    billed_per_call_usd: Decimal | None = None
    billed_calls: int = 0
    segments: dict[str, int] = {}

    @property
    def monthly_cost_usd(self) -> Decimal | None:
        """Calls a month times the mean cost of a call; None where either is unknown."""
        if self.cost_per_call_usd is None or self.monthly_requests is None:
            return None
        return self.cost_per_call_usd * self.monthly_requests

    @property
    def monthly_today_usd(self) -> Decimal | None:
        """What the traffic costs a month today: the bill where it is known, else the list price; None where neither."""
        bill = self.monthly_bill_usd
        return self.monthly_cost_usd if bill is None else bill

    @property
    def monthly_bill_usd(self) -> Decimal | None:
        """Calls a month times what a call costs as it was logged; None where either is unknown."""
        if self.billed_per_call_usd is None or self.monthly_requests is None:
            return None
        return self.billed_per_call_usd * self.monthly_requests


REASONING_EFFORT = "reasoning_effort"
_SHORT_OPTIONS = {REASONING_EFFORT: "effort"}


class Candidate(Frozen):
    """A model, with options or as it is, that could take the traffic over; and what discovery and ranking said of it.

    ``options`` are parameters that are laid over the logged ones in every replay, such as a reasoning effort.
    ``saving_is_bound``: the expected saving is the most that it could be, and the cost the least.
    """

    entry: ModelEntry
    options: dict[str, Any] = {}
    cost_per_call_usd: Decimal
    expected_saving_percent: float
    saving_is_bound: bool = False
    fit_score: float | None = None
    rationale: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def variant(self) -> str:
        """The options in words, e.g. "effort=low"; empty where there are none."""
        return " ".join(f"{_SHORT_OPTIONS.get(name, name)}={value}" for name, value in self.options.items())

    @property
    def id(self) -> str:
        """The model's registry id, with the options where there are any: "openai/gpt-x effort=low"."""
        return f"{self.entry.id} {self.variant}".rstrip()

    @property
    def short_name(self) -> str:
        """What sentences call it."""
        return f"{self.entry.short_name} {self.variant}".rstrip()

    @property
    def display_name(self) -> str:
        """The model's display name, with the options."""
        return f"{self.entry.display_name} {self.variant}".rstrip()


class Excluded(Frozen):
    """A model that was left out, and why."""

    model_id: str
    reason: str


BLOCKED_STATUS = 446  # a guardrail denied the call; 246 is its warning
FailureKind = Literal[
    "timeout",
    "connection",
    "rate_limited",
    "quota_exhausted",
    "server_error",
    "bad_request",
    "refused_credentials",
    "not_json",
    "no_choices",
    "no_finish_reason",
    "no_usage",
    "served_by_other",
    "cached_by_gateway",
    "answered_by_fallback",
    "not_recorded",
    "unsupported_content",
    "blocked_by_guardrail",
]


ForeignMessage = Annotated[str, AfterValidator(without_keys)]  # it may echo a key or a prompt


class Failure(Frozen):
    """Why a call gave no evidence.

    ``retry_after_s`` is what the server asked to wait, in seconds; ``param`` is the request's parameter that it would
    not take, where it names one. ``may_be_billed``: the provider may have answered, though the answer was lost on its
    way; ``never_sent``: the call did not leave, so it cost nothing.
    """

    kind: FailureKind
    message: ForeignMessage
    status: int | None = None
    retry_after_s: float | None = None
    param: str | None = None
    may_be_billed: bool = False
    never_sent: bool = False

    @property
    def is_access(self) -> bool:
        """Whether it concerns all calls to that provider: a key or a quota, not the call."""
        return self.kind in ("refused_credentials", "quota_exhausted")

    @property
    def is_transient(self) -> bool:
        """Whether the same call may succeed later."""
        return self.kind in ("timeout", "connection", "rate_limited", "server_error", "not_json", "no_choices")


class GuardrailCheck(Frozen):
    """One check of a guardrail hook. ``verdict`` None: it could not be evaluated, and ``error`` says why."""

    hook: Literal["input", "output"]
    id: str
    verdict: bool | None
    error: ForeignMessage | None = None


class GuardrailOutcome(Frozen):
    """What a gateway's guardrails made of one call. ``latency_ms`` is the time that its hooks took."""

    status: int
    checks: tuple[GuardrailCheck, ...]
    latency_ms: float

    @property
    def failed(self) -> tuple[GuardrailCheck, ...]:
        """The checks that failed, in order; the first of them decided."""
        return tuple(check for check in self.checks if check.verdict is False)

    @property
    def is_evaluated(self) -> bool:
        """Whether every check was; guardrails let a call pass whose check broke."""
        return all(check.verdict is not None for check in self.checks)

    @property
    def blocked_at(self) -> Literal["input", "output"] | None:
        """Where the call was stopped: before the model was asked (at no cost), or after it had answered."""
        if self.status != BLOCKED_STATUS:
            return None
        return "input" if any(check.hook == "input" for check in self.failed) else "output"


class Replay(Frozen):
    """The outcome of one call that was sent: an answer, or a named failure.

    ``latency_ms`` is from send to answer; ``queued_ms`` is what the call waited here before, for a place under the
    limits and the budget.
    """

    model: str
    served_model: str | None = None
    completion: Completion | None = None
    finish_reason: str | None = None
    usage: Usage = Usage()
    latency_ms: float | None = None
    queued_ms: float | None = None
    status: int | None = None
    failure: Failure | None = None
    cost_usd: Decimal | None = None
    from_cache: bool = False
    guardrails: GuardrailOutcome | None = None

    @property
    def is_result(self) -> bool:
        """Whether asking again would only repeat it: an answer, or a guardrail's block."""
        return self.failure is None or self.failure.kind == "blocked_by_guardrail"
