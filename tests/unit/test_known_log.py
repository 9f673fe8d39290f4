"""When a log that was read once serves other settings, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cqtui.engine.log import Log, read_log
from cqtui.importers import sampling
from cqtui.registry.loader import load_registry
from cqtui.settings import Settings
from tests.fakes import write_log

OF_THE_SAMPLE: list[dict[str, Any]] = [{"seed": 7}, {"current_model": "gpt-5.6-luna"}]
OF_THE_FIGURES: list[dict[str, Any]] = [
    {"traffic": {"avg_input_tokens": 900}},
    {"traffic": {"avg_output_tokens": 90}},
    {"models": [{"id": "openai/gpt-5.6-luna", "is_active": False}]},
]
OF_NEITHER: list[dict[str, Any]] = [
    {"traffic": {"monthly_request_volume": 90_000}},
    {"use_case": "support"},
    {"thresholds": {"max_samples": 9}},
]


def read(folder: Path, calls: int, sample_size: int) -> tuple[Log, Settings]:
    settings = Settings()
    log = read_log([write_log(folder / "log.jsonl", calls)], settings, load_registry(), sample_size=sample_size)
    return log, settings


def serves(found: tuple[Log, Settings], changes: dict[str, Any]) -> bool:
    log, settings = found
    return log.serves(settings, Settings.model_validate(changes))


@pytest.mark.parametrize("changes", OF_THE_SAMPLE)
def test_what_draws_a_sample_matters_to_a_sample_alone(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert serves(read(tmp_path, 20, 40), changes)
    sampled = read(tmp_path, 41, 40)
    assert sampled[0].read.left_out
    assert not serves(sampled, changes)


def test_a_log_that_the_half_for_the_current_model_may_not_hold_is_none_that_serves(tmp_path: Path) -> None:
    found = read(tmp_path, 21, 40)
    assert not found[0].read.left_out
    assert not serves(found, {"current_model": "gpt-5.6-terra"})


def test_a_log_cut_by_its_bytes_is_a_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling.Sample.__init__, "__defaults__", (400,))
    found = read(tmp_path, 20, 40)
    assert found[0].read.left_out
    assert not serves(found, {"seed": 7})


@pytest.mark.parametrize("changes", OF_THE_FIGURES)
def test_what_the_figures_depend_on_is_read_again(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert not serves(read(tmp_path, 20, 40), changes)


@pytest.mark.parametrize("changes", OF_NEITHER)
def test_what_counts_in_the_plan_alone_is_not(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert serves(read(tmp_path, 41, 40), changes)
