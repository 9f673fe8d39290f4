from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from cqtui.models import ModelEntry, Price, PriceTier, Usage
from cqtui.registry.loader import Registry, load_registry
from cqtui.registry.pricing import blended_price, cost_of, price_on

TODAY = date(2026, 11, 25)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry(today=TODAY)


def entry(price: Price | None, *tiers: PriceTier) -> ModelEntry:
    return ModelEntry(
        id="acme/one",
        display_name="One",
        provider="acme",
        family="acme",
        portkey_slug="acme",
        model="one",
        is_active=True,
        price=price,
        price_tiers=tiers,
    )


FULL = Price(
    input=Decimal(2),
    output=Decimal(8),
    cache_read=Decimal("0.5"),
    cache_write=Decimal(3),
    batch_input=Decimal(1),
    batch_output=Decimal(4),
)


def test_worked_example(registry: Registry) -> None:
    usage = Usage(input_tokens=500, output_tokens=200)
    now, then = (cost_of(registry.get(name), usage, TODAY) for name in ("gpt-4o", "gpt-4o-mini"))
    assert now is not None
    assert then is not None
    assert (now * 10_000, then * 10_000) == (Decimal("32.50"), Decimal("1.95"))
    assert (1 - then / now) * 100 == Decimal("94.0")


@pytest.mark.parametrize(("tokens", "usd"), [(100_000, "0.010"), (100_001, "0.0500005")])
def test_a_cliff_reprices_the_whole_request(registry: Registry, tokens: int, usd: str) -> None:
    usage = Usage(input_tokens=tokens, output_tokens=0)
    assert cost_of(registry.get("claude-haiku-5-5"), usage, TODAY) == Decimal(usd)


def test_the_cliff_counts_output_too(registry: Registry) -> None:
    usage = Usage(input_tokens=200_000, output_tokens=1_000_000)
    assert cost_of(registry.get("claude-haiku-5-5"), usage, TODAY) == Decimal("2.6")


@pytest.mark.parametrize(("day", "usd"), [(date(2026, 11, 30), "12"), (date(2026, 12, 1), "24")])
def test_price_change(registry: Registry, day: date, usd: str) -> None:
    usage = Usage(input_tokens=1_000_000, output_tokens=1_000_000)
    argon = registry.get("gemini-4-argon").model_copy(update={"price_tiers": ()})
    assert cost_of(argon, usage, day) == Decimal(usd)


def test_price_and_blend_follow_the_date(registry: Registry) -> None:
    argon = registry.get("gemini-4-argon")
    assert blended_price(argon, date(2026, 11, 30)) == Decimal(4)
    assert blended_price(argon, date(2026, 12, 1)) == Decimal(8)
    after = price_on(argon, date(2026, 12, 1))
    assert after is not None
    assert after.batch_input is None


def test_cache_tokens() -> None:
    usage = Usage(input_tokens=1000, output_tokens=100, cached_tokens=400, cache_write_tokens=100)
    assert cost_of(entry(FULL), usage, TODAY) == Decimal("0.0023")
    plain = Price(input=Decimal(2), output=Decimal(8))
    assert cost_of(entry(plain), usage, TODAY) == Decimal("0.0028")


def test_cached_tokens_above_a_cliff_cost_the_tier_input() -> None:
    tier = PriceTier(above_input_tokens=500, input=Decimal(10), output=Decimal(20))
    usage = Usage(input_tokens=1000, output_tokens=0, cached_tokens=400, cache_write_tokens=100)
    assert cost_of(entry(FULL, tier), usage, TODAY) == Decimal("0.01")


def test_reasoning_is_inside_output() -> None:
    usage = Usage(input_tokens=0, output_tokens=1000)
    thinking = usage.model_copy(update={"reasoning_tokens": 900})
    assert cost_of(entry(FULL), usage, TODAY) == cost_of(entry(FULL), thinking, TODAY) == Decimal("0.008")


def test_batch() -> None:
    usage = Usage(input_tokens=1000, output_tokens=1000)
    assert cost_of(entry(FULL), usage, TODAY, batch=True) == Decimal("0.005")
    assert cost_of(entry(Price(input=Decimal(2), output=Decimal(8))), usage, TODAY, batch=True) is None
    tier = PriceTier(above_input_tokens=500, input=Decimal(10), output=Decimal(20))
    assert cost_of(entry(FULL, tier), usage, TODAY, batch=True) is None


@pytest.mark.parametrize(
    "usage",
    [
        Usage(),
        Usage(input_tokens=1),
        Usage(output_tokens=1),
        Usage(input_tokens=1, output_tokens=1, cached_tokens=2),
        Usage(input_tokens=1, output_tokens=-1),
    ],
)
def test_missing_or_contradictory_usage_is_unknown(usage: Usage) -> None:
    assert cost_of(entry(FULL), usage, TODAY) is None


def test_no_price_is_unknown_not_free() -> None:
    assert cost_of(entry(None), Usage(input_tokens=1, output_tokens=1), TODAY) is None
    assert blended_price(entry(None), TODAY) is None


def test_zero_tokens_cost_zero() -> None:
    assert cost_of(entry(FULL), Usage(input_tokens=0, output_tokens=0), TODAY) == 0
