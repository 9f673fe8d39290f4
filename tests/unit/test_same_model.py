import random
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cqtui.engine import prefixes
from cqtui.engine.bill import Bill
from cqtui.engine.prefixes import cache_uses, prompt_of
from cqtui.engine.same_model import caching_saving, model_log, same_model_savings
from cqtui.engine.traffic import profile
from cqtui.models import Completion, LoggedCall, Message, ModelEntry, Origin, Part, Price, PriceTier, Usage
from cqtui.registry.caching import CacheRule, cache_rule
from cqtui.registry.loader import load_registry
from cqtui.registry.pricing import cost_of
from cqtui.results import CacheTokens, SameModelSavings
from cqtui.settings import Traffic
from tests.fakes import model_entry

AS_OF = date(2026, 11, 26)
START = datetime(2026, 11, 2, 8, tzinfo=UTC)
# Free writes, 1,024 tokens at least, steps of 128, five minutes.
GPT_4O = model_entry(
    "openai/gpt-4o",
    "2.5",
    "10",
    price=Price(
        input=Decimal("2.5"),
        output=Decimal(10),
        cache_read=Decimal("1.25"),
        batch_input=Decimal("1.25"),
        batch_output=Decimal(5),
    ),
)
# Marked, writes at 1.25 times the input, 512 tokens at least, five minutes.
HAIKU = model_entry(
    "anthropic/claude-haiku-5-5",
    "1",
    "5",
    price=Price(input=Decimal(1), output=Decimal(5), cache_read=Decimal("0.1"), cache_write=Decimal("1.25")),
)
# With its role and separators this is 800 bytes, and the question 200: the prefix is four fifths of every prompt.
SYSTEM = "s" * 791
QUESTION = "q" * 193


def message(role: str, *texts: str) -> Message:
    return Message.model_validate({"role": role, "parts": [{"text": text} for text in texts]})


def call(
    seconds: float | None,
    *,
    tokens: int = 2000,
    cached: int | None = 0,
    written: int | None = 0,
    messages: Sequence[Message] = (),
    system: str = SYSTEM,
    number: int = 0,
    **more: Any,
) -> LoggedCall:
    """A call ``seconds`` after the start; 1,600 of its 2,000 tokens are the system prompt."""
    values: dict[str, Any] = {
        "id": f"c{number}-{seconds}",
        "time": None if seconds is None else START + timedelta(seconds=seconds),
        "model": "m",
        "messages": tuple(messages) or (message("system", system), message("user", f"{number}".ljust(193, "q"))),
        "completion": Completion(text="yes"),
        "usage": Usage(input_tokens=tokens, output_tokens=100, cached_tokens=cached, cache_write_tokens=written),
        "origin": Origin(file="log", format="native"),
        **more,
    }
    return LoggedCall.model_validate(values)


def savings(
    calls: Iterable[LoggedCall], entry: ModelEntry = GPT_4O, traffic: Traffic | None = None
) -> tuple[SameModelSavings, ...]:
    listed = list(calls)
    stated = traffic or Traffic(monthly_request_volume=1000)
    return same_model_savings(listed, entry, profile(listed, entry, stated, AS_OF), stated, AS_OF)


def caching(calls: Iterable[LoggedCall], entry: ModelEntry = GPT_4O) -> SameModelSavings:
    found = savings(calls, entry)[0]
    assert found.kind == "prompt_caching"
    return found


def test_a_prefix_is_read_within_the_lifetime() -> None:
    found = caching([call(0, number=1), call(300, number=2)])
    # 1,600 tokens are shared, 1,536 of them are whole steps of 128, each saved half of $2.50 a million.
    assert found.cache == CacheTokens(input=4000, read=1536, written=0, logged_read=0)
    assert found.saving_usd == 1536 * Decimal("1.25") / 1_000_000 == Decimal("0.00192")
    # Both cost 2 x (2,000 x 2.5 + 100 x 10) / 1,000,000 = $0.012 at list price; a month of 1,000 calls costs $6.
    assert found.saving_percent == pytest.approx(16.0)
    assert found.monthly_usd == Decimal("0.96")
    assert (found.calls, found.left_out, found.is_upper_bound, found.unknown) == (2, 0, False, None)


@pytest.mark.parametrize(
    ("calls", "why"),
    [
        ([call(0), call(301, number=2)], "No prefix of at least 1,024 tokens came again within 5 minutes."),
        (
            [call(0, tokens=1200), call(9, tokens=1200, number=2)],
            "No prefix of at least 1,024 tokens",
        ),  # 960 are shared
        ([call(0), call(9, system="t" * 791)], "No prefix of at least 1,024 tokens"),
        ([call(0), call(9, params={"tools": [{"type": "function"}]})], "No prefix of at least 1,024 tokens"),
        (
            [call(0, params={"tools": [{"type": "a"}]}), call(9, params={"tools": [{"type": "b"}]})],
            "No prefix of at least 1,024 tokens",
        ),
        ([call(0, number=1), call(0, number=2)], "No prefix of at least 1,024 tokens"),  # neither was answered yet
        ([call(0), call(9, number=2, cached=1536)], "What can be read from the cache is read from it already."),
    ],
)
def test_what_saves_nothing_says_why(calls: list[LoggedCall], why: str) -> None:
    found = caching(calls)
    assert found.saving_usd == 0
    assert found.notes[0].startswith(why)
    assert found.how == ""


def test_use_keeps_a_prefix_alive() -> None:
    found = caching([call(200 * n, number=n) for n in range(4)])
    assert found.cache is not None
    assert found.cache.read == 3 * 1536


def test_what_was_cached_already_is_not_saved_again() -> None:
    found = caching([call(0), call(9, number=2, cached=512)])
    assert found.saving_usd == (1536 - 512) * Decimal("1.25") / 1_000_000
    # More was read than the log can explain, as in a sample of the calls: it stays read.
    more = caching([call(0, cached=1920), call(9, number=2)])
    assert more.cache == CacheTokens(input=4000, read=1920 + 1536, written=0, logged_read=1920)
    assert more.saving_usd == 1536 * Decimal("1.25") / 1_000_000


def test_a_log_that_does_not_say_what_was_cached_gives_a_bound() -> None:
    found = caching([call(0, cached=None), call(9, number=2, cached=None)])
    assert found.is_upper_bound
    assert "2 of 2 calls do not say what was" in found.notes[0]


def test_writes_are_paid_and_the_best_marks_are_named() -> None:
    found = caching([call(0, tokens=1000), call(9, tokens=1000, number=2)], HAIKU)
    # Marked after the system prompt: 800 written at 0.25 more, 800 read at 0.9 less; the question is never written.
    assert found.cache == CacheTokens(input=2000, read=800, written=800, logged_read=0)
    assert found.saving_usd == (800 * Decimal("0.9") - 800 * Decimal("0.25")) / 1_000_000
    assert found.how == "Mark the end of the system prompt (tools come before it) with cache_control."


def test_writes_that_cost_more_than_reads_save() -> None:
    assert HAIKU.price is not None
    dear = HAIKU.model_copy(update={"price": HAIKU.price.model_copy(update={"cache_write": Decimal(3)})})
    found = caching([call(0), call(9, number=2)], dear)
    assert found.saving_usd == 0
    assert found.notes[0] == "Writing to the cache would cost more than reading from it saves."
    assert found.how == ""


def test_growing_conversations_are_marked_at_their_end() -> None:
    def turn(number: int) -> LoggedCall:
        said = [message("user" if n % 2 == 0 else "assistant", f"{n}".ljust(193, "t")) for n in range(2 * number + 1)]
        tokens = 1000 + 400 * number
        return call(60 * number, tokens=tokens, messages=(message("system", SYSTEM), *said))

    found = caching([turn(n) for n in range(4)], HAIKU)
    assert found.how == (
        "Mark the end of the system prompt (tools come before it) and of the last message with cache_control."
    )
    assert found.cache is not None
    # Each turn reads all of the one before (the assistant's block is 5 bytes longer than the user's).
    assert found.cache.read == pytest.approx(1000 + 1400 + 1800, abs=20)
    assert found.cache.written == pytest.approx(2200, abs=20)


def test_a_document_before_the_question_is_marked_there() -> None:
    def ask(seconds: int) -> LoggedCall:
        return call(seconds, tokens=4000, messages=(message("user", "d" * 900, f"{seconds}".ljust(100, "q")),))

    found = caching([ask(n) for n in range(0, 100, 10)], HAIKU)
    assert "the block before the last" in found.how
    assert found.cache is not None
    assert found.cache.read == 9 * (4000 * 907 // 1014)


def read_at(calls: list[LoggedCall], marks: prefixes.Marks) -> list[int]:
    prompts = [prompt for one in calls if (prompt := prompt_of(one, one.usage)) is not None]
    return [uses[marks].read for _, uses in cache_uses(prompts, rule_of(HAIKU))]


def test_only_what_was_marked_can_be_read() -> None:
    calls = [
        call(
            seconds, messages=(message("system", SYSTEM), message("user", "d" * 993), message("user", f"{seconds}" * 9))
        )
        for seconds in (10, 20)
    ]
    size = 800 + 1000 + 7 + 18
    assert read_at(calls, "head") == read_at(calls, "head_and_last") == [0, 2000 * 800 // size]
    assert read_at(calls, "head_and_before_last") == [0, 2000 * 1800 // size]


def test_a_longer_prompt_refreshes_the_prefixes_along_it() -> None:
    def said(seconds: int, *more: str) -> LoggedCall:
        return call(seconds, messages=[message("user", "a" * 993), *(message("user", text * 93) for text in more)])

    calls = [said(0), said(200, "b"), said(400, "c")]
    assert read_at(calls, "head_and_last") == [0, 2000 * 1000 // 1100, 2000 * 1000 // 1100]
    assert read_at([calls[0], calls[2]], "head_and_last") == [0, 0]


@pytest.mark.parametrize(
    ("entry", "calls", "why"),
    [
        (GPT_4O, [call(None), call(None, number=2)], "the log does not say when the calls were made"),
        (
            model_entry("acme/big", "1", "2"),
            [call(0), call(9)],
            "how acme caches this model's prompts is not known here",
        ),
        (model_entry("openai/gpt-4o", "1", "2"), [call(0), call(9)], "the price of cached tokens is unknown"),
        (model_entry("xai/grok-4.7", "1", "2"), [call(0)], "xai does not say for how long it keeps a prefix"),
        (
            model_entry("anthropic/claude-haiku-5-5", "1", "2", price=Price(input=1, output=2, cache_read=0)),
            [call(0), call(9)],
            "the price of writing to the cache is unknown",
        ),
    ],
)
def test_what_is_not_known_is_unknown_and_not_zero(entry: ModelEntry, calls: list[LoggedCall], why: str) -> None:
    found = caching(calls, entry)
    assert (found.saving_usd, found.saving_percent, found.monthly_usd, found.cache) == (None, None, None, None)
    assert (found.unknown or "").startswith(why)


def test_calls_that_say_too_little_are_left_out_and_counted() -> None:
    image = Message(role="user", parts=(Part(kind="image", raw={"type": "image_url"}),))
    odd = [
        call(None, number=7),
        call(20, messages=(message("system", SYSTEM), image)),
        call(30, tokens=10, cached=20, number=8),
    ]
    found = caching([call(0), call(300, number=2), *odd])
    assert (found.calls, found.left_out, found.saving_usd) == (2, 3, Decimal("0.00192"))


def test_above_a_price_tier_cached_tokens_are_charged_as_the_tier_says() -> None:
    tiers = (PriceTier(above_input_tokens=1500, input=Decimal(5), output=Decimal(20)),)
    found = caching([call(0), call(9, number=2)], GPT_4O.model_copy(update={"price_tiers": tiers}))
    assert found.saving_usd == 0


def test_an_empty_log_has_no_savings() -> None:
    assert savings([]) == ()


# Batch jobs


def batch(calls: Iterable[LoggedCall], entry: ModelEntry = GPT_4O, **stated: Any) -> SameModelSavings | None:
    traffic = Traffic(monthly_request_volume=1000, **stated)
    return next((saving for saving in savings(calls, entry, traffic) if saving.kind == "batch"), None)


def test_a_share_of_the_calls_at_the_batch_price() -> None:
    found = batch([call(0), call(9, number=2)], batch_share=0.4)
    assert found is not None
    # Half of $0.012 for all of them.
    assert found.saving_usd == Decimal("0.0024")
    assert found.saving_percent == pytest.approx(20.0)
    assert found.monthly_usd == Decimal("1.2")
    assert found.what == "Batch jobs for 40% of the calls"
    assert batch([call(0)]) is None


def test_batch_segments_are_counted_one_by_one() -> None:
    calls = [
        call(0, metadata={"route": "nightly"}),
        call(9, number=2, metadata={"route": "chat"}),
        call(12, number=3, metadata={"route": "nightly"}, tokens=4000),
    ]
    found = batch(calls, batch_segments=("nightly", "reports"))
    assert found is not None
    assert found.saving_usd == (6000 * Decimal("1.25") + 200 * Decimal(5)) / 1_000_000
    assert found.calls == 2
    assert "No call of the log is of segment reports." in found.notes
    nobody = batch(calls, batch_segments=("reports",))
    assert nobody is not None
    assert (nobody.saving_usd, nobody.unknown) == (None, "no call of the log is of these segments")


def test_what_is_cached_now_lessens_what_a_batch_job_saves() -> None:
    # In a job cached tokens cost what batch input costs, here as much as reading them does now.
    found = batch([call(0, cached=2000)], batch_share=1)
    assert found is not None
    assert found.saving_usd == 100 * Decimal(5) / 1_000_000


def test_without_a_batch_price_the_saving_is_unknown() -> None:
    found = batch([call(0)], HAIKU, batch_share=1)
    assert found is not None
    assert (found.saving_usd, found.unknown) == (None, "the registry knows no batch price of this model")
    tiers = (PriceTier(above_input_tokens=1500, input=Decimal(5), output=Decimal(20)),)
    tiered = GPT_4O.model_copy(update={"price_tiers": tiers})
    long_only = batch([call(0)], tiered, batch_share=1)
    assert long_only is not None
    assert long_only.saving_usd is None
    both = batch([call(0), call(9, tokens=1000)], tiered, batch_share=1)
    assert both is not None
    assert (both.calls, both.left_out) == (1, 1)


# The rules and the sums


def test_every_model_of_the_registry_with_a_rule_has_what_the_rule_needs() -> None:
    ruled = {entry.id: rule for entry in load_registry().entries if (rule := cache_rule(entry)) is not None}
    for name in ("openai/gpt-6-luna", "openai/gpt-5.6-terra", "anthropic/claude-opus-5-5"):
        assert (ruled[name].mode, ruled[name].writes) == ("marked", "priced")
    assert ruled["openai/gpt-5.4-mini"].mode == ruled["groq/openai/gpt-oss-20b"].mode == "automatic"
    assert ruled["anthropic/claude-haiku-4-5"].minimum_tokens == 4096
    assert ruled["google/gemini-4-argon"].lifetime_s is None
    priced = {e.id for e in load_registry().entries if e.price is not None and e.price.cache_write is not None}
    assert {name for name, rule in ruled.items() if rule.writes == "priced"} <= priced
    assert "openai/gpt-3.5-turbo" not in ruled


COUNTS = st.integers(0, 300_000)


@given(st.lists(st.tuples(COUNTS, st.integers(0, 100), st.integers(0, 100), COUNTS), max_size=8))
def test_a_bill_is_the_sum_of_its_calls(rows: list[tuple[int, int, int, int]]) -> None:
    entry = load_registry().get("anthropic/claude-haiku-5-5")
    bill, expected = Bill(entry, AS_OF), Decimal(0)
    for tokens, read, written, output in rows:
        total = tokens + read + written
        usage = Usage(input_tokens=total, output_tokens=output, cached_tokens=read, cache_write_tokens=written)
        bill.add(total, read=read, written=written, output=output)
        expected += cost_of(entry, usage, AS_OF) or Decimal(0)
    assert bill.usd == expected


@st.composite
def logs(draw: st.DrawFn) -> list[LoggedCall]:
    """Calls that often share the beginnings of their prompts, at times that often lie close."""
    texts = st.sampled_from(["a" * 400, "b" * 900, "c" * 50])
    found = []
    for number in range(draw(st.integers(1, 7))):
        tokens = draw(st.integers(600, 5000))
        cached = draw(st.none() | st.integers(0, tokens))
        said = [message("system", draw(texts)), *(message("user", text) for text in draw(st.lists(texts, max_size=3)))]
        seconds = draw(st.sampled_from([0, 10, 10, 200, 310, 500, 2000, 90_000]))
        written = draw(st.none() | st.integers(0, tokens - (cached or 0)))
        found.append(call(seconds, tokens=tokens, cached=cached, written=written, messages=said, number=number))
    return found


def rule_of(entry: ModelEntry, **changes: object) -> CacheRule:
    rule = cache_rule(entry)
    assert rule is not None
    return rule.model_copy(update=changes)


@settings(max_examples=60)
@given(logs(), st.sampled_from([GPT_4O, HAIKU]))
def test_tokens_are_never_negative_and_never_more_than_the_input(calls: list[LoggedCall], entry: ModelEntry) -> None:
    prompts = sorted(
        (prompt for one in calls if (prompt := prompt_of(one, one.usage)) is not None), key=lambda p: p.time
    )
    for prompt, uses in cache_uses(prompts, rule_of(entry)):
        for use in uses.values():
            assert min(use) >= 0
            assert sum(use) <= prompt.tokens
            assert use.read >= (prompt.logged_read or 0)
    found = caching(calls, entry)
    assert found.saving_usd is not None
    assert found.saving_usd >= 0
    assert found.calls + found.left_out == len(calls)


@settings(max_examples=60)
@given(logs(), st.sampled_from([GPT_4O, HAIKU]), st.randoms(use_true_random=False))
def test_the_order_of_the_files_does_not_matter(calls: list[LoggedCall], entry: ModelEntry, rng: random.Random) -> None:
    shuffled = list(calls)
    rng.shuffle(shuffled)
    assert savings(shuffled, entry) == savings(calls, entry)


@settings(max_examples=60)
@given(logs(), st.sampled_from([GPT_4O, HAIKU]), st.floats(1, 5000), st.floats(1, 5000))
def test_a_longer_lifetime_never_saves_less(calls: list[LoggedCall], entry: ModelEntry, one: float, two: float) -> None:
    log = model_log(calls, entry, profile(calls, entry, Traffic(), AS_OF), Traffic(), AS_OF)
    short, long = (caching_saving(log, rule_of(entry, lifetime_s=lifetime)) for lifetime in sorted((one, two)))
    assert short is not None
    assert long is not None
    assert (short.saving_usd or 0) <= (long.saving_usd or 0)


def test_expired_prefixes_are_forgotten() -> None:
    """Memory follows what is alive: a long log of single calls is not held."""
    cache = prefixes._Cache(rule_of(GPT_4O), "everywhere")
    for number in range(12_000):
        prompt = prompt_of(call(number, number=number, system=f"{number}".ljust(791)), call(0).usage)
        assert prompt is not None
        cache.keep(prompt, cache.places(prompt))
        cache.sweep(prompt.time)
    assert len(cache._seen) <= prefixes._FIRST_SWEEP + 2
