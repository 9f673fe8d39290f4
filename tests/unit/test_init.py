"""``cqtui init``: what it proposes, asks and writes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cqtui.cli.init import command
from cqtui.cli.optimize import command as optimize
from cqtui.engine.nearby import nearby_logs
from cqtui.engine.optimize import registry_for
from cqtui.engine.proposals import _judge
from cqtui.errors import BadInputError
from cqtui.models import ModelEntry
from cqtui.settings import Settings, load_settings
from tests.fakes import write_log
from tests.unit.test_logs_inspect import record, written

AS_OF = ("--as-of", "2026-11-25")
CONFIG = Path("cqtui.toml")


def init(*arguments: object, typed: str | None = None) -> Result:
    return CliRunner().invoke(command, [*map(str, arguments), *AS_OF], input=typed)


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runner's input counts as a terminal."""
    monkeypatch.setattr("cqtui.cli.init.is_terminal", lambda: True)


@pytest.fixture
def log() -> Path:
    """40 calls in 39 hours."""
    Path("logs").mkdir()
    return write_log(Path("logs/october.jsonl"), 40)


def proposed(*arguments: object) -> dict[str, Any]:
    done = init(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return {each["name"]: each["value"] for each in json.loads(done.stdout)["proposals"]}


def refused(done: Result, *words: str) -> None:
    assert isinstance(done.exception, BadInputError), done.output
    for word in words:
        assert word in str(done.exception)
    assert done.stdout == ""


def test_the_file_loads_and_a_dry_run_works_right_after(log: Path) -> None:
    done = init("--yes")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-2:] == ["Wrote cqtui.toml.", "Next: cqtui optimize --dry-run"]
    settings = load_settings(None)
    assert settings.current_model == "openai/gpt-5.6-terra"
    assert (settings.use_case, settings.logs) == ("general", ("logs",))
    assert settings.traffic.monthly_request_volume == round(40 / (39 / 24) * 365.25 / 12)
    assert settings.judge.models == ("anthropic/claude-haiku-4-5",)
    assert settings.budget.usd == 1
    text = CONFIG.read_text(encoding="utf-8")
    assert "# It gave all of the log's answers.\ncurrent_model" in text
    assert "\n# blocked_providers = " in text
    plan = CliRunner().invoke(optimize, ["--dry-run", *AS_OF])
    assert plan.exit_code == 0, plan.output
    assert "free: cqtui optimize --as-of 2026-11-25 --provider rehearsal\n" in plan.stderr


@pytest.mark.parametrize(
    ("judge", "why"),
    [
        ("anthropic/claude-haiku-4-5", "Of another family than openai/gpt-5.6-terra and the models"),
        ("openai/gpt-5.4-mini", "Of the family of openai/gpt-5.6-terra: no switch is verified before you labelled 30"),
        (
            "bedrock/amazon.nova-lite-v1:0",
            "Of the family of bedrock/amazon.nova-micro-v1:0: a switch to it is verified",
        ),
    ],
)
def test_a_judge_of_a_contestants_family_is_said_to_be_one(log: Path, judge: str, why: str) -> None:
    assert "bedrock/amazon.nova-micro-v1:0" in json.loads(init("--json").stdout)["candidates"]
    proposals = _judge((_entry(judge),), _entry("gpt-5.6-terra"), (_entry("bedrock/amazon.nova-micro-v1:0"),), None)
    assert proposals.why.startswith(why)


def _entry(name: str) -> ModelEntry:
    return registry_for(Settings()).get(name)


def test_a_budget_below_the_estimate_says_so(log: Path) -> None:
    write_log(Path("logs/october.jsonl"), 400)
    reasons = {each["name"]: each["why"] for each in json.loads(init("--json").stdout)["proposals"]}
    assert reasons["budget.usd"].startswith("The default. Every call would cost about $")


@pytest.mark.parametrize(
    ("changes", "use_case"),
    [
        ({}, "general"),
        ({"params": {"tools": [{"type": "function", "function": {"name": "f"}}]}}, "agents"),
        ({"params": {"response_format": {"type": "json_object"}}}, "extraction"),
        (
            {
                "params": {"response_format": {"type": "json_object"}},
                "usage": {"input_tokens": 50, "output_tokens": 4},
            },
            "classification",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}],
                    }
                ]
            },
            "vision",
        ),
    ],
)
def test_the_use_case_is_what_most_calls_are(changes: dict[str, Any], use_case: str) -> None:
    path = written(Path("log.jsonl"), *(record(n, **changes) for n in range(6)), *(record(n) for n in range(6, 9)))
    assert proposed(path)["use_case"] == use_case


def test_the_most_used_model_of_the_registry_is_proposed_and_an_unknown_one_named(log: Path) -> None:
    models = ["acme-9"] * 3 + ["gpt-5.6-terra"] * 2 + ["gpt-4o"]
    path = written(Path("mixed.jsonl"), *(record(n, model=model) for n, model in enumerate(models)))
    done = init(path, "--json")
    model = json.loads(done.stdout)["proposals"][0]
    assert model["value"] == "openai/gpt-5.6-terra"
    assert "2 of the log's 6 answers" in model["why"]
    assert "acme-9 is not in the registry." in model["why"]


def test_a_model_that_nobody_knows_must_be_named() -> None:
    path = written(Path("log.jsonl"), *(record(n, model="gpt-4oo") for n in range(4)))
    refused(init(path, "--yes"), "gpt-4oo is not in the registry. Nearest: gpt-4o", "--current-model")
    assert not CONFIG.exists()
    done = init(path, "--yes", "--current-model", "gpt-4o", "--monthly-volume", 5000, "--budget-usd", "2.50")
    assert done.exit_code == 0, done.output
    settings = load_settings(None)
    assert settings.current_model == "openai/gpt-4o"
    assert (settings.traffic.monthly_request_volume, settings.budget.usd) == (5000, Decimal("2.50"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--use-case", "poetry"), ('"poetry" is no use case', "extraction")),
        (("--current-model", "gpt-4oo"), ("Nearest: gpt-4o",)),
        (("--judge", "gpt-5.6-terra"), ("is a contestant",)),
        (("--budget-usd", "-1"), ("below 0",)),
    ],
)
def test_wrong_answers_are_refused(log: Path, options: tuple[str, ...], words: tuple[str, ...]) -> None:
    refused(init(log, "--yes", *options), *words)
    assert not CONFIG.exists()


def test_nothing_is_written_without_consent(log: Path) -> None:
    refused(init(log), "--yes")
    done = init(log, "--json")
    assert json.loads(done.stdout)["written"] is None
    assert json.loads(done.stdout)["next"] == f"cqtui init {log} --yes"
    assert not CONFIG.exists()
    CONFIG.write_text("# mine\n", encoding="utf-8")
    refused(init(log, "--yes"), "is there already", "--force")
    assert CONFIG.read_text(encoding="utf-8") == "# mine\n"
    assert init(log, "--yes", "--force").exit_code == 0
    assert load_settings(None).current_model == "openai/gpt-5.6-terra"


@pytest.mark.usefixtures("on_terminal")
class TestOnATerminal:
    def test_lines_are_changed_until_the_user_agrees(self, log: Path) -> None:
        done = init(log, typed="2\npoetry\nsupport\n3\n120,000\n5\n$2.5\n\n")
        assert done.exit_code == 0, done.output
        assert '"poetry" is no use case' in done.stderr
        settings = load_settings(None)
        assert (settings.use_case, settings.budget.usd) == ("support", Decimal("2.5"))
        assert settings.traffic.monthly_request_volume == 120_000
        assert "# As you stated.\nuse_case" in CONFIG.read_text(encoding="utf-8")

    def test_what_the_log_does_not_tell_is_asked(self) -> None:
        path = written(Path("log.jsonl"), *(record(n, model=None, timestamp=None) for n in range(4)))
        done = init(path, typed="gpt-4oo\ngpt-4o\n9000\n\n")
        assert done.exit_code == 0, done.output
        assert "Nearest: gpt-4o" in done.stderr
        settings = load_settings(None)
        assert (settings.current_model, settings.traffic.monthly_request_volume) == ("openai/gpt-4o", 9000)

    @pytest.mark.parametrize("typed", ["q\n", ""])
    def test_a_no_writes_nothing(self, log: Path, typed: str) -> None:
        assert init(log, typed=typed).exit_code == 1
        assert not CONFIG.exists()

    def test_an_existing_file_is_asked_about(self, log: Path) -> None:
        CONFIG.write_text("# mine\n", encoding="utf-8")
        assert init(log, typed="n\n").exit_code == 1
        assert CONFIG.read_text(encoding="utf-8") == "# mine\n"
        assert init(log, typed="y\n\n").exit_code == 0
        assert "current_model" in CONFIG.read_text(encoding="utf-8")

    def test_several_logs_are_chosen_from(self, log: Path) -> None:
        write_log(Path("other.jsonl"), 3)
        assert init(typed="2\n\n").exit_code == 0
        assert load_settings(None).logs == ("logs",)


def test_files_count_as_logs_by_their_content(log: Path) -> None:
    for name, text in (
        ("package.json", '{"name": "x"}'),
        ("broken.jsonl", "hello\n"),
        (".hidden/log.jsonl", log.read_text(encoding="utf-8")),
        ("node_modules/log.jsonl", log.read_text(encoding="utf-8")),
        ("data/list.json", json.dumps([record(1)], indent=1)),
    ):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
    assert [str(path) for path in nearby_logs(Path())] == ["data", "logs"]


def test_several_logs_must_be_named_by_a_script(log: Path) -> None:
    write_log(Path("other.jsonl"), 3)
    refused(init("--yes"), "Several logs were found: other.jsonl, logs.", "cqtui init LOGS")


def test_without_a_log_it_says_so() -> None:
    refused(init("--yes"), "No log was found")


def test_hostile_names_of_models_stay_inside_their_comment() -> None:
    odd = 'x"\n[budget]\nusd = 9\n\x1b[31m'
    path = written(Path("log.jsonl"), *(record(n, model=odd) for n in range(3)), record(4))
    done = init(path, "--yes")
    assert done.exit_code == 0, done.output
    assert "\x1b" not in done.output
    assert load_settings(None).budget.usd == 1


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "my settings"
    folder.mkdir()
    yield folder
    assert not CONFIG.exists()


def test_a_file_elsewhere_names_the_log_from_there(log: Path, elsewhere: Path) -> None:
    config = elsewhere / "cqtui.toml"
    done = init(log, "--yes", "--config", config)
    assert done.stdout.splitlines()[-1] == f"Next: cqtui optimize '--config={config}' --dry-run"
    assert load_settings(config).logs == (os.path.realpath(log),)
