"""``cqtui export`` on stored runs."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from tests.cli.test_commands import AS_OF, cqtui, refused
from tests.fakes import pairs, write_log
from tests.results import NEW, recommendation, store_run


def test_a_config_on_stdout_and_its_note_on_stderr(tmp_path: Path) -> None:
    store_run(tmp_path, recommendation())
    done = cqtui("export", "3f2a", "--format", "portkey-config", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    config = json.loads(done.stdout)
    assert [target["weight"] for target in config["targets"]] == [0.95, 0.05]
    assert config["targets"][0]["provider"] == "openai"  # the run's endpoint is no hosted Portkey
    assert done.stderr.startswith("# 5% of the calls from `gpt-5.6-terra` to `gpt-5.6-luna`")
    assert "## Roll back" in done.stderr
    assert "Warning" not in done.stderr


def test_the_full_switch_and_the_way_back(tmp_path: Path) -> None:
    store_run(tmp_path, recommendation())
    for percent, weights in (("100", [0, 1]), ("0", [1, 0]), ("12.5", [0.875, 0.125])):
        done = cqtui("export", "--format", "portkey-config", "--canary", percent, cwd=tmp_path)
        assert [target["weight"] for target in json.loads(done.stdout)["targets"]] == weights
    for percent in ("-1", "101", "nan", "x"):
        done = cqtui("export", "--format", "portkey-config", "--canary", percent, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert "Traceback" not in done.stderr


def test_an_output_has_its_note_beside_it(tmp_path: Path) -> None:
    store_run(tmp_path, recommendation())
    done = cqtui("export", "--format", "portkey-config", "--output", "out/canary.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "targets" in json.loads((tmp_path / "out/canary.json").read_text(encoding="utf-8"))
    assert (tmp_path / "out/canary.json.md").read_text(encoding="utf-8") == done.stderr


def test_hosted_slugs_and_the_guardrail_set_come_from_the_settings(tmp_path: Path) -> None:
    store_run(tmp_path, recommendation(guardrail_set="cards", endpoint="https://api.portkey.ai/v1"))
    refused(cqtui("export", "--format", "portkey-config", cwd=tmp_path), 2, '"cards"', "--config")
    (tmp_path / "team.toml").write_text(
        '[gateway.slugs]\nopenai = "prod"\n'
        '[guardrails.cards.config]\ninput_guardrails = [{ "default.regexMatch" = { rule = "x" } }]\n',
        encoding="utf-8",
    )
    done = cqtui("export", "--format", "portkey-config", "--config", "team.toml", cwd=tmp_path)
    config = json.loads(done.stdout)
    new = config["targets"][1]["targets"][0]
    assert new["override_params"] == {"model": "@prod/gpt-5.6-luna"}
    assert new["input_guardrails"] == [{"default.regexMatch": {"rule": "x"}}]
    other = ("--config", "team.toml", "--target", "open-source")
    plain = json.loads(cqtui("export", "--format", "portkey-config", *other, cwd=tmp_path).stdout)
    assert plain["targets"][0]["provider"] == "openai"


def test_a_profile_has_slugs_of_its_own(tmp_path: Path) -> None:
    store_run(tmp_path, recommendation(endpoint="https://api.portkey.ai/v1"))
    text = '[gateway.slugs]\nopenai = "prod"\n[profiles.canary.gateway.slugs]\nopenai = "canary"\n'
    (tmp_path / "cqtui.toml").write_text(text, encoding="utf-8")
    done = cqtui("export", "--format", "portkey-config", "--profile", "canary", cwd=tmp_path)
    assert "@canary/gpt-5.6-luna" in done.stdout, done.stderr
    assert "@prod" not in done.stdout
    unknown = cqtui("export", "--format", "portkey-config", "--profile", "canry", cwd=tmp_path)
    refused(unknown, 2, 'no profile "canry"', 'Did you mean "canary"?')


def test_a_leaning_run_is_exported_with_a_warning(tmp_path: Path) -> None:
    store_run(tmp_path, recommendation(pairs(60, drop=1.0)))
    done = cqtui("export", "--format", "portkey-config", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr.startswith("Warning: leaning, not verified.")
    assert json.loads(done.stdout)["targets"]


def test_runs_that_must_not_change_traffic_are_refused(tmp_path: Path) -> None:
    store_run(tmp_path, recommendation(pairs(60, drop=30.0)))
    refused(
        cqtui("export", "--format", "portkey-config", "--output", "c.json", cwd=tmp_path),
        2,
        "does not recommend a switch",
        "Keep gpt-5.6-terra",
    )
    assert not list(tmp_path.glob("c.json*"))
    refused(cqtui("export", "nosuch", "--format", "jsonl", cwd=tmp_path), 2, "No run nosuch")


def test_a_rehearsal_is_refused_as_a_config_and_labelled_as_records(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.jsonl", 24)
    assert cqtui("optimize", log, "--provider", "rehearsal", *AS_OF, cwd=tmp_path).returncode == 0
    refused(cqtui("export", "--format", "portkey-config", cwd=tmp_path), 2, "is a rehearsal")
    done = cqtui("export", "--format", "jsonl", cwd=tmp_path)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) >= 3
    assert {line["evidence_kind"] for line in lines} == {"simulated"}
    assert len({tuple(line) for line in lines}) == 1


def test_answers_from_a_recording_are_exported_with_a_warning(tmp_path: Path) -> None:
    store_run(tmp_path, recommendation(provider="recorded", endpoint="recorded:r.jsonl"))
    done = cqtui("export", "--format", "portkey-config", cwd=tmp_path)
    assert done.stderr.startswith("Warning: the answers are from a recording")
    assert '"@openai/gpt-5.6-luna"' in done.stdout  # the settings name no gateway: hosted


@pytest.mark.parametrize("target", ["open-source", "hosted"])
def test_no_key_is_written(tmp_path: Path, target: str) -> None:
    keys = {name: f"sk-secret-{name.lower()}" for name in ("PORTKEY_API_KEY", "OPENAI_API_KEY", "MISTRAL_AI_API_KEY")}
    store_run(tmp_path, recommendation(model_id="mistral-ai/small"))
    done = cqtui("export", "--format", "portkey-config", "--target", target, cwd=tmp_path, **keys)
    assert done.returncode == 0, done.stderr
    assert not re.search("sk-secret", done.stdout + done.stderr)


def test_records_to_a_file(tmp_path: Path) -> None:
    store_run(tmp_path, recommendation())
    done = cqtui("export", "--format", "jsonl", "--output", "c.jsonl", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (line,) = (tmp_path / "c.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["model"] == NEW


def test_candidates_as_csv(tmp_path: Path) -> None:
    result = recommendation()
    store_run(tmp_path, result)
    done = cqtui("export", "--format", "csv", "--output", "out/candidates.csv", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    with (tmp_path / "out/candidates.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["model"], row["grade"], row["gate_quality"]) == (NEW, "verified", "passed")
    assert cqtui("export", "--format", "csv", cwd=tmp_path).stdout.splitlines()[0].startswith("run_id,timestamp,")
