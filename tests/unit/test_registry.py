from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from cqtui.errors import BadInputError
from cqtui.registry.loader import Registry, load_registry

TODAY = date(2026, 11, 25)
HEAD = 'schema_version = 1\nas_of = 2026-11-25\ncurrency = "USD"\nprice_unit = "per_1m_tokens"\n'
MODEL = (
    '[[models]]\nid = "acme/one"\ndisplay_name = "One"\nprovider = "acme"\nfamily = "acme"\n'
    'portkey_slug = "acme"\nmodel = "one"\nis_active = true\n'
)
PRICE = "[models.price]\ninput = 1\noutput = 2\n"


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry(today=TODAY)


def load(tmp_path: Path, text: str) -> Registry:
    path = tmp_path / "models.toml"
    path.write_text(text)
    return load_registry(path=path, today=TODAY)


def test_the_bundled_file_loads_without_complaint(registry: Registry) -> None:
    ids = [entry.id for entry in registry.entries]
    assert len(ids) == len(set(ids)) == 57
    assert all(entry.id == f"{entry.portkey_slug}/{entry.model}" for entry in registry.entries)
    assert all(entry.successor is None or entry.successor in ids for entry in registry.entries)
    assert registry.conflicts == ()
    assert registry.warnings == ()
    assert registry.as_of == TODAY
    assert registry.use_cases["coding"] == ("coding", "reasoning")
    judges = [registry.get(judge) for judge in registry.judges]
    assert len({judge.family for judge in judges}) == 3
    assert all(judge.is_active and judge.deprecated is None for judge in judges)


def test_prices_are_exact(registry: Registry) -> None:
    price = registry.get("gpt-4o-mini").price
    assert price is not None
    assert (price.input, price.output) == (Decimal("0.15"), Decimal("0.6"))


def test_rank_is_computed(registry: Registry) -> None:
    ranks = {entry.id: entry.rank for entry in registry.entries}
    assert registry.get("gpt-4").rank == 1
    assert ranks["openai/gpt-6-luna"] == ranks["anthropic/claude-haiku-5-5"]
    assert (registry.get("gpt-3.5-turbo").rank or 0) < (registry.get("gpt-4o-mini").rank or 0)


@pytest.mark.parametrize(
    ("name", "model_id"),
    [
        ("openai/gpt-4o", "openai/gpt-4o"),
        ("GPT-4o", "openai/gpt-4o"),
        ("@my-team/gpt-4o", "openai/gpt-4o"),
        ("@azure-openai/gpt-4o-mini", "azure-openai/gpt-4o-mini"),
        ("gpt-4o-mini", "openai/gpt-4o-mini"),
        ("gpt-4o-2024-08-06", "openai/gpt-4o"),
        ("@openai/gpt-4o-mini-2024-07-18", "openai/gpt-4o-mini"),
        ("claude-haiku-4-5-20251001", "anthropic/claude-haiku-4-5"),
        ("mistral-small-2603", "mistral-ai/mistral-small-2603"),
        ("@x/minimax-m3", "minimax/MiniMax-M3"),
    ],
)
def test_names(registry: Registry, name: str, model_id: str) -> None:
    assert registry.get(name).id == model_id


def test_an_unknown_name_shows_the_nearest(registry: Registry) -> None:
    with pytest.raises(BadInputError) as caught:
        registry.get("gpt-4oo")
    assert caught.value.title == "gpt-4oo is not in the registry."
    assert caught.value.hint.startswith("Nearest: gpt-4o, gpt-4o-mini. cqtui models list shows ")


def test_a_name_like_nothing_known(registry: Registry) -> None:
    with pytest.raises(BadInputError) as caught:
        registry.get("zzzzzzzzzzzzz")
    assert caught.value.hint == "cqtui models list shows those that are; add your own under [[models]] in cqtui.toml."


def test_several_providers_and_none_the_maker(registry: Registry) -> None:
    with pytest.raises(BadInputError, match="several providers") as caught:
        registry.get("openai/gpt-oss-120b")
    assert "groq/openai/gpt-oss-120b" in caught.value.hint


def test_overlay_merges_by_id() -> None:
    overlay = [{"id": "openai/gpt-4o", "price": {"input": 2.1}, "aliases": ["house"]}]
    entry = load_registry(overlay, today=TODAY).get("house")
    assert entry.price is not None
    assert (entry.price.input, entry.price.output) == (Decimal("2.1"), Decimal(10))
    assert entry.supports_vision is True


def test_overlay_adds() -> None:
    registry = load_registry([{"id": "acme/big", "price": {"input": 100, "output": 600}}], today=TODAY)
    entry = registry.get("big")
    assert (entry.provider, entry.family, entry.is_active, entry.rank) == ("acme", "acme", True, 1)


@pytest.mark.parametrize(
    ("entry", "title", "hint"),
    [
        ({"rnk": 3}, "cqtui.toml, model openai/gpt-4o: unknown key rnk.", "Did you mean rank?"),
        ({"price": {"inptu": 3}}, "unknown key price.inptu", "Did you mean input?"),
        ({"price_tiers": [{"above": 3, "input": 1, "output": 1}]}, "unknown key price_tiers.0.above", "above_input"),
        ({"is_active": "perhaps"}, "is_active is wrong", ""),
        ({"price": {"input": 0}}, "price of 0", "unknown"),
        ({"price": {"output": -1}}, "price.output is -1, not a price", ""),
        ({"price": {"input": 201}}, "looks like a per-1K mistake", "1,000,000"),
        ({"price": {"output": 701}}, "looks like a per-1K mistake", "1,000,000"),
        ({"price": {"input": 0.0000025, "cache_read": 0}}, "looks like a per-token mistake", "1,000,000"),
        ({"price": {"cache_read": 3}}, "cache_read 3 is above input 2.5", ""),
        ({"price_changes": [{"effective": date(2027, 1, 1), "input": 0, "output": 1}]}, "price of 0", ""),
        ({"aliases": ["OPENAI/gpt-4.1"]}, "the alias OPENAI/gpt-4.1 is taken by openai/gpt-4.1", ""),
    ],
)
def test_errors(entry: Mapping[str, object], title: str, hint: str) -> None:
    with pytest.raises(BadInputError) as caught:
        load_registry([{"id": "openai/gpt-4o", **entry}], today=TODAY)
    assert title in caught.value.title
    assert "cqtui.toml, model openai/gpt-4o" in caught.value.title
    assert hint in caught.value.hint


def test_an_alias_of_two_models() -> None:
    overlay = [{"id": "openai/gpt-4o", "aliases": ["a"]}, {"id": "openai/gpt-4.1", "aliases": ["A"]}]
    with pytest.raises(BadInputError, match="taken by an alias of openai/gpt-4"):
        load_registry(overlay, today=TODAY)


def test_duplicate_ids(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="id acme/one appears twice"):
        load(tmp_path, HEAD + MODEL + PRICE + MODEL)
    with pytest.raises(BadInputError, match="appears twice"):
        load_registry([{"id": "a/b"}, {"id": "A/b"}])
    with pytest.raises(BadInputError, match="has no id"):
        load_registry([{"model": "b"}])


def test_the_file_itself(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="price_unit is 'per_1k_tokens'"):
        load(tmp_path, HEAD.replace("1m", "1k") + MODEL)
    with pytest.raises(BadInputError, match=r"models\.toml: unknown key judgs\. Did you mean judges\?"):
        load(tmp_path, HEAD + "judgs = []\n" + MODEL)
    with pytest.raises(BadInputError, match="not valid TOML"):
        load(tmp_path, "= 1")
    with pytest.raises(BadInputError, match="cannot be read"):
        load_registry(path=tmp_path / "absent.toml")
    with pytest.raises(BadInputError, match=r"model acme/one: family is missing"):
        load(tmp_path, HEAD + MODEL.replace('family = "acme"\n', ""))


def test_no_price_is_no_rank(tmp_path: Path) -> None:
    assert load(tmp_path, HEAD + MODEL).get("one").rank is None


def test_warnings_and_conflicts(tmp_path: Path) -> None:
    price = PRICE.replace("output = 2", "output = 0.5\nbatch_input = 1\nbatch_output = 0.2")
    text = HEAD.replace("2026-11-25", "2026-09-25") + MODEL + "deprecated = 2026-11-25\n" + price
    registry = load(tmp_path, text)
    assert [conflict.kind for conflict in registry.conflicts] == ["active_past_end", "batch_not_cheaper"]
    assert registry.warnings == (
        "The prices in models.toml are 61 days old (read 2026-09-25).",
        "acme/one: output $0.5 is below input $1 per 1M tokens.",
    )


def test_a_rank_against_the_price_is_a_conflict() -> None:
    overlay = [{"id": "openai/gpt-4o-mini", "rank": 4}, {"id": "openai/gpt-3.5-turbo", "rank": 5}]
    registry = load_registry(overlay, today=TODAY)
    (conflict,) = registry.conflicts
    assert (conflict.model_id, conflict.kind) == ("openai/gpt-3.5-turbo", "rank")
    assert "cheaper than openai/gpt-4o-mini" in conflict.details
    assert registry.get("gpt-3.5-turbo").rank != 5


@pytest.mark.parametrize(("rank", "claim"), [(57, "cheaper"), (1, "dearer")])
def test_a_lone_rank_is_held_against_the_computed_ones(rank: int, claim: str) -> None:
    registry = load_registry([{"id": "openai/gpt-3.5-turbo", "rank": rank}], today=TODAY)
    (conflict,) = registry.conflicts
    assert f"says {claim} than" in conflict.details
